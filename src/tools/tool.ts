import { z } from 'zod';
import type { Place } from '../domain/approvals/index.ts';
import type { Context, Services } from '../domain/context.ts';
import type { Refusal } from '../errors.ts';
import type { Fact, Report } from './report.ts';

/** What a call does, derived from its plan (A1). */
export type Effect = 'read' | 'write' | 'gated' | 'human';

/** What a call would do, computed before anything is written. */
export interface Plan<P> {
  effect: Effect;
  /** What `run` carries out. */
  data: P;
  /** One sentence on what will happen, for cards and the trail. */
  summary: string;
  /** How many people it reaches (A2). */
  reach?: number;
  /** What it is about: 'list:3', 'sequence:4'. The first is what it changes; the others are what that concerns (A6). */
  objects?: string[];
  /** Ids and statuses that must be the same at the press (A2); counts of people belong to `reach`. */
  binds?: unknown;
  /** For gated plans: the full effect, as the card shows it. Without it the card shows the summary. */
  card?: Report;
  /** For plans of humans: what to write on the command line. */
  byHand?: string;
}

/** How a result is told. */
export interface Telling {
  zone: string;
  now: Temporal.Instant;
}

/** A call to be taken back: when it was made, and how things were. */
export interface Undoing<B, R> {
  /** What the tool's `before` read. */
  before: B;
  result: R;
  at: Temporal.Instant;
}

/** What taking a call back did: as a sentence, and what that comes to (M9). JSON. */
export interface Undone {
  said: string;
  facts?: Fact[];
}

/** One capability: what the model reads, what it takes, what it would do, what it does, how it is told. */
export interface Tool<I, Prepared, P, R, B = unknown> {
  name: string;
  /** For the model and for help: what it does, when to use it. */
  description: string;
  /** Three or more phrasings for help and for suggestions, each works as typed. */
  examples: string[];
  /** Its effect is always `human` (A1): the model is not even offered it. */
  humanOnly?: true;
  input: z.ZodType<I>;
  /** Calls that may cross a network (sources); runs before the transaction opens. */
  prepare?: (services: Services, input: I, asker: { workspaceId: number; place: Place }) => Promise<Prepared>;
  /** Reads only. A refusal says what to do next. */
  plan: (ctx: Context, input: I, prepared: Prepared) => Promise<Plan<P> | Refusal>;
  /** Writes; its result is JSON (instants and dates as ISO text), since it is stored (A8). A refusal rolls nothing back: return it first. */
  run: (ctx: Context, plan: P) => Promise<R>;
  /** What a call made that its plan could not name yet: 'list:3' of a list that is new. It comes first among the objects. */
  made?: (result: R) => string[];
  /** How things are just before `run`, in its transaction, as far as `undo` needs it. JSON. */
  before?: (ctx: Context, plan: P) => Promise<B>;
  /**
   * Takes a call back and says what it reverted, as a sentence (A6). Refuses, before it writes anything, where something has left because
   * of the call, or where the call cannot be taken back, and says what to do instead. Without it a call cannot be taken back.
   */
  undo?: (ctx: Context, undoing: Undoing<B, R>) => Promise<Undone | Refusal>;
  /** Does taking it back do what waits for a button (A1)? It does not, unless said. */
  undoIsGated?: (ctx: Context, undoing: Undoing<B, R>) => Promise<boolean>;
  /** The result as something to look at. Pure. */
  present: (result: R, telling: Telling) => Report;
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds tools of every shape
export type AnyTool = Tool<any, any, any, any, any>;

export const defineTool = <I, P, R, Prepared = undefined, B = undefined>(
  tool: Tool<I, Prepared, P, R, B>,
): Tool<I, Prepared, P, R, B> => tool;

/** A local date, YYYY-MM-DD; one that no calendar has is refused in a sentence. */
export const localDate = z.iso.date({ error: ({ input }) => `There is no ${input}. Write a day that exists, like 2027-01-31.` });
