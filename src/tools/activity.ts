import { z } from 'zod';
import { filterOf } from '../domain/activity/asked.ts';
import * as trail from '../domain/activity/trail.ts';
import { isRefusal } from '../errors.ts';
import { exportActivity } from './export-command.ts';
import { count, when } from './report.ts';
import { defineTool } from './tool.ts';

const usual = 20;

/** The trail (A5): who did what, when, what came of it; newest first. */
export const activity = defineTool({
  name: 'activity',
  description:
    'Show what was done, asked for, refused and decided: newest first; about one list, sequence, sender, lead or member; by one member; of the last days.',
  examples: ['activity', 'show activity of "Fintech VPs"', 'what did Ray do in the last 7 days?'],
  input: z.object({
    about: z.string().trim().min(1).optional().describe('Name of a list, sequence, sender, lead or member'),
    member: z.string().trim().min(1).optional().describe('Who did it'),
    days: z.int().min(1).max(3650).optional().describe('Today and that many days less one before it'),
    limit: z.int().min(1).max(100).optional(),
  }),
  plan: async (ctx, { limit = usual, ...asked }) => {
    const found = await filterOf(ctx, asked);
    if (isRefusal(found)) return found;
    const { filter, ...told } = found;
    const { since, ...of } = filter;
    const data = { ...told, asked, of, since: since?.toString() ?? null, days: asked.days ?? null, limit };
    return { effect: 'read' as const, data, summary: 'Show the activity.' };
  },
  run: async (ctx, { of, since, limit, ...told }) => {
    const filter: trail.Filter = { ...of, ...(since ? { since: Temporal.Instant.from(since) } : {}) };
    const lines = await trail.read(ctx, filter, { limit });
    return {
      ...told,
      all: await trail.count(ctx, filter),
      lines: lines.map(({ at, ...line }) => ({ ...line, at: at.toString() })),
    };
  },
  present: ({ asked, about, member, days, all, lines }, { zone }) => {
    const of = [about ? ` about ${about}` : '', member ? ` by ${member}` : '', days ? ` in ${count(days, 'day')}` : ''].join('');
    if (!lines.length) return { tone: 'neutral', title: `Nothing has happened${of}.`, next: ['activity', 'status'] };
    return {
      tone: 'neutral',
      title: `${count(all, 'entry', 'entries')}${of}, newest first.`,
      tables: [
        {
          columns: [{ label: 'When' }, { label: 'Who' }, { label: 'What' }, { label: 'About' }, { label: 'Outcome' }],
          rows: lines.map(line => [
            when(line.at, zone),
            line.by,
            line.title ?? line.action.replaceAll('_', ' '),
            line.about.join(', ') || '–',
            [
              line.outcome.replaceAll('_', ' '),
              ...(line.code ? [`(${line.code.replaceAll('_', ' ')})`] : []),
              ...(line.undone ? ['(undone)'] : []),
            ].join(' '),
          ]),
          ...(all > lines.length ? { more: all - lines.length } : {}),
        },
      ],
      footer: `All of it as a file: ${exportActivity(asked)}`,
    };
  },
});
