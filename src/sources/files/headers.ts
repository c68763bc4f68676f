import { parse } from 'csv-parse/sync';
import { Refused } from '../../errors.ts';
import { foldName } from '../../nearest.ts';
import headerData from './headers.json' with { type: 'json' };

/** Which column of a file means what. Spellings are data (`headers.json`): case, accents and punctuation do not count. */

export type Meaning = keyof typeof headerData;

export interface Columns {
  /** For each meaning, the columns that have it, best first: a row takes the first that is filled. */
  at: Partial<Record<Meaning, number[]>>;
  /** Columns of no known meaning, by the name that templates use (`fields.lead_status`); those that Drover's own files add are left out. */
  others: { name: string; index: number }[];
  width: number;
}

const meanings = new Map<string, { meaning: Meaning; rank: number }>();
for (const [meaning, spellings] of Object.entries(headerData) as [Meaning, string[]][])
  for (const [rank, spelling] of spellings.entries()) meanings.set(foldName(spelling), { meaning, rank });

const delimiters = [',', ';', '\t', '|'];

/** Where the first record of the text begins and which delimiter its file has: the one under which most headers are understood. */
export function detectDelimiter(text: string): { delimiter: string; skip: number } {
  const declared = /^sep=(.)\n/i.exec(text); // Excel writes it above the header
  if (declared) return { delimiter: declared[1]!, skip: declared[0].length };
  const scored = delimiters.map(delimiter => {
    const header = firstRecord(text, delimiter);
    return { delimiter, known: header.filter(name => meanings.has(foldName(name))).length, width: header.length };
  });
  scored.sort((a, b) => b.known - a.known || b.width - a.width);
  return { delimiter: scored[0]!.delimiter, skip: 0 };
}

function firstRecord(text: string, delimiter: string): string[] {
  try {
    const [record] = parse(text, { delimiter, to: 1, relax_quotes: true, relax_column_count: true, skip_empty_lines: true });
    return (record as string[] | undefined) ?? [];
  } catch {
    return []; // under this delimiter a quote never closes
  }
}

/** Does a row name a column that says who a row is about? */
export const understands = (header: readonly string[]): boolean =>
  header.some(name => ['email', 'linkedinUrl'].includes(meanings.get(foldName(name))?.meaning ?? ''));

/** @throws Refused `no_usable_columns` where no column says who a row is about or how to reach them. */
export function columnsOf(header: readonly string[]): Columns {
  const at: Columns['at'] = {};
  const others: Columns['others'] = [];
  const ranked = header.map((name, index) => ({ index, name, ...meanings.get(foldName(name)) }));
  for (const { meaning, index } of ranked.toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0))) {
    if (!meaning) continue;
    at[meaning] ??= [];
    at[meaning].push(index);
  }
  for (const { meaning, index, name } of ranked) {
    const key = foldName(name).replaceAll(' ', '_');
    if (!meaning && key && !key.startsWith('drover_')) others.push({ name: key, index });
  }
  if (at.firstName && !at.lastName && at.fullName) {
    at.lastName = at.fullName; // 'Vorname;Name'
    delete at.fullName;
  }
  if (!at.email && !at.linkedinUrl) throw noUsableColumns(header);
  return { at, others, width: header.length };
}

function noUsableColumns(header: readonly string[]): Refused {
  const names = header.map(name => name.trim()).filter(Boolean);
  const shown = names.slice(0, 8).map(name => `"${name.slice(0, 40)}"`);
  const found = shown.length
    ? `has the columns ${shown.join(', ')}${names.length > 8 ? ', …' : ''}`
    : 'names no columns in its first row';
  const known =
    'Email, First Name, Last Name, Name, Job Title, Company, Website, LinkedIn URL, Industry, # Employees, City, Country';
  return new Refused(
    'no_usable_columns',
    `The file ${found}; it needs an e-mail or a LinkedIn column, and I understand these headers: ${known} (also as HubSpot and Apollo write them).`,
  );
}
