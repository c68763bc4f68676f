import type { Candidate } from '../../domain/ports.ts';
import { openDelimited } from './delimited.ts';
import { type Columns, columnsOf } from './headers.ts';
import { type Rejection, readRow } from './row.ts';
import type { Row, Table } from './table.ts';
import { recognise, sizeOf } from './text.ts';
import { openWorkbook } from './workbook.ts';

/** A stretch of a file. Lines count from 1, the header's included; a row with line breaks in it is told by its first. */
export interface PeopleBatch {
  /** The file's columns, as it names them. */
  header: readonly string[];
  people: { line: number; candidate: Candidate }[];
  rejected: ({ line: number; cells: readonly string[] } & Rejection)[];
  /** The last line that this batch deals with. */
  through: number;
  /** Bytes read so far, and of the whole file. */
  progress: { read: number; total: number };
  /** What the reader of the file should know, a sentence each. */
  notes: readonly string[];
}

/** Characters of a batch, where rows are long. */
const batchWeight = 8_000_000;

/**
 * Reads a user's own file in batches of `batchSize` rows, good and rejected, in constant memory: CSV, TSV and XLSX by content, not by name, any of the usual encodings and
 * delimiters, headers as HubSpot, Apollo, Clay and people write them. Good rows come as candidates, others with their line and reason;
 * duplicates are left to the list (L3).
 * @throws NotFound `no_such_file`; Refused `no_usable_columns`, `empty_file`, `not_text`, `not_a_workbook`, `not_a_file`,
 *   `file_unreadable`, `file_damaged`, `file_too_large`
 */
export async function* readPeople(path: string, batchSize = 1_000): AsyncGenerator<PeopleBatch> {
  const size = await sizeOf(path);
  const table = (await recognise(path)) === 'archive' ? await openWorkbook(path) : openDelimited(path, size);
  let batch: Batch | null = null;
  for await (const { rows, read } of table.rows()) {
    for (const row of rows) {
      if (!batch) {
        if (row.broken) break;
        batch = new Batch(table, row.cells);
        continue;
      }
      batch.take(row);
      if (batch.isFull(batchSize)) yield batch.hand(read);
    }
  }
  batch ??= new Batch(table, []);
  yield batch.hand(table.total);
}

/** What is read and not yet handed on. */
class Batch {
  readonly #table: Table;
  readonly #header: readonly string[];
  readonly #columns: Columns;
  #people: PeopleBatch['people'] = [];
  #rejected: PeopleBatch['rejected'] = [];
  #weight = 0;
  #through = 0;

  constructor(table: Table, header: readonly string[]) {
    this.#table = table;
    this.#header = header.map(name => name.replace(/^\ufeff/, ''));
    this.#columns = columnsOf(header);
  }

  take({ line, cells, broken }: Row): void {
    this.#through = line;
    if (broken) {
      this.#rejected.push({ line, cells, reason: 'unclosed_quote', detail: 'nothing after it could be read' });
      return;
    }
    for (const cell of cells) this.#weight += cell.length;
    const row = readRow(this.#table.isRagged ? this.#evened(cells) : cells, this.#columns);
    if (row && 'reason' in row) this.#rejected.push({ line, cells, ...row });
    else if (row) this.#people.push({ line, candidate: row });
  }

  #evened(cells: string[]): string[] {
    const { width } = this.#columns;
    return cells.length >= width ? cells.slice(0, width) : [...cells, ...Array<string>(width - cells.length).fill('')];
  }

  isFull(batchSize: number): boolean {
    return this.#people.length + this.#rejected.length >= batchSize || this.#weight > batchWeight;
  }

  hand(read: number): PeopleBatch {
    const { total, notes } = this.#table;
    const batch: PeopleBatch = {
      header: this.#header,
      people: this.#people,
      rejected: this.#rejected,
      through: this.#through,
      progress: { read, total },
      notes,
    };
    this.#people = [];
    this.#rejected = [];
    this.#weight = 0;
    return batch;
  }
}
