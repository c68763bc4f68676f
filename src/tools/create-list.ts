import { z } from 'zod';
import { criteria } from '../domain/lists/criteria.ts';
import * as lists from '../domain/lists/index.ts';
import { type Survey, survey } from '../domain/lists/preview.ts';
import { filterLabel } from '../domain/lists/rules.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { criteriaFacts, filterNotes, samplesTable } from './list-report.ts';
import { discard } from './list-undo.ts';
import { orderedFrom } from './receipt-report.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

interface Wish {
  name: string;
  count: number | undefined;
  requiresEmail: boolean;
}

/** L2: what must be asked before saving. */
function doubts(found: Survey, { name, count: asked, requiresEmail }: Wish): Refusal | undefined {
  const dropped = found.notes.filter(note => note.effect === 'dropped');
  const there = requiresEmail ? found.withEmail : found.total;
  const tooFew = asked !== undefined && there * 2 < asked;
  if (!dropped.length && !tooFew) return undefined;
  const sentences = [
    ...dropped.map(({ filter, note }) => `The ${found.source} cannot filter by ${filterLabel(filter)}: ${note}`),
    ...(tooFew
      ? [
          `Only ${there.toLocaleString('en-US')} of the ${asked.toLocaleString('en-US')} you asked for match${requiresEmail ? ' and have an e-mail address' : ''}.`,
        ]
      : []),
  ];
  return refuse('confirm_first', `${sentences.join(' ')} Shall I save "${name}" anyway?`, ['yes, save it', 'no']);
}

/** What an order can bring, where fewer people are there than it asked for. */
const onTheWay = (ordered: number, there: number): string =>
  ordered > there
    ? `${there.toLocaleString('en-US')} of ${count(ordered, 'lead')} are on the way; no more match`
    : `${count(ordered, 'lead')} ${ordered === 1 ? 'is' : 'are'} on the way`;

/** Saves a list from criteria, and orders its first leads where asked (L1, L2). */
export const createList = defineTool({
  name: 'create_list',
  description:
    'Save a list of people to look for. With count it orders that many leads at once. Without a name one is made from the criteria. Set confirmed only after the asker has said yes to a shortage or a dropped filter.',
  examples: [
    'find 200 VPs of Sales at fintechs in Germany',
    'create a list "CTOs London" of CTOs in London',
    'get me 50 heads of marketing at software companies with 50-500 people',
  ],
  input: z.object({
    name: z.string().trim().min(1).max(100).optional(),
    criteria,
    count: z.number().optional().describe('How many leads to add at once: 1 to 10,000'),
    requiresEmail: z.boolean().optional().describe('true unless the asker wants people without an e-mail address too'),
    confirmed: z.boolean().optional(),
  }),
  prepare: async (services, input, { workspaceId, place }) => ({
    found: await survey(services, { workspaceId, criteria: input.criteria }),
    place,
  }),
  plan: async (ctx, { name: wanted, criteria, count: asked, requiresEmail = true, confirmed = false }, { found, place }) => {
    if (isRefusal(found)) return found;
    const name = await lists.nameFor(ctx, { ...(wanted ? { name: wanted } : {}), criteria });
    if (isRefusal(name)) return name;
    const wrong = asked === undefined ? undefined : monitoring.outOfRange({ name }, asked);
    if (wrong) return { ...wrong, next: ['make it 200'] };
    const doubt = confirmed ? undefined : doubts(found, { name, count: asked, requiresEmail });
    if (doubt) return doubt;
    return {
      effect: 'write' as const,
      data: { name, criteria, asked: asked ?? null, requiresEmail, found, from: orderedFrom(place) },
      summary: `Save the list "${name}"${asked ? ` and add ${count(asked, 'lead')}` : ''}.`,
    };
  },
  run: async (ctx, { name, criteria, asked, requiresEmail, found, from }) => {
    if (ctx.actor.kind !== 'member') return refuse('no_owner', 'A list needs an owner, and nobody asked for this one.');
    const created = await lists.create(ctx, { name, ownerId: ctx.actor.id, source: found.source, criteria, requiresEmail });
    if (isRefusal(created)) return created;
    const refillId = asked
      ? await monitoring.order(ctx, { listId: created.id, asked, kind: 'order', orderedBy: ctx.actor.id, from })
      : null;
    const { total, withEmail, samples, notes } = found;
    return {
      listId: created.id,
      list: created.name,
      criteria,
      requiresEmail,
      total,
      withEmail,
      samples,
      notes,
      ordered: asked,
      refillId,
    };
  },
  made: made => (isRefusal(made) ? [] : [`list:${made.listId}`]),
  undo: (ctx, { result }) => (isRefusal(result) ? Promise.resolve(result) : discard(ctx, result)),
  present: made => {
    if (isRefusal(made)) return { tone: 'refused', title: made.message };
    const { list, ordered, requiresEmail } = made;
    const there = requiresEmail ? made.withEmail : made.total;
    return {
      tone: 'good',
      title: `"${list}" is saved${ordered ? `, and ${onTheWay(ordered, there)}` : ''}.`,
      facts: [
        ...criteriaFacts(made.criteria),
        {
          label: 'Matches',
          value: `${made.total.toLocaleString('en-US')}, ${made.withEmail.toLocaleString('en-US')} with e-mail`,
        },
      ],
      tables: samplesTable('Who matches, for example', made.samples),
      notes: filterNotes(made.notes),
      next: [
        ...(ordered ? [`show list "${list}"`] : [`add 100 to "${list}"`]),
        `add 20 to "${list}" every day`,
        'show my sequences',
      ],
    };
  },
});
