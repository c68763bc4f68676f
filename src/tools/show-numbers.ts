import { z } from 'zod';
import { dateIn } from '../calendar.ts';
import * as numbers from '../domain/numbers/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { count, day, type Table } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool } from './tool.ts';

const usualDays = 30;
const rowsShown = 20;

const kinds = [
  { by: 'sequence', title: 'By sequence', label: 'Sequence' },
  { by: 'step', title: 'By step', label: 'Step' },
  { by: 'list', title: 'By list', label: 'List' },
  { by: 'sender', title: 'By sender', label: 'Sender' },
] as const;

/** A count with its share of what was sent, which is told only where there is enough to tell. */
const share = (n: number, of: number): string =>
  of >= numbers.enoughToTell ? `${n.toLocaleString('en-US')} (${((100 * n) / of).toFixed(1)} %)` : n.toLocaleString('en-US');

function table(all: readonly numbers.Numbers[], { by, title, label }: (typeof kinds)[number]): Table[] {
  const own = all.filter(row => row.by === by);
  if (!own.length) return [];
  const right = (name: string) => ({ label: name, align: 'right' as const });
  return [
    {
      title,
      columns: [{ label }, ...['Contacted', 'Sent', 'Delivered', 'Bounced', 'Replied', 'Interested', 'Opted out'].map(right)],
      rows: own
        .slice(0, rowsShown)
        .map(row => [
          by === 'step' ? `${row.name}, step ${row.position}` : row.name,
          row.contacted.toLocaleString('en-US'),
          row.sent.toLocaleString('en-US'),
          (row.sent - row.bounced).toLocaleString('en-US'),
          share(row.bounced, row.sent),
          share(row.replied, row.contacted),
          share(row.interested, row.contacted),
          share(row.optedOut, row.contacted),
        ]),
      ...(own.length > rowsShown ? { more: own.length - rowsShown } : {}),
    },
  ];
}

/** What left and what came of it, by sequence, step, list and sender. No rate below 100: that would be noise. */
export const showNumbers = defineTool({
  name: 'show_numbers',
  description:
    'Show results over a time: people contacted, messages sent, delivered as far as known, bounced, people who replied, were interested, opted out – by sequence, step, list and sender. The last 30 days unless dates are said.',
  examples: ['show the numbers', 'how is Fall Intro performing?', 'show the numbers of Fall Intro since 2026-03-01'],
  input: z.object({
    sequence: sequenceRef.optional(),
    since: z.iso.date().optional().describe('First day'),
    until: z.iso.date().optional().describe('Last day; today unless said'),
  }),
  plan: async (ctx, { sequence: ref, since, until: last }) => {
    const sequence = ref === undefined ? undefined : await sequences.resolve(ctx, ref);
    if (isRefusal(sequence)) return sequence;
    const until = last ?? dateIn(ctx.now, ctx.workspace.zone).toString();
    const from =
      since ??
      Temporal.PlainDate.from(until)
        .subtract({ days: usualDays - 1 })
        .toString();
    if (Temporal.PlainDate.compare(from, until) > 0)
      return refuse('dates_reversed', `${day(from)} is after ${day(until)}. Say the earlier day first.`, [
        `show the numbers since ${until}`,
      ]);
    return {
      effect: 'read' as const,
      data: { from, until, ...(sequence ? { sequenceId: sequence.id, sequence: sequence.name } : {}) },
      summary: 'Show the numbers.',
    };
  },
  run: async (ctx, { from, until, sequenceId, sequence }) => ({
    ...{ from, until, sequence: sequence ?? null },
    numbers: await numbers.count(ctx, {
      from: Temporal.PlainDate.from(from),
      until: Temporal.PlainDate.from(until),
      ...(sequenceId === undefined ? {} : { sequenceId }),
    }),
  }),
  present: ({ from, until, sequence, numbers: all }) => {
    const over = `${day(from)} to ${day(until)}`;
    const whole = all.filter(row => row.by === 'sequence');
    const sum = (of: (row: numbers.Numbers) => number) => whole.reduce((total, row) => total + of(row), 0);
    if (!whole.length)
      return {
        tone: 'neutral',
        title: `Nothing left${sequence ? ` in "${sequence}"` : ''} from ${over}, and nothing came back.`,
        next: ['status', 'list sequences'],
      };
    const sent = sum(row => row.sent);
    return {
      tone: 'neutral',
      title: `${sequence ? `"${sequence}", ` : ''}${over}: ${count(
        sum(row => row.contacted),
        'person',
        'people',
      )} contacted, ${sum(row => row.replied)} replied, ${sum(row => row.interested)} of them interested.`,
      charts: [
        {
          title: 'People',
          kind: 'bar',
          labels: whole.slice(0, 10).map(row => row.name),
          series: [
            { name: 'Contacted', values: whole.slice(0, 10).map(row => row.contacted) },
            { name: 'Replied', values: whole.slice(0, 10).map(row => row.replied) },
            { name: 'Interested', values: whole.slice(0, 10).map(row => row.interested) },
          ],
        },
      ],
      tables: kinds.flatMap(kind => table(all, kind)),
      notes: [
        ...(sent < numbers.enoughToTell
          ? [`Fewer than ${numbers.enoughToTell} messages: too few to tell what works, so no rates are shown.`]
          : []),
        'Delivered is what did not come back. Opens and clicks are not tracked.',
      ],
    };
  },
});
