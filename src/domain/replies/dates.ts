/** Finding the date that an absence names, in the languages that people answer in. Pure. */

const languages = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'ru', 'uk', 'ro', 'tr'];

/** Lower case without accents; punctuation stays, since dates are written with it. */
const folded = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('ı', 'i').toLowerCase();

const word = (text: string): string => folded(text).replace(/[^\p{L}]/gu, '');

/** Names of months and weekdays as each language writes them, alone and in a date (some decline them). */
function names(part: 'month' | 'weekday', days: readonly Temporal.PlainDate[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const language of languages)
    for (const style of ['long', 'short'] as const)
      for (const [index, date] of days.entries()) {
        const at = Date.UTC(date.year, date.month - 1, date.day);
        const inDate = new Intl.DateTimeFormat(language, { timeZone: 'UTC', day: 'numeric', [part]: style })
          .formatToParts(at)
          .find(({ type }) => type === part)?.value;
        const alone = new Intl.DateTimeFormat(language, { timeZone: 'UTC', [part]: style }).format(at);
        for (const name of [inDate, alone]) if (name && word(name).length > 2) found.set(word(name), index + 1);
      }
  return found;
}

const monday = Temporal.PlainDate.from('2026-03-02');
const months = names(
  'month',
  Array.from({ length: 12 }, (_, n) => Temporal.PlainDate.from({ year: 2026, month: n + 1, day: 1 })),
);
const weekdays = names(
  'weekday',
  Array.from({ length: 7 }, (_, n) => monday.add({ days: n })),
);

/** Weekdays as they stand after "until" and "before", in languages that decline them; Monday first. */
const declined = [
  'понедельника понеділка poniedziałku',
  'вторника вівторка wtorku wtorkiem',
  'среды середи środy środą',
  'четверга czwartku czwartkiem',
  'пятницы пятницей пʼятниці ятниці piątku piątkiem',
  'субботы суботи soboty sobotą',
  'воскресенья неділі niedzieli niedzielą',
];
for (const [index, forms] of declined.entries()) for (const form of forms.split(' ')) weekdays.set(word(form), index + 1);

interface Found {
  /** Where it begins in the text. */
  index: number;
  date: Temporal.PlainDate;
  isWeekday: boolean;
}

const valid = (year: number, month: number, day: number): Temporal.PlainDate | null => {
  try {
    return Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' });
  } catch {
    return null;
  }
};

/** Without a year: the next such day, on or after `on`. */
const dated = (on: Temporal.PlainDate, year: string | undefined, month: number, day: number): Temporal.PlainDate | null => {
  if (year) return valid(year.length === 2 ? 2000 + Number(year) : Number(year), month, day);
  const here = valid(on.year, month, day);
  return here && Temporal.PlainDate.compare(here, on) < 0 ? valid(on.year + 1, month, day) : here;
};

function* numeric(text: string, on: Temporal.PlainDate): Generator<Found> {
  for (const { index, 1: y, 2: m, 3: d } of text.matchAll(/(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)/g)) {
    const date = valid(Number(y), Number(m), Number(d));
    if (date) yield { index, date, isWeekday: false };
  }
  // 14.03., 14/03/2026; with a slash Americans write the month first, which only a day above 12 tells.
  for (const { index, 1: a, 2: b, 3: y } of text.matchAll(/(?<![\d.])(\d{1,2})[./](\d{1,2})(?:[./](\d{4}|\d{2})?)?(?!\d)/g)) {
    const date = dated(on, y, Number(b), Number(a)) ?? dated(on, y, Number(a), Number(b));
    if (date) yield { index, date, isWeekday: false };
  }
}

function* written(text: string, on: Temporal.PlainDate): Generator<Found> {
  const dayFirst =
    /(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|\.|º|ª)?\s{1,3}(?:of |de |di |the )?(\p{L}{3,12})\.?,?(?:\s{1,3}(?:de )?(\d{4}))?/gu;
  for (const { index, 1: d, 2: name, 3: y } of text.matchAll(dayFirst)) {
    const month = months.get(word(name!));
    const date = month && dated(on, y, month, Number(d));
    if (date) yield { index, date, isWeekday: false };
  }
  const monthFirst = /(?<!\p{L})(\p{L}{3,12})\.?\s{1,3}(\d{1,2})(?:st|nd|rd|th)?(?!\d)(?:,?\s{1,3}(\d{4}))?/gu;
  for (const { index, 1: name, 2: d, 3: y } of text.matchAll(monthFirst)) {
    const month = months.get(word(name!));
    const date = month && dated(on, y, month, Number(d));
    if (date) yield { index, date, isWeekday: false };
  }
  for (const { index, 0: name } of text.matchAll(/\p{L}{3,14}/gu)) {
    const weekday = weekdays.get(word(name));
    if (weekday) yield { index, date: on.add({ days: ((weekday - on.dayOfWeek + 6) % 7) + 1 }), isWeekday: true };
  }
}

/** Characters before a date in which the word stands that says what the date is. */
const reach = 28;

/** Does the text before a date end with one of these, other short words aside ("until the", "back on Monday,")? */
const endsWith = (before: string, markers: readonly string[]): boolean => {
  const words = before.replace(/[^\p{L}\p{N}]+/gu, ' ').trimStart();
  const bare = ` ${words}`.replace(
    / (?:the|on|incl|including|inclusive|einschliesslich|zum|dem|den|le|el|il|lo|dia|pe|\p{L}+day|\p{L}+tag) *$/u,
    ' ',
  );
  return markers.some(marker => ` ${words.trimEnd()}`.endsWith(` ${marker}`) || bare.trimEnd().endsWith(` ${marker}`));
};

/** Does the text name a day that one of these words bounds: "before Tuesday", "bis zum 3. März"? */
export function boundsDate(text: string, on: Temporal.PlainDate, words: readonly string[]): boolean {
  const plain = folded(text.slice(0, 2_000));
  const before = (index: number) => plain.slice(Math.max(0, index - reach), index);
  return [...numeric(plain, on), ...written(plain, on)].some(({ index }) => endsWith(before(index), words));
}

/**
 * The last day of an absence that began by `on`: "until 14 March", "bis 14.03.", the day before "back on Monday". Null where none is
 * named, where it is past, and beyond a year, which nobody is away.
 */
export function lastDayAway(
  text: string,
  on: Temporal.PlainDate,
  { until, back }: { until: readonly string[]; back: readonly string[] },
): Temporal.PlainDate | null {
  const plain = folded(text.slice(0, 2_000));
  const found = [...numeric(plain, on), ...written(plain, on)];
  const before = (index: number) => plain.slice(Math.max(0, index - reach), index);
  const ends = found.flatMap(({ index, date }) => {
    if (endsWith(before(index), back)) return [date.subtract({ days: 1 })];
    return endsWith(before(index), until) ? [date] : [];
  });
  // "2–14 March", "3.3. - 14.3.": a range without a word.
  const dates = found.filter(({ isWeekday }) => !isWeekday).map(({ date }) => date);
  const all = ends.length ? ends : dates.length > 1 ? dates : [];
  const last = all.reduce<Temporal.PlainDate | null>(
    (latest, date) => (latest && Temporal.PlainDate.compare(latest, date) >= 0 ? latest : date),
    null,
  );
  const isPlausible = last && Temporal.PlainDate.compare(last, on) >= 0 && on.until(last).days <= 365;
  return isPlausible ? last : null;
}
