import { z } from 'zod';
import * as explanations from '../domain/explanations/index.ts';
import { isRefusal } from '../errors.ts';
import { categoryOf } from './reply-report.ts';
import { type Table, when } from './report.ts';
import { defineTool } from './tool.ts';

/** Why a lead, a list, a sequence or a sender is or is not moving, from stored reason codes (D3, E5, L5). */
export const why = defineTool({
  name: 'why',
  description:
    'Explain why a lead (name or e-mail), list, sequence or sender is or is not moving, from stored reasons over its whole life: found, chosen, skipped, waiting, held, contacted, ended; and what to do next.',
  examples: ['why is "Fintech VPs" not moving?', 'why Fall Intro', 'why was jane@nordpay.example not contacted?'],
  input: z.object({
    about: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .describe('A name, an e-mail address, or "list NAME", "sequence NAME", "sender NAME"'),
  }),
  plan: async (ctx, { about }) => {
    const subject = await explanations.resolve(ctx, about);
    if (isRefusal(subject)) return subject;
    const { kind, id, name } = subject;
    return { effect: 'read' as const, data: { kind, id, name }, summary: `Explain "${name}".`, objects: [`${kind}:${id}`] };
  },
  run: (ctx, subject) => explanations.explain(ctx, subject),
  present: ({ kind, name, isMoving, because, facts, events, reasons, zone, next }) => ({
    tone: isMoving ? 'neutral' : 'warning',
    title:
      `The ${kind} ${kind === 'lead' ? name : `"${name}"`} is ${isMoving ? 'moving' : 'not moving'}. ${because[0] ?? ''}`.trim(),
    facts,
    tables: [...timeline(events, zone), ...reasonTable(reasons)],
    notes: because.slice(1),
    next,
  }),
});

const words: Record<explanations.Event['kind'], (event: explanations.Event) => string> = {
  found: event =>
    `Found for ${event.list} (${event.detail}${event.reason ? `, ${refills[event.reason] ?? event.reason}` : ''}${event.by ? `, asked by ${event.by}` : ''})`,
  removed: event => `Removed from ${event.list}`,
  skipped: event =>
    `Not enrolled in ${event.sequence}: ${explanations.meaningOf(event.reason!).says}${event.detail ? ` (${event.detail}, ${event.by})` : ''}`,
  enrolled: event => `Enrolled in ${event.sequence}${event.list ? ` from ${event.list}` : ' by hand'}`,
  reviewed: event =>
    `${event.reason === 'approved' ? 'Approved' : 'Refused'}${event.by ? ` by ${event.by}` : ''} for ${event.sequence}${event.detail ? `: ${event.detail}` : ''}`,
  planned: event => `Step ${event.position} of ${event.sequence} is planned${event.by ? ` from ${event.by}` : ''}`,
  held: event =>
    `Step ${event.position} of ${event.sequence} held: ${explanations.meaningOf(event.reason ?? '').says}${event.detail ? ` (${event.detail})` : ''}`,
  contacted: event =>
    `Step ${event.position} of ${event.sequence} ${event.reason ? `may have left: ${explanations.meaningOf(event.reason).says}` : 'left'}${event.by ? ` from ${event.by}` : ''}`,
  failed: event => `Step ${event.position} of ${event.sequence} failed: ${explanations.meaningOf(event.reason ?? '').says}`,
  replied: event =>
    `${event.reason === 'bounced' ? 'A bounce' : 'A reply'} came back${event.position ? ` to step ${event.position} of ${event.sequence}` : event.sequence ? ` to ${event.sequence}` : ''}${event.by ? ` from ${event.by}` : ''}: ${categoryOf(event.reason)}`,
  ended: event => `The run in ${event.sequence} ended (${event.detail}): ${explanations.meaningOf(event.reason!).says}`,
};
const refills: Record<string, string> = { monitoring: 'by monitoring', order: 'by an order', import: 'from a file' };

/** The newest are kept where a life is long. */
const shown = 40;

const timeline = (events: readonly explanations.Event[], zone: string): Table[] =>
  events.length
    ? [
        {
          title: 'What happened',
          columns: [{ label: 'When' }, { label: 'What' }],
          rows: events.slice(-shown).map(event => [when(event.at, zone), words[event.kind](event)]),
          ...(events.length > shown ? { more: events.length - shown } : {}),
        },
      ]
    : [];

const groups: Record<explanations.Reasons['kind'], string> = {
  held: 'held',
  late: 'waits for another time',
  skipped: 'not enrolled',
  ended: 'ended',
};

const reasonTable = (reasons: readonly explanations.Reasons[]): Table[] =>
  reasons.length
    ? [
        {
          title: 'Who does not move, by stored reason',
          columns: [{ label: 'What' }, { label: 'Why' }, { label: 'People', align: 'right' }, { label: 'What to do' }],
          rows: reasons.slice(0, 20).map(each => {
            const { says, next } = explanations.meaningOf(each.reason);
            return [groups[each.kind], says, each.people.toLocaleString('en-US'), next ?? '–'];
          }),
        },
      ]
    : [];
