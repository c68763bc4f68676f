import { daysShown } from '../domain/digests/days.ts';
import type { Overview } from '../domain/digests/index.ts';
import { summary } from '../domain/monitoring/index.ts';
import { addedChart, contactedChart, sparkline } from './day-charts.ts';
import { count, day, type Report, reasons, type Table, when } from './report.ts';
import { weekText } from './sequence-report.ts';
import type { Telling } from './tool.ts';

const listTable = (lists: Overview['lists']): Table => ({
  title: 'Lists',
  columns: [
    { label: 'List' },
    { label: 'Leads', align: 'right' },
    { label: 'Added / ordered', align: 'right' },
    { label: 'Monitoring' },
    { label: 'Feeds' },
  ],
  rows: lists
    .slice(0, 30)
    .map(list => [
      list.name,
      list.members.toLocaleString('en-US'),
      list.ordered ? `${list.added} / ${list.ordered}` : '–',
      summary(list.monitoring),
      list.sequence ?? '–',
    ]),
  more: Math.max(0, lists.length - 30),
});

const drain = ({ status, backlog, drainsOn }: Overview['sequences'][number]): string => {
  if (!backlog) return '0';
  const asleep = status === 'active' || status === 'finishing' ? 'never drains' : 'asleep';
  return `${backlog.toLocaleString('en-US')} (${drainsOn ? `until ${day(drainsOn)}` : asleep})`;
};

type Row = Overview['sequences'][number];

/** '3 / 15 (20 set)': today against the cap that results, and the one that was set where that is another (S5). */
const againstCap = ({ contactedToday, dailyCap, days: { effectiveCap } }: Row): string =>
  `${contactedToday} / ${effectiveCap}${effectiveCap === dailyCap ? '' : ` (${dailyCap} set)`}`;

/** A column whose cells are all 0 says nothing that the totals above do not; it leaves room for the others. */
const rare: { label: string; of: (sequence: Row) => number }[] = [
  { label: 'Replies', of: ({ replies }) => replies },
  { label: 'Bounces', of: ({ bounces }) => bounces },
  { label: 'Opt-outs', of: ({ optOuts }) => optOuts },
  { label: 'In review', of: ({ inReview }) => inReview },
];

function sequenceTable(sequences: Overview['sequences']): Table {
  const told = rare.filter(({ of }) => sequences.some(sequence => of(sequence) > 0));
  return {
    title: 'Sequences',
    columns: [
      { label: 'Sequence' },
      { label: 'Status' },
      { label: 'Enrolled', align: 'right' },
      { label: 'Contacted', align: 'right' },
      { label: 'Today / cap', align: 'right' },
      { label: `Last ${daysShown} days` },
      { label: 'In / room a week', align: 'right' },
      { label: 'Backlog' },
      ...told.map(({ label }) => ({ label, align: 'right' as const })),
    ],
    rows: sequences
      .slice(0, 30)
      .map(sequence => [
        sequence.name,
        `${sequence.status}, ${sequence.mode}`,
        String(sequence.enrolled),
        String(sequence.contacted),
        againstCap(sequence),
        sparkline(sequence.days.contacted),
        weekText(sequence),
        drain(sequence),
        ...told.map(({ of }) => of(sequence).toLocaleString('en-US')),
      ]),
    more: Math.max(0, sequences.length - 30),
  };
}

/** Why lists got less than was ordered (G1). */
const shortfalls = (lists: Overview['lists']): string[] =>
  lists
    .filter(list => list.added < list.ordered)
    .map(list => {
      const skipped = reasons(list.skipped);
      const failed = list.failed ? 'not all of it could be carried out' : '';
      const why = [list.exhausted ? 'the source has nobody else now' : '', failed, skipped && `skipped: ${skipped}`]
        .filter(Boolean)
        .join('; ');
      return `${list.name} got ${list.added} of ${list.ordered}${why ? `: ${why}` : ''}.`;
    });

const handOvers = ({ handedOver }: Overview): string[] =>
  handedOver.map(
    ({ to, promoted, lists, sequences, senders }) =>
      `${to} now owns ${count(lists, 'list')}, ${count(sequences, 'sequence')} and ${count(senders, 'sender')} of a member who left${promoted ? ', and is admin now: there was no other' : ''}.`,
  );

/** A digest or a status as something to look at: what needs a human first (G1). */
export function presentOverview(overview: Overview, title: string, { zone }: Telling): Report {
  const { needs, lists, sequences } = overview;
  const sum = (of: (sequence: Overview['sequences'][number]) => number) =>
    sequences.reduce((total, sequence) => total + of(sequence), 0);
  return {
    tone: needs.length ? 'warning' : 'neutral',
    title,
    urgent: needs.map(need => need.text),
    facts: [
      { label: 'Added to lists', value: lists.reduce((total, list) => total + list.added, 0).toLocaleString('en-US') },
      { label: 'Enrolled', value: sum(s => s.enrolled).toLocaleString('en-US') },
      { label: 'Contacted', value: sum(s => s.contacted).toLocaleString('en-US') },
      { label: 'Replies', value: sum(s => s.replies).toLocaleString('en-US') },
      ...(sum(s => s.bounces) ? [{ label: 'Bounces', value: sum(s => s.bounces).toLocaleString('en-US') }] : []),
      ...(sum(s => s.optOuts) ? [{ label: 'Opt-outs', value: sum(s => s.optOuts).toLocaleString('en-US') }] : []),
    ],
    charts: [...contactedChart(sequences.map(({ days }) => days)), ...addedChart(lists)],
    tables: [...(sequences.length ? [sequenceTable(sequences)] : []), ...(lists.length ? [listTable(lists)] : [])],
    notes: [...shortfalls(lists), ...handOvers(overview)],
    next: [...new Set(needs.flatMap(need => need.next ?? []))].slice(0, 3),
    footer: `${when(overview.from, zone)} – ${when(overview.until, zone)} (${zone})`,
  };
}

/** What is posted in the channel. */
export const presentDigest = (overview: Overview, quiet: boolean, telling: Telling): Report =>
  presentOverview(overview, quiet ? 'Nothing changed this week. Drover is well and watching.' : 'Your Drover digest', telling);
