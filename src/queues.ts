import { z } from 'zod';

/** Every background job: its name, what it carries (ids, never contents) and how its queue behaves. */
export interface Queue<P> {
  name: string;
  payload: z.ZodType<P>;
  /**
   * `standard`: every job runs. `short`: at most one waits per key, so asking again while one waits changes nothing.
   * `in_order`: jobs of one key run one at a time, in the order they were sent (C2).
   */
  policy: 'standard' | 'short' | 'in_order';
  /** How many run side by side in one process. */
  workers: number;
  /** Jobs of one queue are told apart by this; needed unless the policy is `standard`. */
  key?: (payload: P) => string;
}

const id = z.int().positive();
const queue = <P>(definition: Queue<P>): Queue<P> => definition;

/** Looks for everything that is due, over all workspaces. Runs every minute, and whenever the clock is moved. */
export const tick = queue({ name: 'tick', payload: z.object({}), policy: 'short', workers: 1, key: () => 'tick' });

/** Carries out one refill row. */
export const refillList = queue({
  name: 'refill-list',
  payload: z.object({ workspaceId: id, refillId: id }),
  policy: 'short',
  workers: 2,
  key: p => `${p.refillId}`,
});

/** Enrols a linked list's members, chunk by chunk (K5). */
export const enrollList = queue({
  name: 'enroll-list',
  payload: z.object({ workspaceId: id, linkId: id }),
  policy: 'short',
  workers: 2,
  key: p => `${p.linkId}`,
});

/** Puts the members of a combined list on it, chunk by chunk. */
export const combineLists = queue({
  name: 'combine-lists',
  payload: z.object({
    workspaceId: id,
    listId: id,
    how: z.enum(['union', 'intersection', 'minus']),
    from: z.array(id).min(2).max(10),
  }),
  policy: 'short',
  workers: 1,
  key: p => `${p.listId}`,
});

/** Ends who is live in an archived sequence, where there are more than one transaction takes (S1). */
export const archiveSequence = queue({
  name: 'archive-sequence',
  payload: z.object({ workspaceId: id, sequenceId: id }),
  policy: 'short',
  workers: 1,
  key: p => `${p.sequenceId}`,
});

/** Moves people of a sequence to a version of its steps, where there are more than one transaction takes: one edit after another (S7). */
export const moveSteps = queue({
  name: 'move-steps',
  payload: z.object({ workspaceId: id, sequenceId: id, version: id, above: z.int().min(0) }),
  policy: 'in_order',
  workers: 1,
  key: p => `${p.sequenceId}`,
});

/** Ends the stale of a sequence that is to go on, where there are more than one transaction takes, and then wakes it (S9). */
export const endStale = queue({
  name: 'end-stale',
  payload: z.object({ workspaceId: id, sequenceId: id }),
  policy: 'short',
  workers: 1,
  key: p => `${p.sequenceId}`,
});

/** Once per local day of a sequence: enrols what the event-driven path missed, then plans (E2). */
export const dailyEnrollment = queue({
  name: 'daily-enrollment',
  payload: z.object({ workspaceId: id, sequenceId: id, on: z.iso.date() }),
  policy: 'short',
  workers: 2,
  key: p => `${p.sequenceId}:${p.on}`,
});

/** Tops a sequence's today up to its cap, or without one, all those of the workspace that have begun their day (E2). */
export const planDay = queue({
  name: 'plan-day',
  payload: z.object({ workspaceId: id, sequenceId: id.optional() }),
  policy: 'short',
  workers: 2,
  key: p => (p.sequenceId === undefined ? `workspace ${p.workspaceId}` : `${p.sequenceId}`),
});

/** Hands over what is due in a workspace (D1). */
export const sendDue = queue({
  name: 'send-due',
  payload: z.object({ workspaceId: id }),
  policy: 'short',
  workers: 2,
  key: p => `${p.workspaceId}`,
});

/** Shows a sequence's open tasks to its new owner (W3). */
export const showTasks = queue({
  name: 'show-tasks',
  payload: z.object({ workspaceId: id, sequenceId: id }),
  policy: 'short',
  workers: 1,
  key: p => `${p.sequenceId}`,
});

/** Reads what came into a sender's mailbox (D4). */
export const readMail = queue({
  name: 'read-mail',
  payload: z.object({ workspaceId: id, senderId: id }),
  policy: 'short',
  workers: 4,
  key: p => `${p.senderId}`,
});

/** Has a model say what a reply means that neither its headers nor its phrases told. */
export const classifyReply = queue({
  name: 'classify-reply',
  payload: z.object({ workspaceId: id, replyId: id }),
  policy: 'short',
  workers: 2,
  key: p => `${p.replyId}`,
});

/** Hands over what a person answered to a reply. */
export const sendAnswer = queue({
  name: 'send-answer',
  payload: z.object({ workspaceId: id, answerId: id }),
  policy: 'short',
  workers: 2,
  key: p => `${p.answerId}`,
});

/** Reminds the owner of a reply that somebody is to be written to again. */
export const remindOfReply = queue({
  name: 'remind-of-reply',
  payload: z.object({ workspaceId: id, replyId: id, on: z.iso.date() }),
  policy: 'short',
  workers: 1,
  key: p => `${p.replyId}:${p.on}`,
});

/** Answers one message; turns of a thread run in order, threads side by side (C2). */
export const agentTurn = queue({
  name: 'agent-turn',
  payload: z.object({ inboxId: id, thread: z.string() }),
  policy: 'in_order',
  workers: 8,
  key: p => p.thread,
});

/** Handles one slash command or click. */
export const slackInteraction = queue({
  name: 'slack-interaction',
  payload: z.object({ inboxId: id }),
  policy: 'standard',
  workers: 4,
});

/** Writes what waits for a channel to Slack, in order and paced. */
export const slackPost = queue({
  name: 'slack-post',
  payload: z.object({ workspaceId: id, channel: z.string() }),
  policy: 'in_order',
  workers: 4,
  key: p => `${p.workspaceId}:${p.channel}`,
});

/** Composes and posts one digest for its due period (G2). */
export const postDigest = queue({
  name: 'post-digest',
  payload: z.object({ workspaceId: id, digestId: id }),
  policy: 'short',
  workers: 1,
  key: p => `${p.digestId}`,
});

/** Cleans the embedded database's tables and counts them for the planner: its autovacuum does not run. */
export const vacuum = queue({ name: 'vacuum', payload: z.object({}), policy: 'short', workers: 1, key: () => 'vacuum' });

// biome-ignore lint/suspicious/noExplicitAny: a queue's payload type is its own
export const queues: readonly Queue<any>[] = [
  tick,
  refillList,
  enrollList,
  combineLists,
  archiveSequence,
  moveSteps,
  endStale,
  dailyEnrollment,
  planDay,
  sendDue,
  showTasks,
  readMail,
  classifyReply,
  sendAnswer,
  remindOfReply,
  agentTurn,
  slackInteraction,
  slackPost,
  postDigest,
  vacuum,
];

/** Puts a job in the caller's transaction: it exists if and only if the transaction commits. It runs at once, or from `at` on. */
export type Enqueue = <P>(queue: Queue<P>, payload: P, options?: { at?: Temporal.Instant }) => Promise<void>;
