import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import iconv from 'iconv-lite';
import { NotFound, Refused } from '../../errors.ts';

/** A file as text, whatever program wrote it: UTF-8, UTF-16 or Windows-1252, with `\n` for every line end. */

export interface Piece {
  text: string;
  /** Bytes of the file read so far. */
  read: number;
}

/** The file's text in pieces of about 64 KB, so that memory stays flat. @throws NotFound, Refused where it cannot be read as text */
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

const asLines = (text: string): string => text.replace(/\r\n?/g, '\n');

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

async function encodingOf(path: string): Promise<string> {
  const file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0).finally(() => file.close());
  const start = buffer.subarray(0, bytesRead);
  if (start.subarray(0, 4).toString('latin1') === 'PK\x03\x04')
    throw new Refused('not_text', `${path} is a spreadsheet or an archive. Save it as CSV first, then import that.`);
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf16le';
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf16be';
  const zeros = [0, 1].map(parity => start.filter((byte, at) => byte === 0 && at % 2 === parity).length);
  if (zeros[1]! > start.length / 4) return 'utf16le';
  if (zeros[0]! > start.length / 4) return 'utf16be';
  return (await isUtf8(path)) ? 'utf8' : 'win1252';
}

/** Reads it all: a name with an accent may be in the last row. 100 MB take about a tenth of a second. */
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
