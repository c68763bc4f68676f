import { createHash } from 'node:crypto';
import { foldName } from '../../nearest.ts';
import { type IncomingMail, type ReplyCategory, replyCategories } from '../ports.ts';

/** What a reply means for the run that it answers: one table. What E3 does not allow any more is left undone, and said. */

/** What a category does to the run. */
export interface Consequence {
  run: 'replied' | 'stopped' | 'paused' | 'unsubscribed' | 'bounced';
  /** Stored with the run; `why` says it. */
  reason: string;
  /** What becomes of the lead's address. */
  address?: 'invalid' | 'bounced';
}

const answered: Consequence = { run: 'replied', reason: 'human_reply' };

export const consequences: Readonly<Record<ReplyCategory, Consequence>> = {
  interested: answered,
  meeting: answered,
  not_interested: answered,
  bad_timing: answered,
  referral: answered,
  wrong_person: answered,
  left_company: { run: 'stopped', reason: 'left_company', address: 'invalid' },
  out_of_office: { run: 'paused', reason: 'out_of_office' },
  unsubscribe: { run: 'unsubscribed', reason: 'opt_out' },
  bounced: { run: 'bounced', reason: 'bad_address', address: 'bounced' },
  other: answered,
};

/** An absence that names no end pauses for this many days. */
export const usualAbsenceDays = 7;
/** A run pauses under this reason while a model reads the reply. */
export const beingRead = 'reply_being_read';
/** This many messages in a row that bounced softly end a run as one that bounced for good. */
export const softBounces = 3;

/** What was done about a reply. */
export type Outcome = 'replied' | 'paused' | 'stopped' | 'unsubscribed' | 'bounced' | 'deferred' | 'resumed' | 'none';
export type Kind = 'human' | 'automatic' | 'bounce' | 'own' | 'unmatched';
export type DecidedBy = 'headers' | 'phrases' | 'model' | 'human';

export const isCategory = (value: unknown): value is ReplyCategory => (replyCategories as readonly unknown[]).includes(value);

/** Does the category say that a person answered, rather than a machine? */
export const isHuman = (category: ReplyCategory): boolean => category !== 'out_of_office' && category !== 'bounced';

/** Categories as people read them. */
export const categoryWords: Readonly<Record<ReplyCategory, string>> = {
  interested: 'interested',
  meeting: 'wants to meet',
  not_interested: 'not interested',
  bad_timing: 'not now',
  referral: 'names somebody else',
  wrong_person: 'the wrong person',
  left_company: 'left the company',
  out_of_office: 'out of office',
  unsubscribe: 'opted out',
  bounced: 'bounced',
  other: 'something else',
};

/** `<id@host>` as the ledger stores it; what is no Message-ID is null. */
export function normalMailId(written: string | null | undefined): string | null {
  const inner = /[^<>\s]{1,900}/.exec(written ?? '')?.[0];
  return inner ? `<${inner}>` : null;
}

/** What a mail without a Message-ID is known again by. */
export const contentHash = ({ from, subject, text, headers }: IncomingMail): string =>
  createHash('sha256')
    .update(JSON.stringify([from, subject, text, Object.entries(headers).toSorted()]))
    .digest('hex');

/** Text as a database and a reader can hold it. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '').replace(/\r\n?/g, '\n');

/** A reply's own words are kept up to this many characters. */
const bodyLimit = 20_000;

/** How mail programs introduce what they quote. */
export interface Quoting {
  /** A line above what is quoted: "On … Ada wrote:". */
  heading: readonly RegExp[];
  /** A line below which everything is quoted. */
  cut: readonly RegExp[];
}

/**
 * A mail's own words, without what it quotes and without its signature. `sent`: what it answers; its lines are left out wherever they
 * stand, so that our own opt-out line is never taken for a wish to opt out.
 */
export function ownWords(text: string, sent: string | null, { heading, cut }: Quoting): string {
  const ours = linesOf(sent, text);
  const lines = storable(text).slice(0, 100_000).split('\n');
  const kept: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.trim();
    if (line.startsWith('>')) continue;
    if (!line) {
      kept.push('');
      continue;
    }
    if (/^-- ?$/.test(lines[at]!) || cut.some(rule => rule.test(plain(line)))) break;
    const isHeading = headingAt(lines, at, heading);
    if (isHeading) {
      // A quotation with marks goes line by line, and whatever is written below it stays; one without marks takes the rest.
      if (!lines.slice(at + isHeading).some(below => below.trimStart().startsWith('>'))) break;
      at += isHeading - 1;
      continue;
    }
    if (ours.has(foldName(line))) continue;
    kept.push(lines[at]!.trimEnd());
  }
  return kept
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
    .slice(0, bodyLimit)
    .toWellFormed();
}

/** Our own lines, where the text holds one that nobody else would write; then the short ones around it are ours too. */
function linesOf(sent: string | null, text: string): ReadonlySet<string> {
  const ours = (sent ?? '').split('\n').map(foldName).filter(Boolean);
  const theirs = new Set(text.split('\n', 5_000).map(foldName));
  return new Set(ours.some(line => line.length >= 20 && theirs.has(line)) ? ours : []);
}

/** Lower case, accents off, the rest as it is. */
const plain = (line: string): string => line.slice(0, 400).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** How many lines a heading takes here: programs break long ones in two. 0: there is none. */
function headingAt(lines: readonly string[], at: number, heading: readonly RegExp[]): number {
  const one = plain(lines[at]!.trim());
  if (heading.some(rule => rule.test(one))) return 1;
  const two = plain(`${lines[at]!.trim()} ${(lines[at + 1] ?? '').trim()}`);
  return one && heading.some(rule => rule.test(two)) && /^(on|am|le|el|il|em|op|w dniu)\b/.test(one) ? 2 : 0;
}
