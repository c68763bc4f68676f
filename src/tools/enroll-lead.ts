import { z } from 'zod';
import * as byHand from '../domain/enrollments/by-hand.ts';
import * as editing from '../domain/leads/edit.ts';
import * as links from '../domain/links/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { hasLeft } from './list-undo.ts';
import { leadRef } from './live-run.ts';
import { day } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool } from './tool.ts';

const setAside: Record<byHand.SetAside, string> = {
  review_expired: 'nobody reviewed them here for 30 days',
  replied_before: 'they replied before',
  ended_here: 'they were contacted here before',
};

/** Puts one person into a sequence by name, also again: what no list does by itself (E4, E5). */
export const enrollLead = defineTool({
  name: 'enroll_lead',
  description:
    'Enrol one lead in a sequence by name, also again where lists no longer do: who replied before, or whom nobody reviewed for 30 days. Only when a person asks for it. For a whole list, link the list.',
  examples: [
    'enrol ann@acme.example in Fall Intro',
    'put Ann Example into Fall Intro by hand',
    'enrol Ann Example again in Fall Intro',
  ],
  input: z.object({ lead: leadRef.describe('Full name, e-mail address or profile'), sequence: sequenceRef }),
  plan: async (ctx, { lead: ref, sequence: into }) => {
    const sequence = await sequences.mine(ctx, into);
    if (isRefusal(sequence)) return sequence;
    const lead = await editing.resolve(ctx, ref, who => `enrol ${who} in ${sequence.name}`);
    if (isRefusal(lead)) return lead;
    const asleep = links.linkable(sequence);
    if (asleep) return asleep;
    const who = { name: lead.full_name, asks: lead.email_key ?? lead.full_name };
    const standing = await byHand.standing(ctx, { leadId: lead.id, sequence });
    if (!standing.may) return refusalOf(standing, who, sequence.name);
    const isBold = sequence.mode === 'autopilot' && standing.setsAside.some(each => each !== 'review_expired');
    const entering =
      sequence.mode === 'copilot' ? 'They wait for review first.' : 'They are contacted without review (autopilot).';
    return {
      // In copilot a person looks at them before anything leaves; in autopilot this is the last one who does.
      effect: isBold ? ('gated' as const) : ('write' as const),
      data: { leadId: lead.id, ...who, sequenceId: sequence.id, setsAside: standing.setsAside },
      summary: `Enrol ${lead.full_name} in "${sequence.name}" by hand.`,
      reach: 1,
      objects: [`lead:${lead.id}`, `sequence:${sequence.id}`],
      binds: { mode: sequence.mode, version: sequence.version, setsAside: standing.setsAside },
      card: {
        tone: 'warning' as const,
        title: `Enrol ${lead.full_name} in "${sequence.name}"?`,
        facts: [{ label: 'Although', value: standing.setsAside.map(each => setAside[each]).join('; ') }],
        notes: [entering],
      },
    };
  },
  run: async (ctx, { leadId, name, asks, sequenceId, setsAside }) => {
    const sequence = await sequences.lock(ctx, sequenceId);
    const asleep = links.linkable(sequence);
    if (asleep) return asleep;
    const enrollmentId = await byHand.enroll(ctx, { leadId, sequence });
    if (enrollmentId === null) return refuse('in_other_sequence', `Somebody enrolled ${name} just now.`, [`why ${asks}`]);
    return { enrollmentId, leadId, name, asks, sequence: sequence.name, mode: sequence.mode, setsAside };
  },
  undo: async (ctx, { result }) => {
    if (isRefusal(result)) return result;
    const { enrollmentId, name, asks, sequence } = result;
    const became = await byHand.takeBack(ctx, enrollmentId);
    if (became === 'withdrawn') return { said: `${name} is not in "${sequence}" any more; nothing had left.` };
    if (became === 'contacted') return hasLeft(1, 'Stop them instead.', [`stop ${asks}`]);
    return refuse('changed_since', `${name} is not in "${sequence}" any more (${became.ended.replaceAll('_', ' ')}).`, [
      `why ${asks}`,
    ]);
  },
  present: result => {
    if (isRefusal(result)) return { tone: 'refused', title: result.message };
    const { name, asks, sequence, mode, setsAside } = result;
    const waits = mode === 'copilot' ? 'waits for review' : 'waits for a place under the cap';
    return {
      tone: 'good',
      title: `${name} is enrolled in "${sequence}" by hand and ${waits}.`,
      facts: setsAside.length ? [{ label: 'Although', value: setsAside.map(each => setAside[each]).join('; ') }] : [],
      next: [...(mode === 'copilot' ? [`approve ${asks} in ${sequence}`] : []), `why ${asks}`],
    };
  },
});

interface Who {
  name: string;
  /** What to call them in a phrase. */
  asks: string;
}

/** Why nobody may enrol them, and what would help. */
function refusalOf(standing: Exclude<byHand.Standing, { may: true }>, { name, asks }: Who, into: string): Refusal {
  const { reason } = standing;
  switch (reason) {
    case 'in_this_sequence':
      return refuse(reason, `${name} is in "${into}" already; nothing was changed.`, [`why ${asks}`]);
    case 'in_other_sequence':
      return refuse(
        reason,
        `${name} is in "${standing.sequence}" (${standing.owner}), and nobody is in two sequences at once. Stop them there first.`,
        [`stop ${asks} in ${standing.sequence}`, `why ${asks}`],
      );
    case 'already_enrolled':
      return refuse(
        reason,
        `${name} has been through "${into}", or was refused or stopped there by a person, so they do not begin it again. Choose another sequence.`,
        [`why ${asks}`, 'list sequences'],
      );
    case 'excluded':
      return refuse(
        reason,
        `${name} is excluded, so nobody enrols them. Lift the exclusion if it no longer holds; an opt-out only an admin may lift, by hand.`,
        [`lift the exclusion of ${asks}`, 'show exclusions'],
      );
    case 'cooling_down':
      return refuse(
        reason,
        `${name} was contacted within the cooling-down days of this workspace. They can be enrolled from ${day(standing.until)} on.`,
        [`why ${asks}`],
      );
    case 'bad_address':
    case 'no_email':
      return refuse(
        reason,
        `${name} has ${reason === 'no_email' ? 'no e-mail address' : 'an address that bounced or is invalid'}, and "${into}" writes e-mails. Give a right one first.`,
        [`change the e-mail of ${name} to ann@company.example`],
      );
  }
}
