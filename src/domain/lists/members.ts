import { sql } from 'kysely';
import { dateIn } from '../../calendar.ts';
import { type Refusal, refuse } from '../../errors.ts';
import { foldName, nearest } from '../../nearest.ts';
import type { Context } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import { contacted } from '../enrollments/queries.ts';
import { exclusionOf } from '../exclusions/queries.ts';
import { emailKey } from '../leads/rules.ts';
import * as links from '../links/index.ts';
import type { ListRow } from './queries.ts';

/** Who is on a list by a human's hand: removed (L7), put back (M4), combined from other lists. */

export interface Member {
  leadId: number;
  name: string;
  email: string | null;
  company: string | null;
  removed: boolean;
}

/**
 * The members that names or addresses mean, removed ones or those that are on the list; several of one name, or nobody, is a question.
 * @returns the refusal `unknown_lead` with the nearest, `ambiguous_lead`, or that they are on the list, or off it, already
 */
export async function named(
  ctx: Context,
  list: ListRow,
  refs: readonly string[],
  { removed }: { removed: boolean },
): Promise<Member[] | Refusal> {
  const matches = await matching(ctx, list.id, refs);
  const chosen = new Map<number, Member>();
  for (const ref of refs) {
    const found = matches.filter(member => means(ref, member));
    const fitting = found.filter(member => member.removed === removed);
    if (fitting.length > 1) return ambiguous(ref, fitting, list, removed);
    if (fitting[0]) chosen.set(fitting[0].leadId, fitting[0]);
    else if (found[0])
      return removed
        ? refuse('on_list', `${found[0].name} is on "${list.name}" already.`, [`show list "${list.name}"`])
        : refuse('removed_already', `${found[0].name} was removed from "${list.name}" already.`, [
            `put ${found[0].name} back on "${list.name}"`,
          ]);
    else return unknown(ctx, ref, list, removed);
  }
  return [...chosen.values()];
}

const means = (ref: string, { name, email }: Member): boolean => {
  const address = emailKey(ref);
  return address ? email === address : foldName(name) === foldName(ref);
};

const matching = async (ctx: Context, listId: number, refs: readonly string[]): Promise<Member[]> => {
  const addresses = refs.flatMap(ref => emailKey(ref) ?? []);
  // Names are compared folded; the database only narrows them down to those that begin alike.
  const words = refs
    .filter(ref => !emailKey(ref))
    .map(
      ref =>
        `%${ref
          .trim()
          .split(/\s+/)[0]!
          .replace(/[\\%_]/g, '\\$&')}%`,
    );
  const { rows } = await sql<Member>`
    select l.id as "leadId", l.full_name as name, l.email_key as email, l.company, m.removed_at is not null as removed
    from membership m join lead l on l.id = m.lead_id
    where m.list_id = ${listId} and (l.email_key = any(${addresses}::text[]) or l.full_name ilike any(${words}::text[]))
    order by l.id limit 2000`.execute(ctx.tx);
  return rows;
};

const phrase = (who: string, list: ListRow, removed: boolean): string =>
  removed ? `put ${who} back on "${list.name}"` : `remove ${who} from "${list.name}"`;

function ambiguous(ref: string, found: Member[], list: ListRow, removed: boolean): Refusal {
  const people = found.slice(0, 5).map(each => `${each.name} (${[each.company, each.email].filter(Boolean).join(', ')})`);
  return refuse(
    'ambiguous_lead',
    `${found.length} people on "${list.name}" are called "${ref}": ${people.join('; ')}. Which one? Name the address.`,
    found.slice(0, 3).flatMap(({ email }) => (email ? [phrase(email, list, removed)] : [])),
  );
}

async function unknown(ctx: Context, ref: string, list: ListRow, removed: boolean): Promise<Refusal> {
  const { rows } = await sql<{ name: string }>`
    select l.full_name as name from membership m join lead l on l.id = m.lead_id
    where m.list_id = ${list.id} and (m.removed_at is not null) = ${removed} order by m.added_at desc limit 2000`.execute(ctx.tx);
  const near = nearest(ref, [...new Set(rows.map(row => row.name))]);
  const hint = near.length ? ` The nearest: ${near.join(', ')}.` : '';
  const message = removed
    ? `Nobody called "${ref}" was removed from "${list.name}".`
    : `Nobody called "${ref}" is on "${list.name}".`;
  return refuse('unknown_lead', message + hint, [...near.map(name => phrase(name, list, removed)), `show list "${list.name}"`]);
}

export interface Removed {
  removed: number;
  /** Uncontacted enrollments that the list had started (L7); those that another list still holds pass to it instead (K4). */
  withdrawn: number;
  passed: number;
  /** Who was contacted through the list and so goes on. */
  goesOn: { name: string; sequence: string }[];
}

/**
 * Takes people off a list, at most `enrollments.chunkSize`. The uncontacted enrollment that the list started is withdrawn; a contacted
 * one goes on (L7). The rows stay as a record, so that no source adds them again (M4).
 */
export async function remove(ctx: Context, listId: number, leadIds: number[]): Promise<Removed> {
  const { rows } = await sql`update membership set removed_at = ${ctx.now}
    where list_id = ${listId} and lead_id = any(${leadIds}::bigint[]) and removed_at is null returning lead_id`.execute(ctx.tx);
  const link = await links.activeOf(ctx, listId);
  const released = link
    ? await enrollments.withdrawUncontacted(ctx, { linkId: link.id, leadIds, reason: 'removed' })
    : { withdrawn: 0, passed: 0 };
  return {
    removed: rows.length,
    withdrawn: released.withdrawn,
    passed: released.passed,
    goesOn: await contactedThrough(ctx, listId, leadIds),
  };
}

/** Who of a list's people was contacted by an enrollment that this list started, and is live in it. */
export const contactedThrough = async (
  ctx: Context,
  listId: number,
  leadIds: readonly number[],
): Promise<{ name: string; sequence: string }[]> => {
  const { rows } = await sql<{ name: string; sequence: string }>`
    select l.full_name as name, s.name as sequence
    from enrollment e join lead l on l.id = e.lead_id join sequence s on s.id = e.sequence_id
    where e.workspace_id = ${ctx.workspace.id} and e.lead_id = any(${[...leadIds]}::bigint[]) and e.list_id = ${listId}
      and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task') and ${contacted('e')} order by l.id`.execute(
    ctx.tx,
  );
  return rows;
};

/** Which of some leads are excluded today (X1). */
export const excludedOf = async (ctx: Context, leadIds: readonly number[]): Promise<{ name: string; why: string }[]> => {
  const on = dateIn(ctx.now, ctx.workspace.zone);
  const { rows } = await sql<{ name: string; why: string }>`
    select full_name as name, why from (select l.id, l.full_name, ${exclusionOf('l', on)} as why from lead l
      where l.id = any(${[...leadIds]}::bigint[])) as asked where why is not null order by id`.execute(ctx.tx);
  return rows;
};

/** Puts removed people back, at most `enrollments.chunkSize`; where the list is linked they enrol (M4, M7). */
export async function restore(
  ctx: Context,
  listId: number,
  leadIds: number[],
): Promise<{ restored: number; enrolled: enrollments.Enrolled | null }> {
  const { rows } = await sql`update membership set removed_at = null
    where list_id = ${listId} and lead_id = any(${leadIds}::bigint[]) and removed_at is not null returning lead_id`.execute(
    ctx.tx,
  );
  const link = await links.activeOf(ctx, listId);
  const enrolled = link ? await enrollments.enrollMembers(ctx, { linkId: link.id, leadIds }) : null;
  return { restored: rows.length, enrolled };
}

/** Ends a list's open orders; a page that is on its way finds its order ended, and adds nobody. Returns how many leads were still to come. */
export async function cancelOrders(
  ctx: Context,
  listId: number,
  ended: 'list_archived' | 'cancelled',
  refillId?: number,
): Promise<number> {
  const { rows } = await sql<{ left: number }>`
    update refill set status = 'done', ended = ${ended}, finished_at = ${ctx.now}, error = null
    where list_id = ${listId} and kind <> 'import' and status in ('queued', 'running')
      and (${refillId ?? null}::bigint is null or id = ${refillId ?? null}::bigint)
    returning asked - added as left`.execute(ctx.tx);
  return rows.reduce((sum, { left }) => sum + left, 0);
}

/** Who of a list came by one refill and is still on it. */
export const addedBy = async (ctx: Context, listId: number, refillId: number): Promise<number[]> =>
  (
    await ctx.tx
      .selectFrom('membership')
      .select('lead_id')
      .where('list_id', '=', listId)
      .where('refill_id', '=', refillId)
      .where('removed_at', 'is', null)
      .orderBy('lead_id')
      .execute()
  ).map(row => row.lead_id);

/** Opens an archived list again, under its name. */
export const reopen = (ctx: Context, listId: number) =>
  ctx.tx.updateTable('list').set({ archived_at: null }).where('id', '=', listId).execute();

/** How lists become one: `minus` takes all others away from the first. */
export interface Combination {
  /** The new list. */
  listId: number;
  how: 'union' | 'intersection' | 'minus';
  from: number[];
}

/** SQL: one row a lead of the combination, with its provenance on the first of the lists that holds it (L4). */
const combined = ({ how, from }: Omit<Combination, 'listId'>) => sql`
  select distinct on (m.lead_id) m.lead_id, m.source, m.record_id, m.refill_id
  from membership m join unnest(${from}::bigint[]) with ordinality as f (list_id, place) on f.list_id = m.list_id
  where m.removed_at is null
    ${
      how === 'intersection'
        ? sql`and (select count(*) from membership o where o.lead_id = m.lead_id and o.removed_at is null
      and o.list_id = any(${from}::bigint[])) = ${from.length}`
        : sql``
    }
    ${
      how === 'minus'
        ? sql`and f.place = 1 and not exists (select from membership o where o.lead_id = m.lead_id
      and o.removed_at is null and o.list_id = any(${from.slice(1)}::bigint[]))`
        : sql``
    }
  order by m.lead_id, f.place`;

/** How many people a combination has. Writes nothing. */
export const countCombined = async (ctx: Context, combination: Omit<Combination, 'listId'>): Promise<number> =>
  (await sql<{ n: number }>`select count(*)::int as n from (${combined(combination)}) as each`.execute(ctx.tx)).rows[0]!.n;

/**
 * Puts the next people of a combination on its list, and enrols them where it is linked meanwhile (M7). Who was ever on it is left as
 * they are, so that it may be repeated.
 */
export async function combineChunk(
  ctx: Context,
  combination: Combination,
  limit = enrollments.chunkSize,
): Promise<{ added: number; more: boolean }> {
  const { listId } = combination;
  const list = await ctx.tx.selectFrom('list').select('archived_at').where('id', '=', listId).executeTakeFirst();
  if (!list || list.archived_at) return { added: 0, more: false };
  const { rows } = await sql<{ lead_id: number }>`
    insert into membership (list_id, lead_id, workspace_id, source, record_id, refill_id, added_at)
    select ${listId}, lead_id, ${ctx.workspace.id}, source, record_id, refill_id, ${ctx.now}
    from (${combined(combination)}) as each
    where not exists (select from membership there where there.list_id = ${listId} and there.lead_id = each.lead_id)
    order by lead_id limit ${limit}
    on conflict (list_id, lead_id) do nothing returning lead_id`.execute(ctx.tx);
  const link = rows.length ? await links.activeOf(ctx, listId) : undefined;
  if (link) await enrollments.enrollMembers(ctx, { linkId: link.id, leadIds: rows.map(row => row.lead_id) });
  return { added: rows.length, more: rows.length === limit };
}
