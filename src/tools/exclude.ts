import { z } from 'zod';
import { dateIn } from '../calendar.ts';
import type { Context } from '../domain/context.ts';
import * as exclusions from '../domain/exclusions/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { freedNotes } from './exclusion-report.ts';
import { count, day } from './report.ts';
import { defineTool, localDate } from './tool.ts';

const text = z.string().trim().min(1).max(300);

/** Never to contact a person or a company again, or not until a date (X1, X2). */
export const exclude = defineTool({
  name: 'exclude',
  description:
    'Exclude a person (by address, LinkedIn URL, or the name of a lead) or a company (by domain) from all contact, for good or until a date. Live enrollments stop at once.',
  examples: ['exclude acme.example', 'never contact ann@acme.example', 'exclude Ann Example until 2027-01-31 because she asked'],
  input: z.object({
    address: text.optional(),
    linkedin: text.optional().describe('LinkedIn profile URL'),
    domain: text.optional().describe('Company domain'),
    lead: text.optional().describe("A lead's full name or address"),
    reason: text.optional(),
    until: localDate.optional().describe('Last day on which it holds; for good unless said'),
  }),
  plan: async (ctx, input) => {
    const target = await targetOf(ctx, input);
    if (isRefusal(target)) return target;
    const today = dateIn(ctx.now, ctx.workspace.zone);
    if (input.until && Temporal.PlainDate.compare(input.until, today) < 0)
      return refuse('until_past', `${day(input.until)} has passed. Choose a later date, or leave it out to exclude for good.`);
    const covered = await exclusions.coveredLeads(ctx, target.entries);
    return {
      effect: 'write' as const,
      data: { ...target, reason: input.reason ?? 'by hand', untilOn: input.until ?? null },
      summary: `Exclude ${target.name}.`,
      reach: covered.filter(lead => lead.enrollmentId !== null).length,
      objects: target.entries.map(({ kind, value }) => `exclusion:${kind}:${value}`),
    };
  },
  before: (ctx, { entries }) => exclusions.standing(ctx, entries),
  run: async (ctx, { name, entries, reason, untilOn }) => ({
    name,
    reason,
    untilOn,
    entries: entries.map(exclusions.described),
    targets: entries,
    ...(await exclusions.add(ctx, { entries, reason, untilOn })),
  }),
  undo: async (ctx, { before, result: { name, targets } }) => {
    const freed = await exclusions.putBack(ctx, targets, before);
    const kept = before.length ? 'what was excluded before stays so, with its own reason and end' : 'it may be contacted again';
    const notes = freed.again || freed.passedOver.count || freed.stayEnded.count ? freedNotes(freed) : [];
    return { said: [`the exclusion of ${name} is lifted: ${kept}.`, ...notes].join(' ') };
  },
  present: ({ name, reason, untilOn, entries, known, permanent, leads, stopped }) => {
    const live = Object.values(stopped).reduce((sum, n) => sum + n, 0);
    const where = Object.entries(stopped).map(([sequence, n]) => `${n.toLocaleString('en-US')} in "${sequence}"`);
    const again = permanent
      ? ['They opted out themselves: that holds for good, and was left as it is.']
      : known
        ? ['It was excluded already; the reason and the end are the new ones.']
        : [];
    return {
      tone: 'good',
      title: `${name.startsWith('everyone ') ? `E${name.slice(1)}` : name} is excluded${untilOn && !permanent ? ` until ${day(untilOn)}` : ''}. ${
        live ? `${count(live, 'live enrollment is', 'live enrollments are')} stopped.` : 'Nobody was being contacted.'
      }`,
      facts: [
        { label: 'Excluded', value: entries.join(', ') },
        { label: 'Reason', value: reason },
        { label: 'Known leads', value: leads.toLocaleString('en-US') },
        ...(live ? [{ label: 'Stopped', value: where.join(', ') }] : []),
      ],
      notes: again,
    };
  },
});

interface Target {
  name: string;
  entries: exclusions.Entry[];
}

async function targetOf(
  ctx: Context,
  { address, linkedin, domain, lead }: { address?: string; linkedin?: string; domain?: string; lead?: string },
): Promise<Target | Refusal> {
  const given = [address, linkedin, domain, lead].filter(value => value !== undefined);
  if (given.length !== 1)
    return refuse('which_one', 'Exclude what? One address, LinkedIn profile, company domain, or lead at a time.', [
      'exclude acme.example',
      'exclude ann@acme.example',
    ]);
  if (lead !== undefined) return exclusions.entriesOfLead(ctx, lead);
  const entry = address
    ? exclusions.entryOf('address', address)
    : linkedin
      ? exclusions.entryOf('linkedin', linkedin)
      : exclusions.entryOf('domain', domain!);
  return isRefusal(entry) ? entry : { name: exclusions.described(entry), entries: [entry] };
}
