import type { Chart, Report, Table } from '../tools/report.ts';
import type { Outcome } from '../tools/run.ts';

// Terminals act on control characters; what comes from leads and files must not (A4).
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text as it may land on a terminal. */
export const safe = (text: string): string => text.replace(control, '');

const marks = { good: '✓', neutral: '·', warning: '!', refused: '✗' } as const;

/** A report as plain text for a terminal: the same facts as in Slack, laid out by code (A3). */
export function reportText(report: Report): string {
  const parts = [
    `${marks[report.tone]} ${report.title}`,
    ...(report.urgent?.length ? [report.urgent.map(line => `  ! ${line}`).join('\n')] : []),
    ...(report.facts?.length ? [factsText(report)] : []),
    ...(report.charts ?? []).map(chartText),
    ...(report.tables ?? []).map(tableText),
    ...(report.notes?.length ? [report.notes.map(line => `  – ${line}`).join('\n')] : []),
    ...(report.next?.length ? [`  Try: ${report.next.map(phrase => `“${phrase}”`).join(' · ')}`] : []),
    ...(report.footer ? [`  ${report.footer}`] : []),
  ];
  return safe(parts.join('\n'));
}

function factsText({ facts = [] }: Report): string {
  const wide = Math.max(...facts.map(fact => fact.label.length));
  return facts.map(({ label, value }) => `  ${label.padEnd(wide)}  ${value}`).join('\n');
}

const barWidth = 24;

/** Bars of the first series, and the numbers of all. */
function chartText({ title, labels, series }: Chart): string {
  const [drawn] = series;
  const most = Math.max(1, ...series.flatMap(({ values }) => values));
  const bar = (value: number) => '█'.repeat(Math.max(value > 0 ? 1 : 0, Math.round((value / most) * barWidth))).padEnd(barWidth);
  const columns = [
    { label: '' },
    { label: drawn?.name ?? '' },
    ...series.map(({ name }) => ({ label: name, align: 'right' as const })),
  ];
  return tableText({
    title,
    columns,
    rows: labels.map((label, i) => [
      label,
      bar(drawn?.values[i] ?? 0),
      ...series.map(({ values }) => (values[i] ?? 0).toLocaleString('en-US')),
    ]),
  });
}

function tableText({ title, columns, rows, more }: Table): string {
  const oneLine = (cell: string) => cell.replace(/\s+/g, ' ');
  const widths = columns.map((column, i) => Math.max(column.label.length, ...rows.map(row => oneLine(row[i] ?? '').length)));
  const line = (cells: string[]) =>
    `  ${cells.map((cell, i) => (columns[i]?.align === 'right' ? oneLine(cell).padStart(widths[i]!) : oneLine(cell).padEnd(widths[i]!))).join('  ')}`.trimEnd();
  return [
    ...(title ? [`  ${title}`] : []),
    line(columns.map(column => column.label)),
    line(widths.map(width => '─'.repeat(width))),
    ...rows.map(line),
    ...(more ? [`  … and ${more} more`] : []),
  ].join('\n');
}

/** Waits until a stream takes more, or has ended. */
export const drained = (stream: NodeJS.WritableStream & { writableNeedDrain?: boolean }): Promise<void> =>
  new Promise(resolve => {
    if (!stream.writableNeedDrain) return resolve();
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.once('drain', done).once('close', done);
  });

/** Writes to a terminal; progress lines replace each other there, and are left out where output goes to a file. */
export const terminal = (out: NodeJS.WriteStream, side: NodeJS.WriteStream) => ({
  write: (text: string) => {
    if (side.isTTY) side.write('\r\u001b[K');
    out.write(text);
  },
  progress: (line: string) => {
    if (side.isTTY) side.write(`\r\u001b[K${line}`);
  },
  ready: () => drained(out),
});

/** What a call came to, as a terminal shows it. */
export const outcomeText = (outcome: Outcome): string =>
  outcome.outcome === 'needs_approval'
    ? `${reportText(outcome.report)}\n  Waiting for a person: drover approve ${outcome.approval.id} · drover cancel ${outcome.approval.id}`
    : reportText(outcome.report);
