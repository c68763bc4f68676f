import { sql } from 'kysely';
import { dateIn, isSendingDay } from '../../calendar.ts';
import type { Tx } from '../../db/transaction.ts';
import type { Context } from '../context.ts';
import { holidaysOf, planOf } from '../sequences/holidays.ts';
import * as sequences from '../sequences/index.ts';
import { isRunning } from '../sequences/rules.ts';

/** What a sequence did on its last days, one value a day, `until` last: a day local to it. */
export interface Days {
  until: string;
  /** Different leads touched, by the ledger: done tasks count, held messages do not (S3). */
  contacted: number[];
  replies: number[];
  /** What its cap, senders and window come to now (S5). */
  effectiveCap: number;
  /** The same by day; 0 where that day is no sending day (S4), and where nothing is sent at all (S1). */
  cap: number[];
}

/** How many days back charts look, today counted. */
export const daysShown = 14;

/** The last days by sequence, of all that are not archived or of one: for digest, status and show_sequence alike (G1). */
export async function ofSequences(ctx: Context, only?: number): Promise<Map<number, Days>> {
  const found = await ctx.tx
    .selectFrom('sequence')
    .selectAll()
    .where('status', '<>', 'archived')
    .$if(only !== undefined, query => query.where('id', '=', only!))
    .execute();
  const counted = new Map((await counts(ctx.tx, ctx.now, only)).map(row => [`${row.sequenceId} ${row.on}`, row]));
  const can = await sequences.capacities(ctx, found);
  return new Map(
    found.map(({ id, status, zone, send_days, holidays }) => {
      const { effectiveCap } = can.get(id)!;
      const window = { zone, days: send_days, from: '00:00', until: '24:00', holidays: holidaysOf(planOf(holidays)) };
      const until = dateIn(ctx.now, zone);
      const dates = Array.from({ length: daysShown }, (_, i) => until.subtract({ days: daysShown - 1 - i }));
      const of = (what: 'contacted' | 'replies') => dates.map(date => counted.get(`${id} ${date}`)?.[what] ?? 0);
      const cap = dates.map(date => (isRunning(status) && isSendingDay(date, window) ? effectiveCap : 0));
      return [id, { until: until.toString(), contacted: of('contacted'), replies: of('replies'), effectiveCap, cap }];
    }),
  );
}

/** Contacts by the day they were planned on, replies by the day they ended the enrollment; both read by index, a sequence at a time. */
const counts = async (tx: Tx, now: Temporal.Instant, only: number | undefined) =>
  (
    await sql<{ sequenceId: number; on: string; contacted: number; replies: number }>`
      with each as (
        select id, zone, (${now}::timestamptz at time zone zone)::date - ${daysShown - 1}::int as first
        from sequence where status <> 'archived' and (${only ?? null}::bigint is null or id = ${only ?? null})),
      told as (
        select each.id, m.planned_on as day, count(distinct m.lead_id) as contacted, 0::bigint as replies
        from each join message m on m.sequence_id = each.id and m.planned_on >= each.first
        where m.state in ('handing', 'sent', 'unknown') group by each.id, m.planned_on
        union all
        select each.id, (e.ended_at at time zone each.zone)::date, 0, count(*)
        from each join enrollment e on e.sequence_id = each.id
        where e.state = 'replied' and e.ended_at >= each.first::timestamp at time zone each.zone
        group by each.id, (e.ended_at at time zone each.zone)::date)
      select id as "sequenceId", day as on, sum(contacted)::int as contacted, sum(replies)::int as replies
      from told group by id, day`.execute(tx)
  ).rows;

/** What a list was ordered to get and got on one of the last days of the workspace. */
export interface ListDay {
  on: string;
  ordered: number;
  added: number;
}

/** The last days of one list's refills: for show_list. */
export async function ofList(ctx: Context, listId: number): Promise<ListDay[]> {
  const { zone } = ctx.workspace;
  const today = dateIn(ctx.now, zone);
  const first = today.subtract({ days: daysShown - 1 });
  const { rows } = await sql<ListDay>`
    select (finished_at at time zone ${zone})::date as on, sum(asked)::int as ordered, sum(added)::int as added from refill
    where list_id = ${listId} and status = 'done' and finished_at >= ${first.toString()}::timestamp at time zone ${zone}
    group by 1`.execute(ctx.tx);
  const found = new Map(rows.map(row => [row.on, row]));
  return Array.from({ length: daysShown }, (_, after) => {
    const on = first.add({ days: after }).toString();
    return found.get(on) ?? { on, ordered: 0, added: 0 };
  });
}
