import { drover, enter, type Services } from '../domain/context.ts';
import * as forecasts from '../domain/forecasts/index.ts';
import * as links from '../domain/links/index.ts';
import * as lists from '../domain/lists/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal } from '../errors.ts';
import { count, day, type Fact, reasons, type Table, when } from './report.ts';
import { capText, paceFacts } from './sequence-report.ts';

/** What a link would do, for the preflight and for the card of the link itself (K7). */
export type Preflight = forecasts.Preflight;

/** Plays the link outside any transaction; null where the names say nothing or the sequence takes no list, which the plan tells. */
export async function preflightOf(
  services: Services,
  input: { list: string; sequence: string },
  { workspaceId }: { workspaceId: number },
): Promise<Preflight | null> {
  const pair = await enter(services, workspaceId, drover, async ctx => {
    const list = await lists.resolve(ctx, input.list);
    const sequence = await sequences.resolve(ctx, input.sequence);
    if (isRefusal(list) || isRefusal(sequence) || links.linkable(sequence)) return null;
    const current = await links.activeOf(ctx, list.id);
    return current?.sequence_id === sequence.id ? null : { listId: list.id, sequenceId: sequence.id };
  });
  return pair && forecasts.preflight(services, workspaceId, pair);
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((total, n) => total + n, 0);

/** With the year, since it may be years away. */
const far = (on: string): string => `${day(on)} ${on.slice(0, 4)}`;

/** Who will not be written to, the limits, and when. */
export function preflightFacts(preflight: Preflight): Fact[] {
  const { skipped, missing, capacity, backlog, pace, firstAt, lastOn, isEstimate, zone } = preflight;
  const variables = Object.entries(missing).sort((a, b) => b[1] - a[1]);
  return [
    ...(sum(skipped) ? [{ label: 'Do not enrol', value: reasons(skipped) }] : []),
    ...(variables.length
      ? [
          {
            label: 'Will be held',
            value: `${count(sum(missing), 'message')}, since a variable is empty: ${variables.map(([name, n]) => `${name} (${n.toLocaleString('en-US')})`).join(', ')}`,
          },
        ]
      : []),
    { label: 'Daily cap', value: capText(capacity) },
    { label: 'Waiting there already', value: count(backlog, 'lead') },
    ...paceFacts(pace).map(fact => (fact.label === 'Backlog' ? { ...fact, label: 'Backlog with this list' } : fact)),
    ...(firstAt ? [{ label: 'First contact', value: `${when(firstAt, zone)} (${zone})` }] : []),
    ...(lastOn || isEstimate
      ? [{ label: 'Last first contact', value: lastOn ? `${isEstimate ? 'around ' : ''}${far(lastOn)}` : 'never, as things are' }]
      : []),
  ];
}

/** Who holds those that are live elsewhere. */
export const heldTable = (heldBy: Preflight['heldBy']): Table[] =>
  heldBy.length
    ? [
        {
          title: 'Held by other sequences',
          columns: [{ label: 'Sequence' }, { label: 'Owner' }, { label: 'People', align: 'right' }],
          rows: heldBy.slice(0, 10).map(held => [held.sequence, held.owner, held.people.toLocaleString('en-US')]),
          ...(heldBy.length > 10 ? { more: heldBy.length - 10 } : {}),
        },
      ]
    : [];

export const preflightNotes = ({ waitsForReview, enrolling }: Preflight): string[] =>
  waitsForReview && enrolling ? ['Somebody reviews first: the dates are those of leads that are approved as they come.'] : [];
