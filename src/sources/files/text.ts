import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import iconv from 'iconv-lite';
import { NotFound, Refused } from '../../errors.ts';
import { guessEncoding } from './encodings.ts';

/** A file as text, whatever program wrote it, with `\n` for every line end. */

export interface Piece {
  text: string;
  /** Bytes of the file read so far. */
  read: number;
}

/** The file's text in pieces of about 64 KB, so that memory stays flat. */
export async function* readText(path: string): AsyncGenerator<Piece> {
  const decoder = iconv.getDecoder(await encodingOf(path));
  const stream = createReadStream(path);
  let held = '';
  let read = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    read += chunk.length;
    const text = held + decoder.write(chunk);
    held = text.endsWith('\r') ? '\r' : ''; // its \n may be in the next piece
    yield { text: asLines(held ? text.slice(0, -1) : text), read };
  }
  yield { text: asLines(held + (decoder.end() ?? '')), read };
}

const asLines = (text: string): string => (text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text);

/** Size in bytes. @throws NotFound `no_such_file`, Refused `not_a_file`, `empty_file` */
export async function sizeOf(path: string): Promise<number> {
  const file = await open(path).catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') throw new NotFound('no_such_file', `There is no file ${path}. Check the path.`);
    throw new Refused('file_unreadable', `The file ${path} cannot be opened. Check that you may read it.`, { cause: error });
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Refused('not_a_file', `${path} is not a file. Name the CSV file itself.`);
    if (!stat.size) throw new Refused('empty_file', `The file ${path} is empty.`);
    return stat.size;
  } finally {
    await file.close();
  }
}

/** What other files begin with, in Latin-1, and what they are. */
const others: [start: string, what: string][] = [
  ['\xd0\xcf\x11\xe0', 'an old Excel file (XLS) or one with a password'],
  ['%PDF', 'a PDF'],
  ['\x1f\x8b', 'compressed (gzip)'],
  ['BZh', 'compressed (bzip2)'],
  ['\xfd7zXZ', 'compressed (xz)'],
  ['7z\xbc\xaf', 'compressed (7z)'],
  ['Rar!', 'compressed (RAR)'],
  ['\x89PNG', 'a picture'],
  ['\xff\xd8\xff', 'a picture'],
  ['GIF8', 'a picture'],
  ['SQLite format 3', 'a database'],
  ['PAR1', 'a Parquet file'],
  ['{\\rtf', 'a text document (RTF)'],
];

/** Is the file a workbook's archive or a text? Its content says so, whatever its name. @throws Refused `not_text` for anything else */
export async function recognise(path: string): Promise<'archive' | 'text'> {
  const start = await beginning(path);
  const latin = start.toString('latin1');
  if (latin.startsWith('PK\x03\x04') || latin.startsWith('PK\x05\x06')) return 'archive';
  const other = others.find(([mark]) => latin.startsWith(mark))?.[1] ?? (isMarkup(latin) ? 'a web page or XML' : null);
  // Text holds tabs and line ends, and of other control characters none; UTF-16 holds zeros.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const isBinary = !wideEncoding(start) && /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(latin);
  if (!other && !isBinary) return 'text';
  const what = other ?? 'not a table of people';
  throw new Refused('not_text', `The file ${path} is ${what}. Save it as CSV or XLSX first, then import that.`);
}

const isMarkup = (latin: string): boolean => /^(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml|table)/i.test(latin);

async function beginning(path: string): Promise<Buffer> {
  const file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0).finally(() => file.close());
  return buffer.subarray(0, bytesRead);
}

function wideEncoding(start: Buffer): 'utf16le' | 'utf16be' | null {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf16le';
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf16be';
  const zeros = [0, 1].map(parity => start.filter((byte, at) => byte === 0 && at % 2 === parity).length);
  if (zeros[1]! > start.length / 4) return 'utf16le';
  return zeros[0]! > start.length / 4 ? 'utf16be' : null;
}

/** Reads it all: a name with an accent may be in the last row. 100 MB take about a tenth of a second. */
async function encodingOf(path: string): Promise<string> {
  const wide = wideEncoding(await beginning(path));
  if (wide) return wide;
  return (await isUtf8(path)) ? 'utf8' : guessEncoding(await telling(path));
}

async function isUtf8(path: string): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) decoder.decode(chunk, { stream: true });
    decoder.decode();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** How much is looked at where a file is not Unicode, of the pieces that have other letters than ASCII's. */
const sampleSize = 200_000;

async function telling(path: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    if (!chunk.some(byte => byte > 0x7f)) continue;
    pieces.push(chunk);
    size += chunk.length;
    if (size >= sampleSize) break;
  }
  return Buffer.concat(pieces);
}
