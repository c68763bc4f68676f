import { sql } from 'kysely';
import { type Refusal, refuse } from '../../errors.ts';
import { foldName, nearest } from '../../nearest.ts';
import type { Context } from '../context.ts';
import { findLeads, namesLike } from '../exclusions/queries.ts';
import { emailKey, linkedinKey } from '../leads/rules.ts';

/** A lead's run that is under way, found by what a person calls the lead. */
export interface LiveRun {
  enrollmentId: number;
  leadId: number;
  name: string;
  email: string | null;
  company: string | null;
  state: string;
  reason: string | null;
  pausedUntil: string | null;
  isContacted: boolean;
  sequenceId: number;
  sequence: string;
  zone: string;
  ownerId: number;
  owner: string;
}

/**
 * The live run of one lead, named by full name, address, profile or `#id` (E1: there is at most one). Several people of one name, of whom
 * more than one is live, are a question; nobody, or nobody who is live, is a refusal that says so. `phrase` writes what to say instead.
 */
export async function liveRun(
  ctx: Context,
  ref: string,
  { sequenceId, phrase }: { sequenceId?: number; phrase: (who: string) => string },
): Promise<LiveRun | Refusal> {
  const wanted = ref.trim();
  const id = /^#(\d+)$/.exec(wanted)?.[1];
  const found = id
    ? await ctx.tx.selectFrom('lead').select(['id', 'full_name as name']).where('id', '=', Number(id)).execute()
    : await findLeads(ctx.tx, { email: emailKey(wanted), linkedin: linkedinKey(wanted), name: wanted });
  if (!found.length) return unknown(ctx, wanted, phrase);
  const runs = await runsOf(
    ctx,
    found.map(lead => lead.id),
  );
  const here = sequenceId === undefined ? runs : runs.filter(run => run.sequenceId === sequenceId);
  if (here.length === 1) return here[0]!;
  if (here.length > 1) {
    const people = here
      .slice(0, 5)
      .map(run => `${run.name} (${[run.company, run.email, run.sequence].filter(Boolean).join(', ')})`);
    return refuse(
      'ambiguous_lead',
      `${here.length} people called "${wanted}" are being contacted: ${people.join('; ')}. Which one? Name the address.`,
      here.slice(0, 3).flatMap(run => (run.email ? [phrase(run.email)] : [])),
    );
  }
  const elsewhere = runs[0];
  if (elsewhere)
    return refuse('not_in_sequence', `${elsewhere.name} is not in that sequence but in "${elsewhere.sequence}".`, [
      phrase(elsewhere.email ?? elsewhere.name),
    ]);
  return refuse('not_live', `${found[0]!.name} is in no sequence at the moment, so nothing is to be changed.`, [
    `why ${found[0]!.name}`,
  ]);
}

const runsOf = async ({ tx }: Context, leadIds: readonly number[]): Promise<LiveRun[]> =>
  (
    await sql<LiveRun>`
      select e.id as "enrollmentId", e.lead_id as "leadId", l.full_name as name, l.email_key as email, l.company, e.state, e.reason,
        e.paused_until as "pausedUntil", e.contacted_at is not null as "isContacted", s.id as "sequenceId", s.name as sequence, s.zone,
        s.owner_id as "ownerId", o.name as owner
      from enrollment e join lead l on l.id = e.lead_id join sequence s on s.id = e.sequence_id join member o on o.id = s.owner_id
      where e.lead_id = any(${leadIds}::bigint[])
        and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task') order by e.id`.execute(tx)
  ).rows;

async function unknown(ctx: Context, ref: string, phrase: (who: string) => string): Promise<Refusal> {
  const words = foldName(ref)
    .split(' ')
    .filter(word => word.length > 1);
  const near = nearest(ref, words.length ? await namesLike(ctx.tx, words) : []);
  const hint = near.length ? ` The nearest: ${near.join(', ')}.` : ' Name the address instead.';
  return refuse('unknown_lead', `There is no lead called "${ref}".${hint}`, near.length ? near.map(phrase) : ['show my lists']);
}
