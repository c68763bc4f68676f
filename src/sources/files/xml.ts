import { Broken } from '../../errors.ts';

/** Reads the XML of a workbook in pieces. Only what workbooks are made of: a document type, and so entities of its own, is not. */

export interface XmlEvents {
  /** An element begins; names come without their prefix, attributes as they are written (`attribute` reads one). */
  open(name: string, attributes: string): void;
  text(text: string): void;
  close(name: string): void;
}

/** A node longer than this is no cell: Excel's hold 32,767 characters. */
const longestNode = 1_000_000;

const tagEnd = /[^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*>/y;

export class XmlReader {
  readonly #events: XmlEvents;
  #held = '';

  constructor(events: XmlEvents) {
    this.#events = events;
  }

  /** @throws Broken `bad_xml` */
  write(piece: string): void {
    const text = this.#held + piece;
    let at = 0;
    while (at < text.length) {
      const next = text[at] === '<' ? this.#markup(text, at) : this.#characters(text, at);
      if (next < 0) break;
      at = next;
    }
    this.#held = text.slice(at);
    if (this.#held.length > longestNode) throw new Broken('bad_xml', 'a node is too long');
  }

  #characters(text: string, at: number): number {
    const end = text.indexOf('<', at);
    if (end < 0) return -1;
    this.#events.text(decode(text.slice(at, end)));
    return end;
  }

  #markup(text: string, at: number): number {
    const second = text[at + 1];
    if (second === undefined) return -1;
    if (second === '?') return after(text, '?>', at);
    if (second === '!') return this.#declaration(text, at);
    tagEnd.lastIndex = at + 1;
    if (!tagEnd.test(text)) return -1;
    const end = tagEnd.lastIndex;
    const isEmpty = text[end - 2] === '/';
    const inner = text.slice(at + (second === '/' ? 2 : 1), end - (isEmpty ? 2 : 1));
    const space = inner.search(/\s/);
    const name = localName(space < 0 ? inner : inner.slice(0, space));
    if (second === '/') this.#events.close(name);
    else {
      this.#events.open(name, space < 0 ? '' : inner.slice(space));
      if (isEmpty) this.#events.close(name);
    }
    return end;
  }

  #declaration(text: string, at: number): number {
    if (text.startsWith('<!--', at)) return after(text, '-->', at + 4);
    if (text.startsWith('<![CDATA[', at)) {
      const end = text.indexOf(']]>', at);
      if (end < 0) return -1;
      this.#events.text(text.slice(at + 9, end));
      return end + 3;
    }
    if (text.length - at < 9) return -1;
    throw new Broken('bad_xml', 'a document type is not part of a workbook');
  }
}

function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? -1 : found + mark.length;
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name) return entities[name] ?? whole;
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

const patterns = new Map<string, RegExp>();

/** The value of an attribute, by its name without a prefix; undefined where it is absent. */
export function attribute(attributes: string, name: string): string | undefined {
  let pattern = patterns.get(name);
  if (!pattern) {
    pattern = new RegExp(`\\s(?:[\\w.-]+:)?${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`);
    patterns.set(name, pattern);
  }
  const found = pattern.exec(attributes);
  return found ? decode(found[1] ?? found[2]!) : undefined;
}

/** Reads a whole small document. */
export function readXml(document: string, events: Partial<XmlEvents>): void {
  const ignore = () => {};
  const reader = new XmlReader({ open: ignore, text: ignore, close: ignore, ...events });
  reader.write(document);
}
