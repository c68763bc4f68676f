import { createHash, randomBytes } from 'node:crypto';
import { fill, type Unwritable, type Values } from '../sequences/templates.ts';

/** The text of a message as it leaves: subject, body, and what every message carries (S6, S8, D6). Pure, apart from a fresh token. */

/** What a message is written from. */
export interface Draft {
  /** Template of the step's own subject; null for one that answers in the thread. */
  subject: string | null;
  /** Template of the subject that its thread would open with, where it has to open one without having a subject. */
  openingSubject: string | null;
  body: string;
  values: Values;
  /** What has left in the thread so far: the subject as it left, and the Message-IDs, oldest first; null where nothing has. */
  thread: { subject: string; mailIds: readonly string[] } | null;
  sender: { name: string; address: string; signature: string | null };
  optOutLine: string;
  postalAddress: string | null;
  publicUrl: string;
  /** What makes its Message-ID its own, for ever. */
  identity: string;
  /** Of an earlier try, which may have arrived. */
  mailId: string | null;
  optOutToken: string | null;
}

export interface Letter {
  mailId: string;
  optOutToken: string;
  subject: string;
  text: string;
  html: string;
  startsThread: boolean;
  inReplyTo: string | null;
  references: string[];
  headers: Record<string, string>;
}

/**
 * Writes a message for one lead, or says why it cannot be written (S8). Without a subject it answers in the thread: the subject that
 * left there with `Re:`, `In-Reply-To` the step before it and `References` on all of them (S6). A thread in which nothing has left is
 * opened, without a `Re:` that would claim there had been something.
 */
export function write(draft: Draft): Letter | Unwritable {
  const answers = draft.subject === null && draft.thread !== null;
  const head = answers ? 'Re:' : (draft.subject ?? draft.openingSubject ?? '');
  const filled = fill({ head, body: draft.body }, draft.values);
  if ('refused' in filled) return filled;
  const subject = answers ? `Re: ${draft.thread!.subject}` : filled.head;
  const optOutToken = draft.optOutToken ?? randomBytes(24).toString('base64url');
  const optOutUrl = `${draft.publicUrl}/o/${optOutToken}`;
  const foot = [draft.optOutLine, `Opt out: ${optOutUrl}`, draft.postalAddress ?? ''].map(line => line.trim()).filter(Boolean);
  const parts = [filled.body.trim(), draft.sender.signature?.trim() ?? ''].filter(Boolean);
  return {
    mailId: draft.mailId ?? mailIdOf(draft.identity, draft.sender.address),
    optOutToken,
    subject: oneLine(subject),
    text: `${parts.join('\n\n')}\n\n-- \n${foot.join('\n')}\n`,
    html: htmlOf(parts, foot),
    startsThread: !answers,
    inReplyTo: answers ? draft.thread!.mailIds.at(-1)! : null,
    references: answers ? [...draft.thread!.mailIds] : [],
    headers: {
      'List-Unsubscribe': `<${optOutUrl}>, <mailto:${draft.sender.address}?subject=unsubscribe>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
  };
}

/** A header ends at a line break, so nothing that goes into one has any: neither a subject nor a name (RFC 5322). */
export const oneLine = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
  text.replace(/[\s\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim();

/** The Message-ID of something that we send: the same for every try, at the sender's own domain. */
export function mailIdOf(identity: string, address: string): string {
  const unique = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  return `<${unique}@${address.split('@').at(-1)!}>`;
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, character => escapes[character]!);

/** Links that the text names, as links; everything else inert. */
const linked = (text: string): string =>
  text
    .split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/)
    .map((piece, i) => (i % 2 ? `<a href="${escaped(piece)}">${escaped(piece)}</a>` : escaped(piece)))
    .join('');

const paragraphs = (text: string): string =>
  text
    .split(/\n{2,}/)
    .map(paragraph => `<p>${linked(paragraph).replaceAll('\n', '<br>')}</p>`)
    .join('\n');

/** The text as plain HTML: paragraphs and links, no styles, no pictures, nothing that reports back. */
export const htmlOf = (parts: readonly string[], foot: readonly string[] = []): string =>
  `<!doctype html>\n<html><body>\n${parts.map(paragraphs).join('\n')}${
    foot.length ? `\n<hr>\n<p><small>${foot.map(linked).join('<br>')}</small></p>` : ''
  }\n</body></html>\n`;
