import type { HandOver } from '../domain/ports.ts';

/** What a mail server's refusal means for the message, its recipient and its sender (D5). Pure; a table of real answers is its test. */

/** What it was asked when it refused. `greeting` is everything before signing in; `content` is the answer to the whole message. */
export type Phase = 'greeting' | 'auth' | 'mail' | 'rcpt' | 'data' | 'content';

export interface Reply {
  code: number;
  /** Enhanced status code (RFC 3463), '5.1.1', where it gave one. */
  enhanced: string | null;
  text: string;
}

export type Refusal = Exclude<HandOver['outcome'], 'accepted' | 'unknown' | 'unreachable' | 'bad_certificate'>;

/** Reads a reply of one or more lines; null where it is none, or no refusal. */
export function readReply(response: string): Reply | null {
  const lines = response
    .split(/\r?\n/)
    .map(line => /^([45]\d\d)(?:[ -](?:([245]\.\d{1,3}\.\d{1,3})\s?)?(.*))?$/.exec(line.trim()));
  const first = lines[0];
  if (!first) return null;
  // Gmail writes its enhanced code as '421-4.7.28', Exchange sometimes only within the text.
  const text = lines.map(line => line?.[3] ?? '').join(' ');
  const enhanced = first[2] ?? /(?:^|[\s#(])([45]\.\d{1,3}\.\d{1,3})\b/.exec(text)?.[1] ?? null;
  return { code: Number(first[1]), enhanced, text };
}

/** Daily allowances: what is left today will not get through, tomorrow will. */
const overQuota =
  /daily (user |message |recipient |smtp )?(sending |relay |submission |message )?(limit|quota)|(sending|message|relay|outgoing|submission|recipient) (limit|quota)s? (is |has been |was )?(exceeded|reached)|limit on the number of (recipients|messages)|exceeded .{0,40}(emails?|messages|recipients) (per|a|allowed per) (day|24|hour)|reached (your|the) (daily )?(sending )?limit/i;
/** A box that is full may be emptied. */
const fullMailbox =
  /(mailbox|inbox|user|account|recipient).{0,40}(is |are )?(full|over ?quota|out of storage)|over quota|quota exceeded|exceeded (its |the )?(storage|mailbox|disk)|insufficient (disk|storage)/i;
const unknownUser =
  /(user|recipient|mailbox|address|account|alias).{0,40}(unknown|not found|does ?n.t exist|does not exist|not exist|unavailable|invalid|disabled|inactive|no longer|rejected: undeliverable)|(unknown|no such|invalid|nonexistent|non-existent|unrouteable|unroutable|undeliverable) .{0,20}(user|recipient|mailbox|address|account|person|local part)|doesn.t have a .{1,40} account|no mailbox here|not our customer|address.{0,30}couldn.t be found|domain.{0,60}(not found|does not exist)|host unknown/i;
const reputation =
  /spam|unsolicited|reputation|block ?list|blacklist|blocked|rbl\b|dnsbl|spamhaus|barracuda|banned|abus|policy|dmarc|\bspf\b|dkim|unauthenticated|not authori[sz]ed|not permitted|not allowed|relay|prohibit|access denied|send ?as ?denied|sender/i;
/** Subjects of 5.7.x and 4.7.x that say how much may be sent, not whether. */
const quotaCodes = new Set(['4.5.4', '5.4.5', '4.7.28', '5.7.28', '5.1.90', '5.7.232', '5.7.233']);
/** Of Gmail and others: unauthenticated or unaligned mail, put off for as long as its sender's domain stays as it is. */
const lastingDeferrals = new Set(['4.7.26', '4.7.27', '4.7.29', '4.7.30', '4.7.31', '4.7.32', '4.7.40']);
const senderCodes = new Set(['5.1.7', '5.1.8', '5.5.4', '5.6.0', '5.3.4']);
const addressCodes = new Set(['5.2.1', '5.4.1', '5.4.4', '5.4.310', '5.0.350']);

/**
 * Classes a refusal. What a person must put right about the sender is `blocked` or `auth_failed`; about the recipient's address
 * `bad_address`; what passes by itself is `deferred` or `quota`. A refusal of the message that names no reason is the sender's trouble,
 * never the lead's: a person looks at it before more of its kind leave.
 */
export function classify(phase: Phase, { code, enhanced, text }: Reply): Refusal {
  if (phase === 'auth') return code < 500 ? 'deferred' : 'auth_failed';
  if (code === 530 || code === 534 || code === 535 || code === 538) return 'auth_failed';
  if (/not authenticated|authentication (is )?required|client was not authenticated/i.test(text) && code >= 500)
    return 'auth_failed';
  if ((enhanced !== null && quotaCodes.has(enhanced)) || overQuota.test(text)) return 'quota';
  if (enhanced !== null && lastingDeferrals.has(enhanced)) return 'blocked';
  if (code < 500) return 'deferred';

  const aboutRecipient = phase === 'rcpt' || phase === 'data' || phase === 'content';
  if (aboutRecipient && (/^5\.2\.2$/.test(enhanced ?? '') || (fullMailbox.test(text) && enhanced !== '5.1.1'))) return 'deferred';
  if (enhanced !== null && senderCodes.has(enhanced)) return 'blocked';
  if (aboutRecipient && enhanced !== null) {
    if (enhanced === '5.2.1' && /rate|too (quickly|many)/i.test(text)) return 'deferred';
    if (enhanced.startsWith('5.1.') || addressCodes.has(enhanced)) return 'bad_address';
    if (enhanced.startsWith('5.7.') && !unknownUser.test(text)) return 'blocked';
  }
  return classifyByText(phase, code, text);
}

/** Without a telling enhanced code: by the words, then by what was asked. */
function classifyByText(phase: Phase, code: number, text: string): Refusal {
  if (phase !== 'rcpt' && phase !== 'data' && phase !== 'content') return 'blocked';
  if (unknownUser.test(text) && !/sender/i.test(text)) return 'bad_address';
  if (code === 552) return 'deferred';
  if (reputation.test(text)) return 'blocked';
  return phase === 'rcpt' && [501, 550, 551, 553].includes(code) ? 'bad_address' : 'blocked';
}
