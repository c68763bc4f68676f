import { posix } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { Broken, Refused } from '../../errors.ts';
import { columnsOf, understands } from './headers.ts';
import { SharedTexts } from './strings.ts';
import { longestRow, type Row, type Stretch, type Table } from './table.ts';
import { attribute, readXml, XmlReader } from './xml.ts';
import { damaged, type Part, Zip } from './zip.ts';

/**
 * Excel workbooks (XLSX, XLSM) as tables: a row at a time, straight from the archive. Formulas give their last result, dates are ISO
 * text, numbers are plain digits, so that a phone number or an id saved as a number is what its cell shows.
 */

interface Sheet {
  name: string;
  isHidden: boolean;
  part: Part;
}

interface Book {
  zip: Zip;
  sheets: Sheet[];
  texts: SharedTexts;
  /** By a cell's style: is its number a date? */
  isDate: boolean[];
  /** Day 0 of its dates. */
  epoch: Temporal.PlainDate;
}

/** Titles and notes above the header are usual. */
const headerWithin = 10;

/**
 * The first sheet with columns that say who a row is about; visible ones go first, and a note names it where there are several.
 * @throws Refused `file_damaged`, `file_too_large`, `not_a_workbook`, `no_usable_columns`
 */
export async function openWorkbook(path: string): Promise<Table> {
  try {
    const book = await openBook(path);
    let firstRow: string[] | null = null;
    for (const sheet of book.sheets.toSorted((a, b) => Number(a.isHidden) - Number(b.isHidden))) {
      const rows = await firstRows(book, sheet);
      firstRow ??= rows[0]?.cells ?? null;
      const header = rows.find(row => understands(row.cells));
      if (!header) continue;
      const note = `Read from the sheet "${sheet.name}", the first of ${book.sheets.length} with columns that I understand.`;
      return {
        total: sheet.part.packed,
        notes: book.sheets.length > 1 ? [note] : [],
        isRagged: true,
        rows: () => guarded(path, from(header.line, readSheet(book, sheet))),
      };
    }
    throw noColumns(firstRow);
  } catch (error) {
    throw asRefusal(path, error);
  }
}

const asRefusal = (path: string, error: unknown): unknown =>
  (error as { code?: string }).code === 'bad_xml' ? damaged(path, error) : error;

async function* guarded(path: string, rows: AsyncIterable<Stretch>): AsyncGenerator<Stretch> {
  try {
    yield* rows;
  } catch (error) {
    throw asRefusal(path, error);
  }
}

function noColumns(header: string[] | null): unknown {
  try {
    return columnsOf(header ?? []);
  } catch (refusal) {
    return refusal;
  }
}

async function* from(line: number, stretches: AsyncIterable<Stretch>): AsyncGenerator<Stretch> {
  for await (const { rows, read } of stretches) yield { rows: rows.filter(row => row.line >= line), read };
}

async function firstRows(book: Book, sheet: Sheet): Promise<Row[]> {
  const first: Row[] = [];
  for await (const { rows } of readSheet(book, sheet)) {
    first.push(...rows);
    if (first.length >= headerWithin) break;
  }
  return first.slice(0, headerWithin);
}

async function openBook(path: string): Promise<Book> {
  const zip = await Zip.open(path);
  const home = await bookOf(zip);
  const folder = posix.dirname(home);
  const parts = targets((await zip.text(`${folder}/_rels/${posix.basename(home)}.rels`)) ?? '', folder);
  const sheets: Sheet[] = [];
  let epoch = '1899-12-30';
  readXml((await zip.text(home)) ?? '', {
    open: (name, attributes) => {
      if (name === 'workbookPr' && ['1', 'true'].includes(attribute(attributes, 'date1904') ?? '')) epoch = '1904-01-01';
      if (name !== 'sheet') return;
      const part = zip.parts.get(parts.get(attribute(attributes, 'id') ?? '')?.target ?? '');
      const isHidden = !['visible', undefined].includes(attribute(attributes, 'state'));
      if (part) sheets.push({ name: attribute(attributes, 'name') ?? '', isHidden, part });
    },
  });
  if (!sheets.length) throw damaged(path);
  const named = (type: string) => [...parts.values()].find(each => each.type === type)?.target ?? '';
  return {
    zip,
    sheets,
    texts: await textsOf(zip, named('sharedStrings')),
    isDate: datesOf((await zip.text(named('styles'))) ?? ''),
    epoch: Temporal.PlainDate.from(epoch),
  };
}

/** Where the workbook is in the archive. @throws Refused `not_a_workbook` */
async function bookOf(zip: Zip): Promise<string> {
  const roots = targets((await zip.text('_rels/.rels')) ?? '', '');
  const home = [...roots.values()].find(each => each.type === 'officeDocument')?.target ?? 'xl/workbook.xml';
  if (zip.parts.has(home) && !home.endsWith('.bin') && !home.startsWith('word/') && !home.startsWith('ppt/')) return home;
  const names = [...zip.parts.keys()];
  const what = home.endsWith('.bin')
    ? 'a binary workbook (XLSB)'
    : names.includes('content.xml')
      ? 'an OpenDocument file'
      : names.some(name => name.startsWith('Index/'))
        ? 'a Numbers file'
        : zip.parts.has(home)
          ? 'a document, not a table'
          : 'a ZIP archive, not a workbook';
  throw new Refused('not_a_workbook', `The file ${zip.path} is ${what}. Save or unpack it as CSV or XLSX, then import that.`);
}

function targets(relations: string, folder: string): Map<string, { type: string; target: string }> {
  const found = new Map<string, { type: string; target: string }>();
  readXml(relations, {
    open: (name, attributes) => {
      const [id, target] = [attribute(attributes, 'Id'), attribute(attributes, 'Target')];
      if (name !== 'Relationship' || !id || !target) return;
      const type = posix.basename(attribute(attributes, 'Type') ?? '');
      found.set(id, { type, target: target.startsWith('/') ? target.slice(1) : posix.join(folder, target) });
    },
  });
  return found;
}

async function textsOf(zip: Zip, name: string): Promise<SharedTexts> {
  const texts = new SharedTexts();
  const part = zip.parts.get(name);
  if (!part) return texts;
  const decoder = new StringDecoder('utf8');
  let [text, inText, inPhonetic] = ['', false, false];
  const reader = new XmlReader({
    open: name => {
      if (name === 'si') text = '';
      else if (name === 't') inText = true;
      else if (name === 'rPh') inPhonetic = true;
    },
    text: piece => {
      if (inText && !inPhonetic) text += piece;
    },
    close: name => {
      if (name === 't') inText = false;
      else if (name === 'rPh') inPhonetic = false;
      else if (name === 'si') texts.add(plain(text));
    },
  });
  for await (const { bytes } of zip.read(part)) reader.write(decoder.write(bytes));
  return texts;
}

/** Excel writes characters that XML does not allow as `_x000D_`. */
const plain = (text: string): string =>
  text.includes('_x') ? text.replace(/_x([0-9A-F]{4})_/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))) : text;

/** The numbers of built-in formats that show a date. */
const isBuiltInDate = (id: number): boolean => (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 58);

function datesOf(styles: string): boolean[] {
  const custom = new Map<number, boolean>();
  const isDate: boolean[] = [];
  let inCells = false;
  readXml(styles, {
    open: (name, attributes) => {
      if (name === 'numFmt') {
        const code = (attribute(attributes, 'formatCode') ?? '').replace(/\[[^\]]*\]|"[^"]*"|\\./g, '');
        custom.set(Number(attribute(attributes, 'numFmtId')), /[dy]|m(?!.*[0#])|h.*m/i.test(code));
      } else if (name === 'cellXfs') inCells = true;
      else if (name === 'xf' && inCells) {
        const id = Number(attribute(attributes, 'numFmtId') ?? 0);
        isDate.push(custom.get(id) ?? isBuiltInDate(id));
      }
    },
    close: name => {
      if (name === 'cellXfs') inCells = false;
    },
  });
  return isDate;
}

/** The rows of a sheet that have content, with the numbers that Excel shows. */
async function* readSheet(book: Book, { part }: Sheet): AsyncGenerator<Stretch> {
  const decoder = new StringDecoder('utf8');
  const sheet = new SheetReader(book);
  for await (const { bytes, read } of book.zip.read(part)) {
    sheet.write(decoder.write(bytes));
    yield { rows: sheet.take(), read };
  }
  if (!sheet.isAtEnd) throw damaged(book.zip.path);
}

/** Excel's last column, XFD. */
const mostColumns = 16_384;

class SheetReader {
  readonly #book: Book;
  readonly #xml: XmlReader;
  #rows: Row[] = [];
  #line = 0;
  #cells: string[] = [];
  #size = 0;
  #column = -1;
  #type = '';
  #style = 0;
  #value = '';
  #reads = false;
  #inPhonetic = false;
  #hasEnded = false;

  constructor(book: Book) {
    this.#book = book;
    this.#xml = new XmlReader({
      open: (name, attributes) => this.#open(name, attributes),
      text: text => {
        if (this.#reads && !this.#inPhonetic) this.#value += text;
      },
      close: name => this.#close(name),
    });
  }

  get isAtEnd(): boolean {
    return this.#hasEnded;
  }

  write(text: string): void {
    this.#xml.write(text);
  }

  take(): Row[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  #open(name: string, attributes: string): void {
    if (name === 'c') {
      const at = attribute(attributes, 'r');
      this.#column = at ? columnOf(at) : this.#column + 1;
      this.#type = attribute(attributes, 't') ?? 'n';
      this.#style = Number(attribute(attributes, 's') ?? 0);
      this.#value = '';
    } else if (name === 'v' || name === 't') this.#reads = true;
    else if (name === 'rPh') this.#inPhonetic = true;
    else if (name === 'row') {
      this.#line = Number(attribute(attributes, 'r') ?? this.#line + 1);
      this.#cells = [];
      this.#size = 0;
      this.#column = -1;
    }
  }

  #close(name: string): void {
    if (name === 'v' || name === 't') this.#reads = false;
    else if (name === 'rPh') this.#inPhonetic = false;
    else if (name === 'c' && this.#value && this.#column < mostColumns) this.#put(this.#text());
    else if (name === 'row' && this.#cells.length) this.#rows.push({ line: this.#line, cells: this.#cells });
    else if (name === 'worksheet') this.#hasEnded = true;
  }

  #put(text: string): void {
    this.#size += text.length;
    if (this.#size > longestRow) throw new Broken('bad_xml', 'a row is too long');
    while (this.#cells.length < this.#column) this.#cells.push('');
    this.#cells[this.#column] = text;
  }

  #text(): string {
    const value = this.#value;
    if (this.#type === 's') return this.#book.texts.at(Number(value));
    if (this.#type === 'str' || this.#type === 'inlineStr') return plain(value);
    if (this.#type === 'b') return value === '1' ? 'TRUE' : 'FALSE';
    if (this.#type === 'e') return '';
    if (this.#type === 'd') return value.replace(/T00:00(:00(\.0+)?)?Z?$/, '');
    const number = Number(value);
    if (!Number.isFinite(number)) return value;
    if (this.#book.isDate[this.#style]) return dateText(number, this.#book.epoch);
    return Number.isInteger(number) ? BigInt(number).toString() : String(number);
  }
}

function columnOf(at: string): number {
  let column = 0;
  for (let i = 0; i < at.length; i++) {
    const letter = (at.charCodeAt(i) | 32) - 96;
    if (letter < 1 || letter > 26) break;
    column = column * 26 + letter;
  }
  return column - 1;
}

const minutesADay = 1440;

/** A serial day as ISO text, with its time where it has one. */
function dateText(serial: number, epoch: Temporal.PlainDate): string {
  if (serial < 0 || serial > 2_958_465) return String(serial); // beyond the year 9999 it is no date to Excel either
  const minutes = Math.round(serial * minutesADay);
  const date = epoch.add({ days: Math.floor(minutes / minutesADay) });
  const rest = minutes % minutesADay;
  if (!rest) return date.toString();
  const time = Temporal.PlainTime.from('00:00').add({ minutes: rest }).toString({ smallestUnit: 'minute' });
  return serial < 1 ? time : `${date} ${time}`;
}
