import { type CsvError, type Parser, parse } from 'csv-parse';
import { detectDelimiter } from './headers.ts';
import { longestRow, type Row, type Stretch, type Table } from './table.ts';
import { type Piece, readText } from './text.ts';

/** Delimited text (CSV, TSV and their kin) as a table. */
export const openDelimited = (path: string, size: number): Table => ({
  total: size,
  notes: [],
  isRagged: false,
  rows: () => readRows(path),
});

/** The records of a file, the header's first, one piece of the file at a time. */
async function* readRows(path: string): AsyncGenerator<Stretch> {
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
