import { dateIn } from '../../calendar.ts';
import { isRefusal, type Refusal, refuse } from '../../errors.ts';
import { foldName, nearest } from '../../nearest.ts';
import * as activity from '../activity/index.ts';
import { type Context, mayChange } from '../context.ts';
import * as leads from '../leads/index.ts';
import type { Person } from '../leads/rules.ts';
import type { Candidate } from '../ports.ts';
import type { Criteria } from './criteria.ts';
import * as members from './members.ts';
import type { ListRow } from './queries.ts';
import * as queries from './queries.ts';
import { freeName, nameFrom } from './rules.ts';

export * as members from './members.ts';
export type { ListRow } from './queries.ts';

export const byId = (ctx: Context, id: number): Promise<ListRow | undefined> => queries.byId(ctx.tx, id);

/** Every name that is taken, archived lists' too (L6). */
export const allNames = async (ctx: Context): Promise<string[]> => (await queries.names(ctx.tx)).map(list => list.name);

/** Reads a list and keeps others from adding to or changing it until the transaction ends. */
export const lock = (ctx: Context, id: number): Promise<ListRow | undefined> => queries.lock(ctx.tx, id);

/**
 * The list that a name (ignoring case, accents and punctuation) or `#id` means. @returns the row, or the refusal `unknown_list` or
 * `ambiguous_list`, which name the nearest, or `list_archived`.
 */
export async function resolve(ctx: Context, ref: string): Promise<ListRow | Refusal> {
  const wanted = ref.trim().replace(/^["“”'«]+|["“”'»]+$/g, '');
  const all = await queries.names(ctx.tx);
  const open = all.filter(list => !list.archived_at);
  const numbered = /^#(\d+)$/.exec(wanted);
  const same = (list: { name: string }) => list.name.toLowerCase() === wanted.toLowerCase();
  const found =
    (numbered && all.find(list => list.id === Number(numbered[1]))) ||
    all.find(same) ||
    only(open.filter(list => foldName(list.name) === foldName(wanted)));
  if (found?.archived_at) return refuse('list_archived', `The list "${found.name}" is archived.`, ['show my lists']);
  if (found) return (await queries.byId(ctx.tx, found.id))!;

  const folded = foldName(wanted);
  const meant = folded ? open.filter(list => foldName(list.name).includes(folded)) : [];
  if (meant.length > 1) {
    const choices = meant.slice(0, 3).map(list => list.name);
    const message = `Several lists could be "${wanted}": ${quoted(choices)}. Which one?`;
    return refuse('ambiguous_list', message, showEach(choices));
  }
  if (!open.length)
    return refuse('unknown_list', `There is no list called "${wanted}", and no other one yet.`, [
      'find 100 VPs of Sales at fintechs in Germany',
    ]);
  const near = nearest(
    wanted,
    open.map(list => list.name),
  );
  const hint = near.length ? ` The nearest: ${quoted(near)}.` : '';
  return refuse('unknown_list', `There is no list called "${wanted}".${hint}`, near.length ? showEach(near) : ['show my lists']);
}

const only = <T>(found: readonly T[]): T | undefined => (found.length === 1 ? found[0] : undefined);
const quoted = (each: readonly string[]): string => each.map(name => `"${name}"`).join(', ');
const showEach = (each: readonly string[]): string[] => each.map(name => `show list "${name}"`);

/** The list of exactly this name, ignoring case; an archived one too, since it keeps its name (L6). */
export async function named(ctx: Context, name: string): Promise<ListRow | undefined> {
  const found = (await queries.names(ctx.tx)).find(list => list.name.toLowerCase() === name.trim().toLowerCase());
  return found && queries.byId(ctx.tx, found.id);
}

/** Resolves a list that the actor may change (W2), or refuses. */
export async function mine(ctx: Context, ref: string): Promise<ListRow | Refusal> {
  const list = await resolve(ctx, ref);
  if (isRefusal(list) || mayChange(ctx.actor, list.owner_id)) return list;
  return notYours(ctx, list);
}

export async function notYours(ctx: Context, list: Pick<ListRow, 'name' | 'owner_id'>): Promise<Refusal> {
  const owner = await ctx.tx.selectFrom('member').select('name').where('id', '=', list.owner_id).executeTakeFirst();
  const whose = owner?.name ?? 'someone else';
  return refuse('not_yours', `"${list.name}" belongs to ${whose}. Ask ${whose} or an admin to change it.`, [
    `show list "${list.name}"`,
  ]);
}

/** The name as it would be saved: the one asked for, which must be free (L6), or one made from the criteria, which is made free. */
export async function nameFor(
  ctx: Context,
  { name, criteria }: { name?: string; criteria: Criteria },
): Promise<string | Refusal> {
  const taken = (await queries.names(ctx.tx)).map(list => list.name);
  if (name === undefined) return freeName(nameFrom(criteria), taken);
  const wanted = name.trim();
  if (!wanted || wanted.length > 100) return refuse('bad_name', 'A list needs a name of 1 to 100 characters.');
  const free = freeName(wanted, taken);
  return free === wanted
    ? wanted
    : refuse('name_taken', `There already is a list called "${wanted}". "${free}" is free.`, [`call it "${free}"`]);
}

export interface NewList {
  name: string;
  ownerId: number;
  source: string;
  /** null: a bare file. */
  criteria: Criteria | null;
  requiresEmail?: boolean;
}

/** Creates a list; it needs no sequence (L1). @returns the row, or `name_taken` with a free name (L6) */
export async function create(ctx: Context, { name, ownerId, source, criteria, requiresEmail = true }: NewList) {
  const free = await nameFor(ctx, { name, criteria: criteria ?? {} });
  if (isRefusal(free)) return free;
  const created: ListRow | undefined = await ctx.tx
    .insertInto('list')
    .values({
      workspace_id: ctx.workspace.id,
      owner_id: ownerId,
      name: free,
      source,
      criteria,
      requires_email: requiresEmail,
      created_at: ctx.now,
    })
    .onConflict(conflict => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!created) return refuse('name_taken', `There already is a list called "${free}". Give it another name.`);
  await activity.record(ctx, { action: 'list_created', outcome: 'done', objects: [`list:${created.id}`], detail: { source } });
  return created;
}

/** Renames a list. @returns the name, or `name_taken` with a free one (L6) */
export async function rename(ctx: Context, listId: number, name: string): Promise<string | Refusal> {
  const others = (await queries.names(ctx.tx)).filter(list => list.id !== listId).map(list => list.name);
  const wanted = name.trim();
  if (!wanted || wanted.length > 100) return refuse('bad_name', 'A list needs a name of 1 to 100 characters.');
  const free = freeName(wanted, others);
  if (free !== wanted)
    return refuse('name_taken', `There already is a list called "${wanted}". "${free}" is free.`, ['show my lists']);
  await ctx.tx.updateTable('list').set({ name: wanted }).where('id', '=', listId).execute();
  return wanted;
}

/** Changes what later refills look for (L6); they start from the source's beginning. Orders under way keep what they were made with. */
export const editCriteria = (
  ctx: Context,
  { listId, criteria, source }: { listId: number; criteria: Criteria; source: string },
) => ctx.tx.updateTable('list').set({ criteria, source, source_cursor: null }).where('id', '=', listId).execute();

/** Puts back what later refills looked for, and where they had read to (A6). */
export const restoreCriteria = (
  ctx: Context,
  { listId, criteria, source, cursor }: { listId: number; criteria: Criteria | null; source: string; cursor: string | null },
) => ctx.tx.updateTable('list').set({ criteria, source, source_cursor: cursor }).where('id', '=', listId).execute();

/** Archives a list, stops its monitoring and cancels its open orders (L6). Its caller ends its link. */
export async function archive(ctx: Context, listId: number): Promise<void> {
  await members.cancelOrders(ctx, listId, 'list_archived');
  await ctx.tx
    .updateTable('list')
    .set({ archived_at: ctx.now })
    .where('id', '=', listId)
    .where('archived_at', 'is', null)
    .execute();
  await ctx.tx.deleteFrom('monitoring').where('list_id', '=', listId).execute();
}

/** What became of a page of candidates. `looked` = added + Σ skipped (L5). */
export interface Admitted {
  looked: number;
  leadIds: number[];
  skipped: Record<string, number>;
}

/**
 * Puts candidates on a list, in their order, until `want` are added; those after that are not looked at. Skips, with the reason, who is
 * or was on the list (M4), is excluded (X1), or lacks an address that the list requires (L5). Nobody who is skipped becomes a lead.
 */
export async function admit(
  ctx: Context,
  into: { list: ListRow; refillId: number; source: string; want: number },
  candidates: readonly Candidate[],
): Promise<Admitted> {
  const { list, refillId, source, want } = into;
  const { people, groups } = await leads.match(ctx, candidates, { source });
  const verdicts = await judge(ctx, list, { people, groups });
  const groupOf = new Map(groups.flatMap((group, place) => group.members.map(index => [index, place] as const)));
  const chosen: number[] = [];
  const skipped: Record<string, number> = {};
  let looked = 0;
  for (; looked < candidates.length && chosen.length < want; looked++) {
    const place = groupOf.get(looked)!;
    const isFirst = groups[place]!.members[0] === looked;
    const reason = verdicts[place]!.reason ?? (isFirst ? null : 'already_on_list');
    if (reason) skipped[reason] = (skipped[reason] ?? 0) + 1;
    else chosen.push(place);
  }
  // Known people are brought up to date even where they are skipped, except the excluded, whom nothing may change.
  const isChosen = new Set(chosen);
  const taken = groups.flatMap((group, place) => {
    const known = group.known.length > 0 && group.members[0]! < looked && !verdicts[place]!.isExcluded;
    return isChosen.has(place) || known ? [{ group, place }] : [];
  });
  const ids = await leads.take(ctx, { people, groups: taken.map(({ group }) => group) }, { source });
  const members = taken.flatMap(({ group, place }, i) =>
    isChosen.has(place) ? [{ leadId: ids[i]!, recordId: people[group.members[0]!]!.candidate.recordId }] : [],
  );
  const leadIds = members.length
    ? await queries.insertMembers(
        ctx.tx,
        { workspaceId: ctx.workspace.id, listId: list.id, source, refillId, now: ctx.now },
        members,
      )
    : [];
  return { looked, leadIds, skipped };
}

interface Verdict {
  /** Why the person may not be added; null: they may. */
  reason: string | null;
  isExcluded: boolean;
}

async function judge(ctx: Context, list: ListRow, { people, groups }: leads.Matched): Promise<Verdict[]> {
  const identities: queries.Identities = { person: [], leadId: [], emailKey: [], linkedin: [], domain: [] };
  const add = (place: number, leadId: number | null, keys: Pick<Person, 'emailKey' | 'linkedin' | 'domain'>) => {
    identities.person.push(place);
    identities.leadId.push(leadId);
    identities.emailKey.push(keys.emailKey);
    identities.linkedin.push(keys.linkedin);
    identities.domain.push(keys.domain);
  };
  groups.forEach((group, place) => {
    for (const index of group.members) add(place, null, people[index]!);
    for (const lead of group.known)
      add(place, lead.id, { emailKey: lead.email_key, linkedin: lead.linkedin_url, domain: lead.company_domain });
  });
  const standings = await queries.standings(ctx.tx, list.id, dateIn(ctx.now, ctx.workspace.zone), identities);
  const byPlace = new Map(standings.map(standing => [standing.person, standing]));
  return groups.map((group, place) => {
    const { membership = null, excluded = null } = byPlace.get(place) ?? {};
    return { reason: membership ?? excluded ?? missingAddress(list, group, people), isExcluded: excluded !== null };
  });
}

function missingAddress(list: ListRow, group: leads.Matched['groups'][number], people: readonly Person[]): string | null {
  const members = group.members.map(index => people[index]!);
  if (group.known.some(lead => lead.email_key) || members.some(each => each.emailKey)) return null;
  const findable = group.known.length > 0 || members.some(each => each.linkedin || each.candidate.recordId);
  if (!list.requires_email && findable) return null;
  return members.some(each => each.candidate.email?.trim()) ? 'invalid_email' : 'no_email';
}
