import fc from 'fast-check';
import type { AnyCommand } from './command.ts';
import { links } from './links.ts';
import { lists } from './lists.ts';
import { machine } from './machine.ts';
import { mail } from './mail.ts';
import { people } from './people.ts';
import { senders } from './senders.ts';
import { sequences } from './sequences.ts';

/** Everything that may happen in a story, a file an area. */
export const commands: Readonly<Record<string, AnyCommand>> = {
  ...lists,
  ...links,
  ...sequences,
  ...people,
  ...mail,
  ...senders,
  ...machine,
};

/** One step, as a failure prints it. */
export interface Step {
  do: string;
  [argument: string]: unknown;
}

export const step: fc.Arbitrary<Step> = fc.oneof(
  ...Object.entries(commands).map(([name, { weight, args }]) => ({
    weight,
    arbitrary: (args as fc.Arbitrary<object>).map((given): Step => ({ do: name, ...given })),
  })),
);
