import { sql } from 'kysely';
import type { Context } from '../context.ts';
import { contacted } from './queries.ts';

/** What has left because of something: where anything has, that something cannot be taken back (A6). All counts are of people. */

const one = async (ctx: Context, statement: ReturnType<typeof sql<{ n: number }>>): Promise<number> =>
  (await statement.execute(ctx.tx)).rows[0]!.n;

/** Whom a link made somebody contact. */
export const throughLink = (ctx: Context, linkId: number): Promise<number> =>
  one(
    ctx,
    sql<{ n: number }>`select count(distinct e.lead_id)::int as n from enrollment e
      where e.link_id = ${linkId} and ${contacted('e')}`,
  );

/** Who came onto a list, by a refill or since an instant, and was contacted through it. */
export const toMembers = (
  ctx: Context,
  { listId, refillId = null, since = null }: { listId: number; refillId?: number | null; since?: Temporal.Instant | null },
): Promise<number> =>
  one(
    ctx,
    sql<{ n: number }>`select count(distinct m.lead_id)::int as n from membership m
      join enrollment e on e.workspace_id = m.workspace_id and e.lead_id = m.lead_id and e.list_id = m.list_id
      where m.list_id = ${listId} and (${refillId}::bigint is null or m.refill_id = ${refillId}::bigint)
        and (${since}::timestamptz is null or m.added_at >= ${since}::timestamptz) and ${contacted('e')}`,
  );

/** To whom a sequence has sent since an instant, of one version of its steps where given. */
export const fromSequence = (
  ctx: Context,
  { sequenceId, since, version = null }: { sequenceId: number; since: Temporal.Instant; version?: number | null },
): Promise<number> =>
  one(
    ctx,
    sql<{ n: number }>`select count(distinct lead_id)::int as n from message
      where sequence_id = ${sequenceId} and state in ('handing', 'sent', 'unknown')
        and coalesce(handing_at, ended_at, planned_at) >= ${since} and (${version}::int is null or version = ${version}::int)`,
  );

/** To whom anything has been sent at all of some leads since an instant. */
export const toLeads = (ctx: Context, leadIds: readonly number[], since: Temporal.Instant): Promise<number> =>
  one(
    ctx,
    sql<{ n: number }>`select count(distinct lead_id)::int as n from message
      where workspace_id = ${ctx.workspace.id} and lead_id = any(${[...leadIds]}::bigint[])
        and state in ('handing', 'sent', 'unknown') and coalesce(handing_at, ended_at, planned_at) >= ${since}`,
  );

/** To whom anything has been sent of some runs since an instant. */
export const inRuns = (ctx: Context, enrollmentIds: readonly number[], since: Temporal.Instant): Promise<number> =>
  one(
    ctx,
    sql<{ n: number }>`select count(distinct lead_id)::int as n from message
      where enrollment_id = any(${[...enrollmentIds]}::bigint[]) and state in ('handing', 'sent', 'unknown')
        and coalesce(handing_at, ended_at, planned_at) >= ${since}`,
  );
