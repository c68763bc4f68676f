import { z } from 'zod';
import { ofList } from '../domain/digests/days.ts';
import type { Criteria } from '../domain/lists/criteria.ts';
import * as lists from '../domain/lists/index.ts';
import { overview } from '../domain/lists/queries.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import { isRefusal } from '../errors.ts';
import { refillChart } from './day-charts.ts';
import { listPaceFacts, paceOfList } from './list-pace.ts';
import { criteriaFacts, receiptFacts, samplesTable } from './list-report.ts';
import { count, when } from './report.ts';
import { defineTool } from './tool.ts';

/** One list: who is on it, what it looks for, its monitoring, its link, and the receipt of its last refill (L5). */
export const showList = defineTool({
  name: 'show_list',
  description: 'Show one list: members, newest of them, criteria, monitoring, linked sequence and the last receipt with reasons.',
  examples: ['show list "Fintech VPs"', 'how is "Fintech VPs" doing?', 'tell me about "Fintech VPs"'],
  input: z.object({ list: z.string().trim().min(1) }),
  plan: async (ctx, input) => {
    const list = await lists.resolve(ctx, input.list);
    if (isRefusal(list)) return list;
    const objects = [`list:${list.id}`];
    return { effect: 'read' as const, data: { listId: list.id }, summary: `Show "${list.name}".`, objects };
  },
  run: async (ctx, { listId }) => {
    const [list] = await overview(ctx.tx, { listId, newest: 5 });
    const { name, owner, source, members, with_email, on_order, sequence, sequence_status, refill, newest } = list!;
    return {
      listId,
      list: name,
      owner,
      source,
      criteria: list!.criteria as Criteria | null,
      requiresEmail: list!.requires_email,
      members,
      withEmail: with_email,
      onOrder: on_order,
      monitoring: monitoring.summary(monitoring.orderOf(list!)),
      nextRunAt: list!.next_due_at?.toString() ?? null,
      sequence,
      sequenceStatus: sequence_status,
      pace: await paceOfList(ctx, listId),
      days: await ofList(ctx, listId),
      lastRefill: refill,
      newest: newest ?? [],
    };
  },
  present: (shown, { zone }) => {
    const { list, members, monitoring, sequence, lastRefill } = shown;
    const coming = shown.onOrder ? `, ${shown.onOrder.toLocaleString('en-US')} more on the way` : '';
    return {
      tone: lastRefill?.status === 'failed' ? 'warning' : 'neutral',
      title: `"${list}" has ${count(members, 'member')}${coming}.`,
      facts: [
        { label: 'With e-mail', value: shown.withEmail.toLocaleString('en-US') },
        { label: 'Monitoring', value: `${monitoring}${shown.nextRunAt ? `, next ${when(shown.nextRunAt, zone)}` : ''}` },
        { label: 'Sequence', value: sequence ? `${sequence} (${shown.sequenceStatus})` : 'not linked' },
        ...listPaceFacts(shown.pace),
        { label: 'Owner', value: shown.owner },
        ...(lastRefill ? receiptFacts(lastRefill, zone) : []),
        ...(shown.criteria
          ? [
              {
                label: 'Looks for',
                value: criteriaFacts(shown.criteria)
                  .map(({ label, value }) => `${label}: ${value}`)
                  .join(' · '),
              },
            ]
          : [
              {
                label: 'Looks for',
                value: shown.source === 'combined' ? 'nobody: it was made from other lists' : 'nobody: it came from a file',
              },
            ]),
        ...(shown.requiresEmail ? [] : [{ label: 'E-mail', value: 'people without an address are taken too' }]),
      ],
      charts: refillChart(shown.days),
      tables: samplesTable(members > shown.newest.length ? 'Newest members' : 'Members', shown.newest),
      next: [
        ...(lastRefill?.widen ? [`"${list}" should look for ${lastRefill.widen.words}`] : []),
        ...(shown.criteria ? [`add 100 to "${list}"`] : [`"${list}" should look for VPs of Sales at fintechs in Germany`]),
        ...(monitoring === 'off' && shown.criteria ? [`add 20 to "${list}" every day`] : []),
        ...(sequence ? [`show sequence "${sequence}"`] : ['show my sequences']),
      ],
    };
  },
});
