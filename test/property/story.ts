import { type RawBuilder, sql } from 'kysely';
import { expect } from 'vitest';
import { dateIn } from '../../src/calendar.ts';
import { nextDueAt } from '../../src/db/system.ts';
import { drover, enter } from '../../src/domain/context.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { IncomingMail, OutgoingMail } from '../../src/domain/ports.ts';
import { handleTick } from '../../src/jobs/tick.ts';
import { commands, type Step } from './commands/index.ts';
import { atTheDoor } from './door.ts';
import { Killed, type Machine, mayHaveLeft } from './harness.ts';
import { look } from './invariants.ts';

/** Kinds of what is remembered from step to step. */
export type Remembered = 'cap' | 'order' | 'link' | 'version' | 'membership' | 'limit' | 'stop';

/** Mail is read at least this long before a message leaves (D4). */
const readWithin = { minutes: 5 };

/** One story: what people did to a Drover, and what must have held meanwhile. */
export class Story {
  readonly machine: Machine;
  /** What left that should not have, and what else was found on the way. */
  readonly #wrong: string[] = [];
  /** What only people change, as they last left it: 'cap of Fall' → '3'. Undefined before the first look. */
  #remembered?: Map<string, string>;
  /** What the step at hand may change: a key with the value that it is to have, or the beginning of keys. */
  readonly #expected = new Map<string, string | undefined>();
  /** Replies up to this id say nothing of absences any more: a person has let somebody go on, or paused somebody anew. */
  #absencesAfter = 0;
  /** The process died in the step: what was asked of it may have been done or not. */
  #wasKilled = false;
  /** When it last died. */
  #diedAt: Temporal.Instant | null = null;
  /** It died before it had looked for what is due. */
  #isTickDue = false;

  constructor(machine: Machine) {
    this.machine = machine;
    machine.inspect = mail => this.#inspect(mail);
  }

  say(what: string): void {
    this.#wrong.push(what);
  }

  /** The step changes this, to `value` where it is known; of everything of the kind where `of` is not. */
  expect(kind: Remembered, of?: string, value?: string): void {
    this.#expected.set(of === undefined ? `${kind} of ` : `${kind} of ${of}`, value);
  }

  async rows<R>(statement: RawBuilder<R>): Promise<R[]> {
    return (await statement.execute(this.machine.db)).rows;
  }

  /** The nth of what a statement finds, round and round; undefined where it finds nothing. */
  async pick<R>(statement: RawBuilder<R>, nth: number): Promise<R | undefined> {
    const found = await this.rows(statement);
    return found.length ? found[nth % found.length] : undefined;
  }

  async senderId(name: string): Promise<number> {
    return (await this.rows(sql<{ id: number }>`select id from sender where name = ${name}`))[0]!.id;
  }

  async forgetAbsences(): Promise<void> {
    const [last] = await this.rows(sql<{ id: number }>`select coalesce(max(id), 0)::int as id from reply`);
    this.#absencesAfter = last!.id;
  }

  today = (zone: string): Temporal.PlainDate => dateIn(this.machine.clock.now(), zone);

  /** The tool behind the admin's last change that was not taken back. */
  async lastChange(): Promise<string> {
    const [last] = await this.rows(
      sql<{ tool: string }>`select tool from undo_entry where undone_at is null order by activity_id desc limit 1`,
    );
    return last?.tool ?? 'none';
  }

  /** A second opinion at the mail server's door, from the tables and not from the gate's code. */
  async #inspect(mail: OutgoingMail): Promise<void> {
    const { db, clock, handed } = this.machine;
    const now = clock.now();
    const is = await atTheDoor(db, now, mail.messageId!, this.#absencesAfter);
    const say = (rule: string, what: string) =>
      this.say(`${rule}: message ${mail.messageId} left at ${now} ${what}: ${JSON.stringify(is)}`);
    if (is.status !== 'active' && is.status !== 'finishing') say('S1', 'though nothing is sent');
    if (is.message !== 'handing') say('D1', 'without being handed over');
    if (is.state !== 'queued' && is.state !== 'active') say('E3', 'though its run is over');
    if (!is.isOpen || !is.isToday) say('S4', 'outside its window');
    if (is.excluded) say('X1', 'to somebody excluded');
    if (is.hasOptedOut) say('X3', 'to somebody who opted out');
    if (is.hasReplied) say('D4', 'to somebody who has replied');
    if (is.isAway) say('D4', 'to somebody who is away');
    if (is.hasBounced) say('D4', 'to an address that does not take mail');
    if (is.sender !== 'healthy') say('D5', 'from a sender that has stopped');
    if (!is.isItsSender) say('S5', "from another sender than its run's");
    if (is.touched > is.cap) say('S3', 'above the cap');
    if (is.bySender > is.limit) say('S5', "above its sender's limit");
    if (is.text === null || !mail.text.startsWith(is.text)) say('S7', `with another text, "${mail.text.slice(0, 10)}"`);
    if (handed.some(each => each.mail.messageId === mail.messageId && mayHaveLeft(each))) say('D1', 'a second time');
    const last = handed.findLast(each => each.mail.from.address === mail.from.address && mayHaveLeft(each));
    if (last && isBefore(now, last.at.add({ minutes: is.gap }))) say('S5', 'before its gap had passed');
    const hasLain = ({ from, receivedAt }: IncomingMail) =>
      from?.address === mail.to.address && !isBefore(now, receivedAt.add(readWithin));
    const unread = this.machine.inbox(mail.senderId).mails.find(each => isPersons(each) && hasLain(each));
    if (unread) say('D4', `though they had replied at ${unread.receivedAt}`);
  }

  async step(step: Step): Promise<void> {
    const { do: name, ...args } = step;
    this.#expected.clear();
    try {
      await commands[name]!.run(this, args as never);
      if (this.#isTickDue) await this.tick();
      await this.machine.drain();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.#wasKilled = true;
      this.#diedAt = this.machine.clock.now();
      this.#isTickDue = true;
    }
    await this.check();
  }

  /** Looks for what is due. */
  async tick(): Promise<void> {
    this.#isTickDue = true;
    await handleTick(this.machine.services);
    this.#isTickDue = false;
  }

  /** Lets time pass, from one thing that falls due to the next. */
  async live(stops: number): Promise<void> {
    const { machine } = this;
    for (let stop = 0; stop < stops; stop++) {
      const due = await nextDueAt(machine.db, machine.clock.now());
      if (!due) return;
      await machine.clock.set(due);
      await this.tick();
      await machine.drain();
    }
  }

  async check(): Promise<void> {
    const { machine } = this;
    const { breaches, facts } = await look(machine.db, machine.clock.now(), {
      isTickDue: this.#isTickDue,
      diedAt: this.#diedAt,
    });
    expect([...this.#wrong, ...breaches, ...this.#changed(facts)]).toEqual([]);
    this.#remembered = facts;
    this.#wasKilled = false;
  }

  /** M5, M6, S7, M4: only an order changes an order, only an edit a cap, only a human a link; and so on. */
  #changed(facts: ReadonlyMap<string, string>): string[] {
    if (this.#wasKilled || !this.#remembered) return [];
    const wanted = new Map(this.#remembered);
    for (const [key, value] of this.#expected) {
      if (value !== undefined) wanted.set(key, value);
      else for (const fact of [...wanted.keys()]) if (fact.startsWith(key)) wanted.delete(fact);
    }
    return [...wanted].flatMap(([key, value]) =>
      facts.get(key) === value ? [] : [`${ruleOf(key)}: the ${key} is ${facts.get(key)}, not ${value}`],
    );
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

const rules: Record<string, string> = {
  ...{ cap: 'M6', order: 'M6', link: 'M5', mode: 'E4', version: 'S7', membership: 'M4' },
  ...{ limit: 'S5', stop: 'D5', sender: 'S5', 'opt-out': 'X3' },
};
/** Did a person write it? By the command that put it there. */
const isPersons = ({ subject, headers, bounce }: IncomingMail): boolean =>
  !bounce && !Object.keys(headers).length && !subject.endsWith('out_of_office');
const isBefore = (a: Temporal.Instant, b: Temporal.Instant): boolean => Temporal.Instant.compare(a, b) < 0;
const ruleOf = (key: string): string => rules[key.split(' ')[0]!]!;
