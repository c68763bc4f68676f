import type { Place } from '../domain/approvals/index.ts';
import { filterLabel } from '../domain/lists/rules.ts';
import type { RefillRow } from '../domain/monitoring/index.ts';
import { endings } from './list-report.ts';
import { count, type Report, reasons } from './report.ts';

/** Where in Slack something was ordered, as far as an answer can be posted there later: a thread, or a conversation's top level. */
export const orderedFrom = ({ surface, channel, root }: Place): { channel: string; threadTs: string | null } | null =>
  surface === 'slack' && channel && root ? { channel, threadTs: /^\d+\.\d+$/.test(root) ? root : null } : null;

/** The receipt of an order, as its asker gets it (L5), with why it is short and what would widen it (M8). */
export function receiptReport(list: string, refill: RefillRow): Report {
  const { asked, found, added, ended, enrolled, status } = refill;
  const skipped = reasons(refill.skipped as Record<string, number>);
  const notEnrolled = reasons(refill.not_enrolled as Record<string, number>);
  const widen = refill.widen as { filter: Parameters<typeof filterLabel>[0]; more: number; words: string } | null;
  const hasFailed = status === 'failed';
  const isShort = added < asked;
  return {
    tone: isShort ? 'warning' : 'good',
    title: hasFailed
      ? `The order of ${count(asked, 'lead')} for "${list}" could not be carried out: ${added.toLocaleString('en-US')} ${added === 1 ? 'was' : 'were'} added.`
      : `"${list}" got ${isShort ? `${added.toLocaleString('en-US')} of the ${count(asked, 'lead')}` : `the ${count(asked, 'lead')}`} that you ordered.`,
    facts: [
      { label: 'Asked for', value: asked.toLocaleString('en-US') },
      { label: 'Looked at', value: found.toLocaleString('en-US') },
      { label: 'Added', value: added.toLocaleString('en-US') },
      ...(skipped ? [{ label: 'Skipped', value: skipped }] : []),
      ...(enrolled || notEnrolled ? [{ label: 'Enrolled', value: enrolled.toLocaleString('en-US') }] : []),
      ...(notEnrolled ? [{ label: 'Not enrolled', value: notEnrolled }] : []),
    ],
    notes: [
      ...(hasFailed ? [`${refill.error ?? 'It failed.'} It was tried for a day. Order the rest again.`] : []),
      ...(isShort && ended ? [`Why not more: ${endings[ended] ?? ended}.`] : []),
      ...(widen
        ? [`Without the ${filterLabel(widen.filter)} there would be ${count(widen.more, 'more person', 'more people')}.`]
        : []),
    ],
    next: [
      ...(hasFailed ? [`add ${asked - added} to "${list}"`] : []),
      ...(widen ? [`"${list}" should look for ${widen.words}`] : []),
      ...(ended === 'list_archived' ? [] : [`show list "${list}"`, ...(added ? [`who is on "${list}"`] : [])]),
    ],
  };
}
