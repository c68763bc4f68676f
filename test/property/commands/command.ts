import fc from 'fast-check';
import type { Story } from '../story.ts';

/** One thing that people, time or other companies may do to a Drover: how often among all, with what, and how. */
export interface Command<A> {
  weight: number;
  args: fc.Arbitrary<A>;
  /** Does it; what it may change of what the story remembers is said with `story.expect`. */
  run: (story: Story, args: A) => Promise<unknown>;
}

/** A command of any arguments, so that one table holds them all. */
export type AnyCommand = Command<never>;

export const command = <A extends object>(made: Command<A>): AnyCommand => made as unknown as AnyCommand;

export const listNames = ['North', 'South', 'East'];
export const sequenceNames = ['Fall', 'Winter'];

export const list = fc.constantFrom(...listNames);
export const sequence = fc.constantFrom(...sequenceNames);
/** Both sequences write from Ada, Fall from Ben too. */
export const sender = fc.constantFrom('Ada', 'Ada', 'Ben');
/** Which of those that there are: the nth, round and round. */
export const nth = fc.nat({ max: 40 });
export const nothing = fc.constant({});
