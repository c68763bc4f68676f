import type { DayOfSequence, Forecast } from '../domain/forecasts/index.ts';
import { count, day, type Table } from './report.ts';

/** A stretch of a forecast: one day, or one week. */
export interface Stretch {
  from: string;
  added: number;
  enrolled: number;
  newLeads: number;
  followUps: number;
  held: number;
  /** At its end. */
  backlog: number;
  inReview: number;
}

/** Up to this many days are shown one by one; more, week by week. */
const daysOneByOne = 14;

/** The forecast of all sequences, or of one, as stretches. */
export function stretchesOf({ days }: Forecast, only: number | null): Stretch[] {
  const isWeekly = days.length > daysOneByOne;
  const groups = Map.groupBy(days, (each, i) => (isWeekly ? mondayOf(each.on) : `${i}`));
  return [...groups.values()].map(group => {
    const own = (each: { sequences: DayOfSequence[] }) => each.sequences.filter(row => only === null || row.sequenceId === only);
    const total = (of: (row: DayOfSequence) => number) => group.flatMap(own).reduce((sum, row) => sum + of(row), 0);
    const atEnd = (of: (row: DayOfSequence) => number) => own(group.at(-1)!).reduce((sum, row) => sum + of(row), 0);
    return {
      from: group[0]!.on,
      added: group.flatMap(each => each.added).reduce((sum, each) => sum + each.people, 0),
      enrolled: total(row => row.enrolled),
      newLeads: total(row => row.newLeads),
      followUps: total(row => row.followUps),
      held: total(row => row.held),
      backlog: atEnd(row => row.backlog),
      inReview: atEnd(row => row.inReview),
    };
  });
}

const mondayOf = (on: string): string => {
  const date = Temporal.PlainDate.from(on);
  return date.subtract({ days: date.dayOfWeek - 1 }).toString();
};

const barWidth = 12;
const bar = (n: number, most: number): string =>
  '█'.repeat(most ? Math.max(n ? 1 : 0, Math.round((n / most) * barWidth)) : 0) || '–';

const right = (label: string) => ({ label, align: 'right' as const });
const n = (value: number): string => value.toLocaleString('en-US');

export function stretchTable(stretches: readonly Stretch[], isWeekly: boolean, withAdded: boolean): Table {
  const most = Math.max(...stretches.map(each => each.newLeads + each.followUps));
  return {
    title: isWeekly ? 'Week by week' : 'Day by day',
    columns: [
      { label: isWeekly ? 'Week of' : 'Day' },
      ...(withAdded ? [right('Added')] : []),
      ...['Enrolled', 'New leads', 'Follow-ups', 'Held', 'Backlog'].map(right),
      { label: 'Messages' },
    ],
    rows: stretches.map(each => [
      day(each.from),
      ...(withAdded ? [n(each.added)] : []),
      ...[each.enrolled, each.newLeads, each.followUps, each.held, each.backlog].map(n),
      bar(each.newLeads + each.followUps, most),
    ]),
  };
}

/** When nobody waits for a first contact any more. */
export const drainText = ({ backlog, drainsOn }: Pick<Forecast['sequences'][number], 'backlog' | 'drainsOn'>): string =>
  drainsOn ? day(drainsOn) : backlog ? 'never, as things are' : 'nobody waits';

export const sequencesTable = (sequences: Forecast['sequences']): Table => ({
  title: 'Sequences',
  columns: [{ label: 'Sequence' }, right('Backlog now'), right('In review'), { label: 'Drained' }],
  rows: sequences.map(each => [each.name, n(each.backlog), n(each.inReview), drainText(each)]),
});

/** What a forecast takes for granted. */
export function assumptions({ sequences }: Pick<Forecast, 'sequences'>): string[] {
  const inReview = sequences.reduce((sum, each) => sum + each.inReview, 0);
  return [
    'It takes for granted that nobody replies, that refills yield what they are ordered to, and that tasks are done when they are posted.',
    ...(sequences.some(each => each.mode === 'copilot')
      ? [`On copilot, nobody is contacted before somebody approves; ${count(inReview, 'lead waits', 'leads wait')} for that now.`]
      : []),
  ];
}

/** Every day and sequence, for a terminal. */
export const dailyTables = (forecast: Forecast): Table[] => [
  ...forecast.sequences.map(
    (sequence): Table => ({
      title: `${sequence.name}: drained ${drainText(sequence)}`,
      columns: [{ label: 'Day' }, ...['Enrolled', 'New leads', 'Follow-ups', 'Held', 'Backlog', 'In review'].map(right)],
      rows: forecast.days.map(each => {
        const row = each.sequences.find(({ sequenceId }) => sequenceId === sequence.id)!;
        return [day(each.on), ...[row.enrolled, row.newLeads, row.followUps, row.held, row.backlog, row.inReview].map(n)];
      }),
    }),
  ),
  {
    title: 'Added to lists',
    columns: [{ label: 'Day' }, { label: 'List' }, right('People')],
    rows: forecast.days.flatMap(each =>
      each.added.map(({ listId, people }) => [day(each.on), forecast.lists[listId] ?? `#${listId}`, n(people)]),
    ),
  },
];
