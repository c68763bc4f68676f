import fc from 'fast-check';
import { sql } from 'kysely';
import { command, list, nth } from './command.ts';

/** Lists, their orders, who is taken off them and put back (L, M). */

/** Makes a list and fills it. */
export const createList = (name: string, count: number) => ({
  ...{ name, criteria: { titles: ['VP of Sales'] }, count, confirmed: true },
});

/** The nth membership that was, or was not, removed, as a person names it. */
const member = (removed: boolean) => sql<{ list: string; lead: string; id: string }>`
  select l.name as list, coalesce(p.email, p.full_name) as lead, m.list_id || ':' || m.lead_id as id
  from membership m join list l on l.id = m.list_id join lead p on p.id = m.lead_id
  where l.archived_at is null and (m.removed_at is not null) = ${removed} order by m.list_id, m.lead_id`;

export const lists = {
  create: command({
    weight: 3,
    args: fc.record({ list, count: fc.integer({ min: 1, max: 6 }) }),
    run: ({ machine }, args) => machine.call('create_list', createList(args.list, args.count)),
  }),
  refill: command({
    weight: 2,
    args: fc.record({ list, count: fc.integer({ min: 1, max: 8 }) }),
    run: ({ machine }, args) => machine.call('add_leads', args),
  }),
  monitor: command({
    weight: 2,
    args: fc.record({
      list,
      cadence: fc.constantFrom('off', 'daily', 'daily', 'weekdays', 'weekly'),
      amount: fc.integer({ min: 1, max: 4 }),
      weekday: fc.integer({ min: 1, max: 7 }),
    }),
    run: async (story, { list: name, cadence, amount, weekday }) => {
      const order = cadence === 'off' ? {} : { amount, ...(cadence === 'weekly' ? { weekday } : {}) };
      const set = await story.machine.call('set_monitoring', { list: name, cadence, ...order });
      if (set.outcome === 'done') story.expect('order', name, cadence === 'off' ? 'off' : `${cadence} ${amount}`);
    },
  }),
  remove: command({
    weight: 1,
    args: fc.record({ nth }),
    run: async (story, args) => {
      const found = await story.pick(member(false), args.nth);
      if (found) await story.machine.call('remove_member', { list: found.list, leads: [found.lead] });
    },
  }),
  restore: command({
    weight: 1,
    args: fc.record({ nth }),
    run: async (story, args) => {
      const found = await story.pick(member(true), args.nth);
      if (!found) return;
      story.expect('membership', found.id);
      await story.machine.call('restore_member', { list: found.list, leads: [found.lead] });
    },
  }),
};
