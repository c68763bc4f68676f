import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createInflateRaw } from 'node:zlib';
import { Refused } from '../../errors.ts';

/** The parts of a ZIP archive by its central directory, unpacked as streams. What an archive says of its sizes is not believed. */

export interface Part {
  name: string;
  method: number;
  /** Bytes in the archive. */
  packed: number;
  offset: number;
}

/** Bytes of a part as it is unpacked, and how many of its packed bytes that took. */
export interface Unpacked {
  bytes: Buffer;
  read: number;
}

/** A 1,048,576-row sheet of 30 columns is about this. */
const mostUnpacked = 3_000_000_000;
/** Sheets pack 10 : 1 to 60 : 1; bombs, as dense as the format allows, about 1,000 : 1. Small parts may be of any density. */
const densest = 250;
const anyDensityBelow = 20_000_000;
const mostParts = 10_000;

export const damaged = (path: string, cause?: unknown): Refused =>
  new Refused('file_damaged', `The file ${path} is damaged or cut off. Get it again, or open it and save it as CSV.`, { cause });

const bomb = (path: string): Refused =>
  new Refused('file_too_large', `The file ${path} unpacks to far more than a list of people. Save the sheet you need as CSV.`);

export class Zip {
  readonly path: string;
  readonly parts: ReadonlyMap<string, Part>;

  private constructor(path: string, parts: ReadonlyMap<string, Part>) {
    this.path = path;
    this.parts = parts;
  }

  /** @throws Refused `file_damaged` */
  static async open(path: string): Promise<Zip> {
    const file = await open(path);
    try {
      const parts = await directory(file, path);
      return new Zip(path, parts);
    } finally {
      await file.close();
    }
  }

  /** @throws Refused `file_damaged`, `file_too_large` */
  async *read(part: Part): AsyncGenerator<Unpacked> {
    const start = await dataOf(this.path, part);
    const packed = createReadStream(this.path, { start, end: start + part.packed - 1 });
    if (part.method !== 0 && part.method !== 8) throw damaged(this.path);
    if (part.packed === 0) return;
    const stream = part.method === 0 ? packed : packed.pipe(createInflateRaw({ chunkSize: 65_536 }));
    packed.once('error', error => stream.destroy(error));
    let unpacked = 0;
    try {
      for await (const bytes of stream as AsyncIterable<Buffer>) {
        unpacked += bytes.length;
        if (unpacked > mostUnpacked || (unpacked > anyDensityBelow && unpacked > part.packed * densest)) throw bomb(this.path);
        yield { bytes, read: packed.bytesRead };
      }
    } catch (error) {
      throw error instanceof Refused ? error : damaged(this.path, error);
    } finally {
      packed.destroy();
      stream.destroy();
    }
  }

  /** A small part as text; undefined where there is none. */
  async text(name: string, most = 10_000_000): Promise<string | undefined> {
    const part = this.parts.get(name);
    if (!part) return undefined;
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const { bytes } of this.read(part)) {
      size += bytes.length;
      if (size > most) throw bomb(this.path);
      pieces.push(bytes);
    }
    return Buffer.concat(pieces)
      .toString('utf8')
      .replace(/^\ufeff/, '');
  }
}

async function at(file: FileHandle, path: string, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw damaged(path);
  return buffer;
}

/** Where the packed bytes of a part begin: after its own header, whose lengths may differ from the directory's. */
async function dataOf(path: string, { offset }: Part): Promise<number> {
  const file = await open(path);
  try {
    const header = await at(file, path, offset, 30);
    if (header.readUInt32LE(0) !== 0x04034b50) throw damaged(path);
    return offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await file.close();
  }
}

async function directory(file: FileHandle, path: string): Promise<Map<string, Part>> {
  const { size } = await file.stat();
  const tail = await at(file, path, Math.max(0, size - 65_557), Math.min(size, 65_557));
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0 || end + 22 > tail.length) throw damaged(path);
  let [count, bytes, start] = [tail.readUInt16LE(end + 10), tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  const wide = tail.lastIndexOf(Buffer.from('PK\x06\x07', 'latin1'));
  if (wide >= 0 && wide + 20 === end) {
    const record = await at(file, path, asNumber(tail, wide + 8, path), 56); // ZIP64: some writers always use it
    if (record.readUInt32LE(0) !== 0x06064b50) throw damaged(path);
    [count, bytes, start] = [asNumber(record, 32, path), asNumber(record, 40, path), asNumber(record, 48, path)];
  }
  if (count > mostParts || bytes > 10_000_000) throw bomb(path);
  if (start + bytes > size) throw damaged(path);
  return partsOf(await at(file, path, start, bytes), count, path);
}

function partsOf(entries: Buffer, count: number, path: string): Map<string, Part> {
  const parts = new Map<string, Part>();
  for (let n = 0, from = 0; n < count; n++) {
    if (from + 46 > entries.length || entries.readUInt32LE(from) !== 0x02014b50) throw damaged(path);
    const [nameLength, extraLength, noteLength] = [28, 30, 32].map(field => entries.readUInt16LE(from + field)) as [
      number,
      number,
      number,
    ];
    const extraAt = from + 46 + nameLength;
    const name = entries.toString('utf8', from + 46, extraAt).replaceAll('\\', '/');
    const part = { name, method: entries.readUInt16LE(from + 10), ...sizesOf(entries, from, extraAt, extraLength, path) };
    parts.set(name, part);
    from = extraAt + extraLength + noteLength;
  }
  return parts;
}

/** Sizes that do not fit are in an extra field, in a fixed order, only those that do not fit. */
function sizesOf(entries: Buffer, from: number, extraAt: number, extraLength: number, path: string) {
  const full = 0xffffffff;
  let [packed, unpacked, offset] = [20, 24, 42].map(field => entries.readUInt32LE(from + field)) as [number, number, number];
  for (let field = extraAt; field + 4 <= Math.min(extraAt + extraLength, entries.length); ) {
    const length = entries.readUInt16LE(field + 2);
    if (entries.readUInt16LE(field) === 1) {
      let value = field + 4;
      const next = (): number => {
        value += 8;
        return asNumber(entries, value - 8, path);
      };
      if (unpacked === full) unpacked = next();
      if (packed === full) packed = next();
      if (offset === full) offset = next();
    }
    field += 4 + length;
  }
  return { packed, offset };
}

function asNumber(bytes: Buffer, position: number, path: string): number {
  if (position + 8 > bytes.length) throw damaged(path);
  const value = Number(bytes.readBigUInt64LE(position));
  if (!Number.isSafeInteger(value)) throw damaged(path);
  return value;
}
