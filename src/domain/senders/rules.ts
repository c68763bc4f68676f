/** What a new mailbox may do (S5): a day's messages, minutes between two, and how it grows. */
export const usualLimits = { perDay: 30, gapMinutes: 5, rampStart: 5, rampStep: 5, rampEvery: 2 } as const;

/** Messages a day above which mailbox providers take a person's mailbox for a machine's; only an admin goes beyond. */
export const hardCeiling = 50;

/** Why a sender stops, and until when where it rests (D5). `code` is a stable reason; `detail` the mail server's own words. */
export interface Stop {
  status: 'resting' | 'paused' | 'failing';
  code: string;
  detail: string | null;
  /** Last local day of its rest. */
  restsUntil?: Temporal.PlainDate;
}

export interface Counted {
  sent: number;
  bounced: number;
}

/** D5: above 5 %, once there are enough to tell. */
export const isTooMuch = ({ sent, bounced }: Counted): boolean => sent >= 50 && bounced > sent * 0.05;

export const bounceRate = ({ sent, bounced }: Counted): string => `${((100 * bounced) / sent).toFixed(1)} %`;
