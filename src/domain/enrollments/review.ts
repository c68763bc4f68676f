import { sql } from 'kysely';
import { type Refusal, refuse } from '../../errors.ts';
import { foldName, nearest } from '../../nearest.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import { emailKey } from '../leads/rules.ts';
import type { Criteria } from '../lists/criteria.ts';
import { chunkSize } from './index.ts';

/** Leads that wait for a human in a copilot sequence (E4). */
export interface Waiting {
  enrollmentId: number;
  name: string;
  email: string | null;
  title: string | null;
  company: string | null;
  list: string | null;
  /** What the list looked for when the lead was found; null where a file or a person brought it. */
  criteria: Criteria | null;
  /** The file that the lead came in. */
  file: string | null;
  /** Where the list has the lead from. */
  source: string | null;
  since: Temporal.Instant;
}

/** Those who have waited longest, first. */
export const waiting = async (ctx: Context, sequenceId: number, limit: number): Promise<Waiting[]> => {
  const { rows } = await sql<Waiting>`
    select e.id as "enrollmentId", lead.full_name as name, lead.email_key as email, lead.title, lead.company, list.name as list,
      r.criteria, f.name as file, m.source, e.enrolled_at as since
    from enrollment e join lead on lead.id = e.lead_id left join list on list.id = e.list_id
    left join membership m on m.list_id = e.list_id and m.lead_id = e.lead_id
    left join refill r on r.id = m.refill_id left join import_file f on f.refill_id = m.refill_id
    where e.workspace_id = ${ctx.workspace.id} and e.sequence_id = ${sequenceId} and e.state = 'in_review'
    order by e.enrolled_at, e.id limit ${limit}`.execute(ctx.tx);
  return rows;
};

export const countWaiting = async (ctx: Context, sequenceId: number): Promise<number> => {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from enrollment
    where workspace_id = ${ctx.workspace.id} and sequence_id = ${sequenceId} and state = 'in_review'`.execute(ctx.tx);
  return rows[0]!.n;
};

/** Finds waiting leads by name or address; several of one name, or nobody, is a question and not a guess. */
export async function named(ctx: Context, sequence: { id: number; name: string }, refs: string[]): Promise<Waiting[] | Refusal> {
  const all = await waiting(ctx, sequence.id, chunkSize);
  const found = new Map<number, Waiting>();
  for (const ref of refs) {
    const address = emailKey(ref);
    const matches = all.filter(lead => (address ? lead.email === address : foldName(lead.name) === foldName(ref)));
    if (matches.length > 1) return ambiguous(ref, matches, sequence.name);
    if (!matches.length) return unknown(ref, all, sequence.name);
    found.set(matches[0]!.enrollmentId, matches[0]!);
  }
  return [...found.values()];
}

function ambiguous(ref: string, matches: Waiting[], sequence: string): Refusal {
  const people = matches.slice(0, 5).map(lead => `${lead.name} (${[lead.company, lead.email].filter(Boolean).join(', ')})`);
  return refuse(
    'ambiguous_lead',
    `${matches.length} people called "${ref}" wait in "${sequence}": ${people.join('; ')}. Which one? Name the address.`,
    matches.slice(0, 3).flatMap(lead => (lead.email ? [`approve ${lead.email} in ${sequence}`] : [])),
  );
}

function unknown(ref: string, all: Waiting[], sequence: string): Refusal {
  const near = nearest(ref, [...new Set(all.map(lead => lead.name))]);
  const hint = near.length ? ` The nearest: ${near.join(', ')}.` : '';
  return refuse('unknown_lead', `Nobody called "${ref}" waits for review in "${sequence}".${hint}`, [
    ...near.map(name => `approve ${name} in ${sequence}`),
    `show reviews of ${sequence}`,
  ]);
}

export interface Decision {
  sequenceId: number;
  enrollmentIds: number[];
  decision: 'approve' | 'refuse';
  /** Why they are refused, in a person's words. */
  because: string | null;
}

/** Approves (they queue) or refuses leads that still wait; others stay as they are. @returns how many were decided */
export async function decide(ctx: Context, { sequenceId, enrollmentIds, decision, because }: Decision): Promise<number> {
  const by = ctx.actor.kind === 'member' ? ctx.actor.id : null;
  const ends = decision === 'refuse';
  const { rows } = await sql`
    with due as (select id from enrollment where id = any(${enrollmentIds}::bigint[]) and sequence_id = ${sequenceId}
      and state = 'in_review' order by id for update)
    update enrollment e set state = ${ends ? 'refused' : 'queued'}, reviewed_at = ${ctx.now}, reviewed_by = ${by},
      reason = ${ends ? 'review' : null}, review_reason = ${ends ? because : null}, ended_at = ${ends ? ctx.now : null}
    from due where e.id = due.id returning e.id`.execute(ctx.tx);
  if (rows.length) await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });
  return rows.length;
}
