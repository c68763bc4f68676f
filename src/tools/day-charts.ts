import type { Days, ListDay } from '../domain/digests/days.ts';
import type { Chart } from './report.ts';

/** The charts that digest, status and the tools that show one thing have in common. Pure. */

/** '27 Feb', '28', '1 Mar', '2': fourteen labels have room for no more than a number; the month is said where it begins. */
const labelsOf = (dates: readonly string[]): string[] =>
  dates.map((on, i) => {
    const date = Temporal.PlainDate.from(on);
    const isNewMonth = i === 0 || date.day === 1;
    return date.toLocaleString('en-GB', { day: 'numeric', ...(isNewMonth ? { month: 'short' } : {}) });
  });

/** A sequence's last days, as far as they are drawn. */
type Drawn = Omit<Days, 'effectiveCap'>;

/** Who was contacted each day, against the caps, and who replied; nothing where nobody was (G1). Days of different zones are one day. */
export function contactedChart(days: readonly Drawn[]): Chart[] {
  if (!days.some(({ contacted, replies }) => [...contacted, ...replies].some(n => n > 0))) return [];
  const dates = [...new Set(days.flatMap(datesOf))].sort();
  const of = (name: 'contacted' | 'cap' | 'replies'): number[] =>
    dates.map(date => days.reduce((total, each) => total + (each[name][datesOf(each).indexOf(date)] ?? 0), 0));
  return [
    {
      title: 'Contacted a day, against the cap',
      kind: 'bar',
      labels: labelsOf(dates),
      series: [
        { name: 'Contacted', values: of('contacted') },
        { name: 'Cap', values: of('cap') },
        ...(of('replies').some(n => n > 0) ? [{ name: 'Replies', values: of('replies') }] : []),
      ],
    },
  ];
}

const datesOf = ({ until, contacted }: Drawn): string[] =>
  contacted.map((_, i) =>
    Temporal.PlainDate.from(until)
      .subtract({ days: contacted.length - 1 - i })
      .toString(),
  );

/** What a list got each day of what was ordered. */
export const refillChart = (days: readonly ListDay[]): Chart[] =>
  days.some(({ ordered }) => ordered > 0)
    ? [
        {
          title: 'Added a day, against what was ordered',
          kind: 'bar',
          labels: labelsOf(days.map(({ on }) => on)),
          series: [
            { name: 'Added', values: days.map(({ added }) => added) },
            { name: 'Ordered', values: days.map(({ ordered }) => ordered) },
          ],
        },
      ]
    : [];

/** More lists than this are told by the table alone. */
const listsDrawn = 12;

/** What lists got of what was ordered, those with most ordered first. */
export function addedChart(lists: readonly { name: string; ordered: number; added: number }[]): Chart[] {
  const shown = lists
    .filter(({ ordered }) => ordered > 0)
    .sort((a, b) => b.ordered - a.ordered)
    .slice(0, listsDrawn);
  // One list is one sentence; its row in the table says it.
  if (shown.length < 2) return [];
  return [
    {
      title: 'Added to lists, against what was ordered',
      kind: 'bar',
      labels: shown.map(({ name }) => name),
      series: [
        { name: 'Added', values: shown.map(({ added }) => added) },
        { name: 'Ordered', values: shown.map(({ ordered }) => ordered) },
      ],
    },
  ];
}

const heights = '▁▂▃▄▅▆▇█';

/** '▁▁▃▅█▁': the last days of one sequence in one cell, the highest of them as high as it gets. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(...values);
  if (most <= 0) return '–';
  return values.map(value => heights[value === 0 ? 0 : Math.max(1, Math.round((value / most) * (heights.length - 1)))]).join('');
}
