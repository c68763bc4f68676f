import { safe } from './text.ts';

/** Rows as CSV that a spreadsheet opens and cannot be made to run. */

/** Marks a file as UTF-8 for Excel. */
export const byteOrderMark = '\ufeff';

/** What a spreadsheet takes for a formula; a plain number or telephone number is none. */
const formula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]/;
const number = /^\s*[+-][\d\s().,/-]*$/;

function csvCell(value: string): string {
  const text = safe(value);
  const guarded = formula.test(text) && !number.test(text) ? `'${text}` : text;
  return /[",;\n\r\t]|^\s|\s$/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** One record, its line end included (RFC 4180). */
export const csvRow = (cells: readonly (string | number | null)[]): string =>
  `${cells.map(cell => csvCell(cell === null ? '' : String(cell))).join(',')}\r\n`;
