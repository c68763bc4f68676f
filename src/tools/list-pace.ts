import type { Context } from '../domain/context.ts';
import * as forecasts from '../domain/forecasts/index.ts';
import type { Fact } from './report.ts';
import { paceFacts } from './sequence-report.ts';

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
