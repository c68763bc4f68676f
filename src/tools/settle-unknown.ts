import { z } from 'zod';
import { mayChange } from '../domain/context.ts';
import { findLeads } from '../domain/exclusions/queries.ts';
import { emailKey, linkedinKey } from '../domain/leads/rules.ts';
import * as takenBack from '../domain/messages/taken-back.ts';
import { settleUnknown as settle, unknowns } from '../domain/messages/unknown.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { hasLeft } from './list-undo.ts';
import { leadRef } from './live-run.ts';
import { count, when } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool } from './tool.ts';

/** How many are listed on the card. */
const listed = 20;

/**
 * Messages that may or may not have left: marks them sent, or sends them again (D2). A human decides, so it always waits for a button;
 * the card lists them.
 */
export const settleUnknown = defineTool({
  name: 'settle_unknown',
  description:
    'Settle messages of which nobody knows whether they left: "sent" marks them sent and their leads go on; "resend" sends them again. All that the asker may change, or those of a sequence or a lead.',
  examples: [
    'settle the unknown messages of Fall Intro as sent',
    'resend the unknown messages of Fall Intro',
    'settle ann@acme.example as sent',
  ],
  input: z.object({ sequence: sequenceRef.optional(), lead: leadRef.optional(), as: z.enum(['sent', 'resend']) }),
  plan: async (ctx, { sequence: ref, lead, as }) => {
    const sequence = ref === undefined ? undefined : await sequences.mine(ctx, ref);
    if (isRefusal(sequence)) return sequence;
    const leads =
      lead === undefined
        ? undefined
        : await findLeads(ctx.tx, { email: emailKey(lead), linkedin: linkedinKey(lead), name: lead.trim() });
    if (leads && !leads.length) return refuse('unknown_lead', `There is no lead called "${lead}". Name the address.`, ['status']);
    const all = await unknowns(ctx, {
      ...(sequence ? { sequenceId: sequence.id } : {}),
      ...(leads ? { leadIds: leads.map(one => one.id) } : {}),
    });
    const found = all.filter(message => mayChange(ctx.actor, message.ownerId));
    const where = [sequence && `"${sequence.name}"`, leads?.[0]?.name].filter(Boolean).join(', ');
    if (!found.length)
      return refuse('nothing_unknown', `No message is unknown${where ? ` for ${where}` : ''}: there is nothing to settle.`, [
        'status',
      ]);
    const n = count(found.length, 'message');
    return {
      effect: 'gated' as const,
      data: { ids: found.map(message => message.id), as, sequences: [...new Set(found.map(message => message.sequence))] },
      summary:
        as === 'sent' ? `Mark ${n} as sent${where ? ` (${where})` : ''}.` : `Send ${n} again${where ? ` (${where})` : ''}.`,
      reach: found.length,
      objects: [...new Set(found.map(message => `sequence:${message.sequenceId}`))],
      binds: { as, ids: found.map(message => message.id) },
      card: {
        tone: 'warning' as const,
        title: as === 'sent' ? `Mark ${n} as sent?` : `Send ${n} again?`,
        tables: [
          {
            columns: [
              { label: 'Lead' },
              { label: 'Company' },
              { label: 'Sequence' },
              { label: 'Step', align: 'right' as const },
              { label: 'Handed over' },
            ],
            rows: found
              .slice(0, listed)
              .map(row => [
                row.lead,
                row.company ?? '–',
                row.sequence,
                `${row.position}`,
                when(row.handedAt, ctx.workspace.zone),
              ]),
            ...(found.length > listed ? { more: found.length - listed } : {}),
          },
        ],
        notes: [
          as === 'sent'
            ? 'Their leads go on with the next step, counted from the hand-over.'
            : 'They may have arrived the first time; then these people get them twice.',
        ],
      },
    };
  },
  before: (ctx, { ids }) => takenBack.unknownNow(ctx, ids),
  run: async (ctx, { ids, as, sequences: names }) => ({ as, settled: await settle(ctx, ids, as), sequences: names }),
  undo: async (ctx, { before, result: { as, sequences: names } }) => {
    const pause = names.slice(0, 3).map(name => `pause "${name}"`);
    if (as === 'sent')
      return refuse(
        'counts_as_sent',
        'What was marked as sent counts as contact, and its leads have gone on. Stop whoever should get nothing further, or pause the sequence.',
        pause,
      );
    const again = await takenBack.unknownAgain(ctx, before);
    const leaving = before.length - again;
    if (!again) return hasLeft(leaving, 'Pausing the sequence stops what follows.', pause);
    const others = leaving ? ` ${count(leaving, 'has', 'have')} begun to leave, or need it no more.` : '';
    return { said: `${count(again, 'message is', 'messages are')} unknown again and not sent.${others}` };
  },
  present: ({ as, settled }) => ({
    tone: 'good',
    title:
      as === 'sent'
        ? `${count(settled, 'message is', 'messages are')} marked as sent, and their leads go on.`
        : `${count(settled, 'message is', 'messages are')} planned again.`,
    next: ['status'],
  }),
});
