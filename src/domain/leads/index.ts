import * as activity from '../activity/index.ts';
import type { Context } from '../context.ts';
import * as held from '../enrollments/held.ts';
import * as enrollments from '../enrollments/index.ts';
import type { Candidate } from '../ports.ts';
import * as queries from './queries.ts';
import {
  combine,
  type Group,
  groupPeople,
  isFindable,
  isReachableAnew,
  type Known,
  type LeadFields,
  type Person,
  person,
  saysMore,
} from './rules.ts';

/** A batch of candidates, and who of them is whom. Held for the rest of the transaction. */
export interface Matched {
  people: Person[];
  /** One a human, in the order of their first candidate. */
  groups: Group[];
}

/**
 * Finds who the candidates are: which of them are one person, and which leads they are already (L3). Writes nothing. Callers of
 * one workspace take turns from here to the end of their transactions.
 */
export async function match(ctx: Context, candidates: readonly Candidate[], { source }: { source: string }): Promise<Matched> {
  await queries.takeTurns(ctx.tx, ctx.workspace.id);
  const people = candidates.map(person);
  const known = await queries.findAny(ctx.tx, ctx.workspace.id, source, {
    emails: people.flatMap(each => each.emailKey ?? []),
    linkedins: people.flatMap(each => each.linkedin ?? []),
    records: people.flatMap(each => each.candidate.recordId ?? []),
  });
  return { people, groups: groupPeople(people, known) };
}

/**
 * Makes each group one lead and returns their ids in the order of the groups. Leads found to be one are merged into the oldest; both
 * histories stay, and of two live enrollments the later stops (L3). Gaps are filled; nothing that is there is emptied; what was held for
 * such a gap goes on (S3).
 */
export async function take(
  ctx: Context,
  { people, groups }: { people: readonly Person[]; groups: readonly Group[] },
  { source }: { source: string },
): Promise<number[]> {
  await merge(ctx, groups);
  const taken = groups.map(group => ({
    group,
    fields: combine(
      group.known,
      group.members.map(index => people[index]!),
    ),
  }));
  const changed = taken.filter(({ group, fields }) => group.known[0] && differ(group.known[0], fields));
  if (changed.length)
    await queries.update(
      ctx.tx,
      ctx.now,
      changed.map(({ group, fields }) => ({ id: group.known[0]!.id, ...fields })),
    );
  await held.goOn(
    ctx,
    taken.flatMap(({ group, fields }) => mendedOf(group.known, fields)),
  );
  const unseen = taken.filter(({ group }) => group.known.length === 0);
  const created = unseen.length
    ? await queries.insert(
        ctx.tx,
        ctx.workspace.id,
        ctx.now,
        unseen.map(({ fields }) => fields),
      )
    : [];
  const ids = groups.map(group => group.known[0]?.id ?? created.shift()!);
  const records = groups.flatMap((group, place) =>
    group.members.flatMap(index => {
      const { recordId } = people[index]!.candidate;
      const isNew = recordId && !group.known.some(lead => lead.record_ids.includes(recordId));
      return isNew ? [{ recordId, leadId: ids[place]! }] : [];
    }),
  );
  if (records.length) await queries.insertRecords(ctx.tx, ctx.workspace.id, source, records);
  return ids;
}

const differ = ({ id, record_ids, ...before }: Known, after: LeadFields): boolean =>
  (Object.keys(after) as (keyof LeadFields)[]).some(key => JSON.stringify(before[key]) !== JSON.stringify(after[key]));

/** What a lead lacked and has now; the run that it holds may be that of any of those that became it. */
const mendedOf = (known: readonly Known[], after: LeadFields): held.Mended[] => {
  const leadId = known[0]?.id;
  if (leadId === undefined) return [];
  return [
    ...(known.some(before => saysMore(before, after)) ? [{ leadId, what: 'variable' as const }] : []),
    ...(known.some(before => isReachableAnew(before, after)) ? [{ leadId, what: 'address' as const }] : []),
  ];
};

/** Makes leads one, the oldest, whose gaps the others fill (L3). Returns its id, and the sequences whose held messages go on. */
export async function mergeAll(ctx: Context, leadIds: readonly number[]): Promise<{ leadId: number; goesOn: string[] }> {
  await queries.takeTurns(ctx.tx, ctx.workspace.id);
  const known = await queries.byIds(ctx.tx, leadIds);
  await merge(ctx, [{ members: [], known }]);
  const leadId = known[0]!.id;
  const fields = combine(known, []);
  await queries.update(ctx.tx, ctx.now, [{ id: leadId, ...fields }]);
  return { leadId, goesOn: await held.goOn(ctx, mendedOf(known, fields)) };
}

async function merge(ctx: Context, groups: readonly Group[]): Promise<void> {
  const doubles = groups.filter(group => group.known.length > 1);
  if (!doubles.length) return;
  const pairs = {
    from: doubles.flatMap(({ known }) => known.slice(1).map(lead => lead.id)),
    to: doubles.flatMap(({ known }) => known.slice(1).map(() => known[0]!.id)),
  };
  const later = await queries.laterLive(ctx.tx, pairs);
  if (later.length) await enrollments.end(ctx, { enrollmentIds: later, state: 'stopped', reason: 'merged' });
  await queries.moveMemberships(ctx.tx, pairs);
  await queries.moveSkips(ctx.tx, pairs);
  await queries.moveEnrollments(ctx.tx, pairs);
  await queries.moveMessages(ctx.tx, pairs);
  await queries.moveReplies(ctx.tx, pairs);
  await queries.moveRecords(ctx.tx, pairs);
  await queries.remove(ctx.tx, pairs.from);
  await activity.record(ctx, {
    action: 'merge_leads',
    effect: 'write',
    outcome: 'done',
    objects: [...new Set(pairs.to)].map(id => `lead:${id}`),
    detail: { merged: pairs.from, into: pairs.to, stoppedEnrollments: later },
  });
}

export interface Upserted {
  /** One an input candidate, in its order: the lead that it is, or null where it was rejected. */
  leadIds: (number | null)[];
  rejected: { index: number; reason: 'no_identity' }[];
}

/**
 * Makes every candidate a lead, new or found again by address, LinkedIn profile or the source's record id, any of them (L3). A handful of
 * statements for up to 2,000 candidates. Those that could never be found again are rejected.
 */
export async function upsert(ctx: Context, candidates: readonly Candidate[], { source }: { source: string }): Promise<Upserted> {
  const { people, groups } = await match(ctx, candidates, { source });
  const findable = groups.filter(group => group.members.some(index => isFindable(people[index]!)));
  const ids = await take(ctx, { people, groups: findable }, { source });
  const leadIds: Upserted['leadIds'] = candidates.map(() => null);
  findable.forEach((group, place) => {
    for (const index of group.members) leadIds[index] = ids[place]!;
  });
  return { leadIds, rejected: leadIds.flatMap((id, index) => (id === null ? [{ index, reason: 'no_identity' }] : [])) };
}
