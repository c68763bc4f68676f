import { z } from 'zod';
import * as left from '../domain/enrollments/left.ts';
import * as editing from '../domain/leads/edit.ts';
import { emailKey, linkedinKey } from '../domain/leads/rules.ts';
import { isRefusal, refuse } from '../errors.ts';
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
  linkedinUrl: 'LinkedIn',
};

/** Corrects one lead. A new address that is another lead's makes the two one, after a button, since that cannot be undone (L3). */
export const editLead = defineTool({
  name: 'edit_lead',
  description:
    "Correct what is known of one lead: address, name, title, company, profile, further fields. A new address clears a bounce, so that the lead is tried again. Only from the asker's words, never made up.",
  examples: [
    'change the e-mail of Ann Example to ann@company.example',
    'set the title of Ann Example to CTO',
    'Ann Example works at Company GmbH now',
  ],
  input: z.object({
    lead: text.describe('Full name or e-mail address'),
    changes: z.object({
      email: text.optional(),
      title: text.optional(),
      company: text.optional(),
      fullName: text.optional(),
      firstName: text.optional(),
      lastName: text.optional(),
      linkedinUrl: text.optional(),
      fields: z.record(z.string().trim().min(1).max(60), z.string().trim().max(1000)).optional(),
    }),
  }),
  plan: async (ctx, { lead: ref, changes }) => {
    const lead = await editing.resolve(ctx, ref);
    if (isRefusal(lead)) return lead;
    const name = lead.full_name;
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
  undo: async (ctx, { before, result: { name, changes, merged }, at }) => {
    if (merged)
      return refuse('cannot_undo', `${name} and another lead were made one; that cannot be taken apart again.`, ['activity']);
    const contacted = changes.email === undefined ? 0 : await left.toLeads(ctx, [before.id], at);
    if (contacted)
      return hasLeft(contacted, 'Change the address again instead.', [`change the e-mail of ${name} to ann@company.example`]);
    await editing.putBack(ctx, before);
    return {
      said: `${changed(changes)
        .map(([label]) => label.toLowerCase())
        .join(', ')} of ${before.full_name} ${changed(changes).length === 1 ? 'is' : 'are'} as before.`,
    };
  },
  present: ({ name, changes, merged, enrolled }) => ({
    tone: 'good',
    title: merged ? `${name} and ${count(merged, 'other lead')} are one lead now.` : `${name} is changed.`,
    facts: changed(changes).map(([label, value]) => ({ label, value })),
    notes: enrolled
      ? [`With the new address ${name} is enrolled: ${count(enrolled, 'list')} had skipped them for the old one.`]
      : [],
    next: [`why ${changes.fullName ?? name}`],
  }),
});

const changed = ({
  fields = {},
  ...rest
}: Record<string, unknown> & { fields?: Record<string, string> | undefined }): [string, string][] => [
  ...Object.entries(rest).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[labels[key] ?? key, value]] : [],
  ),
  ...Object.entries(fields),
];
