import { z } from 'zod';
import type { SendWindow } from '../calendar.ts';
import type { Context } from '../domain/context.ts';
import type { Capacity, Overview, Pace, StepRow } from '../domain/sequences/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { zoneNamed } from '../domain/workspaces/index.ts';
import { type Refusal, refuse } from '../errors.ts';
import { count, day, type Fact, reasons, type Table, when } from './report.ts';

/** What the tools about sequences take and how they tell it. */

export const sequenceRef = z.string().trim().min(1);
const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'a time like 09:00');

/** A step as the model or a rep writes it; templates are Liquid. */
const step = z.object({
  kind: z.enum(['email', 'task']).optional().describe('A task is for the owner to do by hand; e-mail unless said'),
  title: z.string().trim().max(200).optional().describe('Of a task: what is to be done'),
  subject: z.string().max(300).optional().describe('Needed in the first e-mail; later ones without one answer in its thread'),
  body: z
    .string()
    .trim()
    .min(1)
    .max(20_000)
    .describe('The text, or of a task the instruction. May use {{ first_name }}, {{ company }}, …, with {{ x | default: "…" }}'),
  delayDays: z.int().min(0).max(365).optional().describe('Calendar days after the step before; 3 unless said'),
});

/** Settings that creating and editing share. */
export const settings = {
  steps: z.array(step).min(1).max(20).optional(),
  dailyCap: z.int().min(1).max(10_000).optional().describe('Different leads touched a day'),
  zone: z.string().optional().describe('IANA time zone or a city'),
  sendDays: z.array(z.int().min(1).max(7)).min(1).optional().describe('1 Monday … 7 Sunday'),
  sendFrom: time.optional(),
  sendUntil: time.optional(),
  senders: z.array(z.string()).min(1).optional().describe('Addresses or names; every healthy sender unless said'),
};

interface WindowInput {
  zone?: string | undefined;
  sendDays?: number[] | undefined;
  sendFrom?: string | undefined;
  sendUntil?: string | undefined;
}

/** The window that a request asks for, over the one that it starts from. */
export function windowFrom(before: SendWindow, { zone, sendDays, sendFrom, sendUntil }: WindowInput): SendWindow | Refusal {
  const named = zone === undefined ? { zone: before.zone } : zoneNamed(zone);
  if ('nearest' in named) {
    const near = named.nearest.length ? ` Did you mean ${named.nearest.join(', ')}?` : ' Write one like Europe/Berlin.';
    return refuse('unknown_zone', `I do not know the time zone "${zone}".${near}`);
  }
  return {
    ...before,
    zone: named.zone,
    days: sendDays ? [...new Set(sendDays)].sort() : before.days,
    from: sendFrom ?? before.from,
    until: sendUntil ?? before.until,
  };
}

/** What the workspace's settings give a new sequence (W1). */
export const usualWindow = ({ workspace }: Context): SendWindow =>
  sequences.windowOf({ ...workspace, holidays: { country: null, dates: [] } });

const names = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** 'Mon–Fri, 09:00–17:00' */
export function hoursText({ days, from, until }: Pick<SendWindow, 'days' | 'from' | 'until'>): string {
  const isRun = days.length > 2 && days.every((weekday, index) => index === 0 || weekday === days[index - 1]! + 1);
  const on = isRun ? `${names[days[0]! - 1]}–${names[days.at(-1)! - 1]}` : days.map(weekday => names[weekday - 1]).join(', ');
  return `${on}, ${from}–${until}`;
}

/** 'Mon–Fri, 09:00–17:00 (Europe/London)' */
export const windowText = (window: Pick<SendWindow, 'days' | 'from' | 'until' | 'zone'>): string =>
  `${hoursText(window)} (${window.zone})`;

const limits: Record<Capacity['limitedBy'], string> = {
  cap: '',
  senders: 'what its senders may send',
  window: 'what fits its window',
  no_sender: 'it has no healthy sender',
};

/** '20 a day' or '50 a day, but 30 result: what its senders may send' (S5). */
export const capText = ({ cap, effectiveCap, limitedBy }: Capacity): string =>
  `${cap.toLocaleString('en-US')} a day${limitedBy === 'cap' ? '' : `, but ${effectiveCap.toLocaleString('en-US')} results: ${limits[limitedBy]}`}`;

const backlogText = ({ backlog, drainsOn }: Pace): string =>
  backlog
    ? `${count(backlog, 'lead')}, ${drainsOn ? `drained around ${day(drainsOn)}` : 'never drained at this pace'}`
    : 'nobody waits';

/** What comes in, what there is room for, and when those who wait have been contacted (M9). */
export const paceFacts = (pace: Pace): Fact[] => [
  { label: 'Coming in', value: `${pace.inflowPerWeek.toLocaleString('en-US')} a week` },
  { label: 'Room for new leads', value: `${pace.roomPerWeek.toLocaleString('en-US')} a week` },
  { label: 'Backlog', value: backlogText(pace) },
];

/** '100 / 30': new leads that come in a week, and the room for them, as cells of a table (M9). */
export const weekText = ({ inflowPerWeek, roomPerWeek }: Pick<Pace, 'inflowPerWeek' | 'roomPerWeek'>): string =>
  `${inflowPerWeek.toLocaleString('en-US')} / ${roomPerWeek.toLocaleString('en-US')}`;

/** The same in one line: '100 a week come in, room for 30 a week; backlog: 25 leads, drained around Mon 9 Mar'. */
export const paceText = (pace: Pace): string =>
  `${pace.inflowPerWeek.toLocaleString('en-US')} a week come in, room for ${pace.roomPerWeek.toLocaleString('en-US')} a week; backlog: ${backlogText(pace)}`;

const order = ['in_review', 'queued', 'active', 'paused', 'waiting_on_task', 'completed', 'replied', 'bounced'];

/** '12 queued, 3 active' */
export function enrolledText(enrolled: Record<string, number>): string {
  const rank = (state: string) => (order.includes(state) ? order.indexOf(state) : order.length);
  const states = Object.entries(enrolled).sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
  return states.map(([state, n]) => `${n.toLocaleString('en-US')} ${state.replaceAll('_', ' ')}`).join(', ') || 'nobody yet';
}

/** '3 leads wait for review, the oldest since Mon 2 Mar, 09:00': said first, where somebody waits (E4). */
export const reviewNote = ({ name, inReview, oldestReviewAt }: Overview, zone: string): string =>
  `${count(inReview, 'lead waits', 'leads wait')} for review in "${name}"${oldestReviewAt ? `, the oldest since ${when(oldestReviewAt, zone)}` : ''}.`;

/** 'Held back: 3 a template variable is empty. Empty: company (2), title (1).' */
export function heldNote({ held, emptyVariables }: Overview): string[] {
  const why = reasons(held);
  const empty = Object.entries(emptyVariables).map(([variable, n]) => `${variable} (${n.toLocaleString('en-US')})`);
  return why ? [`Held back: ${why}.${empty.length ? ` Empty: ${empty.join(', ')}.` : ''}`] : [];
}

/** Holidays as a request changes them: some dates come or go, or all of them are replaced. */
interface HolidaysInput {
  country?: string | null | undefined;
  dates?: string[] | undefined;
  addDates?: string[] | undefined;
  removeDates?: string[] | undefined;
}

/**
 * The holidays that a request asks for, over those that there are. A country nobody knows is refused with the nearest, and a date that is
 * to go and is no date of its own with where it comes from (S4).
 */
export function holidaysFrom(
  sequence: string,
  before: sequences.HolidayPlan,
  { country, dates, addDates = [], removeDates = [] }: HolidaysInput,
): sequences.HolidayPlan | Refusal {
  const own = [...new Set([...(dates ?? before.dates), ...addDates])].sort();
  const strangers = removeDates.filter(date => !own.includes(date));
  if (strangers.length) return notItsOwn(sequence, before, strangers);
  const plan = { country: before.country, dates: own.filter(date => !removeDates.includes(date)) };
  if (country === undefined) return plan;
  if (country === null) return { ...plan, country: null };
  const named = sequences.countryNamed(country);
  if ('code' in named) return { ...plan, country: named.code };
  const near = named.nearest.length
    ? ` Did you mean ${named.nearest.join(', ')}?`
    : ' Name a country, or its two letters like DE.';
  return refuse(
    'unknown_country',
    `I know no holidays of "${country}".${near}`,
    named.nearest.map(name => `use the public holidays of ${name} for ${sequence}`),
  );
}

/** Dates that cannot go: a country's stay with its calendar, and the others were sending days all along. */
function notItsOwn(sequence: string, before: sequences.HolidayPlan, dates: readonly string[]): Refusal {
  const { country } = before;
  const publicOnes = dates.filter(date => sequences.isHoliday({ country, dates: [] }, date));
  if (country === null || !publicOnes.length)
    return refuse('no_holiday', `${datesText(dates)} ${dates.length === 1 ? 'is' : 'are'} no holiday of "${sequence}".`, [
      `show sequence "${sequence}"`,
    ]);
  return refuse(
    'public_holiday',
    `${datesText(publicOnes)} ${publicOnes.length === 1 ? 'is a public holiday' : 'are public holidays'} of ${sequences.countryName(country)}, which "${sequence}" keeps as a whole. Nothing was changed; its holidays can be left out altogether.`,
    [`ignore holidays in ${sequence}`, `show sequence "${sequence}"`],
  );
}

/** So many dates are named one by one. */
const datesNamed = 30;

/** 'Thu 24 Dec, Thu 31 Dec'; with the year where they are of several. */
function datesText(dates: readonly string[]): string {
  const years = new Set(dates.map(date => date.slice(0, 4)));
  const named = dates.slice(0, datesNamed).map(date => (years.size > 1 ? `${day(date)} ${date.slice(0, 4)}` : day(date)));
  const others = dates.length - named.length;
  return `${named.join(', ')}${others ? ` and ${others} more` : ''}`;
}

/** 'public holidays of Germany, and Thu 24 Dec, Thu 31 Dec' or 'none' (S4). */
export const holidaysText = ({ country, dates }: sequences.HolidayPlan): string =>
  [country ? `public holidays of ${sequences.countryName(country)}` : '', datesText(dates)].filter(Boolean).join(', and ') ||
  'none';

export const stepsTable = (steps: readonly Omit<StepRow, 'version'>[]): Table[] =>
  steps.length
    ? [
        {
          title: 'Steps',
          columns: [{ label: '#', align: 'right' }, { label: 'When' }, { label: 'Subject' }, { label: 'Text' }],
          rows: steps.map(({ position, kind, title, delay_days, subject, body }) => [
            `${position}`,
            position === 1 ? 'first' : delay_days === 0 ? 'the same day' : `${count(delay_days, 'day')} later`,
            kind === 'task' ? `Task: ${title}` : (subject ?? 'in the thread'),
            body.length > 80 ? `${body.slice(0, 77)}…` : body,
          ]),
        },
      ]
    : [];
