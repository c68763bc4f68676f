import type { Context, MemberActor } from '../domain/context.ts';
import type { Outcome } from './run.ts';

/** One message to the agent, from whichever surface. Slack and the command line hand it over; the agent answers it. */
export interface TurnRequest {
  workspaceId: number;
  /** The stored request that it came from; a turn exists once for it. */
  inboxId: number;
  asker: MemberActor;
  surface: 'slack' | 'cli';
  channel: string;
  /** `thread_ts ?? ts`: what keeps a conversation together. */
  root: string;
  /** The words, without the bot's mention. */
  text: string;
  signal?: AbortSignal;
}

export interface TurnCall {
  tool: string;
  input: unknown;
  outcome: Outcome;
}

/** What a turn came to. `text` is the model's; everything else is code's (A3). */
export interface TurnAnswer {
  turnId: number;
  /** `stopped`: a bound was reached or the model was down; `text` says so and what was done until then (A7). */
  status: 'done' | 'stopped';
  text: string;
  calls: TurnCall[];
  approvals: { id: number; summary: string }[];
}

/**
 * Answers one message. It never throws for what a model or a tool does: it records its outcome (A8). `deliver` runs in the transaction
 * that ends the turn, so that an answer is shown if and only if its turn is done.
 */
export type RunTurn = (request: TurnRequest, deliver: (ctx: Context, answer: TurnAnswer) => Promise<void>) => Promise<TurnAnswer>;
