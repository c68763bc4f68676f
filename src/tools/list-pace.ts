import type { Context } from '../domain/context.ts';
import * as forecasts from '../domain/forecasts/index.ts';
import type { Fact } from './report.ts';
import { paceFacts, paceText } from './sequence-report.ts';

/** Where monitoring or a link is shown or changed: what that means for the sequence (M9). */
export interface ListPace {
  /** What this list's standing order brings a week. */
  listPerWeek: number;
  /** Null: not linked. */
  sequence: { name: string; pace: forecasts.Pace } | null;
}

export async function paceOfList(ctx: Context, listId: number): Promise<ListPace> {
  const sequence = await ctx.tx
    .selectFrom('link')
    .innerJoin('sequence', 'sequence.id', 'link.sequence_id')
    .selectAll('sequence')
    .where('link.list_id', '=', listId)
    .where('link.ended_at', 'is', null)
    .executeTakeFirst();
  return {
    listPerWeek: await forecasts.inflowOf(ctx, listId),
    sequence: sequence ? { name: sequence.name, pace: await forecasts.pace(ctx, sequence) } : null,
  };
}

export const listPaceFacts = ({ listPerWeek, sequence }: ListPace): Fact[] =>
  sequence
    ? paceFacts(sequence.pace).map(({ label, value }) => ({ label: `${sequence.name}: ${label.toLowerCase()}`, value }))
    : listPerWeek
      ? [{ label: 'Coming in', value: `${listPerWeek.toLocaleString('en-US')} a week; not linked, so nobody is contacted` }]
      : [];

/** The same in one line, for answers that are about something else. */
export const listPaceLine = ({ listPerWeek, sequence }: ListPace): Fact[] =>
  sequence ? [{ label: `Pace of ${sequence.name}`, value: paceText(sequence.pace) }] : listPaceFacts({ listPerWeek, sequence });

/** The pace of a sequence in one line. */
export async function sequencePaceFacts(ctx: Context, sequenceId: number, label = 'Pace'): Promise<Fact[]> {
  const pace = (await forecasts.pacesOf(ctx, [sequenceId])).get(sequenceId);
  return pace ? [{ label, value: paceText(pace) }] : [];
}

/** After a list was let go of: what its order goes on to bring, and what that leaves to the sequence. */
export const paceLeft = async (
  ctx: Context,
  { listId, sequenceId, sequence }: { listId: number; sequenceId: number; sequence: string },
): Promise<Fact[]> => [
  ...listPaceLine(await paceOfList(ctx, listId)),
  ...(await sequencePaceFacts(ctx, sequenceId, `Pace of ${sequence}`)),
];

/** The pace of every sequence that lists are linked to, by name. */
export async function pacesOfLinked(ctx: Context): Promise<{ name: string; pace: forecasts.Pace }[]> {
  const fed = await ctx.tx
    .selectFrom('sequence')
    .selectAll()
    .where('id', 'in', ctx.tx.selectFrom('link').select('sequence_id').where('ended_at', 'is', null))
    .orderBy('name')
    .execute();
  const paces = await forecasts.paces(ctx, fed);
  return fed.map(({ id, name }) => ({ name, pace: paces.get(id)! }));
}
