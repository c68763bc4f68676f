import { z } from 'zod';
import { dateIn, startOfDay } from '../calendar.ts';
import * as trail from '../domain/activity/trail.ts';
import type { Context } from '../domain/context.ts';
import * as leads from '../domain/leads/edit.ts';
import * as lists from '../domain/lists/index.ts';
import * as people from '../domain/workspaces/people.ts';
import { isRefusal, type Refusal } from '../errors.ts';
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
  plan: async (ctx, { about, member: who, days, limit = usual }) => {
    const thing = about === undefined ? null : await thingOf(ctx, about);
    if (isRefusal(thing)) return thing;
    const member = who === undefined ? null : await people.resolve(ctx, who);
    if (isRefusal(member)) return member;
    const { zone } = ctx.workspace;
    const since = days === undefined ? null : startOfDay(dateIn(ctx.now, zone).subtract({ days: days - 1 }), zone).toString();
    const data = {
      objects: thing?.objects ?? null,
      about: thing?.name ?? null,
      memberId: member?.id ?? null,
      member: member?.name ?? null,
      days: days ?? null,
      since,
      limit,
    };
    return { effect: 'read' as const, data, summary: 'Show the activity.' };
  },
  run: async (ctx, { objects, memberId, since, limit, ...told }) => {
    const filter: trail.Filter = {
      ...(objects ? { objects } : {}),
      ...(memberId === null ? {} : { memberId }),
      ...(since ? { since: Temporal.Instant.from(since) } : {}),
    };
    const lines = await trail.read(ctx, filter, { limit });
    return {
      ...told,
      all: await trail.count(ctx, filter),
      lines: lines.map(({ at, ...line }) => ({ ...line, at: at.toString() })),
    };
  },
  present: ({ about, member, days, all, lines }, { zone }) => {
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
      footer: 'All of it as a file: drover export activity',
    };
  },
});

/** What a name means in the trail; an archived list keeps its name there. A lead's trail is also that of its exclusions. */
async function thingOf(ctx: Context, about: string): Promise<{ name: string; objects: string[] } | Refusal> {
  if (/^(list|sequence|lead|member|sender):\d+$/.test(about)) return { name: about, objects: [about] };
  const list = await lists.named(ctx, about);
  if (list) return { name: `"${list.name}"`, objects: [`list:${list.id}`] };
  const thing = await people.belonging(ctx, about);
  if (!isRefusal(thing)) return { name: `"${thing.name}"`, objects: [`${thing.kind}:${thing.id}`] };
  if (thing.code === 'which_one') return thing;
  const member = await people.resolve(ctx, about);
  if (!isRefusal(member)) return { name: member.name, objects: [`member:${member.id}`] };
  const lead = await leads.resolve(ctx, about);
  if (isRefusal(lead)) return lead.code === 'ambiguous_lead' ? lead : thing;
  const keys = [
    lead.email_key && `exclusion:address:${lead.email_key}`,
    lead.linkedin_url && `exclusion:linkedin:${lead.linkedin_url}`,
  ];
  return { name: lead.full_name, objects: [`lead:${lead.id}`, ...keys.flatMap(key => key ?? [])] };
}
