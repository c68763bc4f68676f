/** The states of an enrollment and how they may follow each other (E3). The database holds the same table as a trigger. */

/** States that hold the lead: at most one of these per lead in a workspace (E1). */
export const liveStates = ['in_review', 'queued', 'active', 'paused', 'waiting_on_task'] as const;
export const endStates = [
  'completed',
  'replied',
  'failed',
  'refused',
  'withdrawn',
  'bounced',
  'unsubscribed',
  'excluded',
  'stopped',
] as const;

export type LiveState = (typeof liveStates)[number];
export type EndState = (typeof endStates)[number];
export type EnrollmentState = LiveState | EndState;

const fromAnyLive = ['bounced', 'unsubscribed', 'excluded', 'stopped'] as const;
const fromUnderWay = ['completed', 'replied', 'failed'] as const;

const successors: Record<LiveState, readonly EnrollmentState[]> = {
  in_review: ['queued', 'refused', 'withdrawn', ...fromAnyLive],
  queued: ['active', 'waiting_on_task', 'paused', 'withdrawn', ...fromAnyLive],
  active: ['paused', 'waiting_on_task', ...fromUnderWay, ...fromAnyLive],
  paused: ['queued', 'active', 'waiting_on_task', ...fromUnderWay, ...fromAnyLive],
  waiting_on_task: ['active', 'paused', ...fromUnderWay, ...fromAnyLive],
};

export const isLive = (state: string): state is LiveState => (liveStates as readonly string[]).includes(state);

/** May an enrollment go from one state to another (E3)? Only one that was never contacted goes back from `paused` to `queued`. */
export const mayBecome = (from: EnrollmentState, to: EnrollmentState, { contacted = false } = {}): boolean =>
  isLive(from) && successors[from].includes(to) && !(from === 'paused' && to === 'queued' && contacted);

/** A lead that nobody reviewed for this many days is withdrawn (E4). */
export const reviewDays = 30;
