import type { Selectable } from 'kysely';
import { type SendWindow, sendingDayFrom, startOfDay } from '../../calendar.ts';
import type { Sequence } from '../../db/types.ts';
import { type Refusal, refuse } from '../../errors.ts';
import { fitting } from '../messages/times.ts';
import { holidaysOf, planOf } from './holidays.ts';

export type SequenceRow = Selectable<Sequence>;

/** When its messages may leave (S4). */
export const windowOf = (
  sequence: Pick<SequenceRow, 'zone' | 'send_days' | 'send_from' | 'send_until' | 'holidays'>,
): SendWindow => ({
  zone: sequence.zone,
  days: sequence.send_days,
  from: sequence.send_from.slice(0, 5),
  until: sequence.send_until.slice(0, 5),
  holidays: holidaysOf(planOf(sequence.holidays)),
});

/** When its next local day starts: what `next_day_at` holds while it is active or finishing (E2). */
export const nextDayAt = (now: Temporal.Instant, zone: string): Temporal.Instant =>
  startOfDay(now.toZonedDateTimeISO(zone).toPlainDate().add({ days: 1 }), zone);

/** What a sequence is in its life, and what may be done with it (S1). */
export type Status = 'setup' | 'active' | 'finishing' | 'inactive' | 'archived';
export type Verb = 'activate' | 'pause' | 'resume' | 'finish' | 'settle' | 'archive';

/** S1, whole: whatever is not here is refused. */
export const lifecycle: Readonly<Record<Status, Partial<Record<Verb, Status>>>> = {
  setup: { activate: 'active', archive: 'archived' },
  active: { pause: 'inactive', finish: 'finishing' },
  finishing: { activate: 'active', settle: 'inactive' },
  inactive: { resume: 'active', finish: 'finishing', archive: 'archived' },
  archived: {},
};

/** Statuses in which messages are planned and leave. */
export const sendingStatuses: readonly string[] = ['active', 'finishing'] satisfies Status[];
export const isRunning = (status: string): boolean => sendingStatuses.includes(status);

const words: Record<Verb, string> = {
  activate: 'activated',
  pause: 'paused',
  resume: 'resumed',
  finish: 'finished',
  settle: 'settled',
  archive: 'archived',
};

/** The status after a verb, or the refusal that says what can be done instead (S1). */
export function after(sequence: { name: string; status: string }, verb: Verb): Status | Refusal {
  const { name } = sequence;
  const status = sequence.status as Status;
  const next = lifecycle[status][verb];
  if (next) return next;
  const ways: Record<Status, string[]> = {
    setup: [`activate ${name}`, `show sequence ${name}`],
    active: [`pause ${name}`, `finish ${name}`, `show sequence ${name}`],
    finishing: [`reopen ${name}`, `show sequence ${name}`],
    inactive: [`resume ${name}`, `archive ${name}`, `show sequence ${name}`],
    archived: ['list sequences'],
  };
  const already =
    ((verb === 'activate' || verb === 'resume') && status === 'active') || (verb === 'pause' && status === 'inactive');
  const message = already
    ? `${name} is ${statusWords[status]} already.`
    : `${name} is ${statusWords[status]}, so it cannot be ${words[verb]}.`;
  return refuse(`sequence_${status}`, message, ways[status]);
}

export const statusWords: Record<Status, string> = {
  setup: 'still being set up',
  active: 'active',
  finishing: 'finishing (nobody new; people in flight get their remaining steps)',
  inactive: 'paused',
  archived: 'archived',
};

/** What readiness looks at (S2). */
export interface Readiness {
  steps: number;
  /** Does a step leave from a sender, as all but tasks do? It does unless said. */
  writesEmail?: boolean;
  /** Faults of its templates, as sentences. */
  templateFaults: string[];
  senders: { name: string; status: string; transport?: string }[];
  /** Can a message leave at all? */
  hasSendingHour: boolean;
  cap: number;
  postalAddress: string | null;
  optOutLine: string;
  /** Where opt-out links lead; strangers must be able to reach it wherever mail leaves this machine (D6). */
  publicUrl?: string;
}

/** Does its mail leave this machine? */
export const isReal = ({ transport = 'local' }: { transport?: string }): boolean => transport !== 'local';

/** Does nobody of a group write to strangers, but somebody of another one does? */
export const becomesReal = (before: readonly { transport?: string }[], after: readonly { transport?: string }[]): boolean =>
  after.some(isReal) && !before.some(isReal);

const isReachable = (publicUrl: string | undefined): boolean => publicUrl?.startsWith('https://') ?? false;

/** What every message must carry and its reader must be able to use, as a reason why nothing leaves from a sender without it (D6). */
export function withheldFor(
  sender: { transport: string },
  { publicUrl, workspace }: { publicUrl: string; workspace: { postal_address: string | null } },
): 'no_opt_out_url' | 'no_postal_address' | null {
  if (!isReal(sender)) return null;
  if (!isReachable(publicUrl)) return 'no_opt_out_url';
  return workspace.postal_address?.trim() ? null : 'no_postal_address';
}

/** Everything that keeps a sequence from being activated, at once; none when it is ready (S2). */
export function missing(sequence: Readiness): string[] {
  const faults: [boolean, string][] = [
    [sequence.steps < 1, 'it has no step'],
    [sequence.templateFaults.length > 0, sequence.templateFaults.join(', ')],
    [
      sequence.writesEmail !== false && !sequence.senders.some(sender => sender.status === 'healthy'),
      senderFault(sequence.senders),
    ],
    [!sequence.hasSendingHour, 'its send window has no hour in which a message may leave'],
    [sequence.cap < 1, 'its daily cap is below 1'],
    [!sequence.postalAddress?.trim(), 'the workspace has no postal address'],
    [!sequence.optOutLine.trim(), 'it has no opt-out line'],
    [
      sequence.senders.some(isReal) && !isReachable(sequence.publicUrl),
      'nobody could follow its opt-out link: an operator sets DROVER_PUBLIC_URL to the https address of this Drover',
    ],
  ];
  return faults.filter(([isMissing]) => isMissing).map(([, fault]) => fault);
}

const senderFault = (senders: Readiness['senders']): string =>
  senders.length
    ? `no sender of it is healthy (${senders.map(sender => `${sender.name} is ${sender.status}`).join(', ')})`
    : 'it has no sender';

/** Is there an hour in which a message may leave (S2)? At least one whole hour on at least one day. */
export function hasSendingHour(window: SendWindow): boolean {
  const [from, until] = [minutesOf(window.from), minutesOf(window.until)];
  return window.days.length > 0 && until - from >= 60;
}

const minutesOf = (time: string): number => {
  const [hours, minutes] = time.split(':').map(Number);
  return hours! * 60 + minutes!;
};

export const windowMinutes = (window: SendWindow): number => Math.max(0, minutesOf(window.until) - minutesOf(window.from));

/** Does a change open hours that were closed (A1)? Another zone does. */
export const widens = (before: SendWindow, after: SendWindow): boolean =>
  before.zone !== after.zone ||
  after.days.some(day => !before.days.includes(day)) ||
  minutesOf(after.from) < minutesOf(before.from) ||
  minutesOf(after.until) > minutesOf(before.until);

/**
 * A sender's daily limit on a local date, with its ramp: so much on its first day, and so much more after every `ramp_every` days on which
 * it has sent (S5). A week in which it sends nothing does not warm it up.
 */
export function limitOn(sender: SenderLimits, on: Temporal.PlainDate): number {
  if (sender.ramp_start === null) return sender.daily_limit;
  const isOnItsDay = sender.last_sent_on !== null && sender.last_sent_on >= on.toString();
  const before = sender.sending_days - (isOnItsDay ? 1 : 0);
  return Math.min(sender.daily_limit, sender.ramp_start + Math.floor(before / sender.ramp_every) * (sender.ramp_step ?? 0));
}

export interface SenderLimits {
  daily_limit: number;
  min_gap_minutes: number;
  ramp_start: number | null;
  ramp_step: number | null;
  ramp_every: number;
  /** Local days on which it has sent, and the last of them. */
  sending_days: number;
  last_sent_on: string | null;
}

/** What one sender could give, and what every running sequence of it would like to take. */
export interface SharedSender extends SenderLimits {
  /** Caps of the other running sequences that share it, each divided by the number of its senders. */
  othersWant: number[];
}

/** What a sequence's limits come to (S5, M9). Units: different leads a day. */
export interface Capacity {
  cap: number;
  /** The smallest of the cap, what its senders leave to it, and what fits the window. */
  effectiveCap: number;
  /** First contacts that keep their places each day (S3). */
  newPerDay: number;
  sendingDaysPerWeek: number;
  /** Which limit is the smallest. */
  limitedBy: 'cap' | 'senders' | 'window' | 'no_sender';
}

export function capacityOf(
  input: { cap: number; steps: number; window: SendWindow; senders: readonly SharedSender[]; onlyTasks?: boolean },
  on: Temporal.PlainDate,
): Capacity {
  const { cap, steps, window, senders, onlyTasks = false } = input;
  const wanted = senders.length ? cap / senders.length : 0;
  const shares = senders.map(sender => {
    const slots = fitting(windowMinutes(window) * 60_000 - 1_000, sender.min_gap_minutes * 60_000);
    return { left: fairShare(limitOn(sender, on), wanted, sender.othersWant), slots: windowMinutes(window) ? slots : 0 };
  });
  const left = Math.floor(sum(shares.map(share => share.left)) + 1e-9);
  const slots = sum(shares.map(share => share.slots));
  const result = Math.floor(sum(shares.map(share => Math.min(share.left, share.slots))) + 1e-9);
  const effectiveCap = onlyTasks ? cap : Math.min(cap, result);
  const limitedBy =
    senders.length === 0 && !onlyTasks ? 'no_sender' : effectiveCap === cap ? 'cap' : slots < left ? 'window' : 'senders';
  const newPerDay = effectiveCap === 0 ? 0 : Math.max(1, Math.floor(effectiveCap / Math.max(1, steps)));
  return { cap, effectiveCap, newPerDay, sendingDaysPerWeek: window.days.length, limitedBy };
}

const sum = (numbers: number[]): number => numbers.reduce((total, n) => total + n, 0);

/** What is left to one of several who share a limit: nobody gets more than wanted, and what some leave others divide. */
export function fairShare(limit: number, wanted: number, others: readonly number[]): number {
  let left = limit;
  const ascending = [...others, wanted].sort((a, b) => a - b);
  for (const [index, want] of ascending.entries()) {
    const part = Math.min(want, left / (ascending.length - index));
    if (want === wanted) return part;
    left -= part;
  }
  return 0;
}

/** M9: what comes in, what there is room for, and when those who wait have been contacted. */
export interface Pace {
  inflowPerWeek: number;
  roomPerWeek: number;
  backlog: number;
  /** The local date on which the last of those who wait is contacted, or null: never at this inflow. */
  drainsOn: string | null;
}

/** The date of the nth sending day from a date on; null where there is none. */
export function nthSendingDay(from: Temporal.PlainDate, n: number, window: SendWindow): Temporal.PlainDate | null {
  let day = sendingDayFrom(from, window);
  for (let left = n - 1; day && left > 0; left--) day = sendingDayFrom(day.add({ days: 1 }), window);
  return day;
}
