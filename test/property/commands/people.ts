import fc from 'fast-check';
import { sql } from 'kysely';
import { command, nth, sequence } from './command.ts';

/** What people decide about single leads: reviews, pauses, stops, tasks, exclusions (E, X). */

/** Live runs in some states, as a person names them, with the local date. */
const runs = (states: readonly string[]) => sql<{ lead: string; sequence: string; zone: string }>`
  select coalesce(l.email, l.full_name) as lead, s.name as sequence, s.zone
  from enrollment e join lead l on l.id = e.lead_id join sequence s on s.id = e.sequence_id
  where e.state = any(${states}::text[]) order by e.id`;

const closing = (tool: 'finish_task' | 'skip_task', weight: number) =>
  command({
    weight,
    args: fc.record({ nth }),
    run: async (story, args) => {
      const found = await story.pick(runs(['waiting_on_task']), args.nth);
      if (found) await story.machine.call(tool, { lead: found.lead, sequence: found.sequence });
    },
  });

export const people = {
  review: command({
    weight: 3,
    args: fc.record({
      sequence,
      decision: fc.constantFrom('approve', 'approve', 'refuse'),
      count: fc.integer({ min: 1, max: 6 }),
    }),
    run: ({ machine }, args) => machine.call('review_leads', args),
  }),
  pauseLead: command({
    weight: 1,
    args: fc.record({ nth, days: fc.constantFrom(1, 3, 14) }),
    run: async (story, { nth: which, days }) => {
      const found = await story.pick(runs(['queued', 'active', 'paused', 'waiting_on_task']), which);
      if (!found) return;
      await story.forgetAbsences();
      const until = story.today(found.zone).add({ days }).toString();
      await story.machine.call('pause_lead', { lead: found.lead, until });
    },
  }),
  resumeLead: command({
    weight: 1,
    args: fc.record({ nth }),
    run: async (story, args) => {
      const found = await story.pick(runs(['paused']), args.nth);
      if (!found) return;
      await story.forgetAbsences();
      await story.machine.call('pause_lead', { lead: found.lead, until: story.today(found.zone).toString() });
    },
  }),
  stopLead: command({
    weight: 1,
    args: fc.record({ nth }),
    run: async (story, args) => {
      const found = await story.pick(runs(['in_review', 'queued', 'active', 'paused', 'waiting_on_task']), args.nth);
      if (found) await story.machine.call('stop_lead', { lead: found.lead, sequence: found.sequence });
    },
  }),
  finishTask: closing('finish_task', 2),
  skipTask: closing('skip_task', 1),
  exclude: command({
    weight: 1,
    args: fc.record({ person: fc.nat({ max: 8 }), company: fc.boolean() }),
    run: ({ machine }, { person, company }) =>
      machine.call('exclude', company ? { domain: `firm${person}.example` } : { address: `pat${person}@firm${person}.example` }),
  }),
};
