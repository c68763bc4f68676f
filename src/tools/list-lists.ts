import { z } from 'zod';
import { overview } from '../domain/lists/queries.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import { pacesOfLinked } from './list-pace.ts';
import { count, day } from './report.ts';
import { paceText } from './sequence-report.ts';
import { defineTool } from './tool.ts';

/** Every list at a glance. */
export const listLists = defineTool({
  name: 'list_lists',
  description: 'Show all lists: members, monitoring, linked sequence and last refill.',
  examples: ['show my lists', 'which lists do we have?', 'lists'],
  input: z.object({}),
  plan: async () => ({ effect: 'read' as const, data: {}, summary: 'Show the lists.' }),
  run: async ctx => ({
    fed: await pacesOfLinked(ctx),
    lists: (await overview(ctx.tx)).map(list => ({
      id: list.id,
      name: list.name,
      owner: list.owner,
      members: list.members,
      onOrder: list.on_order,
      monitoring: monitoring.summary(monitoring.orderOf(list)),
      sequence: list.sequence,
      lastRefill: list.refill && {
        added: list.refill.added,
        asked: list.refill.asked,
        at: list.refill.finished_at ?? list.refill.ordered_at,
        status: list.refill.status,
      },
    })),
  }),
  present: ({ lists, fed }, { zone }) =>
    lists.length
      ? {
          tone: 'neutral',
          title: `${count(lists.length, 'list')}, ${count(
            lists.reduce((sum, list) => sum + list.members, 0),
            'member',
          )}.`,
          tables: [
            {
              columns: [
                { label: 'List' },
                { label: 'Members', align: 'right' },
                { label: 'Monitoring' },
                { label: 'Sequence' },
                { label: 'Last refill' },
                { label: 'Owner' },
              ],
              rows: lists
                .slice(0, 30)
                .map(list => [
                  list.name,
                  `${list.members.toLocaleString('en-US')}${list.onOrder ? ` (+${list.onOrder.toLocaleString('en-US')} coming)` : ''}`,
                  list.monitoring,
                  list.sequence ?? '–',
                  list.lastRefill
                    ? `${list.lastRefill.added} of ${list.lastRefill.asked}, ${day(Temporal.Instant.from(list.lastRefill.at).toZonedDateTimeISO(zone).toPlainDate())}`
                    : '–',
                  list.owner,
                ]),
              ...(lists.length > 30 ? { more: lists.length - 30 } : {}),
            },
          ],
          notes: [
            ...fed.slice(0, 10).map(({ name, pace }) => `${name}: ${paceText(pace)}.`),
            ...(fed.length > 10 ? [`${count(fed.length - 10, 'more sequence')} in “list sequences”.`] : []),
          ],
          next: [`show list "${lists[0]!.name}"`],
        }
      : { tone: 'neutral', title: 'There is no list yet.', next: ['find 100 VPs of Sales at fintechs in Germany'] },
});
