import { sql } from 'kysely';
import { dateIn } from '../../calendar.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import { exclusionOf } from '../exclusions/queries.ts';
import type { SequenceRow } from '../sequences/rules.ts';
import { withdraw } from './index.ts';
import * as queries from './queries.ts';
import { isLive } from './rules.ts';

/** Enrolling one person by name: what a person may set aside, and what nobody may (E1, E4, E5, X1). */

/** What a person may set aside: that nobody had reviewed them, that they replied, or that a run here ended for what no longer holds. */
export type SetAside = 'review_expired' | 'replied_before' | 'ended_here';

export type Standing =
  | { may: true; setsAside: SetAside[] }
  | { may: false; reason: 'in_this_sequence' | 'already_enrolled' | 'excluded' | 'bad_address' | 'no_email' }
  | { may: false; reason: 'in_other_sequence'; sequence: string; owner: string }
  /** Until this local date. */
  | { may: false; reason: 'cooling_down'; until: string };

/** SQL: how runs in the very sequence end that a person may begin again; whoever was refused, stopped or is through stays so (E5). */
const endedForAReason = sql`('replied', 'excluded', 'unsubscribed', 'bounced')`;

interface Facts {
  email: string | null;
  emailStatus: string;
  isExcluded: boolean;
  liveIn: number | null;
  sequence: string | null;
  owner: string | null;
  isOverHere: boolean;
  endedHere: boolean;
  hasReplied: boolean;
  hasExpired: boolean;
  lastContact: string | null;
}

/** How a lead stands to a sequence that a person wants it in. Writes nothing. */
export async function standing(
  ctx: Context,
  { leadId, sequence }: { leadId: number; sequence: Pick<SequenceRow, 'id'> },
): Promise<Standing> {
  const { workspace, now } = ctx;
  const on = dateIn(now, workspace.zone);
  const { rows } = await sql<Facts>`
    select l.email_key as email, l.email_status as "emailStatus", ${exclusionOf('l', on)} is not null as "isExcluded",
      live.sequence_id as "liveIn", s.name as sequence, o.name as owner, l.replied_at is not null or coalesce(past.replied, false) as "hasReplied",
      coalesce(past.over_here, false) as "isOverHere", coalesce(past.ended_here, false) as "endedHere",
      coalesce(past.expired, false) as "hasExpired", to_char(past.contact at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "lastContact"
    from lead l
    left join enrollment live on live.workspace_id = l.workspace_id and live.lead_id = l.id
      and live.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')
    left join sequence s on s.id = live.sequence_id left join member o on o.id = s.owner_id
    cross join lateral (
      select bool_or(e.state = 'replied') as replied,
        bool_or(e.sequence_id = ${sequence.id} and e.reason = 'review_expired') as expired,
        bool_or(e.sequence_id = ${sequence.id} and e.ended_at is not null and e.state not in ${endedForAReason}
          and (e.state in ('refused', 'stopped') and e.reason is distinct from 'taken_back' or ${queries.contacted('e')})) as over_here,
        bool_or(e.sequence_id = ${sequence.id} and e.state in ${endedForAReason} and ${queries.contacted('e')}) as ended_here,
        max(coalesce(e.last_contact_at, e.contacted_at, e.ended_at)) filter (where ${queries.contacted('e')}) as contact
      from enrollment e where e.workspace_id = l.workspace_id and e.lead_id = l.id) past
    where l.id = ${leadId}`.execute(ctx.tx);
  const facts = rows[0]!;
  const isUnreachable = facts.emailStatus === 'bounced' || facts.emailStatus === 'invalid';
  if (facts.liveIn === sequence.id) return { may: false, reason: 'in_this_sequence' };
  if (facts.isExcluded) return { may: false, reason: 'excluded' };
  if (facts.liveIn !== null) return { may: false, reason: 'in_other_sequence', sequence: facts.sequence!, owner: facts.owner! };
  if (facts.isOverHere) return { may: false, reason: 'already_enrolled' };
  if (await queries.needsEmail(ctx.tx, sequence.id)) {
    if (facts.email === null) return { may: false, reason: 'no_email' };
    if (isUnreachable) return { may: false, reason: 'bad_address' };
  }
  const until = facts.lastContact && Temporal.Instant.from(facts.lastContact).add({ hours: 24 * workspace.cooling_down_days });
  if (until && Temporal.Instant.compare(until, now) > 0)
    return { may: false, reason: 'cooling_down', until: dateIn(until, workspace.zone).toString() };
  return {
    may: true,
    setsAside: [
      ...(facts.hasExpired ? ['review_expired' as const] : []),
      ...(facts.hasReplied ? ['replied_before' as const] : []),
      ...(facts.endedHere ? ['ended_here' as const] : []),
    ],
  };
}

/**
 * Enrols a lead that no link brings: in review in a copilot sequence, in the queue of one on autopilot (E4). Call it with the sequence
 * locked. @returns the run's id; null where somebody else enrolled the lead at the same moment (E1)
 */
export async function enroll(
  ctx: Context,
  { leadId, sequence }: { leadId: number; sequence: Pick<SequenceRow, 'id' | 'version' | 'mode'> },
): Promise<number | null> {
  const { rows } = await sql<{ id: number }>`
    insert into enrollment (workspace_id, sequence_id, lead_id, version, state, enrolled_at)
    values (${ctx.workspace.id}, ${sequence.id}, ${leadId}, ${sequence.version},
      ${sequence.mode === 'copilot' ? 'in_review' : 'queued'}, ${ctx.now})
    on conflict (workspace_id, lead_id) where state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task') do nothing
    returning id`.execute(ctx.tx);
  if (rows[0]) await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId: sequence.id });
  return rows[0]?.id ?? null;
}

/** Takes such a run back, while nobody has been contacted. @returns what it had become where it is not live any more, or contacted */
export async function takeBack(ctx: Context, enrollmentId: number): Promise<'withdrawn' | 'contacted' | { ended: string }> {
  const run = await ctx.tx.selectFrom('enrollment').select('sequence_id').where('id', '=', enrollmentId).executeTakeFirst();
  if (!run) return { ended: 'gone' };
  await queries.lockSequences(ctx.tx, [run.sequence_id]);
  await sql`select from enrollment where id = ${enrollmentId} for update`.execute(ctx.tx);
  const { rows } = await sql<{ state: string; isContacted: boolean }>`
    select e.state, ${queries.contacted('e')} as "isContacted" from enrollment e where e.id = ${enrollmentId}`.execute(ctx.tx);
  const { state, isContacted } = rows[0]!;
  if (isContacted) return 'contacted';
  if (!isLive(state)) return { ended: state };
  await withdraw(ctx, [{ id: enrollmentId, sequenceId: run.sequence_id }], 'by_hand');
  return 'withdrawn';
}
