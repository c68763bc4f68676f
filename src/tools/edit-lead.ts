import { z } from 'zod';
import type { Context } from '../domain/context.ts';
import * as left from '../domain/enrollments/left.ts';
import * as editing from '../domain/leads/edit.ts';
import { emailKey, linkedinKey } from '../domain/leads/rules.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { foldName, nearest, unlikeness } from '../nearest.ts';
import { hasLeft } from './list-undo.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

const text = z.string().trim().min(1).max(300);

const labels: Record<string, string> = {
  email: 'E-mail',
  title: 'Title',
  company: 'Company',
  fullName: 'Name',
  firstName: 'First name',
  lastName: 'Last name',
  industry: 'Industry',
  location: 'Location',
  companyLocation: 'Company location',
  linkedinUrl: 'LinkedIn',
};

const changesShape = z.object({
  email: text.optional(),
  title: text.optional(),
  company: text.optional(),
  fullName: text.optional(),
  firstName: text.optional(),
  lastName: text.optional(),
  industry: text.optional(),
  location: text.optional().describe('Where the person is'),
  companyLocation: text.optional(),
  linkedinUrl: text.optional(),
  fields: z
    .record(z.string().trim().min(1).max(60), z.string().trim().max(1000))
    .optional()
    .describe('Further columns of files, by name: {"plan": "pro"} for {{ fields.plan }}'),
});
type Changes = z.infer<typeof changesShape>;

/** Corrects one lead. A new address that is another lead's makes the two one, after a button, since that cannot be undone (L3). */
export const editLead = defineTool({
  name: 'edit_lead',
  description:
    "Correct what is known of one lead: address, name, title, company, industry, places, profile, and the further columns of a file by their names. A new address clears a bounce, so that the lead is tried again; a message that was held for an empty variable goes on. Only from the asker's words, never made up.",
  examples: [
    'change the e-mail of Ann Example to ann@company.example',
    'set the title of Ann Example to CTO',
    'Ann Example works at Company GmbH now',
    'set plan of Ann Example to pro',
  ],
  input: z.object({
    lead: text.describe('Full name or e-mail address'),
    changes: changesShape,
  }),
  plan: async (ctx, { lead: ref, changes: asked }) => {
    const lead = await editing.resolve(ctx, ref);
    if (isRefusal(lead)) return lead;
    const name = lead.full_name;
    const changes = await byColumn(ctx, lead, asked);
    if (isRefusal(changes)) return changes;
    if (!Object.values(changes).some(value => value !== undefined))
      return refuse('nothing_to_change', `What should change of ${name}?`, [`set the title of ${name} to CTO`]);
    const email = changes.email === undefined ? null : emailKey(changes.email);
    if (changes.email !== undefined && email === null)
      return refuse('bad_input', `"${changes.email}" is not an e-mail address like ann@company.example.`, [
        `change the e-mail of ${name} to ann@company.example`,
      ]);
    const linkedin = changes.linkedinUrl === undefined ? null : linkedinKey(changes.linkedinUrl);
    if (changes.linkedinUrl !== undefined && linkedin === null)
      return refuse('bad_input', `"${changes.linkedinUrl}" is not a LinkedIn profile like linkedin.com/in/ann.`);
    if ((email || linkedin) && (await editing.isExcluded(ctx, lead.id)))
      return refuse('excluded', `${name} is excluded, so their address and profile stay as they are.`, ['show exclusions']);
    const twins = await editing.others(ctx, lead.id, { email, linkedin });
    for (const twin of twins)
      if (await editing.isExcluded(ctx, twin.id))
        return refuse('excluded', `That is the address or profile of ${twin.full_name}, who is excluded.`, ['show exclusions']);
    const objects = [`lead:${lead.id}`, ...twins.map(twin => `lead:${twin.id}`)];
    const who = twins.map(twin => `${twin.full_name}${twin.email ? ` (${twin.email})` : ''}`).join(', ');
    return {
      effect: twins.length ? ('gated' as const) : ('write' as const),
      data: { leadId: lead.id, name, changes },
      summary: twins.length ? `Make ${name} and ${who} one lead.` : `Change ${name}.`,
      objects,
      binds: objects,
      card: {
        tone: 'warning' as const,
        title: `Are ${name} and ${who} one person?`,
        notes: [
          'The address or profile belongs to another lead. They become one, the older; both histories stay.',
          'Of two live enrollments the later one stops. This cannot be undone.',
        ],
      },
    };
  },
  before: (ctx, { leadId }) => editing.before(ctx, leadId),
  run: async (ctx, { leadId, name, changes }) => ({ name, changes, ...(await editing.edit(ctx, leadId, changes)) }),
  undo: async (ctx, { before, result: { name, changes, merged, goesOn = [] }, at }) => {
    if (merged)
      return refuse('cannot_undo', `${name} and another lead were made one; that cannot be taken apart again.`, ['activity']);
    const lets = changes.email !== undefined || goesOn.length > 0;
    const contacted = lets ? await left.toLeads(ctx, [before.id], at) : 0;
    if (contacted)
      return hasLeft(contacted, 'Change it again instead.', [
        changes.email === undefined ? `why ${name}` : `change the e-mail of ${name} to ann@company.example`,
      ]);
    await editing.putBack(ctx, before);
    return {
      said: `${changed(changes)
        .map(([label]) => label.toLowerCase())
        .join(', ')} of ${before.full_name} ${changed(changes).length === 1 ? 'is' : 'are'} as before.`,
    };
  },
  present: ({ name, changes, merged, enrolled, goesOn }) => ({
    tone: 'good',
    title: merged ? `${name} and ${count(merged, 'other lead')} are one lead now.` : `${name} is changed.`,
    facts: changed(changes).map(([label, value]) => ({ label, value })),
    notes: [
      ...(enrolled
        ? [`With the new address ${name} is enrolled: ${count(enrolled, 'list')} had skipped them for the old one.`]
        : []),
      ...goesOn.map(
        sequence =>
          `Their message that was held in "${sequence}" goes on with its next place in the plan. Should something else be missing, it is held for that.`,
      ),
    ],
    next: [`why ${changes.fullName ?? name}`],
  }),
});

/** Columns of a lead by the names that templates use, and a few more that people say. */
const columns: Record<string, keyof Omit<Changes, 'fields'>> = {
  email: 'email',
  e_mail: 'email',
  title: 'title',
  job_title: 'title',
  company: 'company',
  full_name: 'fullName',
  name: 'fullName',
  first_name: 'firstName',
  last_name: 'lastName',
  industry: 'industry',
  location: 'location',
  company_location: 'companyLocation',
  linkedin: 'linkedinUrl',
};

/** A slip of a name, and no other name. */
const isSlip = (written: string, name: string): boolean => unlikeness(written, name) < 0.3 && !name.startsWith(written);

/**
 * Further columns by the names that files give them (`Lead status` is `lead_status`), and the lead's own columns as what they are.
 * @returns the refusal `unknown_field` for a name that nobody has and that is nearly another
 */
async function byColumn(
  ctx: Context,
  lead: editing.LeadRow,
  { fields: asked = {}, ...own }: Changes,
): Promise<Changes | Refusal> {
  const fields: Record<string, string> = {};
  for (const [written, value] of Object.entries(asked)) {
    const key = foldName(written.replace(/^fields\./i, '')).replaceAll(' ', '_');
    const column = columns[key];
    if (column) own[column] = value;
    else if (key) fields[key] = value;
    else return refuse('bad_input', `"${written}" is no name of a column.`, [`set plan of ${lead.full_name} to pro`]);
  }
  const unseen = Object.keys(fields).filter(key => !Object.hasOwn(lead.fields as object, key));
  const known = unseen.length ? [...Object.keys(columns), ...(await editing.fieldNames(ctx))] : [];
  for (const key of unseen.filter(each => !known.includes(each))) {
    const near = nearest(
      key,
      known.filter(name => isSlip(key, name)),
    );
    if (near.length)
      return refuse(
        'unknown_field',
        `No lead has a column "${key}". Did you mean ${near.map(name => name.replaceAll('_', ' ')).join(' or ')}?`,
        near.map(name => `set ${name.replaceAll('_', ' ')} of ${lead.email_key ?? lead.full_name} to ${fields[key]}`),
      );
  }
  return { ...own, ...(Object.keys(fields).length ? { fields } : {}) };
}

const changed = ({
  fields = {},
  ...rest
}: Record<string, unknown> & { fields?: Record<string, string> | undefined }): [string, string][] => [
  ...Object.entries(rest).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[labels[key] ?? key, value]] : [],
  ),
  ...Object.entries(fields),
];
