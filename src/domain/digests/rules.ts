import { orders } from '../monitoring/rules.ts';
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

const daysSince = (at: Temporal.Instant, now: Temporal.Instant): number => Math.floor(at.until(now).total('hours') / 24);

/** What needs a human, most urgent first. */
export function needs(
  input: { lists: ListRow[]; sequences: SequenceRow[]; approvals: { id: number; summary: string; by: string }[] },
  now: Temporal.Instant,
): Need[] {
  const found: Need[] = [];
  for (const {
    name,
    failingSenders,
    unknown,
    inReview,
    oldestReviewAt,
    held,
    weeklyInflow,
    openTasks,
    owner,
  } of input.sequences) {
    for (const address of failingSenders)
      found.push({ rank: 0, text: `${address} does not send, so ${name} waits.`, next: `show ${name}` });
    if (unknown)
      found.push({
        rank: 1,
        text: `${name}: ${unknown} ${unknown === 1 ? 'message' : 'messages'} may or may not have left. A person must settle ${unknown === 1 ? 'it' : 'them'}.`,
        next: `settle the unknown messages of "${name}"`,
      });
    if (inReview) {
      const age = oldestReviewAt ? daysSince(oldestReviewAt, now) : 0;
      const text = `${name}: ${inReview} ${inReview === 1 ? 'person waits' : 'people wait'} for review, the oldest for ${age} ${age === 1 ? 'day' : 'days'}; ${weeklyInflow} came in within a week.`;
      found.push({ rank: inReview > reviewAlarm ? -1 : 2, text, next: `show who waits for review in ${name}` });
    }
    if (openTasks)
      found.push({
        rank: 2,
        text: `${name}: ${openTasks} ${openTasks === 1 ? 'task waits' : 'tasks wait'} for ${owner}.`,
        next: `list tasks of "${name}"`,
      });
    const stuck = Object.values(held).reduce((sum, n) => sum + n, 0);
    if (stuck)
      found.push({
        rank: 3,
        text: `${name}: ${stuck} ${stuck === 1 ? 'message is' : 'messages are'} held (${Object.keys(held).join(', ').replaceAll('_', ' ')}).`,
        next: `who is held in "${name}"`,
      });
  }
  for (const { id, summary, by } of input.approvals)
    found.push({ rank: 2, text: `Waiting for a button: ${summary} (asked by ${by}, no. ${id})`, next: null });
  for (const list of input.lists) found.push(...givenUp(list), ...empty(list));
  return found.sort((a, b) => a.rank - b.rank);
}

/** What could not be carried out, and what to do about it (L5). */
function givenUp({ name, failed }: ListRow): Need[] {
  if (!failed) return [];
  const { refills, missing, kind, error } = failed;
  const why = error ? ` ${error}` : '';
  if (kind === 'import') return [{ rank: 3, text: `${name}: an import was broken off.${why}`, next: `show list "${name}"` }];
  const what =
    refills === 1
      ? `${kind === 'order' ? 'an order' : 'a refill'} was given up after a day`
      : `${refills} orders were given up, each after a day`;
  const then =
    kind === 'order' ? 'Order them again.' : 'The next refill comes at its time; order these if they are needed before.';
  return [
    {
      rank: 3,
      text: `${name}: ${what}, ${missing} ${missing === 1 ? 'lead' : 'leads'} short.${why} ${then}`,
      next: `add ${Math.min(missing, orders.most)} to "${name}"`,
    },
  ];
}

/** Two empty refills in a row, and why (M8). */
function empty({ name, failed, emptyInARow, failedInARow }: ListRow): Need[] {
  const allFailed = failedInARow === emptyInARow;
  if (emptyInARow < 2 || (failed && allFailed)) return [];
  const last = `${name}: the last ${emptyInARow} refills`;
  const text = allFailed
    ? `${last} could not be carried out.`
    : failedInARow
      ? `${last} added nobody; ${failedInARow} of them could not be carried out.`
      : `${last} found nobody new. Wider criteria would help.`;
  return [{ rank: 4, text, next: allFailed ? `why "${name}"` : `show list "${name}"` }];
}
