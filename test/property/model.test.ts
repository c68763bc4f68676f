import fc from 'fast-check';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { nextDueAt } from '../../src/db/system.ts';
import { drover, enter } from '../../src/domain/context.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { OutgoingMail } from '../../src/domain/ports.ts';
import { handleTick } from '../../src/jobs/tick.ts';
import { serverUrl } from '../support/database.ts';
import { test } from '../support/world.ts';
import { type Cut, Killed, Machine } from './harness.ts';
import { breaches, prepare } from './invariants.ts';

/**
 * How many stories are told, and which: `DROVER_RUNS=2000 DROVER_SEED=7 vitest run test/property/model.test.ts`. What they look for does
 * not depend on the engine, and the embedded one takes three times as long.
 */
const runs = Number(process.env.DROVER_RUNS ?? (serverUrl ? 200 : 40));
const seed = process.env.DROVER_SEED ? Number(process.env.DROVER_SEED) : undefined;

type Step =
  | { do: 'create'; list: number; count: number }
  | { do: 'refill'; list: number; count: number }
  | { do: 'monitor'; list: number; cadence: 'off' | 'daily' | 'weekdays' | 'weekly'; amount: number; weekday: number }
  | { do: 'link'; list: number; sequence: number }
  | { do: 'unlink'; list: number }
  | { do: 'review'; sequence: number; decision: 'approve' | 'refuse'; count: number }
  | { do: 'pause' | 'activate' | 'finish'; sequence: number }
  | { do: 'resume'; sequence: number; overdue: 'all' | 'end_stale' }
  | { do: 'cap'; sequence: number; cap: number }
  | { do: 'window'; sequence: number; days: number[]; from: number; hours: number }
  | { do: 'exclude'; person: number; company: boolean }
  | { do: 'kill'; in: number; cut: Cut }
  | { do: 'mail'; answers: ('accepted' | 'deferred' | 'bad_address' | 'unknown' | 'broke')[] }
  | { do: 'wait'; minutes: number }
  | { do: 'live'; stops: number };

const list = fc.integer({ min: 0, max: 2 });
const sequence = fc.integer({ min: 0, max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), list, count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refill' as const), list, count: fc.integer({ min: 1, max: 8 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('monitor' as const),
      list,
      cadence: fc.constantFrom('off' as const, 'daily' as const, 'daily' as const, 'weekdays' as const, 'weekly' as const),
      amount: fc.integer({ min: 1, max: 4 }),
      weekday: fc.integer({ min: 1, max: 7 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('link' as const), list, sequence }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unlink' as const), list }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('review' as const),
      sequence,
      decision: fc.constantFrom('approve' as const, 'approve' as const, 'refuse' as const),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'activate' as const, 'finish' as const), sequence }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('resume' as const),
      sequence,
      overdue: fc.constantFrom('all' as const, 'end_stale' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cap' as const), sequence, cap: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('window' as const),
      sequence,
      days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 7 }),
      from: fc.integer({ min: 0, max: 20 }),
      hours: fc.integer({ min: 1, max: 10 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('exclude' as const), person: fc.nat({ max: 8 }), company: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      in: fc.integer({ min: 1, max: 16 }),
      cut: fc.constantFrom('before' as const, 'rolled_back' as const, 'after' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('mail' as const),
      answers: fc.array(
        fc.constantFrom('accepted' as const, 'deferred' as const, 'bad_address' as const, 'unknown' as const, 'broke' as const),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      minutes: fc.constantFrom(3, 60, 60 * 7, 60 * 24, 60 * 24 * 3, 60 * 24 * 31),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('live' as const), stops: fc.integer({ min: 1, max: 8 }) }) },
);

const names = ['North', 'South', 'East'];
const sequenceNames = ['Fall', 'Winter'];

/** Where stories begin: an ordinary Monday, and the Fridays before both clock changes of London. */
const beginnings = ['2026-03-02T08:00:00Z', '2026-03-27T08:00:00Z', '2026-10-23T07:00:00Z'];

/** One story: what people did to a Drover, and what must have held meanwhile. */
class Story {
  readonly machine: Machine;
  /** What people last set: a list's standing order, a sequence's cap (M6). */
  readonly settings = new Map<string, string>();
  /** What left that should not have. */
  readonly wrong: string[] = [];

  /** The process died in the step: what was asked of it may have been done or not. */
  #wasKilled = false;
  /** It died before it had looked for what is due. */
  #isTickDue = false;

  constructor(machine: Machine) {
    this.machine = machine;
    machine.inspect = mail => this.#inspect(mail);
  }

  /** A second opinion at the mail server's door, from the tables and not from the gate's code. */
  async #inspect(mail: OutgoingMail): Promise<void> {
    const { db, clock, handed } = this.machine;
    const now = clock.now();
    const { rows } = await sql<
      Record<string, unknown> & { local: string; sequence: string; cap: number; touched: number; bySender: number }
    >`
      select s.status, e.state, s.name as sequence, s.daily_cap as cap, m.state as message, m.planned_on = (${now}::timestamptz at time zone s.zone)::date as "isToday",
        (${now}::timestamptz at time zone s.zone)::time >= s.send_from and (${now}::timestamptz at time zone s.zone)::time < s.send_until
          and extract(isodow from ${now}::timestamptz at time zone s.zone)::int = any(s.send_days) as "isOpen",
        exists (select from exclusion x where x.value in (l.email_key, l.company_domain) and x.lifted_at is null) as excluded,
        (select count(distinct t.lead_id)::int from message t where t.sequence_id = s.id and t.planned_on = m.planned_on
          and t.state in ('claimed', 'handing', 'sent', 'unknown')) as touched,
        (select count(*)::int from message t where t.sender_id = x.id and t.planned_on = m.planned_on
          and t.state in ('claimed', 'handing', 'sent', 'unknown')) as "bySender", x.daily_limit as "limit", x.min_gap_minutes as gap
      from message m join sequence s on s.id = m.sequence_id join enrollment e on e.id = m.enrollment_id join lead l on l.id = m.lead_id
        join sender x on x.id = m.sender_id where m.id = ${mail.messageId}`.execute(db);
    const is = rows[0]!;
    const say = (rule: string, what: string) =>
      this.wrong.push(`${rule}: message ${mail.messageId} left at ${now} ${what}: ${JSON.stringify(is)}`);
    if (is.status !== 'active' && is.status !== 'finishing') say('S1', 'though nothing is sent');
    if (is.message !== 'handing') say('D1', 'without being handed over');
    if (is.state !== 'queued' && is.state !== 'active') say('E3', 'though its run is over');
    if (!is.isOpen || !is.isToday) say('S4', 'outside its window');
    if (is.excluded) say('X1', 'to somebody excluded');
    if (is.touched > is.cap) say('S3', 'above the cap');
    if (is.bySender > (is.limit as number)) say('S5', "above its sender's limit");
    const before = handed.filter(each => each.mail.messageId === mail.messageId);
    if (before.some(each => each.answer !== 'deferred')) say('D1', 'a second time');
    const last = handed.findLast(
      each => each.mail.from.address === mail.from.address && each.answer !== 'deferred' && each.answer !== 'bad_address',
    );
    if (last && Temporal.Instant.compare(last.at.add({ minutes: is.gap as number }), now) > 0)
      say('S5', 'before its gap had passed');
  }

  async step(step: Step): Promise<void> {
    const { machine } = this;
    try {
      await this.#do(step);
      if (step.do === 'wait' || this.#isTickDue) await this.#tick();
      await machine.drain();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.#wasKilled = true;
      this.#isTickDue = true;
    }
    await this.check();
  }

  async #tick(): Promise<void> {
    this.#isTickDue = true;
    await handleTick(this.machine.services);
    this.#isTickDue = false;
  }

  async #do(step: Step): Promise<void> {
    const { machine } = this;
    const named = 'sequence' in step ? sequenceNames[step.sequence]! : '';
    switch (step.do) {
      case 'create':
        return void (await machine.call('create_list', {
          ...{ name: names[step.list], criteria: { titles: ['VP of Sales'] }, count: step.count, confirmed: true },
        }));
      case 'refill':
        return void (await machine.call('add_leads', { list: names[step.list], count: step.count }));
      case 'monitor': {
        const { cadence, amount, weekday } = step;
        const order = cadence === 'off' ? {} : { amount, ...(cadence === 'weekly' ? { weekday } : {}) };
        const set = await machine.call('set_monitoring', { list: names[step.list], cadence, ...order });
        if (set.outcome === 'done') this.settings.set(names[step.list]!, cadence === 'off' ? 'off' : `${cadence} ${amount}`);
        return;
      }
      case 'link':
        return void (await machine.call('link_list', { list: names[step.list], sequence: named }));
      case 'unlink':
        return void (await machine.call('unlink_list', { list: names[step.list] }));
      case 'review':
        return void (await machine.call('review_leads', { sequence: named, decision: step.decision, count: step.count }));
      case 'pause':
      case 'activate':
      case 'finish':
        return void (await machine.call(`${step.do}_sequence`, { sequence: named }));
      case 'resume':
        return void (await machine.call('resume_sequence', { sequence: named, overdue: step.overdue }));
      case 'cap': {
        const set = await machine.call('edit_sequence', { sequence: named, dailyCap: step.cap });
        if (set.outcome === 'done') this.settings.set(named, `${step.cap}`);
        return;
      }
      case 'window': {
        const hour = (n: number) => `${String(n).padStart(2, '0')}:00`;
        const until = Math.min(24, step.from + step.hours);
        return void (await machine.call('edit_sequence', {
          ...{ sequence: named, sendDays: step.days, sendFrom: hour(step.from), sendUntil: hour(until) },
        }));
      }
      case 'exclude':
        return void (await machine.call(
          'exclude',
          step.company ? { domain: `firm${step.person}.example` } : { address: `pat${step.person}@firm${step.person}.example` },
        ));
      case 'kill':
        Object.assign(machine.fate, { in: step.in, cut: step.cut });
        return this.#do({ do: 'live', stops: 6 });
      case 'mail':
        return void machine.answers.push(...step.answers);
      case 'wait':
        return machine.clock.move({ minutes: step.minutes });
      case 'live':
        for (let stop = 0; stop < step.stops; stop++) {
          const due = await nextDueAt(machine.db, machine.clock.now());
          if (!due) return;
          await machine.clock.set(due);
          await this.#tick();
          await machine.drain();
        }
    }
  }

  async check(): Promise<void> {
    const { machine } = this;
    const isQuiet = !this.#isTickDue && (await machine.isQuiet());
    const found = (await breaches(machine.db, machine.clock.now(), isQuiet)).map(({ rule, detail }) => `${rule}: ${detail}`);
    expect([...this.wrong, ...found]).toEqual([]);
    const { rows } = await sql<{ name: string; is: string }>`
      select l.name, coalesce(m.cadence || ' ' || m.amount, 'off') as is from list l left join monitoring m on m.list_id = l.id
      union all select name, daily_cap::text from sequence`.execute(machine.db);
    // M6: only an order changes an order, only an edit changes a cap.
    for (const { name, is } of rows) {
      if (this.#wasKilled || !this.settings.has(name)) this.settings.set(name, is);
      if (this.settings.get(name) !== is) throw new Error(`M6: "${name}" stands at ${is}, not at ${this.settings.get(name)}`);
    }
    this.#wasKilled = false;
  }

  /** E2: what was planned once is not planned twice. Leases have run out by then, so no crash is left over. */
  async end(): Promise<void> {
    const { machine } = this;
    machine.fate.in = 0;
    await this.step({ do: 'wait', minutes: 5 });
    const again = await enter(machine.services, machine.workspaceId, drover, async ctx => {
      const running = await ctx.tx.selectFrom('sequence').select('id').where('status', 'in', ['active', 'finishing']).execute();
      let planned = 0;
      for (const { id } of running) planned += (await messages.planDay(ctx, id)).planned;
      return planned;
    });
    expect(`${again} planned a second time`, 'E2').toBe('0 planned a second time');
  }
}

test('K2 K4 E1 E2 E3 E4 E5 S1 S3 S4 S5 D1 M3 M4 M6 hold after every step of any story', { timeout: 1_800_000 }, async ({
  world,
}) => {
  const count = { stories: 0, steps: 0, handedOver: 0, killed: 0 };
  const began = performance.now();
  const story = fc.record({
    begins: fc.constantFrom(...beginnings),
    links: fc.tuple(sequence, sequence),
    steps: fc.array(step, { minLength: 2, maxLength: 12, size: 'max' }),
  });
  await Machine.prepare(world.connection.db);
  await prepare(world.connection.db);
  await fc.assert(
    fc.asyncProperty(story, async ({ begins, links, steps }) => {
      const machine = new Machine(world.connection.db, Temporal.Instant.from(begins));
      await machine.open('Europe/London');
      const ada = await machine.sender('Ada', 4, 45);
      const ben = await machine.sender('Ben', 3, 20);
      await machine.sequence({ name: 'Fall', mode: 'autopilot', cap: 3, senderIds: [ada, ben], zone: 'Europe/London' });
      await machine.sequence({ name: 'Winter', mode: 'copilot', cap: 2, senderIds: [ada], zone: 'Europe/London' });
      const told = new Story(machine);
      for (const [number, linked] of links.entries()) {
        await told.step({ do: 'create', list: number, count: 5 });
        await told.step({ do: 'link', list: number, sequence: linked });
      }
      for (const each of steps) {
        await told.step(each);
        count.steps++;
      }
      await told.end();
      count.stories++;
      count.handedOver += machine.handed.length;
      count.killed += steps.filter(each => each.do === 'kill').length;
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }), endOnFailure: false },
  );
  const ms = performance.now() - began;
  console.log(`model: ${JSON.stringify(count)}, ${Math.round(ms / Math.max(1, count.stories))} ms a story`);
});
