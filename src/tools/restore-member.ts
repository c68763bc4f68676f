import { z } from 'zod';
import * as lists from '../domain/lists/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { takeOff } from './list-undo.ts';
import { count, reasons } from './report.ts';
import { defineTool } from './tool.ts';

const people = (n: number): string => count(n, 'person', 'people');

/** Puts people back on a list that they were removed from: a human may, by name, which no source may (L7, M4). */
export const restoreMember = defineTool({
  name: 'restore_member',
  description: 'Put people back on a list that they were removed from, by name or address. Where the list is linked they enrol.',
  examples: [
    'put Ann Example back on "Fintech VPs"',
    'restore ann@company.example to "Fintech VPs"',
    'add Ann Example back to "Fintech VPs"',
  ],
  input: z.object({
    list: z.string().trim().min(1),
    leads: z.array(z.string().trim().min(1)).min(1).max(100).describe('Names or e-mail addresses'),
  }),
  plan: async (ctx, input) => {
    const list = await lists.mine(ctx, input.list);
    if (isRefusal(list)) return list;
    const chosen = await lists.members.named(ctx, list, input.leads, { removed: true });
    if (isRefusal(chosen)) return chosen;
    const ids = chosen.map(({ leadId }) => leadId);
    const excluded = await lists.members.excludedOf(ctx, ids);
    if (excluded[0]) {
      const message = `${excluded[0].name} is excluded, so they do not go on any list.`;
      return refuse('excluded', message, [`lift the exclusion of ${excluded[0].name}`, 'show exclusions']);
    }
    return {
      effect: 'write' as const,
      data: { listId: list.id, list: list.name, leads: chosen.map(({ leadId, name }) => ({ leadId, name })) },
      summary: `Put ${people(chosen.length)} back on "${list.name}".`,
      reach: chosen.length,
      objects: [`list:${list.id}`, ...ids.map(id => `lead:${id}`)],
    };
  },
  run: async (ctx, { listId, list, leads }) => ({
    listId,
    list,
    leads,
    ...(await lists.members.restore(
      ctx,
      listId,
      leads.map(lead => lead.leadId),
    )),
  }),
  undo: async (ctx, { result: { listId, leads } }) => {
    const ids = leads.map(lead => lead.leadId);
    const [contacted] = await lists.members.contactedThrough(ctx, listId, ids);
    if (contacted)
      return refuse('has_left', `${contacted.name} has been contacted in "${contacted.sequence}" because of it.`, [
        `stop ${contacted.name}`,
      ]);
    return takeOff(ctx, listId, ids);
  },
  present: ({ list, leads, enrolled }) => ({
    tone: 'good',
    title: `${leads.length === 1 ? leads[0]!.name : people(leads.length)} ${leads.length === 1 ? 'is' : 'are'} back on "${list}".`,
    facts: enrolled
      ? [
          { label: 'Enrolled', value: people(enrolled.enrolled) },
          ...(Object.keys(enrolled.skipped).length ? [{ label: 'Not enrolled', value: reasons(enrolled.skipped) }] : []),
        ]
      : [],
    next: [`show list "${list}"`],
  }),
});
