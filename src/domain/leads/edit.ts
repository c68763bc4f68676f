import { type Selectable, sql } from 'kysely';
import { dateIn } from '../../calendar.ts';
import { json } from '../../db/codecs.ts';
import type { Lead } from '../../db/types.ts';
import { type Refusal, refuse } from '../../errors.ts';
import { foldName, nearest } from '../../nearest.ts';
import type { Context } from '../context.ts';
import * as held from '../enrollments/held.ts';
import * as enrollments from '../enrollments/index.ts';
import { exclusionOf, findLeads, namesLike } from '../exclusions/queries.ts';
import { findIndustry } from '../lists/vocabulary.ts';
import * as leads from './index.ts';
import { emailKey, isReachableAnew, linkedinKey, saysMore } from './rules.ts';

/** What a human changes of one lead by hand (L3). */

export type LeadRow = Selectable<Lead>;

/**
 * The lead that a full name, an address or a profile means. `phrase` writes what to say instead.
 * @returns the row, `unknown_lead` with the nearest, or `ambiguous_lead`
 */
export async function resolve(
  ctx: Context,
  ref: string,
  phrase = (who: string): string => `why ${who}`,
): Promise<LeadRow | Refusal> {
  const found = await findLeads(ctx.tx, { email: emailKey(ref), linkedin: linkedinKey(ref), name: ref.trim() });
  if (found.length > 1) {
    const people = found.slice(0, 5).map(lead => `${lead.name} (${[lead.company, lead.email].filter(Boolean).join(', ')})`);
    return refuse(
      'ambiguous_lead',
      `There are ${found.length} people called "${ref}": ${people.join('; ')}. Which one? Name the address.`,
      found.slice(0, 3).flatMap(({ email }) => (email ? [phrase(email)] : [])),
    );
  }
  if (found[0]) return ctx.tx.selectFrom('lead').selectAll().where('id', '=', found[0].id).executeTakeFirstOrThrow();
  const words = foldName(ref)
    .split(' ')
    .filter(word => word.length > 1);
  const near = nearest(ref, words.length ? await namesLike(ctx.tx, words) : []);
  const hint = near.length ? ` The nearest: ${near.join(', ')}.` : '';
  return refuse('unknown_lead', `There is no lead called "${ref}".${hint}`, near.length ? near.map(phrase) : ['show my lists']);
}

/** Fields as somebody writes them; null empties one. */
export interface Changes {
  email?: string | undefined;
  title?: string | null | undefined;
  company?: string | null | undefined;
  fullName?: string | undefined;
  firstName?: string | null | undefined;
  lastName?: string | null | undefined;
  industry?: string | null | undefined;
  location?: string | null | undefined;
  companyLocation?: string | null | undefined;
  linkedinUrl?: string | null | undefined;
  /** Further columns of files, by the name that templates use: `fields.plan`. */
  fields?: Record<string, string> | undefined;
}

/** A lead's columns that an edit may change, as they are. JSON. */
export type Before = Pick<
  LeadRow,
  | 'id'
  | 'full_name'
  | 'first_name'
  | 'last_name'
  | 'email'
  | 'email_key'
  | 'email_status'
  | 'linkedin_url'
  | 'title'
  | 'company'
  | 'industry'
  | 'person_location'
  | 'company_location'
> & { fields: Record<string, string> };

export const before = async (ctx: Context, leadId: number): Promise<Before> =>
  (await ctx.tx
    .selectFrom('lead')
    .select([
      'id',
      'full_name',
      'first_name',
      'last_name',
      'email',
      'email_key',
      'email_status',
      'linkedin_url',
      'title',
      'company',
      'industry',
      'person_location',
      'company_location',
      'fields',
    ])
    .where('id', '=', leadId)
    .executeTakeFirstOrThrow()) as Before;

/** Is the person excluded today? Then their address is not to be changed: that would be a way around it (X1, X3). */
export const isExcluded = async (ctx: Context, leadId: number): Promise<boolean> => {
  const on = dateIn(ctx.now, ctx.workspace.zone);
  const { rows } = await sql<{
    why: string | null;
  }>`select ${exclusionOf('l', on)} as why from lead l where l.id = ${leadId}`.execute(ctx.tx);
  return Boolean(rows[0]?.why);
};

/** The other leads that an address or a profile belongs to: after the change they are one person (L3). */
export const others = (
  ctx: Context,
  leadId: number,
  keys: { email: string | null; linkedin: string | null },
): Promise<LeadRow[]> =>
  ctx.tx
    .selectFrom('lead')
    .selectAll()
    .where('id', '!=', leadId)
    .where(eb => eb.or([eb('email_key', '=', keys.email), eb('linkedin_url', '=', keys.linkedin)]))
    .orderBy('id')
    .execute();

export interface Edited {
  /** The lead as it is called now; the older one's id where leads were merged. */
  leadId: number;
  merged: number;
  /** Links that had skipped the lead for its address and enrol it now. */
  enrolled: number;
  /** The sequences whose message to the lead was held for what it lacked, and goes on. */
  goesOn: string[];
}

/**
 * Changes a lead. An address or profile of another lead makes them one, the older; both histories stay, the later live enrollment
 * stops (L3). A new address is unproven: a bounce of the old one no longer counts, and links that skipped the lead for it try again (E5).
 * What was held for an empty variable or for the address goes on (S3).
 */
export async function edit(ctx: Context, leadId: number, { email, linkedinUrl, ...changes }: Changes): Promise<Edited> {
  const keys = { email: email === undefined ? null : emailKey(email), linkedin: linkedinKey(linkedinUrl) };
  const twins = await others(ctx, leadId, keys);
  const merged = twins.length ? await leads.mergeAll(ctx, [leadId, ...twins.map(twin => twin.id)]) : { leadId, goesOn: [] };
  const into = merged.leadId;
  const was = await before(ctx, into);
  const hasNewAddress = keys.email !== null && keys.email !== was.email_key;
  const set = {
    ...(changes.fullName === undefined ? {} : { full_name: changes.fullName.trim() }),
    ...(changes.firstName === undefined ? {} : { first_name: changes.firstName }),
    ...(changes.lastName === undefined ? {} : { last_name: changes.lastName }),
    ...(changes.title === undefined ? {} : { title: changes.title }),
    ...(changes.company === undefined ? {} : { company: changes.company }),
    ...(changes.industry === undefined ? {} : { industry: industryOf(changes.industry) }),
    ...(changes.location === undefined ? {} : { person_location: changes.location }),
    ...(changes.companyLocation === undefined ? {} : { company_location: changes.companyLocation }),
    ...(linkedinUrl === undefined ? {} : { linkedin_url: keys.linkedin }),
    ...(keys.email ? { email: email!.trim(), email_key: keys.email } : {}),
    ...(hasNewAddress ? { email_status: 'unknown' } : {}),
    ...(changes.fields ? { fields: json({ ...was.fields, ...changes.fields }) } : {}),
  };
  await ctx.tx
    .updateTable('lead')
    .set({ ...set, updated_at: ctx.now })
    .where('id', '=', into)
    .execute();
  const is = await before(ctx, into);
  const goesOn = await held.goOn(ctx, [
    ...(saysMore(was, is) ? [{ leadId: into, what: 'variable' as const }] : []),
    ...(isReachableAnew(was, is) ? [{ leadId: into, what: 'address' as const }] : []),
  ]);
  return {
    leadId: into,
    merged: twins.length,
    enrolled: keys.email ? await tryAgain(ctx, into) : 0,
    goesOn: [...new Set([...merged.goesOn, ...goesOn])],
  };
}

/** An industry by the name that files are read with; one that nobody knows as it was written. */
const industryOf = (industry: string | null): string | null => industry && (findIndustry(industry)?.name ?? industry);

/** Lets links look again at a lead that they skipped for its address (E5). Returns how many enrolled it. */
async function tryAgain(ctx: Context, leadId: number): Promise<number> {
  const { rows } = await sql<{ link_id: number }>`
    delete from skip using link where link.id = skip.link_id and link.ended_at is null and skip.lead_id = ${leadId}
      and skip.reason in ('bad_address', 'no_email') returning skip.link_id`.execute(ctx.tx);
  let enrolled = 0;
  for (const { link_id } of rows.toSorted((a, b) => a.link_id - b.link_id))
    enrolled += (await enrollments.enrollMembers(ctx, { linkId: link_id, leadIds: [leadId] })).enrolled;
  return enrolled;
}

/** Further columns that leads of the workspace have, as the youngest of them that have any name them. */
export const fieldNames = async ({ tx }: Context): Promise<string[]> =>
  (
    await sql<{ name: string }>`
      select distinct jsonb_object_keys(fields) as name
      from (select fields from lead where fields <> '{}' order by id desc limit 500) as youngest order by 1`.execute(tx)
  ).rows.map(row => row.name);

/** Puts a lead's fields back as they were (A6). */
export const putBack = ({ tx, now }: Context, { id, fields, ...columns }: Before) =>
  tx
    .updateTable('lead')
    .set({ ...columns, fields: json(fields), updated_at: now })
    .where('id', '=', id)
    .execute();
