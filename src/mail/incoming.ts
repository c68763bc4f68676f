import { type ParsedMail, simpleParser } from 'mailparser';
import type { IncomingMail } from '../domain/ports.ts';
import { readBounce } from './bounces.ts';

/** Reads one message of a mailbox. Whoever wrote it may have meant harm: everything is bounded, and nothing that it holds is run. */

/** Of each message, this much is looked at: its text mostly comes first, its attachments after. */
export const sourceLimit = 256 * 1024;
const textLimit = 100_000;
const headerLimit = 2_000;
const mostHeaders = 200;
const mostIds = 100;

export interface Fetched {
  uid: number;
  /** Its beginning, `sourceLimit` bytes at most. */
  source: Buffer;
  /** Parts that are its text, each with its own headers, where its beginning holds none. */
  texts?: readonly Buffer[];
  receivedAt: Temporal.Instant;
}

/** Never fails: of what cannot be read as MIME, the headers that can be made out are kept. */
export async function readIncoming({ uid, source, texts = [], receivedAt }: Fetched): Promise<IncomingMail> {
  const parsed = await parse(source.subarray(0, sourceLimit));
  const headers = headersOf(parsed?.headerLines.map(({ line }) => line) ?? linesOf(source));
  const from = parsed?.from?.value.find(({ address }) => address) ?? null;
  const parts = await Promise.all(texts.map(parse));
  const said = [parsed, ...parts].map(each => each?.text?.trimEnd() ?? '').filter(Boolean);
  const text = clean(texts.length ? said.join('\n\n') : (parsed?.text ?? '')).slice(0, textLimit);
  const subject = oneLine(parsed?.subject ?? headers.subject ?? '').slice(0, 1_000);
  const [inReplyTo = null] = idsIn(headers['in-reply-to']);
  const references = idsIn(headers.references);
  const fromAddress = from?.address ? oneLine(from.address).slice(0, 320) : (addressIn(headers.from) ?? null);
  const raw = source.toString('latin1', 0, sourceLimit);
  return {
    uid,
    mailId: idsIn(headers['message-id'])[0] ?? null,
    from: fromAddress === null ? null : { name: from?.name ? oneLine(from.name).slice(0, 320) : null, address: fromAddress },
    to: recipientsOf(parsed),
    subject,
    text,
    inReplyTo,
    references,
    receivedAt,
    headers,
    bounce: readBounce({
      ...{ from: fromAddress, subject, text, headers, inReplyTo, references },
      statuses: statusesOf(parsed),
      raw: raw.slice(/\r?\n\r?\n/.exec(raw)?.index ?? 0),
    }),
  };
}

async function parse(source: Buffer): Promise<ParsedMail | null> {
  try {
    return await simpleParser(source, {
      keepDeliveryStatus: true,
      skipImageLinks: true,
      skipTextToHtml: true,
      maxHtmlLengthToParse: textLimit,
      maxChildNodes: 200,
      checksumAlgo: false,
    });
  } catch {
    return null;
  }
}

const statusesOf = (parsed: ParsedMail | null): string[] =>
  (parsed?.attachments ?? [])
    .filter(({ contentType }) => /^message\/(global-)?delivery-status$/i.test(contentType))
    .map(({ content }) => content.toString('utf8'));

function recipientsOf(parsed: ParsedMail | null): string[] {
  const groups = [parsed?.to, parsed?.cc].flat();
  const addresses = groups.flatMap(group => group?.value.map(({ address }) => oneLine(address ?? '').toLowerCase()) ?? []);
  return [...new Set(addresses.filter(Boolean))].slice(0, 50);
}

/** Header lines of a message that is no MIME, unfolded. */
const linesOf = (source: Buffer): string[] =>
  source
    .toString('latin1', 0, 64 * 1024)
    .split(/\r?\n\r?\n/, 1)[0]!
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/);

/** By lower-case name; of one that is there twice, the first. */
function headersOf(lines: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines.slice(0, mostHeaders)) {
    const field = /^([\x21-\x39\x3b-\x7e]{1,100})[ \t]*:([\s\S]*)$/.exec(line);
    const [, name, value] = field ?? [];
    const key = name?.toLowerCase();
    if (!key || value === undefined || headers.has(key)) continue;
    headers.set(key, oneLine(value).slice(0, key === 'references' ? 50_000 : headerLimit));
  }
  return Object.fromEntries(headers);
}

const idsIn = (value: string | undefined): string[] => (value?.match(/<[^<>\s]{1,900}>/g) ?? []).slice(-mostIds);

const addressIn = (value: string | undefined): string | undefined => /[^\s<>,;:"()]+@[^\s<>,;:"()]+/.exec(value ?? '')?.[0];

/** A database takes no NUL and no half of a surrogate pair; a person needs no other control characters either. */
const clean = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '');

const oneLine = (text: string): string => clean(text).replace(/\s+/g, ' ').trim();
