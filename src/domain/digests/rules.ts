import { dateIn, type SendWindow, sendingDayFrom } from '../../calendar.ts';
import type { ListRow, SequenceRow } from './queries.ts';

/** Something a person should act on; the lower the rank, the more urgent (G1). */
export interface Need {
  rank: number;
  text: string;
  /** A phrase that works as typed. */
  next: string | null;
}

/** Above this many people in review, review comes first (E4). */
const reviewAlarm = 200;

/** New people a sequence can begin with on a sending day in the long run: each takes `steps` touches of the cap (S3). */
export const newADay = (cap: number, steps: number): number => Math.max(1, Math.floor(cap / Math.max(1, steps)));

/**
 * The local date on which the last person of the backlog is first contacted, or null when that never happens (no sending day).
 * An estimate without replies: every sending day begins with `newADay` people.
 */
export function drainsOn(backlog: number, perDay: number, now: Temporal.Instant, window: SendWindow): Temporal.PlainDate | null {
  if (backlog === 0) return dateIn(now, window.zone);
  let left = Math.ceil(backlog / perDay);
  let day = sendingDayFrom(dateIn(now, window.zone), window);
  while (day && --left > 0) day = sendingDayFrom(day.add({ days: 1 }), window);
  return day;
}

const daysSince = (at: Temporal.Instant, now: Temporal.Instant): number => Math.floor(at.until(now).total('hours') / 24);

/** What needs a human, most urgent first. */
export function needs(
  input: { lists: ListRow[]; sequences: SequenceRow[]; approvals: { id: number; summary: string; by: string }[] },
  now: Temporal.Instant,
): Need[] {
  const found: Need[] = [];
  for (const { name, failingSenders, unknown, inReview, oldestReviewAt, held, enrolled } of input.sequences) {
    for (const address of failingSenders)
      found.push({ rank: 0, text: `${address} does not send, so ${name} waits.`, next: `show ${name}` });
    if (unknown)
      found.push({
        rank: 1,
        text: `${name}: ${unknown} messages may or may not have left. A person must settle them.`,
        next: `show ${name}`,
      });
    if (inReview) {
      const age = oldestReviewAt ? daysSince(oldestReviewAt, now) : 0;
      const text = `${name}: ${inReview} people wait for review, the oldest for ${age} ${age === 1 ? 'day' : 'days'}; ${enrolled} came in this time.`;
      found.push({ rank: inReview > reviewAlarm ? -1 : 2, text, next: `show who waits for review in ${name}` });
    }
    const stuck = Object.values(held).reduce((sum, n) => sum + n, 0);
    if (stuck)
      found.push({
        rank: 3,
        text: `${name}: ${stuck} messages are held (${Object.keys(held).join(', ').replaceAll('_', ' ')}).`,
        next: `show ${name}`,
      });
  }
  for (const { id, summary, by } of input.approvals)
    found.push({ rank: 2, text: `Waiting for a button: ${summary} (asked by ${by}, no. ${id})`, next: null });
  for (const { name, emptyInARow } of input.lists)
    if (emptyInARow >= 2)
      found.push({
        rank: 4,
        text: `${name}: the last ${emptyInARow} refills found nobody new. Wider criteria would help.`,
        next: `show ${name}`,
      });
  return found.sort((a, b) => a.rank - b.rank);
}
