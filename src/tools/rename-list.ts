import { z } from 'zod';
import * as lists from '../domain/lists/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { defineTool } from './tool.ts';

/** Gives a list another name, which must be free ignoring case, archived lists' names included (L6). */
export const renameList = defineTool({
  name: 'rename_list',
  description: 'Rename a list. Members, criteria, monitoring and link stay as they are.',
  examples: [
    'rename list "Fintech VPs" to "Fintech leaders"',
    'rename "Fintech VPs" to EMEA',
    'call the list "Fintech VPs" EMEA',
  ],
  input: z.object({ list: z.string().trim().min(1), name: z.string().trim().min(1).max(100) }),
  plan: async (ctx, { list: ref, name }) => {
    const list = await lists.mine(ctx, ref);
    if (isRefusal(list)) return list;
    if (list.name === name) return refuse('same_name', `It is called "${name}" already.`, [`show list "${name}"`]);
    return {
      effect: 'write' as const,
      data: { listId: list.id, before: list.name, name },
      summary: `Rename "${list.name}" to "${name}".`,
      objects: [`list:${list.id}`],
    };
  },
  run: async (ctx, { listId, before, name }) => {
    const renamed = await lists.rename(ctx, listId, name);
    return isRefusal(renamed) ? renamed : { listId, list: renamed, before };
  },
  undo: async (ctx, { result }) => {
    if (isRefusal(result)) return result;
    const renamed = await lists.rename(ctx, result.listId, result.before);
    return isRefusal(renamed) ? renamed : { said: `the list "${result.list}" is called "${renamed}" again.` };
  },
  present: result =>
    isRefusal(result)
      ? { tone: 'refused', title: result.message }
      : {
          tone: 'good',
          title: `"${result.before}" is called "${result.list}" now.`,
          next: [`show list "${result.list}"`],
        },
});
