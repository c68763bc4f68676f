import { sql } from 'kysely';
import { expect } from 'vitest';
import { nextDueAt } from '../../src/db/system.ts';
import { load } from '../../src/domain/forecasts/index.ts';
import { simulate } from '../../src/domain/forecasts/simulate.ts';
import { handleTick } from '../../src/jobs/tick.ts';
import { type Queue, queues } from '../../src/queues.ts';
import { makeList } from '../support/links.ts';
import { PeopleSource, someone } from '../support/people-source.ts';
import { set } from '../support/refills.ts';
import { mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

/** Jobs go from hand to hand instead of through pg-boss: sixty days of it are minutes of empty queues. Answers what drains them. */
function quickJobs(world: World): () => Promise<void> {
  const waiting = new Map<string, { queue: Queue<object>; payload: object }>();
  const enqueue = async (queue: Queue<object>, payload: object) =>
    void waiting.set(`${queue.name}:${queue.key?.(payload) ?? waiting.size}`, { queue, payload });
  Object.assign(world.services, { enqueueIn: () => enqueue });
  return async () => {
    while (waiting.size)
      for (const { name } of queues)
        for (const [key, job] of waiting)
          if (job.queue.name === name) {
            waiting.delete(key);
            await world.handlers[name]!(job.payload as never, new AbortController().signal);
          }
  };
}

/** Whoever has a task does it as soon as it is posted, as the forecast takes it. */
async function doTasks(world: World, office: Office): Promise<number> {
  const open = await world.in(office, ctx =>
    ctx.tx
      .selectFrom('message')
      .innerJoin('lead', 'lead.id', 'message.lead_id')
      .select('email')
      .where('kind', '=', 'task')
      .where('state', '=', 'claimed')
      .execute(),
  );
  for (const { email } of open)
    expect(await world.call(office, 'finish_task', { lead: email })).toMatchObject({ outcome: 'done' });
  return open.length;
}

/** Lets everything happen at its own time, as `jobs/play.ts` does. */
async function live(world: World, office: Office, until: Temporal.Instant): Promise<void> {
  const drain = quickJobs(world);
  for (;;) {
    const due = await nextDueAt(world.services.db, world.now);
    if (!due || Temporal.Instant.compare(due, until) >= 0) break;
    await world.clock.set(due);
    await handleTick(world.services);
    do await drain();
    while (await doTasks(world, office));
  }
  await world.clock.set(until);
}

interface Line {
  at: string;
  sequence: number;
  /** The lead's id; those who came later by their turn. */
  lead: string;
  position: number;
  sender: number | null;
  isHeld: boolean;
}

const byTime = (a: Line, b: Line) => a.at.localeCompare(b.at) || a.sequence - b.sequence || a.lead.localeCompare(b.lead);

async function happened(world: World, office: Office, knownUpTo: number, until: Temporal.Instant): Promise<Line[]> {
  const { rows } = await world.in(office, ctx =>
    sql<{
      at: Temporal.Instant;
      sequence: number;
      lead: number;
      position: number;
      sender: number;
      state: string;
      reason: string;
    }>`
      select planned_at as at, sequence_id as sequence, lead_id as lead, position, sender_id as sender, state, reason from message
      where planned_at < ${until} order by id`.execute(ctx.tx),
  );
  expect(rows.every(row => row.state === 'sent' || row.reason === 'missing_variable')).toBe(true);
  return rows
    .map(({ at, sequence, lead, position, sender, state }) => ({
      ...{ at: at.toString(), sequence, position, sender, isHeld: state === 'held' },
      lead: lead > knownUpTo ? `new ${lead - knownUpTo}` : `${lead}`,
    }))
    .sort(byTime);
}

/** Who came onto lists and into sequences since an instant, by local day. */
const came = (world: World, office: Office, since: Temporal.Instant) =>
  world.in(office, async ctx => {
    const perDay = (rows: { id: number; on: string; n: number }[]) => rows.map(({ id, on, n }) => `${on} ${id}: ${n}`).sort();
    const enrolled = await sql<{ id: number; on: string; n: number }>`
      select s.id, (e.enrolled_at at time zone s.zone)::date as on, count(*)::int as n
      from enrollment e join sequence s on s.id = e.sequence_id where e.enrolled_at > ${since} group by 1, 2`.execute(ctx.tx);
    const added = await sql<{ id: number; on: string; n: number }>`
      select list_id as id, (added_at at time zone ${ctx.workspace.zone})::date as on, count(*)::int as n
      from membership where added_at > ${since} group by 1, 2`.execute(ctx.tx);
    return { enrolled: perDay(enrolled.rows), added: perDay(added.rows) };
  });

/** Plays the forecast, and counts its days. */
async function foreseen(world: World, office: Office, days: number) {
  const state = await load(world.services, office.id);
  const lines: Line[] = [];
  const [...played] = simulate(state, {
    days,
    onMessage: ({ run, position, senderId, at, isHeld }) =>
      lines.push({
        ...{ at: at.toString(), sequence: run.sequenceId, position, sender: senderId, isHeld },
        lead: run.leadId > 2 ** 52 ? `new ${run.leadId - 2 ** 52}` : `${run.leadId}`,
      }),
  });
  return { lines: lines.sort(byTime), days: played };
}

/**
 * Two sequences that share a sender, in two zones, one with a task and the holidays of Germany, and one in which nobody approves anybody;
 * four lists, one of them monitored; colleagues, and people without a first name.
 */
async function shop(world: World) {
  const everybody = Array.from({ length: 2_000 }, (_, i) =>
    someone(i + 1, { email: `pat${i}@only${i}.example`, companyDomain: `only${i}.example` }),
  );
  world.services.sources = { directory: new PeopleSource(everybody) };
  const office = await world.office();
  mailThrough(world);
  const shared = await makeSender(world, office, { name: 'Ada', dailyLimit: 25, minGapMinutes: 7 });
  const own = await makeSender(world, office, { name: 'Bob', dailyLimit: 12 });
  await world.in(office, ctx =>
    ctx.tx.updateTable('sender').set({ ramp_start: 2, ramp_step: 1, ramp_every: 2 }).where('id', '=', own).execute(),
  );
  const fall = await makeSequence(world, office, { name: 'Fall', dailyCap: 14, steps: 3, senderIds: [shared] });
  const winter = await makeSequence(world, office, {
    ...{ name: 'Winter', dailyCap: 7, steps: 2, delayDays: 0, senderIds: [shared, own] },
    ...{ zone: 'America/New_York', from: '10:00', until: '15:00', days: [1, 2, 4, 6] },
  });
  await world.in(office, async ctx => {
    await sql`update sequence set holidays = '{"country": "DE", "dates": ["2026-03-17"]}' where id = ${fall}`.execute(ctx.tx);
    await sql`update step set kind = 'task', title = 'Call', subject = null, body = 'Call {{ full_name }}' where sequence_id = ${fall} and position = 2`.execute(
      ctx.tx,
    );
  });
  await makeSequence(world, office, { name: 'Unapproved', mode: 'copilot', senderIds: [shared] });
  await makeList(world, office, 'Waiting', { members: 15 });
  const first = await makeList(world, office, 'First', { members: 70 });
  const second = await makeList(world, office, 'Second', { members: 40, leads: first.leads.slice(0, 5) });
  const third = await makeList(world, office, 'Third', { members: 12 });
  await world.in(office, ctx =>
    sql`update lead set first_name = null where id = any(${[first.leads[3], first.leads[40], second.leads[2]]}::bigint[])`.execute(
      ctx.tx,
    ),
  );
  await set(world, office, third.id, 'daily', 2);
  for (const [list, sequence] of [
    ['First', 'Fall'],
    ['Second', 'Winter'],
    ['Third', 'Fall'],
    ['Waiting', 'Unapproved'],
  ] as const) {
    const asked = await world.call(office, 'link_list', { list, sequence });
    if (asked.outcome === 'needs_approval') await world.press(office, asked.approval.id);
  }
  return { office, fall, winter, lists: { first, second, third } };
}

test('S3 S4 S5 S10 over 60 days the forecast and what the scheduler did agree to the message', async ({ world }) => {
  const { office, fall, winter } = await shop(world);
  await world.drain();
  const { rows } = await world.in(office, ctx => sql<{ id: number }>`select max(id) as id from lead`.execute(ctx.tx));
  const since = world.now;
  const until = since.toZonedDateTimeISO('Europe/London').startOfDay().add({ days: 60 }).toInstant();
  const forecast = await foreseen(world, office, 60);
  await live(world, office, until);
  const done = await happened(world, office, rows[0]!.id, until);

  expect(done.length).toBeGreaterThan(400);
  expect(done.filter(line => line.isHeld)).toHaveLength(3);
  expect(new Set(done.map(line => line.sequence))).toEqual(new Set([fall, winter]));
  expect(forecast.lines).toEqual(done);
  expect({
    enrolled: forecast.days
      .flatMap(day => day.sequences.filter(each => each.enrolled).map(each => `${each.on} ${each.sequenceId}: ${each.enrolled}`))
      .sort(),
    added: forecast.days.flatMap(day => day.added.map(each => `${day.on} ${each.listId}: ${each.people}`)).sort(),
  }).toEqual(await came(world, office, since));
  const contacted = forecast.days.flatMap(day => day.sequences.map(each => each.newLeads)).reduce((a, b) => a + b, 0);
  expect(contacted).toBe(done.filter(line => line.position === 1 && !line.isHeld).length);
}, 300_000);
