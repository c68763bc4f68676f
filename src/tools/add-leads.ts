import { z } from 'zod';
import * as lists from '../domain/lists/index.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import { isRefusal } from '../errors.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

/** Orders leads for a list once; an order of its own, which uses up no period of its monitoring (M3). */
export const addLeads = defineTool({
  name: 'add_leads',
  description: 'Add a number of new leads to a list once, now. For a recurring order use set_monitoring.',
  examples: ['add 200 to "Fintech VPs"', 'get 50 more leads for "Fintech VPs"', 'fill "Fintech VPs" up with another 100'],
  input: z.object({ list: z.string().trim().min(1), count: z.number().describe('1 to 10,000') }),
  plan: async (ctx, input) => {
    const list = await lists.mine(ctx, input.list);
    if (isRefusal(list)) return list;
    const wrong = monitoring.outOfRange(list, input.count);
    if (wrong) return wrong;
    if (list.criteria === null) return monitoring.noCriteria(list);
    return {
      effect: 'write' as const,
      data: { listId: list.id, list: list.name, asked: input.count },
      summary: `Add ${count(input.count, 'lead')} to "${list.name}".`,
      objects: [`list:${list.id}`],
    };
  },
  run: async (ctx, { listId, list, asked }) => {
    const orderedBy = ctx.actor.kind === 'member' ? ctx.actor.id : null;
    const refillId = await monitoring.order(ctx, { listId, asked, kind: 'order', orderedBy });
    return { listId, list, asked, refillId, monitoring: monitoring.summary(await monitoring.of(ctx, listId)) };
  },
  present: ({ list, asked, monitoring }) => ({
    tone: 'good',
    title: `${count(asked, 'new lead')} for "${list}" ${asked === 1 ? 'is' : 'are'} on the way.`,
    ...(monitoring === 'off' ? {} : { notes: [`The standing order of ${monitoring} goes on as it is.`] }),
    next: [`show list "${list}"`],
  }),
});
