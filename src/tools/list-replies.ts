import { z } from 'zod';
import { startOfDay } from '../calendar.ts';
import { replyCategories } from '../domain/ports.ts';
import * as replies from '../domain/replies/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal } from '../errors.ts';
import { categoryOf, who } from './reply-report.ts';
import { count, when } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool } from './tool.ts';

/** How much of each reply the table shows. */
const excerptChars = 120;

/** What has come back, newest first (D4). */
export const listReplies = defineTool({
  name: 'list_replies',
  description:
    'List what leads have replied, newest first: of a sequence, of a category, since a date. People only, unless machines (out of office, bounces) are asked for.',
  examples: ['show replies', 'show replies of Fall Intro', 'who is interested?'],
  input: z.object({
    sequence: sequenceRef.optional(),
    categories: z.array(z.enum(replyCategories)).min(1).optional(),
    since: z.iso.date().optional(),
    machines: z.boolean().optional().describe('Absences and bounces too'),
    limit: z.int().min(1).max(50).optional(),
  }),
  plan: async (ctx, { sequence: ref, categories, since, machines, limit = 20 }) => {
    const sequence = ref === undefined ? undefined : await sequences.resolve(ctx, ref);
    if (isRefusal(sequence)) return sequence;
    return {
      effect: 'read' as const,
      data: {
        filter: {
          ...(sequence ? { sequenceId: sequence.id } : {}),
          ...(categories ? { categories } : {}),
          ...(since ? { since: startOfDay(Temporal.PlainDate.from(since), ctx.workspace.zone) } : {}),
          ...(machines ? { all: true } : {}),
        },
        sequence: sequence?.name ?? null,
        limit,
      },
      summary: 'List replies.',
      ...(sequence ? { objects: [`sequence:${sequence.id}`] } : {}),
    };
  },
  run: async (ctx, { filter, sequence, limit }) => {
    const { replies: found, all } = await replies.list(ctx, filter, limit);
    return { sequence, all, replies: found.map(view => ({ ...view, receivedAt: view.receivedAt.toString() })) };
  },
  present: ({ sequence, all, replies: found }, { zone }) => ({
    tone: 'neutral',
    title: all
      ? `${count(all, 'reply', 'replies')}${sequence ? ` to "${sequence}"` : ''}, newest first.`
      : `No replies${sequence ? ` to "${sequence}"` : ''}.`,
    ...(found.length
      ? {
          tables: [
            {
              columns: [
                { label: 'Reply', align: 'right' as const },
                { label: 'When' },
                { label: 'From' },
                { label: 'Company' },
                { label: 'Taken as' },
                { label: 'Sequence' },
                { label: 'They wrote' },
              ],
              rows: found.map(view => [
                `${view.id}`,
                when(view.receivedAt, zone),
                who(view),
                view.company ?? '–',
                categoryOf(view.category),
                view.sequence ?? '–',
                view.body.length > excerptChars
                  ? `${view.body.slice(0, excerptChars).toWellFormed()}…`
                  : view.body || view.subject,
              ]),
              ...(all > found.length ? { more: all - found.length } : {}),
            },
          ],
        }
      : {}),
    next: found[0] ? [`show reply ${found[0].id}`] : ['status'],
  }),
});
