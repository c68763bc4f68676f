import { z } from 'zod';
import * as enrollments from '../domain/enrollments/index.ts';
import * as left from '../domain/enrollments/left.ts';
import * as lists from '../domain/lists/index.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { hasLeft, takeOff } from './list-undo.ts';
import { orderedFrom } from './receipt-report.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

/** Orders leads for a list once; an order of its own, which uses up no period of its monitoring (M3). */
export const addLeads = defineTool({
  name: 'add_leads',
  description: 'Add a number of new leads to a list once, now. For a recurring order use set_monitoring.',
  examples: ['add 200 to "Fintech VPs"', 'get 50 more leads for "Fintech VPs"', 'fill "Fintech VPs" up with another 100'],
  input: z.object({ list: z.string().trim().min(1), count: z.number().describe('1 to 10,000') }),
  prepare: async (_services, _input, { place }) => place,
  plan: async (ctx, input, place) => {
    const list = await lists.mine(ctx, input.list);
    if (isRefusal(list)) return list;
    const wrong = monitoring.outOfRange(list, input.count);
    if (wrong) return wrong;
    if (list.criteria === null) return monitoring.noCriteria(list);
    return {
      effect: 'write' as const,
      data: { listId: list.id, list: list.name, asked: input.count, from: orderedFrom(place) },
      summary: `Add ${count(input.count, 'lead')} to "${list.name}".`,
      objects: [`list:${list.id}`],
    };
  },
  run: async (ctx, { listId, list, asked, from }) => {
    const orderedBy = ctx.actor.kind === 'member' ? ctx.actor.id : null;
    const refillId = await monitoring.order(ctx, { listId, asked, kind: 'order', orderedBy, from });
    return { listId, list, asked, refillId, monitoring: monitoring.summary(await monitoring.of(ctx, listId)) };
  },
  undo: async (ctx, { result: { listId, list, refillId } }) => {
    if (refillId === null) return refuse('nothing_to_undo', 'That order added nobody.');
    const contacted = await left.toMembers(ctx, { listId, refillId });
    const instead = 'Remove people by name, or archive the list.';
    const next = [`show list "${list}"`, `archive list "${list}"`];
    if (contacted) return hasLeft(contacted, instead, next);
    const added = await lists.members.addedBy(ctx, listId, refillId);
    if (added.length > enrollments.chunkSize)
      return refuse(
        'too_many',
        `That order added ${count(added.length, 'lead')}, too many to take off at once. ${instead}`,
        next,
      );
    const coming = await lists.members.cancelOrders(ctx, listId, 'cancelled', refillId);
    const cancelled = coming ? `${count(coming, 'lead')} of the order for "${list}" will not come. ` : '';
    const off = await takeOff(ctx, listId, added);
    return isRefusal(off) ? off : { said: `${cancelled}On "${list}": ${off.said}` };
  },
  present: ({ list, asked, monitoring }) => ({
    tone: 'good',
    title: `${count(asked, 'new lead')} for "${list}" ${asked === 1 ? 'is' : 'are'} on the way.`,
    notes: [
      'You get the receipt when it is done.',
      ...(monitoring === 'off' ? [] : [`The standing order of ${monitoring} goes on as it is.`]),
    ],
    next: [`show list "${list}"`],
  }),
});
