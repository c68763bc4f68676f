import { type CsvError, type Parser, parse } from 'csv-parse';
import type { Candidate } from '../../domain/ports.ts';
import { type Columns, columnsOf, detectDelimiter } from './headers.ts';
import { type Rejection, readRow } from './row.ts';
import { type Piece, readText, sizeOf } from './text.ts';

/** A stretch of a file. Lines count from 1, the header's included; a row with line breaks in it is told by its first. */
export interface PeopleBatch {
  people: { line: number; candidate: Candidate }[];
  rejected: ({ line: number } & Rejection)[];
  /** Bytes read so far, and of the whole file. */
  progress: { read: number; total: number };
}

/** Rows a batch, good and rejected: what one transaction takes. */
const batchSize = 1_000;

/** No row of people is longer; a quote that never closes would otherwise take the rest of the file into memory. */
const longestRow = 1_000_000;

/**
 * Reads a user's own file in batches, in constant memory: any of the usual encodings and delimiters, headers as HubSpot, Apollo and
 * people write them. Good rows come as candidates, others with their line and reason; duplicates are left to the list (L3).
 * @throws NotFound `no_such_file`; Refused `no_usable_columns`, `empty_file`, `not_text`, `not_a_file`, `file_unreadable`
 */
export async function* readPeople(path: string): AsyncGenerator<PeopleBatch> {
  const total = await sizeOf(path);
  let batch: PeopleBatch = { people: [], rejected: [], progress: { read: 0, total } };
  let columns: Columns | null = null;
  for await (const { rows, read } of readRows(path)) {
    for (const { line, cells, broken } of rows) {
      if (broken) {
        batch.rejected.push({ line, reason: 'unclosed_quote', detail: 'nothing after it could be read' });
        continue;
      }
      if (!columns) {
        columns = columnsOf(cells);
        continue;
      }
      const row = readRow(cells, columns);
      if (row && 'reason' in row) batch.rejected.push({ line, ...row });
      else if (row) batch.people.push({ line, candidate: row });
      if (batch.people.length + batch.rejected.length < batchSize) continue;
      yield { ...batch, progress: { read, total } };
      batch = { people: [], rejected: [], progress: { read, total } };
    }
    batch.progress = { read, total };
  }
  if (!columns) columnsOf([]);
  yield { ...batch, progress: { read: total, total } };
}

interface Row {
  line: number;
  cells: string[];
  /** A quote opens here and never closes. */
  broken?: boolean;
}

/** The records of a file, the header's first, one piece of the file at a time. */
async function* readRows(path: string): AsyncGenerator<{ rows: Row[]; read: number }> {
  const reader = new RowReader();
  let read = 0;
  for await (const piece of withHeader(readText(path))) {
    read = piece.read;
    yield { rows: await reader.read(piece.text), read };
    if (reader.isBroken) return;
  }
  yield { rows: await reader.end(), read };
}

/** The pieces, the first of them long enough to hold the header. */
async function* withHeader(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece> {
  let first: Piece | null = { text: '', read: 0 };
  for await (const { text, read } of pieces) {
    if (!first) {
      yield { text, read };
      continue;
    }
    first = { text: first.text + text, read };
    if (!first.text.includes('\n', 1)) continue;
    yield first;
    first = null;
  }
  if (first) yield first;
}

/** csv-parse, pulled: text goes in, the rows that it completes come out; an error keeps the rows before it. */
class RowReader {
  #parser: Parser | null = null;
  #rows: Row[] = [];
  #linesAbove = 0;
  #lastLine = 0;
  isBroken = false;

  async read(text: string): Promise<Row[]> {
    const { parser, skip } = this.#parser ? { parser: this.#parser, skip: 0 } : this.#start(text);
    await new Promise<void>(resolve => parser.write(text.slice(skip), () => resolve()));
    return this.#take();
  }

  async end(): Promise<Row[]> {
    const parser = this.#parser;
    if (parser && !this.isBroken)
      await new Promise<void>(resolve => {
        parser.once('end', resolve).once('error', () => resolve());
        parser.end();
      });
    return this.#take();
  }

  #start(text: string): { parser: Parser; skip: number } {
    const { delimiter, skip } = detectDelimiter(text);
    this.#linesAbove = skip ? 1 : 0;
    this.#parser = parse({
      delimiter,
      record_delimiter: '\n',
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: longestRow,
      on_record: (cells: string[], { lines }) => {
        const breaks = cells.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0);
        this.#lastLine = lines;
        this.#rows.push({ line: lines - breaks + this.#linesAbove, cells });
        return null;
      },
    });
    this.#parser.resume();
    this.#parser.on('error', (_: CsvError) => {
      this.isBroken = true;
      this.#rows.push({ line: this.#lastLine + 1 + this.#linesAbove, cells: [], broken: true });
    });
    return { parser: this.#parser, skip };
  }

  #take(): Row[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }
}
