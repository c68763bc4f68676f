import { type Selectable, sql } from 'kysely';
import { dateIn } from '../../calendar.ts';
import { json } from '../../db/codecs.ts';
import type { Lead } from '../../db/types.ts';
import { type Refusal, refuse } from '../../errors.ts';
import { foldName, nearest } from '../../nearest.ts';
import type { Context } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import { exclusionOf, findLeads, namesLike } from '../exclusions/queries.ts';
import * as leads from './index.ts';
import { emailKey, linkedinKey } from './rules.ts';

/** What a human changes of one lead by hand (L3). */

export type LeadRow = Selectable<Lead>;

/** The lead that a full name, an address or a profile means. @returns the row, `unknown_lead` with the nearest, or `ambiguous_lead` */
export async function resolve(ctx: Context, ref: string): Promise<LeadRow | Refusal> {
  const found = await findLeads(ctx.tx, { email: emailKey(ref), linkedin: linkedinKey(ref), name: ref.trim() });
  if (found.length > 1) {
    const people = found.slice(0, 5).map(lead => `${lead.name} (${[lead.company, lead.email].filter(Boolean).join(', ')})`);
    return refuse(
      'ambiguous_lead',
      `There are ${found.length} people called "${ref}": ${people.join('; ')}. Which one? Name the address.`,
      found.slice(0, 3).flatMap(({ email }) => (email ? [`why ${email}`] : [])),
    );
  }
  if (found[0]) return ctx.tx.selectFrom('lead').selectAll().where('id', '=', found[0].id).executeTakeFirstOrThrow();
  const words = foldName(ref)
    .split(' ')
    .filter(word => word.length > 1);
  const near = nearest(ref, words.length ? await namesLike(ctx.tx, words) : []);
  const hint = near.length ? ` The nearest: ${near.join(', ')}.` : '';
  return refuse(
    'unknown_lead',
    `There is no lead called "${ref}".${hint}`,
    near.length ? near.map(name => `why ${name}`) : ['show my lists'],
  );
}

/** Fields as somebody writes them; null empties one. */
export interface Changes {
  email?: string | undefined;
  title?: string | null | undefined;
  company?: string | null | undefined;
  fullName?: string | undefined;
  firstName?: string | null | undefined;
  lastName?: string | null | undefined;
  linkedinUrl?: string | null | undefined;
  fields?: Record<string, string> | undefined;
}

/** A lead's columns that an edit may change, as they are. JSON. */
export type Before = Pick<
  LeadRow,
  'id' | 'full_name' | 'first_name' | 'last_name' | 'email' | 'email_key' | 'email_status' | 'linkedin_url' | 'title' | 'company'
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
}

/**
 * Changes a lead. An address or profile of another lead makes them one, the older; both histories stay, the later live enrollment
 * stops (L3). A new address is unproven: a bounce of the old one no longer counts, and links that skipped the lead for it try again (E5).
 */
export async function edit(ctx: Context, leadId: number, { email, linkedinUrl, ...changes }: Changes): Promise<Edited> {
  const keys = { email: email === undefined ? null : emailKey(email), linkedin: linkedinKey(linkedinUrl) };
  const twins = await others(ctx, leadId, keys);
  const into = twins.length ? await leads.mergeAll(ctx, [leadId, ...twins.map(twin => twin.id)]) : leadId;
  const was = await before(ctx, into);
  const hasNewAddress = keys.email !== null && keys.email !== was.email_key;
  const set = {
    ...(changes.fullName === undefined ? {} : { full_name: changes.fullName.trim() }),
    ...(changes.firstName === undefined ? {} : { first_name: changes.firstName }),
    ...(changes.lastName === undefined ? {} : { last_name: changes.lastName }),
    ...(changes.title === undefined ? {} : { title: changes.title }),
    ...(changes.company === undefined ? {} : { company: changes.company }),
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
  return { leadId: into, merged: twins.length, enrolled: keys.email ? await tryAgain(ctx, into) : 0 };
}

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

/** Puts a lead's fields back as they were (A6). */
export const putBack = ({ tx, now }: Context, { id, fields, ...columns }: Before) =>
  tx
    .updateTable('lead')
    .set({ ...columns, fields: json(fields), updated_at: now })
    .where('id', '=', id)
    .execute();
