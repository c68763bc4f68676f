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

/** A complete message, as it will leave. */
export interface OutgoingMail {
  workspaceId: number;
  messageId: number;
  /** Message-ID, chosen and stored before the hand-over. */
  mailId: string;
  from: { name: string; address: string };
  to: { name: string | null; address: string };
  subject: string;
  text: string;
  headers: Record<string, string>;
}

/** How a mail server answered (D5). `unknown`: it may or may not have taken the message, and nobody may try again by itself (D2). */
export type HandOver =
  | { outcome: 'accepted' }
  | { outcome: 'deferred' | 'quota' | 'bad_address' | 'blocked' | 'auth_failed'; detail: string }
  | { outcome: 'unknown'; detail: string };

/** How messages leave. */
export interface MailTransport {
  readonly name: string;
  handOver(mail: OutgoingMail): Promise<HandOver>;
}
