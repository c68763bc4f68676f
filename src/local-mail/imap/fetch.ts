import addressparser from 'nodemailer/lib/addressparser';
import { bodyStart, headerOf, headersOf } from '../headers.ts';
import type { StoredMail } from '../store.ts';
import { asLiteral, asString, BadCommand, textOf, type Word } from './words.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** An instant as IMAP writes it, in UTC: '23-Nov-2026 03:19:43 +0000'. */
export function internalDate(at: Temporal.Instant): string {
  const { day, month, year, hour, minute, second } = at.toZonedDateTimeISO('UTC');
  const time = [hour, minute, second].map(n => String(n).padStart(2, '0')).join(':');
  return `${String(day).padStart(2, ' ')}-${months[month - 1]}-${year} ${time} +0000`;
}

/** A date of a search ('1-Feb-2026'). @throws BadCommand */
export function readDate(text: string): Temporal.PlainDate {
  const [, day, name = '', year] = /^(\d{1,2})-([A-Z]{3})-(\d{4})$/i.exec(text) ?? [];
  const month = months.findIndex(each => each.toLowerCase() === name.toLowerCase()) + 1;
  if (!month || !Number(day)) throw new BadCommand(`${text.slice(0, 50)} is not a date.`);
  return Temporal.PlainDate.from({ year: Number(year), month, day: Number(day) });
}

const orNil = (value: string | undefined): string => (value === undefined ? 'NIL' : asString(value));

function addressList(value: string | undefined): string {
  if (value === undefined) return 'NIL';
  const all = addressparser(value, { flatten: true }).map(({ name, address }) => {
    const [local, host] = [address.slice(0, address.lastIndexOf('@')), address.slice(address.lastIndexOf('@') + 1)];
    return `(${name ? asString(name) : 'NIL'} NIL ${asString(local)} ${asString(host)})`;
  });
  return all.length ? `(${all.join('')})` : 'NIL';
}

function envelope({ raw }: StoredMail): string {
  const headers = headersOf(raw);
  const of = (name: string) => {
    const value = headerOf(headers, name);
    return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('utf8');
  };
  const from = addressList(of('from'));
  const others = ['sender', 'reply-to'].map(name => (of(name) === undefined ? from : addressList(of(name))));
  const to = ['to', 'cc', 'bcc'].map(name => addressList(of(name)));
  return `(${[orNil(of('date')), orNil(of('subject')), from, ...others, ...to, orNil(of('in-reply-to')), orNil(of('message-id'))].join(' ')})`;
}

/** The bytes that a section names. @throws BadCommand for the parts of a message, which this server does not take apart. */
function section({ raw }: StoredMail, name: string): Buffer {
  const start = bodyStart(raw);
  if (name === '') return raw;
  if (/^header$/i.test(name)) return raw.subarray(0, start);
  if (/^text$/i.test(name)) return raw.subarray(start);
  const fields = /^header\.fields(\.not)? \(([^()]*)\)$/i.exec(name);
  if (!fields) throw new BadCommand(`This server keeps whole messages; it has no section ${name.slice(0, 50)}.`);
  const wanted = new Set(
    fields[2]!
      .toLowerCase()
      .split(' ')
      .map(field => field.replaceAll('"', '')),
  );
  const chosen = headersOf(raw).filter(header => wanted.has(header.name.toLowerCase()) !== Boolean(fields[1]));
  return Buffer.from(`${chosen.map(header => header.lines).join('')}\r\n`, 'latin1');
}

const macros: Record<string, string[]> = {
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
};

/** The items of a FETCH, one by one; a UID FETCH tells the UID whether asked or not. */
export function itemsOf(word: Word | undefined, { withUid }: { withUid: boolean }): string[] {
  const names = Array.isArray(word) ? word.map(each => textOf(each, 'An item')) : [textOf(word, 'What to fetch')];
  const items = names.length === 1 ? (macros[names[0]!.toUpperCase()] ?? names) : names;
  return withUid && !items.some(item => /^uid$/i.test(item)) ? ['UID', ...items] : items;
}

/** One item of a message as `NAME value`. No flags are kept, so none is ever set. @throws BadCommand where it is unknown */
export function fetchItem(mail: StoredMail, item: string): string {
  const name = item.toUpperCase();
  switch (name) {
    case 'UID':
      return `UID ${mail.uid}`;
    case 'FLAGS':
      return 'FLAGS ()';
    case 'INTERNALDATE':
      return `INTERNALDATE "${internalDate(mail.at)}"`;
    case 'RFC822.SIZE':
      return `RFC822.SIZE ${mail.raw.length}`;
    case 'ENVELOPE':
      return `ENVELOPE ${envelope(mail)}`;
    case 'RFC822':
      return `RFC822 ${asLiteral(mail.raw)}`;
    case 'RFC822.HEADER':
      return `RFC822.HEADER ${asLiteral(section(mail, 'HEADER'))}`;
    case 'RFC822.TEXT':
      return `RFC822.TEXT ${asLiteral(section(mail, 'TEXT'))}`;
  }
  const body = /^BODY(?:\.PEEK)?\[([^\]]*)\](?:<(\d+)\.(\d+)>)?$/i.exec(item);
  if (!body) throw new BadCommand(`This server cannot fetch ${item.slice(0, 50)}.`);
  const [, part = '', origin, length] = body;
  const bytes = section(mail, part);
  if (origin === undefined) return `BODY[${part}] ${asLiteral(bytes)}`;
  const from = Number(origin);
  return `BODY[${part}]<${from}> ${asLiteral(bytes.subarray(from, from + Number(length)))}`;
}
