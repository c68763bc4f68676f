import type { z } from 'zod';
import type { Place } from '../domain/approvals/index.ts';
import type { Context, Services } from '../domain/context.ts';
import type { Refusal } from '../errors.ts';
import type { Report } from './report.ts';

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
  /** What it is about: 'list:3', 'sequence:4'. */
  objects?: string[];
  /** Ids and statuses that must be the same at the press (A2); counts of people belong to `reach`. */
  binds?: unknown;
  /** For gated plans: the full effect, as the card shows it. Without it the card shows the summary. */
  card?: Report;
}

/** How a result is told. */
export interface Telling {
  zone: string;
  now: Temporal.Instant;
}

/** One capability: what the model reads, what it takes, what it would do, what it does, how it is told. */
export interface Tool<I, Prepared, P, R> {
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
  /** The result as something to look at. Pure. */
  present: (result: R, telling: Telling) => Report;
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds tools of every shape
export type AnyTool = Tool<any, any, any, any>;

export const defineTool = <I, P, R, Prepared = undefined>(tool: Tool<I, Prepared, P, R>): Tool<I, Prepared, P, R> => tool;
