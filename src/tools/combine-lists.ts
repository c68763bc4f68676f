import { z } from 'zod';
import type { Context } from '../domain/context.ts';
import * as lists from '../domain/lists/index.ts';
import { freeName } from '../domain/lists/rules.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { combineLists as combineJob } from '../queues.ts';
import { discard } from './list-undo.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

const joined = { union: ' + ', intersection: ' ∩ ', minus: ' − ' } as const;
const said = { union: 'on any of', intersection: 'on all of', minus: 'on the first and not on the others of' } as const;

/** A new list of the people of others: on any of them, on all, or on the first and none of the rest. Provenance is kept (L4). */
export const combineLists = defineTool({
  name: 'combine_lists',
  description:
    'Make a new list from others: union (people on any of them), intersection (on all), or minus (on the first but on none of the others). The lists themselves stay as they are.',
  examples: [
    'combine "Fintech VPs" and "CTOs London"',
    'people on both "Fintech VPs" and "CTOs London"',
    '"Fintech VPs" minus "CTOs London"',
  ],
  input: z.object({
    how: z.enum(['union', 'intersection', 'minus']),
    lists: z.array(z.string().trim().min(1)).min(2).max(10),
    name: z.string().trim().min(1).max(100).optional(),
  }),
  plan: async (ctx, { how, lists: refs, name: wanted }) => {
    const from: lists.ListRow[] = [];
    for (const ref of refs) {
      const list = await lists.resolve(ctx, ref);
      if (isRefusal(list)) return list;
      if (!from.some(each => each.id === list.id)) from.push(list);
    }
    if (from.length < 2)
      return refuse('same_list', `That is one list: "${from[0]!.name}". Name at least two different ones.`, ['show my lists']);
    const name = await nameOf(ctx, wanted, from.map(list => list.name).join(joined[how]));
    if (isRefusal(name)) return name;
    const ids = from.map(list => list.id);
    const people = await lists.members.countCombined(ctx, { how, from: ids });
    if (!people)
      return refuse('nobody', `Nobody is ${said[how]} ${from.map(list => `"${list.name}"`).join(', ')}; no list was made.`, [
        'show my lists',
      ]);
    const requiresEmail = from.every(list => list.requires_email);
    return {
      effect: 'write' as const,
      data: { name, how, from: ids, names: from.map(list => list.name), people, requiresEmail },
      summary: `Make the list "${name}" of ${count(people, 'person', 'people')}.`,
      reach: people,
      objects: ids.map(id => `list:${id}`),
    };
  },
  run: async (ctx, { name, how, from, names, people, requiresEmail }) => {
    if (ctx.actor.kind !== 'member') return refuse('no_owner', 'A list needs an owner, and nobody asked for this one.');
    const created = await lists.create(ctx, { name, ownerId: ctx.actor.id, source: 'combined', criteria: null, requiresEmail });
    if (isRefusal(created)) return created;
    const { more } = await lists.members.combineChunk(ctx, { listId: created.id, how, from });
    if (more) await ctx.enqueue(combineJob, { workspaceId: ctx.workspace.id, listId: created.id, how, from });
    return { listId: created.id, list: created.name, how, names, people, coming: more };
  },
  made: made => (isRefusal(made) ? [] : [`list:${made.listId}`]),
  undo: (ctx, { result }) => (isRefusal(result) ? Promise.resolve(result) : discard(ctx, result)),
  present: result => {
    if (isRefusal(result)) return { tone: 'refused', title: result.message };
    const { list, how, names, people, coming } = result;
    return {
      tone: 'good',
      title: `"${list}" has the ${count(people, 'person', 'people')} ${said[how]} ${names.map(name => `"${name}"`).join(', ')}.`,
      notes: [
        ...(coming ? ['They are being put on it now.'] : []),
        'The lists that it came from stay as they are. It looks for nobody by itself until you say whom.',
      ],
      next: [`show list "${list}"`, `"${list}" should look for VPs of Sales at fintechs in Germany`],
    };
  },
});

async function nameOf(ctx: Context, wanted: string | undefined, made: string): Promise<string | Refusal> {
  if (wanted !== undefined) return lists.nameFor(ctx, { name: wanted, criteria: {} });
  return freeName(made.length > 80 ? `${made.slice(0, 79).trimEnd()}…` : made, await lists.allNames(ctx));
}
