import { dateIn } from '../../calendar.ts';
import { isRefusal, type Refusal, refuse } from '../../errors.ts';
import { foldName, nearest } from '../../nearest.ts';
import type { Context } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import { domainKey, emailKey, linkedinKey } from '../leads/rules.ts';
import { type Freed, free } from './lifting.ts';
import * as queries from './queries.ts';
import type { Entry } from './rules.ts';

export type { Freed } from './lifting.ts';
export type { Covered, Listed } from './queries.ts';
export { described, type Entry, entryOf } from './rules.ts';

/** The leads that entries name, each with its live enrollment (X2). */
export const coveredLeads = (ctx: Context, entries: readonly Entry[]): Promise<queries.Covered[]> =>
  queries.covered(ctx.tx, entries);

export interface Added {
  /** Entries that were excluded already, and now have the new reason and end. */
  known: number;
  /** Entries that are opt-outs: they stay as they are, for ever (X3). */
  permanent: number;
  /** Leads known here that the entries name. */
  leads: number;
  /** Live enrollments that ended, by the name of their sequence (X2). */
  stopped: Record<string, number>;
}

/** Excludes people or companies, and ends the live enrollments of everyone it covers (X1, X2). Again: a new reason and end. */
export async function add(
  ctx: Context,
  { entries, reason, untilOn }: { entries: readonly Entry[]; reason: string; untilOn: string | null },
): Promise<Added> {
  const known = await queries.existing(ctx.tx, entries);
  await queries.upsert(ctx, entries, { reason, untilOn, by: ctx.actor.kind === 'member' ? ctx.actor.id : null });
  const covered = await coveredLeads(ctx, entries);
  const live = covered.filter(lead => lead.enrollmentId !== null);
  const stopped: Record<string, number> = {};
  for (const { sequence } of live) stopped[sequence!] = (stopped[sequence!] ?? 0) + 1;
  const why = entries.some(entry => entry.kind === 'domain') ? 'excluded_company' : 'excluded_person';
  await enrollments.end(ctx, { enrollmentIds: live.map(lead => lead.enrollmentId!), state: 'excluded', reason: why });
  return {
    known: known.filter(entry => !entry.optOut).length,
    permanent: known.filter(entry => entry.optOut).length,
    leads: covered.length,
    stopped,
  };
}

/** Who does not want to hear from us. */
export interface OptingOut {
  leadId: number;
  /** Where the message went that they answer, which may be another than the lead has by now. */
  address?: string | null;
  /** The run, and the message of it, that they answer or whose link they used. */
  enrollmentId?: number | null;
  messageId?: number | null;
}
type OptOutReason = 'opt_out_link' | 'opt_out_reply' | 'opt_out_by_hand';

/** One person opts out; see `optOutAll`. */
export const optOut = (ctx: Context, { reason, ...who }: OptingOut & { reason: OptOutReason }): Promise<{ isNew: boolean }> =>
  optOutAll(ctx, [who], reason);

/**
 * People do not want to hear from us: excluded for good by address and profile, and whatever run is live ends as unsubscribed (X2, X3).
 * It counts for the run that it came from, which may have ended long ago (G1). Again: nothing changes. @returns whether any of it is news
 */
export async function optOutAll(ctx: Context, people: readonly OptingOut[], reason: OptOutReason): Promise<{ isNew: boolean }> {
  if (!people.length) return { isNew: false };
  const leads = await ctx.tx
    .selectFrom('lead')
    .select(['email_key', 'linkedin_url'])
    .where('id', 'in', [...new Set(people.map(person => person.leadId))])
    .execute();
  const written = people.map(({ address }) => (address ? emailKey(address) : null));
  const addresses = new Set([...leads.map(lead => lead.email_key), ...written].filter(key => key !== null));
  const profiles = new Set(leads.map(lead => lead.linkedin_url).filter(url => url !== null));
  const entries: Entry[] = [
    ...[...addresses].map(value => ({ kind: 'address' as const, value })),
    ...[...profiles].map(value => ({ kind: 'linkedin' as const, value })),
  ];
  await queries.countOptOuts(ctx, people);
  const added = await queries.optOut(ctx, entries, reason);
  const live = (await coveredLeads(ctx, entries)).filter(row => row.enrollmentId !== null);
  const { ended } = await enrollments.end(ctx, {
    enrollmentIds: live.map(row => row.enrollmentId!),
    state: 'unsubscribed',
    reason,
  });
  return { isNew: added > 0 || ended > 0 };
}

/** The entries that are excluded already, with reason and end. JSON. */
export const standing = (ctx: Context, entries: readonly Entry[]): Promise<queries.Standing[]> =>
  queries.standing(ctx.tx, entries);

/**
 * Takes back that entries were excluded: those that were excluded before get their reason and end again, the others are lifted. An
 * opt-out stays whatever it is asked (X3). @returns what follows for those whom nothing excludes any more
 */
export async function putBack(ctx: Context, entries: readonly Entry[], before: readonly queries.Standing[]): Promise<Freed> {
  const isBefore = (entry: Entry) => before.some(each => each.kind === entry.kind && each.value === entry.value);
  await queries.lift(
    ctx,
    entries.filter(entry => !isBefore(entry)),
  );
  for (const { reason, untilOn, ...entry } of before)
    await queries.upsert(ctx, [entry], { reason, untilOn, by: ctx.actor.kind === 'member' ? ctx.actor.id : null });
  return free(ctx, entries);
}

/** What to exclude for one lead, named by full name, address or profile: its address and its profile. Several, or nobody, is a question. */
export async function entriesOfLead(ctx: Context, ref: string): Promise<{ name: string; entries: Entry[] } | Refusal> {
  const found = await queries.findLeads(ctx.tx, { email: emailKey(ref), linkedin: linkedinKey(ref), name: ref.trim() });
  if (found.length > 1) {
    const people = found.slice(0, 5).map(lead => `${lead.name} (${[lead.company, lead.email].filter(Boolean).join(', ')})`);
    const next = found
      .slice(0, 3)
      .flatMap(({ email, linkedin }) => ((email ?? linkedin) ? [`exclude ${email ?? linkedin}`] : []));
    return refuse('ambiguous_lead', `There are ${found.length} people called "${ref}": ${people.join('; ')}. Which one?`, next);
  }
  const lead = found[0];
  if (!lead) return unknownLead(ctx, ref);
  const entries: Entry[] = [
    ...(lead.email ? [{ kind: 'address' as const, value: lead.email }] : []),
    ...(lead.linkedin ? [{ kind: 'linkedin' as const, value: lead.linkedin }] : []),
  ];
  if (!entries.length)
    return refuse('nothing_to_exclude', `${lead.name} has neither an address nor a LinkedIn profile to exclude.`, [
      'exclude company.example',
    ]);
  return { name: lead.name, entries };
}

async function unknownLead(ctx: Context, ref: string): Promise<Refusal> {
  const words = foldName(ref)
    .split(' ')
    .filter(word => word.length > 1);
  const near = nearest(ref, words.length ? await queries.namesLike(ctx.tx, words) : []);
  const hint = near.length
    ? ` The nearest: ${near.join(', ')}.`
    : ' Name the address, the profile or the company domain instead.';
  return refuse(
    'unknown_lead',
    `There is no lead called "${ref}".${hint}`,
    near.length ? near.map(name => `exclude ${name}`) : ['exclude ann@company.example'],
  );
}

/** A page of what is excluded now, newest first, and how many in all. */
export async function list(
  ctx: Context,
  page: { from: number; size: number },
): Promise<{ entries: queries.Listed[]; all: number; optOuts: number }> {
  const on = dateIn(ctx.now, ctx.workspace.zone);
  return { entries: await queries.list(ctx.tx, on, page), ...(await queries.countStanding(ctx.tx, on)) };
}

/**
 * The one exclusion that an address, a profile, a domain or a lead's name means, locked. Several are a question: they are lifted one at a
 * time (X3). @returns the refusal `not_excluded` with the nearest, `unknown_lead`, `excluded_company`, or `which_one`
 */
export async function standingOne(ctx: Context, written: string): Promise<queries.Listed | Refusal> {
  const keys = [emailKey(written), linkedinKey(written), written.includes('@') ? null : domainKey(written)].filter(
    key => key !== null,
  );
  const person = keys.length ? undefined : await entriesOfLead(ctx, written);
  if (isRefusal(person)) return person;
  const found = await queries.byValue(ctx.tx, person ? person.entries.map(entry => entry.value) : keys);
  if (found.length > 1)
    return refuse(
      'which_one',
      `Several exclusions cover ${written}: ${found.map(each => each.value).join(', ')}. They are lifted one at a time; which one?`,
      found.slice(0, 3).map(each => `lift the exclusion of ${each.value}`),
    );
  if (found[0]) return found[0];
  const values = person ? person.entries.map(entry => entry.value) : keys;
  const domains = values.flatMap(value => (value.includes('@') ? [value.split('@')[1]!] : []));
  const [company] = await queries.byValue(ctx.tx, [...(await queries.companiesOf(ctx.tx, values)), ...domains]);
  if (company)
    return refuse('excluded_company', `${written} is not excluded alone: everyone at ${company.value} is. Lift that?`, [
      `lift the exclusion of ${company.value}`,
    ]);
  const near = nearest(written, await queries.valuesLike(ctx.tx));
  const hint = near.length ? ` The nearest: ${near.join(', ')}.` : '';
  return refuse('not_excluded', `${written} is not excluded.${hint}`, [
    ...near.map(value => `lift the exclusion of ${value}`),
    'show exclusions',
  ]);
}

/**
 * Lifts one exclusion; linked lists look again at whom it kept out (E5). That an opt-out is lifted by an admin and by hand alone is the
 * caller's to see to (X3).
 */
export async function lift(ctx: Context, { id, ...entry }: Entry & { id: number }): Promise<Freed> {
  await queries.liftOne(ctx, id);
  return free(ctx, [entry]);
}

/** Excludes again what was lifted, and ends whoever is live by now (X2). @returns how many ended; null where it is excluded anew already */
export async function unlift(ctx: Context, { id, ...entry }: Entry & { id: number }): Promise<{ stopped: number } | null> {
  if (!(await queries.unlift(ctx, id))) return null;
  const live = (await coveredLeads(ctx, [entry])).filter(lead => lead.enrollmentId !== null);
  const { ended } = await enrollments.end(ctx, {
    enrollmentIds: live.map(lead => lead.enrollmentId!),
    state: 'excluded',
    reason: entry.kind === 'domain' ? 'excluded_company' : 'excluded_person',
  });
  return { stopped: ended };
}
