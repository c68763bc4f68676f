import { z } from 'zod';
import { dateIn } from '../calendar.ts';
import type { Context } from '../domain/context.ts';
import * as lists from '../domain/lists/index.ts';
import * as numbers from '../domain/numbers/index.ts';
import * as senders from '../domain/senders/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { count, day, type Table } from './report.ts';
import { senderRef } from './sender-ref.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool, localDate } from './tool.ts';

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
          row.delivered.toLocaleString('en-US'),
          share(row.bounced, row.sent),
          share(row.replied, row.contacted),
          share(row.interested, row.contacted),
          share(row.optedOut, row.contacted),
        ]),
      ...(own.length > rowsShown ? { more: own.length - rowsShown } : {}),
    },
  ];
}

/** What the numbers are of, where that is not everything. */
async function about(
  ctx: Context,
  { sequence, list, sender }: { sequence?: string | undefined; list?: string | undefined; sender?: string | undefined },
): Promise<{ name: string; of: numbers.Of } | Refusal | undefined> {
  if ([sequence, list, sender].filter(each => each !== undefined).length > 1)
    return refuse('too_many_at_once', 'The numbers are told of one sequence, one list or one sender at a time. Which one?', [
      'numbers by sequence',
      'numbers by list',
      'numbers by sender',
    ]);
  if (sequence !== undefined) {
    const found = await sequences.resolve(ctx, sequence);
    return isRefusal(found) ? found : { name: found.name, of: { sequenceId: found.id } };
  }
  if (list !== undefined) {
    const found = await lists.resolve(ctx, list);
    return isRefusal(found) ? found : { name: found.name, of: { listId: found.id } };
  }
  if (sender === undefined) return undefined;
  const found = await senders.resolve(ctx, sender);
  return isRefusal(found) ? found : { name: found.address, of: { senderId: found.id } };
}

/** What left and what came of it, by sequence, step, list and sender. No rate below 100: that would be noise. */
export const showNumbers = defineTool({
  name: 'show_numbers',
  description:
    'Show results over a time: people contacted, messages sent, delivered as far as known, bounced, people who replied, were interested, opted out – by sequence, step, list and sender; of everything, or of one sequence, one list or one sender. The last 30 days unless dates are said.',
  examples: [
    'show the numbers',
    'how is Fall Intro performing?',
    'show the numbers of Fall Intro since 2026-03-01',
    'numbers of the list Fintech VPs',
    'how is ann@drover.example doing?',
    'numbers by sender',
  ],
  input: z.object({
    sequence: sequenceRef.optional(),
    list: z.string().trim().min(1).optional(),
    sender: senderRef.optional(),
    by: z.enum(['sequence', 'step', 'list', 'sender']).optional().describe('Only this table; all four unless said'),
    since: localDate.optional().describe('First day'),
    until: localDate.optional().describe('Last day; today unless said'),
  }),
  plan: async (ctx, { sequence, list, sender, by, since, until: last }) => {
    const one = await about(ctx, { sequence, list, sender });
    if (isRefusal(one)) return one;
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
      data: { from, until, name: one?.name ?? null, of: one?.of ?? {}, by: by ?? null },
      summary: 'Show the numbers.',
    };
  },
  run: async (ctx, { from, until, name, of, by }) => ({
    ...{ from, until, name, by },
    numbers: await numbers.count(ctx, { from: Temporal.PlainDate.from(from), until: Temporal.PlainDate.from(until), ...of }),
  }),
  present: ({ from, until, name, by, numbers: all }) => {
    const over = `${day(from)} to ${day(until)}`;
    const whole = all.filter(row => row.by === 'sequence');
    const drawn = all.filter(row => row.by === (by === null || by === 'step' ? 'sequence' : by)).slice(0, 10);
    const sum = (of: (row: numbers.Numbers) => number) => whole.reduce((total, row) => total + of(row), 0);
    if (!whole.length)
      return {
        tone: 'neutral',
        title: `Nothing left${name === null ? '' : ` in "${name}"`} from ${over}, and nothing came back.`,
        next: ['status', 'list sequences'],
      };
    const sent = sum(row => row.sent);
    return {
      tone: 'neutral',
      title: `${name === null ? '' : `"${name}", `}${over}: ${count(
        sum(row => row.contacted),
        'person',
        'people',
      )} contacted, ${sum(row => row.replied)} replied, ${sum(row => row.interested)} of them interested.`,
      charts: [
        {
          title: 'People',
          kind: 'bar',
          labels: drawn.map(row => row.name),
          series: [
            { name: 'Contacted', values: drawn.map(row => row.contacted) },
            { name: 'Replied', values: drawn.map(row => row.replied) },
            { name: 'Interested', values: drawn.map(row => row.interested) },
          ],
        },
      ],
      tables: kinds.filter(kind => by === null || kind.by === by).flatMap(kind => table(all, kind)),
      notes: [
        ...(sent < numbers.enoughToTell
          ? [`Fewer than ${numbers.enoughToTell} messages: too few to tell what works, so no rates are shown.`]
          : []),
        'Delivered is what did not come back, be it for a bad address or because a mailbox was full. Opens and clicks are not tracked.',
      ],
    };
  },
});
