import { sql } from 'kysely';
import { dateIn } from '../../calendar.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import { lockAll, settle } from '../sequences/queries.ts';
import { lockEnrollments, rows } from './queries.ts';
import * as sending from './sending-queries.ts';

/** Messages that may or may not have left: a human says which (D2). */
export interface Unknown {
  id: number;
  enrollmentId: number;
  leadId: number;
  lead: string;
  company: string | null;
  email: string | null;
  position: number;
  handedAt: Temporal.Instant;
  sequenceId: number;
  sequence: string;
  ownerId: number;
}

/** All of them, or those of a sequence or a lead; oldest first. */
export const unknowns = (
  ctx: Context,
  { sequenceId, leadIds }: { sequenceId?: number; leadIds?: number[] },
): Promise<Unknown[]> =>
  rows(
    ctx.tx,
    sql<Unknown>`
      select m.id, m.enrollment_id as "enrollmentId", m.lead_id as "leadId", l.full_name as lead, l.company, l.email_key as email, m.position,
        m.handing_at as "handedAt", s.id as "sequenceId", s.name as sequence, s.owner_id as "ownerId"
      from message m join lead l on l.id = m.lead_id join sequence s on s.id = m.sequence_id
      where m.workspace_id = ${ctx.workspace.id} and m.state = 'unknown'
        and (${sequenceId ?? null}::bigint is null or m.sequence_id = ${sequenceId ?? null})
        and (${leadIds ?? null}::bigint[] is null or m.lead_id = any(${leadIds ?? null}::bigint[]))
      order by m.handing_at, m.id`,
  );

/** How long the Sent folder is looked through for a message that may have left; a server that files it does so at once. */
const searchedFor = { hours: 1 };

/** Messages of a sender that may have left a short while ago, for a look into its Sent folder (D2). */
export const freshUnknowns = (ctx: Context, senderId: number): Promise<{ id: number; mailId: string }[]> =>
  rows(
    ctx.tx,
    sql<{ id: number; mailId: string }>`select id, mail_id as "mailId" from message
      where workspace_id = ${ctx.workspace.id} and state = 'unknown' and sender_id = ${senderId}
        and ended_at > ${ctx.now.subtract(searchedFor)} and mail_id is not null order by id`,
  );

/**
 * Settles unknown messages (D2). `sent`: the run goes on from the moment of the hand-over. `resend`: the message is planned again, from
 * the same sender and under the same Message-ID, since the first may have arrived. Those that somebody settled meanwhile stay as they are.
 * @returns how many were settled
 */
export async function settleUnknown(
  ctx: Context,
  ids: readonly number[],
  as: 'sent' | 'resend',
  reason: 'settled_by_hand' | 'found_in_sent' = 'settled_by_hand',
): Promise<number> {
  const { tx, now } = ctx;
  const found = await tx
    .selectFrom('message')
    .select(['id', 'sequence_id', 'enrollment_id'])
    .where('id', 'in', [...ids])
    .where('state', '=', 'unknown')
    .execute();
  const sequences = await lockAll(
    tx,
    found.map(row => row.sequence_id),
  );
  await lockEnrollments(
    tx,
    found.map(row => row.enrollment_id),
  );
  const settled = await rows(
    tx,
    as === 'sent'
      ? sql<{ id: number; sequenceId: number; handedAt: Temporal.Instant }>`
          update message set state = 'sent', reason = ${reason}
          where id = any(${found.map(row => row.id)}::bigint[]) and state = 'unknown'
          returning id, sequence_id as "sequenceId", handing_at as "handedAt"`
      : sql<{ id: number; sequenceId: number; handedAt: Temporal.Instant }>`
          with before as (select id, handing_at from message where id = any(${found.map(row => row.id)}::bigint[]) and state = 'unknown')
          update message m set state = 'held', reason = 'resend', claimed_at = null, handing_at = null, ended_at = null
          from before where m.id = before.id returning m.id, m.sequence_id as "sequenceId", before.handing_at as "handedAt"`,
  );
  const zones = new Map(sequences.map(sequence => [sequence.id, sequence.zone]));
  if (as === 'sent')
    await sending.advance(
      tx,
      settled.map(({ id, sequenceId, handedAt }) => ({ id, on: dateIn(handedAt, zones.get(sequenceId)!), contactAt: handedAt })),
      now,
    );
  else
    await sql`update enrollment e set next_due_on = (${now}::timestamptz at time zone s.zone)::date
      from message m join sequence s on s.id = m.sequence_id
      where m.id = any(${settled.map(row => row.id)}::bigint[]) and e.id = m.enrollment_id and e.next_position = m.position
        and e.state in ('active', 'paused')`.execute(tx);
  for (const sequenceId of new Set(settled.map(row => row.sequenceId))) {
    await settle(tx, sequenceId, now);
    await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });
  }
  return settled.length;
}
