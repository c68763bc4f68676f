import type { Criteria } from './lists/criteria.ts';

/** One person as a source answers it. Empty is null, never ''. */
export interface Candidate {
  /** The source's own id of the record; null where it has none (a file). */
  recordId: string | null;
  fullName: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  linkedinUrl: string | null;
  title: string | null;
  seniority: string | null;
  function: string | null;
  company: string | null;
  companyDomain: string | null;
  industry: string | null;
  headcount: number | null;
  personLocation: string | null;
  companyLocation: string | null;
  technologies: string[];
  /** Further columns of a file, for templates. */
  fields: Record<string, string>;
}

/** A filter that the source could not apply as asked. */
export interface FilterNote {
  filter: string;
  effect: 'dropped' | 'widened';
  /** What it did instead, in a sentence. */
  note: string;
}

export interface SourcePreview {
  total: number;
  /** How many of them have a usable address. */
  withEmail: number;
  samples: Candidate[];
  notes: FilterNote[];
}

/** A value of a filter that a source does not know, and the nearest ones that it does, nearest first. */
export interface UnknownValue {
  /** The filter's name in the criteria: 'industries', 'companyLocations', … */
  filter: string;
  value: string;
  nearest: string[];
}

/** Where leads come from. Called outside any transaction, since it may cross a network. */
export interface LeadSource {
  readonly name: string;
  /** Values of the criteria that it does not know, industries and places above all; pure and at once. */
  check(criteria: Criteria): UnknownValue[];
  /** Counts and shows who matches; spends nothing (L2). `asOf` is the local date for which it answers. */
  preview(criteria: Criteria, asOf: Temporal.PlainDate): Promise<SourcePreview>;
  /**
   * The next `limit` matches after `cursor` (null: from the start), in an order that never changes and in which newly known people
   * come last. `cursor` of the answer continues it; `exhausted` says that nobody is left today.
   */
  next(
    criteria: Criteria,
    page: { cursor: string | null; limit: number; asOf: Temporal.PlainDate },
  ): Promise<{ candidates: Candidate[]; cursor: string | null; exhausted: boolean }>;
}

/** A complete message, as it will leave. Texts hold no line break where a header could end. */
export interface OutgoingMail {
  workspaceId: number;
  /** Of the ledger; null for an answer that a person wrote. */
  messageId: number | null;
  senderId: number;
  /** Message-ID, chosen and stored before the hand-over. */
  mailId: string;
  from: { name: string; address: string };
  to: { name: string | null; address: string };
  subject: string;
  text: string;
  html: string;
  /** Message-ID of what it answers, and of the whole thread, oldest first (S6). */
  inReplyTo: string | null;
  references: string[];
  headers: Record<string, string>;
}

/**
 * How a mail server answered (D5). Only `accepted` and `unknown` may have left. `unknown`: it may or may not have taken the message, and
 * nobody may try again by itself (D2). `unreachable`: nobody was there, or it broke off before the message was given to it.
 */
export type HandOver =
  | { outcome: 'accepted' }
  | { outcome: 'deferred' | 'unreachable'; detail: string }
  | { outcome: 'quota' | 'bad_address' | 'blocked' | 'auth_failed' | 'bad_certificate' | 'unknown'; detail: string };

/** How messages leave. */
export interface MailTransport {
  readonly name: string;
  handOver(mail: OutgoingMail): Promise<HandOver>;
}

/** Which mailbox. */
export interface MailboxRef {
  workspaceId: number;
  senderId: number;
}

/** One message of a mailbox, as far as Drover looks at it. Its texts are data, whoever wrote them (A4). */
export interface IncomingMail {
  uid: number;
  mailId: string | null;
  from: { name: string | null; address: string } | null;
  /** Addresses that it was sent to, lower case. */
  to: string[];
  subject: string;
  /** Plain text, from its HTML where it has no other; at most 100,000 characters, quoted parts included. */
  text: string;
  inReplyTo: string | null;
  references: string[];
  /** When its server took it in. */
  receivedAt: Temporal.Instant;
  /** Names in lower case; of a header that is there twice, the first. */
  headers: Record<string, string>;
  /** Of a delivery status notification (RFC 3464): what became of which message. */
  bounce: {
    /** Message-ID of the message that it is about, where it quotes it. */
    mailId: string | null;
    recipient: string | null;
    action: string;
    /** Enhanced status code, '5.1.1'. */
    status: string | null;
    diagnostic: string | null;
  } | null;
}

/** Why a mailbox cannot be read; the first two need a human. */
export type Unreadable = { unreadable: 'auth_failed' | 'bad_certificate' | 'unreachable'; detail: string };

/** What an attempt to sign in came to. */
export type Verified = { ok: true } | { ok: false; code: 'auth_failed' | 'bad_certificate' | 'unreachable'; detail: string };

/** How replies come back. Each call opens, uses and leaves the mailbox; none changes a flag. */
export interface MailReader {
  /**
   * What has come in since: everything above `lastUid`, oldest first, `limit` at most; where the mailbox was made anew (another
   * `uidValidity`) what it took in since the day before `readAt`, when it was last read to its end. One that is read for the very first
   * time (null), or was never read to its end, begins with yesterday.
   */
  read(
    mailbox: MailboxRef,
    since: { uidValidity: string | null; lastUid: number; readAt?: Temporal.Instant | null },
    limit: number,
  ): Promise<{ uidValidity: string; mails: IncomingMail[]; lastUid: number; hasMore: boolean } | Unreadable>;
  /** Which of these Message-IDs its Sent folder holds; null where it keeps none (D2). */
  findSent(mailbox: MailboxRef, mailIds: readonly string[]): Promise<string[] | null | Unreadable>;
}

/** Signs in at both servers, when a sender is added and on request. */
export interface MailVerifier {
  verify(account: MailAccount): Promise<{ smtp: Verified; imap: Verified | null }>;
}

/** A host and port to reach a mail server at. `none` is for loopback alone. */
export interface Endpoint {
  host: string;
  port: number;
  security: 'tls' | 'starttls' | 'none';
}

/** All that it takes to use a mailbox. Lives in memory only as long as it is used. */
export interface MailAccount {
  smtp: Endpoint;
  /** Null: nobody reads its replies. */
  imap: Endpoint | null;
  user: string;
  secret: string;
}

/** Keeps senders' secrets: sealed for the database, opened for use. */
export interface SecretBox {
  seal(secret: string): string;
  /** @throws Unavailable `secret_unreadable` where the key is not the one that it was sealed with. */
  open(sealed: string): string;
}

export const replyCategories = [
  ...(['interested', 'meeting', 'not_interested', 'bad_timing', 'referral', 'wrong_person', 'left_company'] as const),
  ...(['out_of_office', 'unsubscribe', 'bounced', 'other'] as const),
] as const;

export type ReplyCategory = (typeof replyCategories)[number];

/** What a reply says, to a classifier: its own words, as data. */
export interface ReplyText {
  subject: string;
  body: string;
  /** The local date on which it came. */
  receivedOn: Temporal.PlainDate;
}

/** One of the categories, and the date that it names: the last day of an absence, or when to try again. */
export interface Classified {
  category: ReplyCategory;
  until: Temporal.PlainDate | null;
}

/** A model that reads a reply and has no tools. Null where none is configured, or it does not answer in form. */
export type ClassifyReply = (text: ReplyText) => Promise<Classified | null>;
