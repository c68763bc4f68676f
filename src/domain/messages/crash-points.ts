/**
 * Every place between a claim and its recorded outcome at which a process may die, in the order in which a message passes them. Sending
 * calls `Services.crash` at each; only the proof that a message is handed over at most once gives it something to do (D1, D2).
 */
export const crashPoints = [
  'claim_locked',
  'claim_counted',
  'claim_written',
  'claimed',
  'gate_locked',
  'gate_read',
  'handing_written',
  'handing',
  'handed_over',
  'outcome_locked',
  'outcome_written',
  'outcome_followed',
  'recorded',
] as const;

export type CrashPoint = (typeof crashPoints)[number];

/** What a process does at a crash point: nothing, unless a test has it die there. */
export type Crash = (point: CrashPoint) => Promise<void> | void;

export const goOn: Crash = () => {};
