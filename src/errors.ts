/**
 * Errors and refusals. A refusal is a value: something a user asked for that cannot be, with what to do next.
 * An error is exceptional; its `message` is still written for a person, and never holds a secret.
 */

/** Why something a user asked for did not happen, and what to do about it. Nothing was written. */
export interface Refusal {
  outcome: 'refused';
  /** Stable reason code, for `why`, tests and the model. */
  code: string;
  /** One sentence for the asker, in plain text. */
  message: string;
  /** What to say or do next, each a phrase that works as typed. */
  next?: string[];
}

export const refuse = (code: string, message: string, next?: string[]): Refusal => ({
  outcome: 'refused',
  code,
  message,
  ...(next?.length ? { next } : {}),
});

export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && (value as { outcome?: unknown }).outcome === 'refused';

abstract class CodedError extends Error {
  abstract readonly kind: string;
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** The thing named does not exist in this workspace. */
export class NotFound extends CodedError {
  readonly kind = 'not_found';
}
/** The state of things forbids it, or changed meanwhile. */
export class Conflict extends CodedError {
  readonly kind = 'conflict';
}
/** Not configured, not permitted, or wrongly configured. */
export class Refused extends CodedError {
  readonly kind = 'refused';
}
/** A database, a model or a company's server does not answer. */
export class Unavailable extends CodedError {
  readonly kind = 'unavailable';
}
/** A rule of the domain was about to be broken: a bug of ours, never a user's doing. */
export class Broken extends CodedError {
  readonly kind = 'broken';
}
