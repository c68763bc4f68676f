import { dateIn } from '../../calendar.ts';
import type { Context } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import * as pauses from '../enrollments/pauses.ts';
import { colleagues } from '../enrollments/queries.ts';
import { isLive } from '../enrollments/rules.ts';
import * as exclusions from '../exclusions/index.ts';
import { settleUnknown } from '../messages/unknown.ts';
import type { ReplyCategory } from '../ports.ts';
import { lockAll } from '../sequences/queries.ts';
import * as queries from './queries.ts';
import { beingRead, consequences, isHuman, type Outcome, softBounces, usualAbsenceDays } from './rules.ts';

/** A reply, what is known of it, and what it may act on. */
export interface Known {
  /** Null: a model has yet to read it, and nothing leaves meanwhile (D4). */
  category: ReplyCategory | null;
  /** A machine's message that says nothing of the run, an acknowledgement, changes nothing. */
  isAutomatic: boolean;
  isSoft: boolean;
  until: Temporal.PlainDate | null;
  receivedAt: Temporal.Instant;
  /** When it was taken in. Runs that began later are none of its business. */
  readAt: Temporal.Instant;
  messageId: number | null;
  enrollmentId: number | null;
  leadId: number | null;
  /** Where the message went that it answers. */
  recipient: string | null;
  /** By nothing but its From, which anybody can write. */
  isByAddressOnly: boolean;
  /** It brings back what a person answered, and tells nothing of the lead's own address: nothing of the run is touched. */
  isOfAnswer: boolean;
}

const ids = (all: readonly (number | null)[]): number[] => [...new Set(all.filter(id => id !== null))];
const which = (all: readonly Pick<Known, 'enrollmentId' | 'leadId'>[]): queries.Which => ({
  enrollmentIds: ids(all.map(one => one.enrollmentId)),
  leadIds: ids(all.map(one => one.leadId)),
});

/** Locks the sequences whose runs replies may end: before anything else, as everybody who sends takes them. */
export const lockSequences = async (ctx: Context, all: readonly Pick<Known, 'enrollmentId' | 'leadId'>[]): Promise<unknown> =>
  lockAll(ctx.tx, await queries.sequencesAbout(ctx.tx, which(all)));

const isPersons = ({ category, isAutomatic }: Known): boolean => category !== null && !isAutomatic && isHuman(category);

/**
 * Does what the categories of replies mean (D4), in their order and in the caller's transaction, and says what was done about each; null:
 * nothing yet. One statement a kind of consequence, however many replies there are. The caller has locked the sequences.
 *
 * A reply acts on the run that it answers, or, where that has ended, on whatever run of its lead is live: who has answered is not written
 * to elsewhere. Runs that have ended stay as they are (E3); the opt-out and the address count all the same.
 *
 * What names no message of ours may only be what its From says it is, and anybody can write a From. So it may stop or pause that one
 * lead's run and honour an opt-out, which all err on the side of silence; it may not mark an address as bad, nor be a bounce.
 */
export async function act(ctx: Context, all: readonly Known[]): Promise<(Outcome | null)[]> {
  const acting = all.filter(({ category, isAutomatic, isOfAnswer }) => !isOfAnswer && !(isAutomatic && category === 'other'));
  if (!acting.length) return all.map(() => 'none');
  const page = await open(ctx, acting);
  const outcomes = all.map(known => (acting.includes(known) ? page.take(known) : 'none'));
  await page.write();
  return outcomes;
}

/** Locks whatever the replies may act on, settles that the answered messages have left (D2), and reads how things stand. */
async function open(ctx: Context, acting: readonly Known[]): Promise<Consequences> {
  const { tx } = ctx;
  const about = which(acting);
  const people = ids(acting.filter(isPersons).map(known => known.leadId));
  await queries.lockRuns(tx, about, await colleagues(tx, { workspaceId: ctx.workspace.id, leadIds: people }));
  const named = acting.filter(known => !known.isByAddressOnly);
  const unknown = await queries.unknownOf(tx, ids(named.map(known => known.messageId)));
  if (unknown.length) await settleUnknown(ctx, unknown, 'sent');
  await queries.wereContacted(tx, ids(acting.map(known => known.messageId)));
  const soft = ids(acting.map(known => (known.category === 'bounced' && known.isSoft ? known.leadId : null)));
  const lastSent = soft.length ? await queries.lastSent(tx, soft, softBounces) : [];
  return new Consequences(ctx, await queries.runs(tx, about), lastSent);
}

/** What a page of replies does, thought through reply by reply, and then written kind by kind. */
class Consequences {
  readonly #ctx: Context;
  readonly #runs: Map<number, queries.Run>;
  readonly #byLead: Map<number, queries.Run[]>;
  readonly #lastSent: Map<number, queries.LastSent[]>;
  readonly #replied = new Map<number, Temporal.Instant>();
  readonly #addresses = new Map<number, string>();
  readonly #endings: enrollments.Ending[] = [];
  readonly #withdrawn: queries.Run[] = [];
  readonly #optingOut: exclusions.OptingOut[] = [];
  readonly #pauses = new Map<number, pauses.Pause>();
  readonly #colleaguesOf = new Set<number>();

  constructor(ctx: Context, runs: readonly queries.Run[], lastSent: readonly queries.LastSent[]) {
    this.#ctx = ctx;
    this.#runs = new Map(runs.map(run => [run.id, run]));
    this.#byLead = Map.groupBy(runs, run => run.leadId);
    this.#lastSent = Map.groupBy(lastSent, row => row.leadId);
  }

  take(known: Known): Outcome | null {
    const { category, leadId, receivedAt, recipient } = known;
    const run = this.#runOf(known);
    if (category === null) return run ? this.#await(run) : null;
    if (leadId === null) return 'none';
    if (isPersons(known)) {
      const before = this.#replied.get(leadId);
      if (!before || Temporal.Instant.compare(receivedAt, before) < 0) this.#replied.set(leadId, receivedAt);
    }
    if (category === 'bounced') return this.#bounce(known, leadId);

    const meant = consequences[category];
    if (meant.address && !known.isByAddressOnly) this.#addresses.set(leadId, meant.address);
    if (meant.run === 'unsubscribed') {
      const { enrollmentId, messageId } = known;
      this.#optingOut.push({ leadId, enrollmentId, messageId, address: known.isByAddressOnly ? null : recipient });
      if (run && isUnderWay(run) && isPersons(known)) this.#colleaguesOf.add(leadId);
      for (const each of this.#byLead.get(leadId) ?? []) if (isLive(each.state)) each.state = 'unsubscribed';
      return 'unsubscribed';
    }
    if (!run) return 'none';
    if (isPersons(known) && !run.isContacted && run.id !== known.enrollmentId && isLive(run.state)) {
      this.#withdrawn.push(run);
      run.state = 'withdrawn';
      return 'stopped';
    }
    if (!isUnderWay(run)) return 'none';
    if (meant.run === 'paused') return this.#pause(run, this.#absence(run, known.until));
    this.#end(run, meant.run, meant.reason);
    if (isPersons(known)) this.#colleaguesOf.add(leadId);
    return meant.run;
  }

  /** The run that it answers, or else the live one of its lead. */
  #runOf({ enrollmentId, leadId, readAt }: Known): queries.Run | undefined {
    const answered = enrollmentId === null ? undefined : this.#runs.get(enrollmentId);
    if (answered && isLive(answered.state)) return answered;
    const live = this.#byLead.get(leadId ?? 0)?.find(run => isLive(run.state));
    return live && Temporal.Instant.compare(live.enrolledAt, readAt) <= 0 ? live : answered;
  }

  /** Pauses a run while a model reads what a person wrote. A longer wait that stands gives way: whoever reads it says what comes next. */
  #await(run: queries.Run): Outcome | null {
    if (!isUnderWay(run)) return null;
    return this.#pause(run, { until: null, reason: beingRead });
  }

  /** Until the day after the last one, or a week; a longer pause that stands already stays. */
  #absence({ zone, state, reason, pausedUntil }: queries.Run, until: Known['until']): Omit<pauses.Pause, 'enrollmentId'> {
    const today = dateIn(this.#ctx.now, zone);
    const back = until && Temporal.PlainDate.compare(until, today) >= 0 ? until.add({ days: 1 }) : null;
    const wanted = (back ?? today.add({ days: usualAbsenceDays })).toString();
    const stands = state === 'paused' && reason !== beingRead && pausedUntil !== null && pausedUntil >= wanted;
    return { until: stands ? pausedUntil : wanted, reason: stands ? (reason ?? 'out_of_office') : 'out_of_office' };
  }

  #pause(run: queries.Run, { until, reason }: Omit<pauses.Pause, 'enrollmentId'>): Outcome {
    this.#pauses.set(run.id, { enrollmentId: run.id, until, reason });
    Object.assign(run, { state: 'paused', pausedUntil: until, reason });
    return 'paused';
  }

  #end(run: queries.Run, state: enrollments.Ending['state'], reason: string): void {
    this.#endings.push({ enrollmentId: run.id, state, reason });
    run.state = state;
  }

  /** For good: the address is marked and the run ends. Softly: the next step tries again, until three in a row have bounced. */
  #bounce({ isSoft, isByAddressOnly, messageId, enrollmentId }: Known, leadId: number): Outcome {
    if (isByAddressOnly) return 'none';
    const last = this.#lastSent.get(leadId) ?? [];
    for (const message of last) if (isSoft && message.id === messageId) message.isSoft = true;
    if (isSoft && !(last.length === softBounces && last.every(message => message.isSoft))) return 'deferred';
    this.#addresses.set(leadId, 'bounced');
    const run = this.#runs.get(enrollmentId ?? 0);
    if (run && isUnderWay(run)) this.#end(run, 'bounced', consequences.bounced.reason);
    return 'bounced';
  }

  async write(): Promise<void> {
    const ctx = this.#ctx;
    if (this.#replied.size) await queries.leadsReplied(ctx.tx, this.#replied);
    if (this.#addresses.size) await queries.setAddresses(ctx.tx, this.#addresses, ctx.now);
    await enrollments.endAll(ctx, this.#endings);
    await enrollments.withdraw(ctx, this.#withdrawn, 'replied_before');
    await exclusions.optOutAll(ctx, this.#optingOut, 'opt_out_reply');
    await pauses.pauseAll(
      ctx,
      [...this.#pauses.values()].filter(one => isLive(this.#runs.get(one.enrollmentId)!.state)),
    );
    await pauses.pauseColleagues(ctx, [...this.#colleaguesOf]);
  }
}

/** Something has been said to this lead in this run, or is about to be. */
const isUnderWay = ({ state }: queries.Run): boolean => isLive(state) && state !== 'in_review' && state !== 'queued';
