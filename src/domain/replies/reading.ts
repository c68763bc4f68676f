import { foldName } from '../../nearest.ts';
import type { IncomingMail, ReplyCategory } from '../ports.ts';
import { lastDayAway } from './dates.ts';
import { beginsWithWish, isWish, says, saysWish } from './leaving.ts';
import phrases from './phrases.json' with { type: 'json' };
import { type DecidedBy, type Kind, ownWords, type Quoting } from './rules.ts';

/** What headers and phrases tell of a mail, before anybody reads it. Pure; the phrases are data (phrases.json). */

export interface Verdict {
  kind: Extract<Kind, 'human' | 'automatic' | 'bounce'>;
  /** Null: only reading it can tell. */
  category: ReplyCategory | null;
  by: DecidedBy | null;
  /** The last day of an absence, where it names one. */
  until: Temporal.PlainDate | null;
  /** A bounce that may pass: the mailbox is full, the server was away, a policy refused it. */
  isSoft: boolean;
}

const quoting: Quoting = {
  heading: phrases.quoted.heading.map(rule => new RegExp(rule, 'u')),
  cut: phrases.quoted.cut.map(rule => new RegExp(rule, 'u')),
};

const folded = (all: readonly string[]): readonly string[] => all.map(foldName);
const known = {
  absentSubject: folded(phrases.absentSubject),
  absent: folded(phrases.absent),
  acknowledged: folded(phrases.acknowledged),
  marks: { until: phrases.until, back: phrases.back },
  categories: Object.entries(phrases.categories).map(([category, all]) => [category as ReplyCategory, folded(all)] as const),
};

/** An absence is said at the beginning; what stands far below is rarely meant. */
const opening = 400;
/** A longer text says more than one thing, and no phrase settles it. */
const settledWords = 60;

/** The reply's own words; `sent` is the text that it answers, where that is known. */
export const wordsOf = (mail: Pick<IncomingMail, 'text'>, sent: string | null): string => ownWords(mail.text, sent, quoting);

/**
 * Did a machine send it, by its headers (RFC 3834 and what was there before)? `vacation`: one that answers for a person. `list`: a list's
 * or bulk mail, by nothing else; lists say so of what people write to them, too.
 */
export function machineOf(headers: Record<string, string>): 'vacation' | 'machine' | 'list' | null {
  const value = (name: string) => (headers[name] ?? '').trim().toLowerCase();
  const submitted = value('auto-submitted');
  if (submitted.startsWith('auto-replied')) return 'vacation';
  for (const name of ['x-autoreply', 'x-autorespond', 'x-autoresponder'])
    if (value(name) && value(name) !== 'no') return 'vacation';
  const precedence = value('precedence');
  if (/^auto[_-]?reply/.test(precedence)) return 'vacation';
  if (submitted && !submitted.startsWith('no')) return 'machine';
  if (precedence === 'junk' || value('return-path') === '<>') return 'machine';
  return /^(bulk|list)$/.test(precedence) || value('list-id') ? 'list' : null;
}

/** Did its server find the From forged (the topmost Authentication-Results, RFC 8601)? */
export const isForged = (headers: Record<string, string>): boolean =>
  /\bdmarc\s*=\s*fail\b/i.test(headers['authentication-results'] ?? '');

/**
 * Decides as much as headers and phrases can (D4). `body` is its own words; `on` the local date on which it came. `isThreaded`: it names a
 * message of ours, so that somebody has answered it, also where the answer took its way through a list.
 */
export function judge(
  mail: Pick<IncomingMail, 'subject' | 'headers' | 'bounce'>,
  body: string,
  on: Temporal.PlainDate,
  { isThreaded = false } = {},
): Verdict {
  if (mail.bounce) return judgeBounce(mail.bounce);
  const subject = foldName(mail.subject.slice(0, 300));
  const text = foldName(body.slice(0, 4_000));
  const start = text.slice(0, opening);
  const sentBy = machineOf(mail.headers);
  const sent = sentBy === 'list' && isThreaded ? null : sentBy;
  const isAbsentSubject = known.absentSubject.some(phrase => subject === phrase || subject.startsWith(`${phrase} `));
  const away = () => lastDayAway(`${mail.subject}\n${body}`, on, known.marks);
  const verdict = (
    kind: Verdict['kind'],
    category: ReplyCategory | null,
    by: DecidedBy | null,
    until = null as Verdict['until'],
  ) => ({
    ...{ kind, category, by, until, isSoft: false },
  });

  // What a mail program sends for its "unsubscribe" button has this subject, and often a machine's body and headers.
  if (isWish(mail.subject) || (isThreaded && beginsWithWish(body))) return verdict('human', 'unsubscribe', 'phrases');
  if (sent || isAbsentSubject) {
    const left = known.categories.find(([category]) => category === 'left_company')![1];
    if (says(text, left)) return verdict('automatic', 'left_company', 'phrases');
    if (isAbsentSubject || says(text, known.absent)) return verdict('automatic', 'out_of_office', 'phrases', away());
    if (sent !== 'vacation' || says(`${subject} ${text}`, known.acknowledged)) return verdict('automatic', 'other', 'headers');
    return verdict('automatic', 'out_of_office', 'headers', away());
  }
  if (beginsWithWish(body) || saysWish(body, on)) return verdict('human', 'unsubscribe', 'phrases');
  if (says(start, known.absent) && !body.slice(0, 4_000).includes('?'))
    return verdict('automatic', 'out_of_office', 'phrases', away());
  const category = text.split(' ').length <= settledWords ? settled(text) : null;
  return verdict('human', category, category && 'phrases');
}

/** The one category whose phrases a short text says; "not interested" is not "interested". */
function settled(text: string): ReplyCategory | null {
  const said = known.categories.filter(([, all]) => says(text, all)).map(([category]) => category);
  const meant = said.includes('not_interested') ? said.filter(category => category !== 'interested') : said;
  return meant.length === 1 ? meant[0]! : null;
}

/** What a delivery status notification says: failed for good, failed for now, or only late or delivered (RFC 3464). */
function judgeBounce({ action, status, diagnostic }: NonNullable<IncomingMail['bounce']>): Verdict {
  if (action.trim().toLowerCase() !== 'failed')
    return { kind: 'automatic', category: 'other', by: 'headers', until: null, isSoft: false };
  const code = status ?? /\b([45])(?:\d\d\b|\.\d{1,3}\.\d{1,3})/.exec(diagnostic ?? '')?.[0] ?? '';
  // 5.2.2: the mailbox is full; 5.7: a policy refused the message, which says nothing of the address.
  const isSoft = !code.startsWith('5') || /^5\.(2\.2|7\.)/.test(code);
  return { kind: 'bounce', category: 'bounced', by: 'headers', until: null, isSoft };
}
