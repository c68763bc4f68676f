import type { KnownBlock } from '@slack/types';
import type { Report, Table } from '../../tools/report.ts';
import { chart } from './charts.ts';
import { type Message, paginate } from './message.ts';
import { context, fields, sections, table } from './parts.ts';
import { code, inert, inertLines } from './text.ts';

const marks: Record<Report['tone'], string> = { good: '✅ ', neutral: '', warning: '⚠️ ', refused: '✋ ' };

/** A title longer than this is a message to read, not a heading. */
const headingChars = 150;

/** A report as blocks (A3): a sentence, what a person should act on, facts in two columns, charts, tables, notes, what to say next, small print. Inert throughout (A4). */
export function reportBlocks({
  tone,
  title,
  urgent = [],
  facts = [],
  charts = [],
  tables = [],
  notes = [],
  next = [],
  footer,
}: Report): KnownBlock[] {
  const heading = inert(title);
  const bold = tone !== 'refused' && heading.length <= headingChars;
  // Slack draws one table a message: the one that has most columns, since the others stay legible as text.
  const widest = tables.reduce<Table | undefined>(
    (most, one) => (most && most.columns.length >= one.columns.length ? most : one),
    undefined,
  );
  return [
    ...sections(`${marks[tone]}${bold ? `*${heading}*` : heading}`),
    ...(urgent.length ? sections(urgent.map(item => `❗ ${inertLines(item)}`).join('\n')) : []),
    ...fields(facts.map(({ label, value }) => `*${inert(label)}*\n${inertLines(value)}`)),
    ...charts.filter(({ labels, series }) => labels.length && series.length).map(chart),
    ...tables.flatMap(one => table(one, one === widest)),
    ...(notes.length ? sections(notes.map(note => `• ${inertLines(note)}`).join('\n')) : []),
    ...(next.length ? context([`You can say: ${next.map(code).join('  ·  ')}`]) : []),
    ...(footer ? context([inert(footer)]) : []),
  ];
}

/** A report on its own, over as many messages as it takes. */
export const reportMessages = (report: Report): Message[] => paginate(fallback(report), [reportBlocks(report)]);

/** What a notification or a reader without blocks shows of a report. */
export const fallback = ({ title, facts = [] }: Report): string =>
  [inert(title), ...facts.slice(0, 3).map(({ label, value }) => `${inert(label)}: ${inert(value)}`)].join(' · ');
