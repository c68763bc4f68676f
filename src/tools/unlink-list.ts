import { z } from 'zod';
import * as enrollments from '../domain/enrollments/index.ts';
import * as links from '../domain/links/index.ts';
import * as lists from '../domain/lists/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { listPaceLine, paceLeft, paceOfList } from './list-pace.ts';
import { linkageOf, relink, relinkIsGated } from './list-undo.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

/** Ends a list's link: uncontacted people leave the sequence, contacted ones finish (K6). */
export const unlinkList = defineTool({
  name: 'unlink_list',
  description:
    'Unlink a list from its sequence: people it enrolled who were not contacted yet leave the sequence, contacted ones finish. Monitoring goes on.',
  examples: ['unlink "Fintech VPs"', 'take Fintech VPs out of its sequence', 'stop feeding Fintech VPs into Fall Intro'],
  input: z.object({ list: z.string().trim().min(1) }),
  plan: async (ctx, input) => {
    const list = await lists.mine(ctx, input.list);
    if (isRefusal(list)) return list;
    const current = await links.activeOf(ctx, list.id);
    if (!current) return refuse('not_linked', `"${list.name}" is not linked to any sequence.`, ['list sequences']);
    const sequence = await ctx.tx
      .selectFrom('sequence')
      .select('name')
      .where('id', '=', current.sequence_id)
      .executeTakeFirstOrThrow();
    const leaving = await enrollments.lettingGo(ctx, current.id);
    return {
      effect: 'write' as const,
      data: { listId: list.id, list: list.name, sequenceId: current.sequence_id, sequence: sequence.name, ...leaving },
      summary: `Unlink "${list.name}" from "${sequence.name}".`,
      reach: leaving.uncontacted,
      objects: [`list:${list.id}`, `sequence:${current.sequence_id}`],
    };
  },
  before: (ctx, { listId }) => linkageOf(ctx, listId),
  run: async (ctx, plan) => {
    await links.unlink(ctx, { listId: plan.listId });
    return { ...plan, pace: await paceLeft(ctx, plan) };
  },
  undoIsGated: (ctx, { before, result }) => relinkIsGated(ctx, result.listId, before),
  undo: async (ctx, { before, result: { listId, list } }) => {
    if (!before) return refuse('not_linked', `"${list}" was not linked to anything.`);
    const refusal = await relink(ctx, listId, before);
    if (refusal) return refusal;
    return {
      said: `"${list}" is linked to "${before.sequence}" again; whom it had to let go enrol anew.`,
      facts: listPaceLine(await paceOfList(ctx, listId)),
    };
  },
  present: ({ list, sequence, uncontacted, passing, contacted, pace }) => ({
    tone: 'good',
    title: `"${list}" is no longer linked to "${sequence}".`,
    facts: [
      { label: 'Withdrawn', value: `${count(uncontacted - passing, 'person', 'people')} not contacted yet` },
      ...(passing ? [{ label: 'Kept by another list', value: count(passing, 'person', 'people') }] : []),
      { label: 'Finish there', value: `${count(contacted, 'person', 'people')} contacted already` },
      ...pace,
    ],
    next: [`link "${list}" to ${sequence}`, `show list "${list}"`],
  }),
});
