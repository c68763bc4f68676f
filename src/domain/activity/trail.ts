import { sql } from 'kysely';
import type { Context } from '../context.ts';

/** Reading the trail (A5): what was done, asked, refused and decided, newest first. */

export interface Filter {
  /** What it is about: 'list:3', … any of them. */
  objects?: readonly string[] | undefined;
  /** Besides, what this member did. */
  orBy?: number | undefined;
  memberId?: number | undefined;
  since?: Temporal.Instant | undefined;
}

/** One line of the trail, with names for ids. */
export interface Line {
  id: number;
  at: Temporal.Instant;
  /** Drover, where nobody asked. */
  by: string;
  action: string;
  effect: string | null;
  outcome: string;
  /** In the words that were used then; null for what Drover noted by itself. */
  title: string | null;
  /** The reason code of a refusal. */
  code: string | null;
  objects: string[];
  /** The objects by name; those that are gone by their id. */
  about: string[];
  undone: boolean;
  approvalId: number | null;
}

const where = (ctx: Context, { objects, orBy, memberId, since }: Filter) => sql`a.workspace_id = ${ctx.workspace.id}
  ${objects ? sql`and (a.objects && ${[...objects]}::text[] or a.member_id = ${orBy ?? null}::bigint)` : sql``}
  ${memberId === undefined ? sql`` : sql`and a.member_id = ${memberId}`}
  ${since ? sql`and a.at >= ${since}` : sql``}`;

/** SQL: the name of the object under `o`, which is written 'list:3'. */
const nameOf = sql`case split_part(o, ':', 1)
  when 'list' then (select name from list where id = split_part(o, ':', 2)::bigint)
  when 'sequence' then (select name from sequence where id = split_part(o, ':', 2)::bigint)
  when 'lead' then (select full_name from lead where id = split_part(o, ':', 2)::bigint)
  when 'member' then (select name from member where id = split_part(o, ':', 2)::bigint)
  when 'sender' then (select address from sender where id = split_part(o, ':', 2)::bigint)
  when 'reply' then (select coalesce(l.full_name, r.from_name, r.from_address) from reply r left join lead l on l.id = r.lead_id
    where r.id = split_part(o, ':', 2)::bigint)
  when 'exclusion' then substring(o from '^[^:]*:[^:]*:(.*)$') end`;

/** Up to `limit` lines, newest first, those before the line `before` where given. */
export const read = async (
  ctx: Context,
  filter: Filter,
  { limit, before = null }: { limit: number; before?: number | null },
): Promise<Line[]> =>
  (
    await sql<Line>`
    select a.id, a.at, coalesce(m.name, 'Drover') as by, a.action, a.effect, a.outcome,
      coalesce(a.detail ->> 'title', a.detail ->> 'summary') as title, a.detail ->> 'code' as code, a.objects,
      array(select coalesce(${nameOf}, o) from unnest(a.objects[1:5]) with ordinality as each (o, place) order by place) as about,
      u.undone_at is not null as undone, a.approval_id as "approvalId"
    from (select * from activity a where ${where(ctx, filter)} and (${before}::bigint is null or a.id < ${before}::bigint)
      order by a.id desc limit ${limit}) a
    left join member m on m.id = a.member_id
    left join undo_entry u on u.activity_id = a.id
    order by a.id desc`.execute(ctx.tx)
  ).rows;

export const count = async (ctx: Context, filter: Filter): Promise<number> =>
  (await sql<{ n: number }>`select count(*)::int as n from activity a where ${where(ctx, filter)}`.execute(ctx.tx)).rows[0]!.n;

const columns = ['id', 'at', 'by', 'action', 'effect', 'outcome', 'undone', 'title', 'code', 'about', 'objects', 'approval'];

/** A cell that no spreadsheet runs: what begins like a formula is quoted with an apostrophe. */
export function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * A page of the trail as CSV (RFC 4180, times in UTC), newest first; the first page has the header. Each page is a short transaction of
 * its own: call again with `next` until it is null.
 */
export async function exportCsv(
  ctx: Context,
  filter: Filter = {},
  { before = null, limit = 1000 }: { before?: number | null; limit?: number } = {},
): Promise<{ csv: string; next: number | null }> {
  const lines = await read(ctx, filter, { limit, before });
  const rows = lines.map(line =>
    [
      `${line.id}`,
      line.at.toString(),
      line.by,
      line.action,
      line.effect ?? '',
      line.outcome,
      line.undone ? 'yes' : '',
      line.title ?? '',
      line.code ?? '',
      line.about.join('; '),
      line.objects.join(' '),
      `${line.approvalId ?? ''}`,
    ]
      .map(cell)
      .join(','),
  );
  const all = before === null ? [columns.join(','), ...rows] : rows;
  return { csv: all.map(row => `${row}\r\n`).join(''), next: lines.length === limit ? lines.at(-1)!.id : null };
}
