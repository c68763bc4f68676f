import type { ActionsBlock, ContextBlock, DividerBlock, KnownBlock, MrkdwnElement, SectionBlock, TableBlock } from '@slack/types';
import type { Table } from '../../tools/report.ts';
import { LIMITS } from './limits.ts';
import { clip, escaped, inert, line, pieces } from './text.ts';

/** The few blocks that Drover uses, each within Slack's limits. All take mrkdwn that is already inert. */

const mrkdwn = (text: string): MrkdwnElement => ({ type: 'mrkdwn', text, verbatim: true });

/** One section, or several where the text is too long for one. */
export const sections = (text: string): SectionBlock[] =>
  pieces(text, LIMITS.sectionChars).map(piece => ({ type: 'section', text: mrkdwn(piece), expand: true }));

/** Two columns of label and value. One section's fields could outweigh a whole message, so they are spread by length, too. */
export function fields(texts: string[]): SectionBlock[] {
  const groups: string[][] = [];
  let room = 0;
  for (const text of texts.map(one => clip(one, LIMITS.fieldChars))) {
    room -= text.length;
    if (room < 0 || groups.at(-1)?.length === LIMITS.fields) {
      groups.push([]);
      room = LIMITS.messageWeight / 2 - text.length;
    }
    groups.at(-1)!.push(text);
  }
  return groups.map(group => ({ type: 'section', fields: group.map(mrkdwn) }));
}

export const context = (lines: string[]): ContextBlock[] =>
  pieces(lines.join('\n'), LIMITS.contextChars).map(text => ({ type: 'context', elements: [mrkdwn(text)] }));

export const divider: DividerBlock = { type: 'divider' };

/** A menu of which one thing is chosen; each option carries an opaque value. */
export interface Choice {
  /** What it says until something is chosen. */
  label: string;
  actionId: string;
  options: readonly { label: string; value: string }[];
}

const plain = (text: string, max: number) => ({ type: 'plain_text' as const, text: clip(text, max), emoji: false });

/** Buttons that carry an opaque value, and a menu behind them. `style` marks the one that acts. */
export const buttons = (
  blockId: string,
  all: { label: string; actionId: string; value: string; style?: 'primary' | 'danger' }[],
  choice?: Choice,
): ActionsBlock => ({
  type: 'actions',
  block_id: blockId,
  elements: [
    ...all.map(({ label, actionId, value, style }) => ({
      type: 'button' as const,
      text: plain(label, LIMITS.buttonChars),
      action_id: actionId,
      value,
      ...(style ? { style } : {}),
    })),
    ...(choice
      ? [
          {
            type: 'static_select' as const,
            action_id: choice.actionId,
            placeholder: plain(choice.label, LIMITS.buttonChars),
            options: choice.options.map(({ label, value }) => ({ text: plain(label, LIMITS.optionChars), value })),
          },
        ]
      : []),
  ],
});

/** A table as Slack draws it where it fits, else as text in columns. `native: false` asks for text. */
export function table({ title, columns, rows, more }: Table, native: boolean): KnownBlock[] {
  const cells = [columns.map(column => line(column.label)), ...rows.map(row => columns.map((_, i) => line(row[i] ?? '')))];
  const chars = cells.flat().reduce((sum, cell) => sum + cell.length, 0);
  const fits = cells.length <= LIMITS.tableRows && columns.length <= LIMITS.tableCells && chars <= LIMITS.tableChars * 0.9;
  const body: KnownBlock[] =
    native && fits
      ? [
          {
            type: 'table',
            column_settings: columns.map(({ align }) => ({ align: align ?? 'left', is_wrapped: true })),
            rows: cells.map(row => row.map(text => ({ type: 'raw_text' as const, text }))),
          } satisfies TableBlock,
        ]
      : inColumns(cells, columns);
  return [
    ...(title ? sections(`*${inert(title)}*`) : []),
    ...body,
    ...(more ? context([`… and ${more.toLocaleString('en-US')} more`]) : []),
  ];
}

/** The same as monospaced text; a cell wider than this is cut. */
const cellWidth = 40;

function inColumns(cells: string[][], columns: Table['columns']): SectionBlock[] {
  const cut = cells.map(row => row.map(cell => clip(cell.replaceAll('`', 'ˋ'), cellWidth)));
  const widths = columns.map((_, i) => Math.max(...cut.map(row => row[i]!.length)));
  const lines = cut.map(row =>
    row
      .map((cell, i) => (columns[i]!.align === 'right' ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
  return sections(`\`\`\`\n${escaped(lines.join('\n'))}\n\`\`\``);
}
