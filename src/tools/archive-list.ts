import { z } from 'zod';
import * as enrollments from '../domain/enrollments/index.ts';
import * as links from '../domain/links/index.ts';
import * as lists from '../domain/lists/index.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { listPaceLine, paceLeft, paceOfList } from './list-pace.ts';
import { linkageOf, relink, relinkIsGated } from './list-undo.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

const people = (n: number): string => count(n, 'person', 'people');

/** Archives a list: its link ends, its monitoring stops, its open orders are cancelled (L6). Always asks a human (A1). */
export const archiveList = defineTool({
  name: 'archive_list',
  description:
    'Archive a list: unlinks it (uncontacted people leave the sequence, contacted ones finish), stops its monitoring and its open orders. Its members stay on record.',
  examples: ['archive list "Fintech VPs"', 'archive "Fintech VPs"', 'put the list "Fintech VPs" away'],
  input: z.object({ list: z.string().trim().min(1) }),
  plan: async (ctx, input) => {
    const list = await lists.mine(ctx, input.list);
    if (isRefusal(list)) return list;
    const linked = await linkageOf(ctx, list.id);
    const leaving = linked ? await enrollments.lettingGo(ctx, linked.linkId) : { uncontacted: 0, passing: 0, contacted: 0 };
    const order = monitoring.summary(await monitoring.of(ctx, list.id));
    const onTheWay = await monitoring.onTheWay(ctx, list.id);
    const withdrawn = leaving.uncontacted - leaving.passing;
    const names = { list: list.name, sequenceId: linked?.sequenceId ?? null, sequence: linked?.sequence ?? null };
    const data = { listId: list.id, ...names, order, onTheWay, ...leaving };
    return {
      effect: 'gated' as const,
      data,
      summary: `Archive the list "${list.name}".`,
      reach: leaving.uncontacted,
      objects: [`list:${list.id}`, ...(linked ? [`sequence:${linked.sequenceId}`] : [])],
      binds: [list.id, linked?.linkId ?? null, order],
      card: {
        tone: 'warning' as const,
        title: `Archive the list "${list.name}"?`,
        facts: [
          {
            label: 'Sequence',
            value: linked
              ? `${linked.sequence}: ${people(withdrawn)} not contacted yet withdrawn, ${leaving.contacted} contacted finish${leaving.passing ? `, ${leaving.passing} stay through another list` : ''}`
              : 'not linked',
          },
          { label: 'Monitoring', value: order === 'off' ? 'off' : `${order} stops` },
          ...(onTheWay ? [{ label: 'On order', value: `${count(onTheWay, 'lead')} will not come` }] : []),
        ],
        notes: ['Its name stays taken. Nobody is erased.'],
      },
    };
  },
  before: async (ctx, { listId }) => ({
    linkage: await linkageOf(ctx, listId),
    monitoring: monitoring.standingOf(await monitoring.of(ctx, listId)),
  }),
  run: async (ctx, plan) => {
    await links.unlink(ctx, { listId: plan.listId, reason: 'list_archived' });
    await lists.archive(ctx, plan.listId);
    const { listId, sequenceId, sequence } = plan;
    const pace = sequenceId && sequence ? await paceLeft(ctx, { listId, sequenceId, sequence }) : [];
    return { ...plan, pace };
  },
  undoIsGated: (ctx, { before, result }) => relinkIsGated(ctx, result.listId, before.linkage),
  undo: async (ctx, { before, result: { listId, list } }) => {
    const there = await lists.lock(ctx, listId);
    if (!there?.archived_at) return refuse('not_archived', `"${list}" is not archived.`, [`show list "${list}"`]);
    await lists.members.reopen(ctx, listId);
    if (before.monitoring) await monitoring.set(ctx, { listId, to: before.monitoring });
    const refusal = before.linkage ? await relink(ctx, listId, before.linkage) : undefined;
    const said = [
      `the list "${list}" is back`,
      ...(before.monitoring ? [`monitoring is ${monitoring.summary(before.monitoring)} again`] : []),
      ...(before.linkage && !refusal ? [`it is linked to "${before.linkage.sequence}" again`] : []),
    ];
    return {
      said: `${said.join(', ')}.${refusal ? ` It stays unlinked: ${refusal.message}` : ''}`,
      facts: listPaceLine(await paceOfList(ctx, listId)),
    };
  },
  present: ({ list, sequence, order, onTheWay, uncontacted, passing, contacted, pace }) => ({
    tone: 'good',
    title: `The list "${list}" is archived.`,
    facts: [
      ...(sequence
        ? [
            { label: `Left "${sequence}"`, value: `${people(uncontacted - passing)} not contacted yet` },
            { label: 'Finish there', value: people(contacted) },
          ]
        : []),
      ...(order === 'off' ? [] : [{ label: 'Monitoring', value: `off (was ${order})` }]),
      ...(onTheWay ? [{ label: 'Cancelled', value: `${count(onTheWay, 'lead')} on order` }] : []),
      ...(order === 'off' || sequence
        ? []
        : [{ label: 'Coming in', value: '0 a week; it was not linked, so nobody was contacted' }]),
      ...pace,
    ],
    next: ['show my lists', 'undo'],
  }),
});
