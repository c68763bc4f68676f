import { type RawBuilder, type Selectable, sql } from 'kysely';
import { dateIn } from '../../calendar.ts';
import type { Tx } from '../../db/transaction.ts';
import type { Sender } from '../../db/types.ts';
import type { Context } from '../context.ts';
import type { Endpoint } from '../ports.ts';
import { limitOn } from '../sequences/rules.ts';
import type { Reach } from './index.ts';
import type { Counted, Stop } from './rules.ts';

export type SenderRow = Selectable<Sender>;

const rows = async <R>(tx: Tx, statement: RawBuilder<R>): Promise<R[]> => (await statement.execute(tx)).rows;

export const all = (tx: Tx): Promise<SenderRow[]> =>
  tx.selectFrom('sender').selectAll().where('removed_at', 'is', null).orderBy('id').execute();

export const byAddress = async (tx: Tx, address: string): Promise<SenderRow | undefined> =>
  (await all(tx)).find(one => one.address.toLowerCase() === address.toLowerCase());

const reached = (reach?: Reach) => ({
  smtp_host: reach?.smtp.host ?? null,
  smtp_port: reach?.smtp.port ?? null,
  smtp_security: reach?.smtp.security ?? null,
  imap_host: reach?.imap?.host ?? null,
  imap_port: reach?.imap?.port ?? null,
  imap_security: reach?.imap?.security ?? null,
  user_name: reach?.user ?? null,
  secret: reach?.sealedSecret ?? null,
});

export const insertMailbox = ({ tx, workspace, now }: Context, senderId: number, reach?: Reach): Promise<unknown> =>
  tx
    .insertInto('mailbox')
    .values({ sender_id: senderId, workspace_id: workspace.id, next_read_at: now, ...reached(reach) })
    .execute();

export const updateMailbox = ({ tx, now }: Context, senderId: number, reach: Reach): Promise<unknown> =>
  tx
    .updateTable('mailbox')
    .set({ ...reached(reach), failures: 0, next_read_at: now })
    .where('sender_id', '=', senderId)
    .execute();

/** How a mailbox is reached; undefined where it is on this machine, or gone. */
export async function reachOf(tx: Tx, senderId: number): Promise<Reach | undefined> {
  const row = await tx.selectFrom('mailbox').selectAll().where('sender_id', '=', senderId).executeTakeFirst();
  if (!row?.smtp_host || !row.user_name || !row.secret) return undefined;
  const at = (host: string, port: number | null, security: string | null): Endpoint => ({
    ...{ host, port: port!, security: security as Endpoint['security'] },
  });
  return {
    smtp: at(row.smtp_host, row.smtp_port, row.smtp_security),
    imap: row.imap_host ? at(row.imap_host, row.imap_port, row.imap_security) : null,
    user: row.user_name,
    sealedSecret: row.secret,
  };
}

/** Returns whether it went from sending, or from a mere rest, to the new state. */
export const stop = async (tx: Tx, id: number, { status, code, detail, restsUntil }: Stop): Promise<boolean> =>
  (
    await rows(
      tx,
      sql`update sender set status = ${status}, status_code = ${code}, status_reason = ${detail},
          rests_until = ${restsUntil?.toString() ?? null}::date, owner_told = false
        where id = ${id} and status in ('healthy', 'resting') and removed_at is null and status is distinct from ${status} returning id`,
    )
  ).length > 0;

export const recover = async (tx: Tx, id: number, code: string): Promise<boolean> =>
  (
    await rows(
      tx,
      sql`update sender set status = 'healthy', status_code = null, status_reason = null, owner_told = false
        where id = ${id} and status = 'failing' and status_code = ${code} and removed_at is null returning id`,
    )
  ).length > 0;

/** Counts a day on which it sent, once: in two far zones it sends on two dates by turns, and the earlier one is no new day. */
export const countDay = (tx: Tx, id: number, on: Temporal.PlainDate): Promise<unknown> =>
  sql`update sender set started_on = coalesce(started_on, ${on}), last_sent_on = ${on}, sending_days = sending_days + 1
    where id = ${id} and (last_sent_on is null or last_sent_on < ${on})`.execute(tx);

export const sequencesOf = async (tx: Tx, id: number): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{ id: number }>`select s.id from sequence_sender x join sequence s on s.id = x.sequence_id
        where x.sender_id = ${id} and s.status in ('active', 'finishing') order by s.id`,
    )
  ).map(row => row.id);

const isLive = sql.raw(`state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`);

export const waiting = async (tx: Tx, id: number): Promise<{ contacted: number; others: number }> =>
  (
    await rows(
      tx,
      sql<{ contacted: number; others: number }>`
        select count(*) filter (where contacted_at is not null)::int as contacted,
          count(*) filter (where contacted_at is null)::int as others from enrollment where sender_id = ${id} and ${isLive}`,
    )
  )[0]!;

export const contactedBy = async (tx: Tx, id: number): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{
        id: number;
      }>`select id from enrollment where sender_id = ${id} and ${isLive} and contacted_at is not null order by id`,
    )
  ).map(row => row.id);

/** Whoever it was to contact first may be contacted by another. */
export const release = async (tx: Tx, id: number): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{
        id: number;
      }>`update enrollment set sender_id = null where sender_id = ${id} and ${isLive} and contacted_at is null returning id`,
    )
  ).map(row => row.id);

/** Messages of a sender since an instant, and those of them that came back: refused at once, or by a notice later (D5). */
export const bouncesOf = async (tx: Tx, id: number, since: Temporal.Instant): Promise<Counted> =>
  (
    await rows(
      tx,
      sql<Counted>`
        select count(*)::int as sent,
          count(*) filter (where m.reason = 'bad_address' or exists (select from reply r where r.message_id = m.id and r.kind = 'bounce'
            and r.outcome = 'bounced'))::int as bounced
        from message m join sender x on x.id = m.sender_id
        where m.sender_id = ${id} and m.planned_on >= (${since}::timestamptz - interval '1 day')::date
          and m.ended_at >= greatest(${since}::timestamptz, x.bounces_from)
          and (m.state = 'sent' or m.state = 'failed' and m.reason = 'bad_address')`,
    )
  )[0]!;

export interface Untold {
  id: number;
  name: string;
  address: string;
  status: string;
  code: string | null;
  detail: string | null;
  restsUntil: string | null;
  /** The owner's Slack user. */
  owner: string;
  /** People who wait for it. */
  waiting: number;
}

export const tell = (tx: Tx): Promise<Untold[]> =>
  rows(
    tx,
    sql<Untold>`
      update sender x set owner_told = true from member o
      where o.id = x.owner_id and not x.owner_told and x.removed_at is null
      returning x.id, x.name, x.address, x.status, x.status_code as code, x.status_reason as detail, x.rests_until as "restsUntil",
        o.slack_user_id as owner, (select count(*)::int from enrollment where sender_id = x.id and ${isLive}) as waiting`,
  );

export interface Inspected {
  id: number;
  name: string;
  address: string;
  owner: string;
  transport: string;
  status: string;
  code: string | null;
  detail: string | null;
  restsUntil: string | null;
  limitToday: number;
  dailyLimit: number;
  sentToday: number;
  gapMinutes: number;
  isRamping: boolean;
  sequences: string[];
  readAt: string | null;
  readsReplies: boolean;
}

export const blind = async (tx: Tx, sequenceId: number): Promise<string[]> =>
  (
    await rows(
      tx,
      sql<{ address: string }>`select x.address from sequence_sender ss join sender x on x.id = ss.sender_id
        join mailbox b on b.sender_id = x.id
        where ss.sequence_id = ${sequenceId} and b.smtp_host is not null and b.imap_host is null order by x.id`,
    )
  ).map(row => row.address);

export async function inspect({ tx, workspace, now }: Context): Promise<Inspected[]> {
  const on = dateIn(now, workspace.zone);
  const found = await rows(
    tx,
    sql<SenderRow & { owner: string; sequences: string[]; sent_today: number; read_at: Temporal.Instant | null; reads: boolean }>`
      select x.*, o.name as owner, b.read_at, (b.sender_id is not null and (b.smtp_host is null or b.imap_host is not null)) as reads,
        coalesce((select array_agg(q.name order by q.name) from sequence_sender s join sequence q on q.id = s.sequence_id
          where s.sender_id = x.id), '{}') as sequences,
        (select count(*)::int from message m where m.sender_id = x.id and m.planned_on = ${on.toString()}::date
          and m.state in ('claimed', 'handing', 'sent', 'unknown')) as sent_today
      from sender x join member o on o.id = x.owner_id left join mailbox b on b.sender_id = x.id
      where x.removed_at is null order by x.id`,
  );
  return found.map(row => ({
    id: row.id,
    name: row.name,
    address: row.address,
    owner: row.owner,
    transport: row.transport,
    status: row.status,
    code: row.status_code,
    detail: row.status_reason,
    restsUntil: row.rests_until,
    limitToday: limitOn(row, on),
    dailyLimit: row.daily_limit,
    sentToday: row.sent_today,
    gapMinutes: row.min_gap_minutes,
    isRamping: limitOn(row, on) < row.daily_limit,
    sequences: row.sequences,
    readAt: row.read_at?.toString() ?? null,
    readsReplies: row.reads,
  }));
}
