import { z } from 'zod';
import * as lists from '../domain/lists/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

const people = (n: number): string => count(n, 'person', 'people');

/** Takes people off a list (L7): the uncontacted enrollment that the list started is withdrawn, a contacted one goes on. */
export const removeMember = defineTool({
  name: 'remove_member',
  description:
    'Take people off a list, by name or address. Who was not contacted yet leaves its sequence; who was goes on, and the answer offers to stop them. No source adds them to the list again.',
  examples: [
    'remove Ann Example from "Fintech VPs"',
    'take ann@company.example off "Fintech VPs"',
    'remove Ann Example and Bob Example from "Fintech VPs"',
  ],
  input: z.object({
    list: z.string().trim().min(1),
    leads: z.array(z.string().trim().min(1)).min(1).max(100).describe('Names or e-mail addresses'),
  }),
  plan: async (ctx, input) => {
    const list = await lists.mine(ctx, input.list);
    if (isRefusal(list)) return list;
    const chosen = await lists.members.named(ctx, list, input.leads, { removed: false });
    if (isRefusal(chosen)) return chosen;
    return {
      effect: 'write' as const,
      data: { listId: list.id, list: list.name, leads: chosen.map(({ leadId, name }) => ({ leadId, name })) },
      summary: `Remove ${people(chosen.length)} from "${list.name}".`,
      reach: chosen.length,
      objects: [`list:${list.id}`, ...chosen.map(({ leadId }) => `lead:${leadId}`)],
    };
  },
  run: async (ctx, { listId, list, leads }) => ({
    listId,
    list,
    leads,
    ...(await lists.members.remove(
      ctx,
      listId,
      leads.map(lead => lead.leadId),
    )),
  }),
  undo: async (ctx, { result: { listId, list, leads } }) => {
    const ids = leads.map(lead => lead.leadId);
    const excluded = await lists.members.excludedOf(ctx, ids);
    if (excluded[0])
      return refuse('excluded', `${excluded[0].name} is excluded by now.`, [`lift the exclusion of ${excluded[0].name}`]);
    const { restored, enrolled } = await lists.members.restore(ctx, listId, ids);
    const again = enrolled?.enrolled
      ? `, and ${people(enrolled.enrolled)} ${enrolled.enrolled === 1 ? 'is' : 'are'} enrolled again`
      : '';
    return { said: `${people(restored)} ${restored === 1 ? 'is' : 'are'} back on "${list}"${again}.` };
  },
  present: ({ list, leads, withdrawn, passed, goesOn }) => ({
    tone: goesOn.length ? 'warning' : 'good',
    title: `${leads.length === 1 ? leads[0]!.name : people(leads.length)} ${leads.length === 1 ? 'is' : 'are'} off "${list}".`,
    facts: [
      ...(withdrawn ? [{ label: 'Left the sequence', value: `${people(withdrawn)} not contacted yet` }] : []),
      ...(passed ? [{ label: 'Kept by another list', value: people(passed) }] : []),
    ],
    notes: goesOn.map(({ name, sequence }) => `${name} was contacted already and goes on in "${sequence}". Shall I stop that?`),
    next: [...goesOn.slice(0, 3).map(({ name }) => `stop ${name}`), `put ${leads[0]!.name} back on "${list}"`],
  }),
});
