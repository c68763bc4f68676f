import Holidays from 'date-holidays';
import { nearest } from '../../nearest.ts';

/** What nothing of a sequence leaves on (S4): a country's public holidays and dates of its own; none by default. */
export interface HolidayPlan {
  /** 'DE': ISO 3166; null: no country's. */
  country: string | null;
  /** Local dates. */
  dates: string[];
}

export const planOf = (stored: unknown): HolidayPlan => ({
  country: null,
  dates: [],
  ...(stored as Partial<HolidayPlan> | null),
});

const calendars = new Map<string, Holidays>();
const years = new Map<string, ReadonlySet<string>>();

/** The public holidays of a country in one year, as local dates. Computed once a process: a year takes milliseconds. */
export function publicHolidays(country: string, year: number): ReadonlySet<string> {
  const key = `${country}:${year}`;
  const known = years.get(key);
  if (known) return known;
  const calendar = calendars.get(country) ?? new Holidays(country, { types: ['public'] });
  calendars.set(country, calendar);
  // One that began in December may last into this year.
  const dates = [year - 1, year].flatMap(y => calendar.getHolidays(y).flatMap(datesOf));
  const found = new Set(dates.filter(date => date.startsWith(`${year}-`)));
  years.set(key, found);
  return found;
}

/** All local dates of a holiday; some begin on the evening before, and a day of a clock change is an hour shorter. */
function datesOf({ date, start, end }: { date: string; start: Date; end: Date }): string[] {
  const first = Temporal.PlainDate.from(date.slice(0, 10));
  const days = Math.max(1, Math.floor(((end.getTime() - start.getTime()) / 3_600_000 + 2) / 24));
  return Array.from({ length: days }, (_, n) => first.add({ days: n }).toString());
}

/** A set of dates that knows a country's years without listing them. */
class HolidaySet extends Set<string> {
  readonly #country: string | null;
  constructor({ country, dates }: HolidayPlan) {
    super(dates);
    this.#country = country;
  }
  override has(date: string): boolean {
    return super.has(date) || (this.#country !== null && publicHolidays(this.#country, Number(date.slice(0, 4))).has(date));
  }
  /** Own dates, and one for the country: empty only where there is no holiday at all. */
  override get size(): number {
    return super.size + (this.#country === null ? 0 : 1);
  }
}

const none: ReadonlySet<string> = new Set();

export const holidaysOf = (plan: HolidayPlan): ReadonlySet<string> =>
  plan.country === null && plan.dates.length === 0 ? none : new HolidaySet(plan);

/** Is a local date one of them (S4)? */
export const isHoliday = (plan: HolidayPlan, date: string): boolean => holidaysOf(plan).has(date);

const countries: ReadonlyMap<string, string> = new Map(Object.entries(new Holidays().getCountries('en')));

export const countryName = (code: string): string => countries.get(code) ?? code;

/** Names that people use and the calendar does not. */
const alsoCalled: Record<string, string> = {
  america: 'US',
  britain: 'GB',
  england: 'GB',
  'great britain': 'GB',
  holland: 'NL',
  uk: 'GB',
  'united states': 'US',
  usa: 'US',
};

const adjectives: Record<string, string> = {
  american: 'US',
  australian: 'AU',
  austrian: 'AT',
  british: 'GB',
  canadian: 'CA',
  danish: 'DK',
  dutch: 'NL',
  english: 'GB',
  finnish: 'FI',
  french: 'FR',
  german: 'DE',
  indian: 'IN',
  irish: 'IE',
  italian: 'IT',
  japanese: 'JP',
  norwegian: 'NO',
  polish: 'PL',
  portuguese: 'PT',
  spanish: 'ES',
  swedish: 'SE',
  swiss: 'CH',
};

/** The country that a person meant: its code, its name, or what it is commonly called; the nearest known ones otherwise. */
export function countryNamed(wanted: string): { code: string } | { nearest: string[] } {
  const name = wanted
    .trim()
    .replace(/^the\s+/i, '')
    .toLowerCase();
  const code = name.toUpperCase();
  if (countries.has(code)) return { code };
  const found =
    alsoCalled[name] ?? adjectives[name] ?? [...countries].find(([, country]) => country.toLowerCase() === name)?.[0] ?? null;
  if (found) return { code: found };
  return { nearest: nearest(name, [...countries.values()]) };
}

/** Does a change make messages leave on days that were free (A1)? Another country's calendar does, and so does a date that goes. */
export const opensHolidays = (before: HolidayPlan, after: HolidayPlan): boolean =>
  (before.country !== null && before.country !== after.country) || before.dates.some(date => !after.dates.includes(date));
