import { z } from 'zod';
import * as left from '../domain/enrollments/left.ts';
import * as lists from '../domain/lists/index.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import { isRefusal } from '../errors.ts';
import { listPaceFacts, listPaceLine, paceOfList } from './list-pace.ts';
import { hasLeft } from './list-undo.ts';
import { when } from './report.ts';
import { defineTool } from './tool.ts';

/** A list's recurring order: off, N daily, or N weekly (M1). */
export const setMonitoring = defineTool({
  name: 'set_monitoring',
  description:
    'Turn recurring refills of a list on, off, or change them: N new leads every day, every weekday, or weekly on a weekday. Independent of links and daily caps.',
  examples: ['add 20 to "Fintech VPs" every day', 'add 100 to "Fintech VPs" every Monday', 'stop monitoring "Fintech VPs"'],
  input: z.object({
    list: z.string().trim().min(1),
    cadence: z.enum(['off', 'daily', 'weekdays', 'weekly']),
    amount: z.number().optional().describe('New leads a time, 1 to 1,000; without it the amount stays'),
    weekday: z.int().min(1).max(7).optional().describe('1 Monday … 7 Sunday; only with weekly; Monday unless said'),
  }),
  plan: async (ctx, { list: ref, ...wanted }) => {
    const list = await lists.mine(ctx, ref);
    if (isRefusal(list)) return list;
    const before = await monitoring.of(ctx, list.id);
    const to = monitoring.plan(list, before, wanted);
    if (isRefusal(to)) return to;
    return {
      effect: 'write' as const,
      data: { listId: list.id, list: list.name, before: monitoring.summary(before), to },
      summary: `Monitor "${list.name}": ${monitoring.summary(to)}.`,
      objects: [`list:${list.id}`],
    };
  },
  run: async (ctx, { listId, list, before, to }) => {
    const first = await monitoring.set(ctx, { listId, to });
    const pace = await paceOfList(ctx, listId);
    return { listId, list, before, monitoring: monitoring.summary(to), firstRunAt: first?.at.toString() ?? null, pace };
  },
  before: async (ctx, { listId }) => monitoring.standingOf(await monitoring.of(ctx, listId)),
  undo: async (ctx, { before, result: { listId, list }, at }) => {
    const contacted = await left.toMembers(ctx, { listId, since: at });
    if (contacted) return hasLeft(contacted, 'Set the monitoring that you want.', [`stop monitoring "${list}"`]);
    const first = await monitoring.set(ctx, { listId, to: before });
    const next = first ? `, next on ${when(first.at, ctx.workspace.zone)}` : '';
    return {
      said: `monitoring of "${list}" is ${monitoring.summary(before)} again${next}.`,
      facts: listPaceLine(await paceOfList(ctx, listId)),
    };
  },
  present: ({ list, before, monitoring, firstRunAt, pace }, { zone }) => ({
    tone: 'good',
    title: firstRunAt
      ? `"${list}" gets ${monitoring}, first on ${when(firstRunAt, zone)}.`
      : before === 'off'
        ? `Monitoring of "${list}" was off and stays off.`
        : `Monitoring of "${list}" is off.`,
    facts: [
      { label: 'Monitoring', value: monitoring },
      ...(before === monitoring ? [] : [{ label: 'Before', value: before }]),
      ...(firstRunAt ? [{ label: 'First run', value: `${when(firstRunAt, zone)} (${zone})` }] : []),
      ...listPaceFacts(pace),
    ],
    next: firstRunAt ? [`show list "${list}"`, `stop monitoring "${list}"`] : [`add 20 to "${list}" every day`],
  }),
});
