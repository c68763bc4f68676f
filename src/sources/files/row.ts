import { emailKey } from '../../domain/leads/rules.ts';
import { findIndustry, findTitle, readTitle, type TitleMeaning } from '../../domain/lists/vocabulary.ts';
import type { Candidate } from '../../domain/ports.ts';
import type { Columns, Meaning } from './headers.ts';

/** One row of a file as a person. Pure. */

export interface Rejection {
  reason: 'too_few_columns' | 'too_many_columns' | 'invalid_email' | 'no_name_or_email' | 'unclosed_quote';
  detail?: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: Postgres stores no NUL
const padding = /[\u00a0\u200b\ufeff\u0000]/;
const allPadding = new RegExp(padding, 'g');

/** A cell as it was meant: without padding and what spreadsheets, or exports that guard against formulas, put around it. */
function clean(cell: string | undefined): string {
  if (!cell) return '';
  const bare = (padding.test(cell) ? cell.replace(allPadding, ' ') : cell).toWellFormed().trim();
  return bare.startsWith("'") && /^'[=+\-@]/.test(bare) ? bare.slice(1) : bare;
}

/** @returns the person, or why the row is not one; null for a row without any content. */
export function readRow(cells: readonly string[], columns: Columns): Candidate | Rejection | null {
  if (cells.every(cell => !clean(cell))) return null;
  const misfit = shapeOf(cells, columns);
  if (misfit) return misfit;
  const value = (meaning: Meaning): string | null => {
    for (const index of columns.at[meaning] ?? []) {
      const cell = clean(cells[index]);
      if (cell) return cell;
    }
    return null;
  };

  const given = value('email');
  const email = given && firstAddress(given);
  if (given && !email) return { reason: 'invalid_email', detail: given.slice(0, 80) };
  const linkedinUrl = value('linkedinUrl');
  const name = nameOf(value('fullName'), value('firstName'), value('lastName'));
  if (!email && !name) return { reason: 'no_name_or_email' };

  const title = value('title');
  const industry = value('industry');
  return {
    recordId: null,
    fullName: name?.full ?? email!,
    firstName: name?.first ?? null,
    lastName: name?.last ?? null,
    email,
    linkedinUrl,
    title,
    seniority: onlyOne(title, value('seniority'), 'seniorities'),
    function: onlyOne(title, value('function'), 'functions'),
    company: value('company'),
    companyDomain: value('companyDomain'),
    industry: industry && industryOf(industry),
    headcount: headcountOf(value('headcount')),
    personLocation: value('personLocation') ?? joined(value('personCity'), value('personState'), value('personCountry')),
    companyLocation: value('companyLocation') ?? joined(value('companyCity'), value('companyState'), value('companyCountry')),
    technologies: [
      ...new Set(
        (value('technologies') ?? '')
          .split(/[,;|\n]/)
          .map(clean)
          .filter(Boolean),
      ),
    ],
    fields: furtherFields(cells, columns),
  };
}

/** Cells beyond the header mean that a delimiter shifted the row; a row that ends before its address was cut off. */
function shapeOf(cells: readonly string[], { at, width }: Columns): Rejection | null {
  const counted = `${cells.length} of ${width}`;
  if (cells.slice(width).some(clean)) return { reason: 'too_many_columns', detail: counted };
  const telling = (at.email ?? at.linkedinUrl)![0]!;
  return cells.length < width && cells.length <= telling ? { reason: 'too_few_columns', detail: counted } : null;
}

/** The first usable one of 'a@x.example; b@x.example', also as 'Ann <ann@x.example>', trimmed and in lower case. */
const firstAddress = (cell: string): string | null =>
  cell
    .split(/[,;|\n]+/)
    .map(part => emailKey(/<([^<>]+)>/.exec(part)?.[1] ?? part))
    .find(key => key !== null) ?? null;

const prefixes = /^((dr|prof|mr|mrs|ms|miss|herr|frau|ing|dipl)\.?\s+)+/i;

function nameOf(full: string | null, first: string | null, last: string | null) {
  if (first || last) return { full: full ?? [first, last].filter(Boolean).join(' '), first, last };
  if (!full) return null;
  const [family, given] = full.split(/,\s*/);
  if (given && family) return { full: `${given} ${family}`, first: given, last: family };
  const [head, ...rest] = full.replace(prefixes, '').split(/\s+/);
  return { full, first: head || null, last: rest.join(' ') || null };
}

/** Files say few things often: what a spelling means is kept, for so many of them. */
const mostKept = 5_000;

function kept<T>(meaningOf: (spelling: string) => T): (spelling: string) => T {
  const known = new Map<string, T>();
  return spelling => {
    if (known.has(spelling)) return known.get(spelling)!;
    const meaning = meaningOf(spelling);
    if (known.size >= mostKept) known.clear();
    known.set(spelling, meaning);
    return meaning;
  };
}

const titleOf = kept((title: string) => readTitle(title).meaning);
const wholeTitleOf = kept(findTitle);
const industryOf = kept((industry: string) => findIndustry(industry)?.name ?? industry);

/** What a column says, else what the title says, where it says one thing. */
function onlyOne<K extends 'seniorities' | 'functions'>(title: string | null, column: string | null, kind: K): string | null {
  const said: TitleMeaning | undefined = column ? (wholeTitleOf(column) ?? titleOf(column.split(/[,;]/)[0]!)) : undefined;
  const values = said?.[kind].length ? said[kind] : title ? titleOf(title)[kind] : [];
  return values.length === 1 ? values[0]! : null;
}

/** '1,001-5,000' and '10.000+' are at least their first number. */
function headcountOf(text: string | null): number | null {
  const digits = /\d{1,3}(?:[.,' ]\d{3})+(?!\d)|\d+/.exec(text ?? '')?.[0].replace(/\D/g, '');
  const count = Number(digits);
  return digits && count > 0 && count < 2_147_483_647 ? count : null;
}

const joined = (...parts: (string | null)[]): string | null => [...new Set(parts.filter(Boolean))].join(', ') || null;

function furtherFields(cells: readonly string[], columns: Columns): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const { name, index } of columns.others) {
    const cell = clean(cells[index]);
    if (cell) fields[name] ??= cell;
  }
  return fields;
}
