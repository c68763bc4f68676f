import type { Report, Table } from '../tools/report.ts';
import type { Outcome } from '../tools/run.ts';

/**
 * What the model reads that no rep wrote for it: names, titles and companies of leads, names of lists, answers of sources (A4).
 * Such text stands between two markers, and nothing in it can write a marker: `<` and `>` are escaped, so the only angle brackets of
 * a marked text are ours. Characters that a person cannot see are dropped, since they could carry words that only a model reads.
 */

/** One value of a lead or a source is clipped to this many characters. */
const cellLimit = 160;
/** A whole report, as the model reads it. Beyond this its rows are left out, last first. */
const reportLimit = 6_000;

/** Formatting characters: zero-width, bidirectional, tags. */
const invisible = /\p{Cf}/gu;
const escapes: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '\u2028': '\\u2028', '\u2029': '\\u2029' };

const clip = (text: string, limit: number): string => (text.length > limit ? `${text.slice(0, limit)}…` : text);

const clean = (value: unknown): unknown => (typeof value === 'string' ? value.replace(invisible, '') : value);

/** JSON without angle brackets and invisible characters. */
export const plainJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner) => clean(inner)).replace(/[<>\u2028\u2029]/g, found => escapes[found]!);

/** A value marked as data. `kind` is ours: 'context', 'result'. */
export const asData = (kind: string, value: unknown): string => `<data kind="${kind}">\n${plainJson(value)}\n</data>`;

/** What `asData` marked; undefined where a text is not marked. */
export function readData(text: string, kind: string): unknown {
  const [opening, closing] = [`<data kind="${kind}">\n`, '\n</data>'];
  if (!text.startsWith(opening) || !text.endsWith(closing)) return undefined;
  return JSON.parse(text.slice(opening.length, -closing.length));
}

/**
 * An outcome as the model reads it: one line of ours, then the report, marked as data and bounded.
 * `short` keeps the title alone: for earlier turns, whose tables nobody needs again.
 */
export function forModel(outcome: Outcome, { short = false } = {}): string {
  const head = {
    outcome: outcome.outcome,
    tool: clip(outcome.tool, 60),
    ...(outcome.outcome === 'refused' ? { code: outcome.code } : {}),
    ...(outcome.outcome === 'needs_approval' ? { approval: outcome.approval.id, note: waiting } : {}),
  };
  const report = short ? { title: clip(outcome.report.title, cellLimit * 2) } : bounded(outcome.report);
  return `${plainJson(head)}\n${asData('result', report)}`;
}

const waiting = "Nothing has happened yet: it waits for a person's button, which code shows below your answer.";

/** The report with fewer and fewer rows, until it fits. */
function bounded(report: Report): object {
  for (const rows of [20, 10, 5, 2]) {
    const shown = shaped(report, rows);
    if (plainJson(shown).length <= reportLimit) return shown;
  }
  const { title, notes, next } = shaped(report, 0);
  return { title, notes: notes?.slice(0, 5), next };
}

const shaped = (report: Report, rows: number) => ({
  title: clip(report.title, cellLimit * 2),
  ...(report.urgent?.length ? { urgent: report.urgent.slice(0, 10).map(line => clip(line, cellLimit * 2)) } : {}),
  ...(report.facts?.length
    ? { facts: Object.fromEntries(report.facts.map(({ label, value }) => [label, clip(value, cellLimit)])) }
    : {}),
  ...(report.tables?.length && rows ? { tables: report.tables.map(table => shapedTable(table, rows)) } : {}),
  ...(report.notes?.length ? { notes: report.notes.map(note => clip(note, cellLimit * 2)) } : {}),
  ...(report.next?.length ? { next: report.next.slice(0, 5) } : {}),
});

const shapedTable = (table: Table, limit: number) => {
  const left = table.rows.length - limit + (table.more ?? 0);
  return {
    ...(table.title ? { title: clip(table.title, cellLimit) } : {}),
    columns: table.columns.map(column => column.label),
    rows: table.rows.slice(0, limit).map(row => row.map(cell => clip(cell, cellLimit))),
    ...(left > 0 ? { more: left } : {}),
  };
};
