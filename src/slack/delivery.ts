import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api';

/** The decisions of the outbox, free of any database or network. */

/**
 * What a failed call means for its post.
 * `wait`: Slack asked for a pause, nothing was posted. `later`: nothing was posted, Slack may do it another time.
 * `unsure`: it may or may not have been posted; look before trying again. `failed`: it never will be.
 */
export type Verdict = { kind: 'wait'; seconds: number; code: string } | { kind: 'later' | 'unsure' | 'failed'; code: string };

/** A `response_url` that did not answer with 2xx. */
export class ResponseUrlError extends Error {
  readonly status: number;
  readonly retryAfter: number;
  constructor(status: number, retryAfter: number) {
    super(`Slack answered ${status} to a response_url`);
    this.name = 'ResponseUrlError';
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Slack says that it failed half-way, so that the message may be there. */
const halfWay = new Set(['internal_error', 'fatal_error', 'request_timeout', 'service_unavailable']);
/** Ours or the installation's trouble: the message is as good as before once it is mended. */
const mendable = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_expired',
  'token_revoked',
  'team_access_not_granted',
]);
const limited = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded']);
/** The request never left this machine. */
const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

export function verdict(error: unknown): Verdict {
  if (error instanceof WebAPIRateLimitedError) return { kind: 'wait', seconds: error.retryAfter, code: 'ratelimited' };
  if (error instanceof WebAPIPlatformError) return byCode(error.data.error);
  if (error instanceof WebAPIHTTPError) return byStatus(error.statusCode);
  if (error instanceof ResponseUrlError)
    return error.status === 429 ? { kind: 'wait', seconds: error.retryAfter, code: 'ratelimited' } : byStatus(error.status);
  const code = systemCode(error);
  return unsent.has(code) ? { kind: 'later', code } : { kind: 'unsure', code };
}

function byCode(code: string): Verdict {
  if (limited.has(code)) return { kind: 'wait', seconds: 30, code };
  if (halfWay.has(code)) return { kind: 'unsure', code };
  return { kind: mendable.has(code) ? 'later' : 'failed', code };
}

const byStatus = (status: number): Verdict => ({ kind: status >= 500 ? 'unsure' : 'failed', code: `http_${status}` });

/** The system's code under fetch's wrapping, or 'no_answer'. */
function systemCode(error: unknown): string {
  for (let at: unknown = error instanceof WebAPIRequestError ? error.original : error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return 'no_answer';
}

/** After so many tries, over about three quarters of an hour, a post is given up. */
export const maxAttempts = 14;

/** Seconds until the next try: 1, 2, 4 … at most 300. */
export const backoffSeconds = (attempts: number): number => Math.min(300, 2 ** Math.max(0, attempts - 1));

/** About one message a second and channel, as Slack asks, with a small burst first. Kept a process: jobs of a channel run one at a time. */
export class Pace {
  readonly #burst: number;
  readonly #everyMs: number;
  /** By channel: when the bucket would be full again, in epoch milliseconds. */
  readonly #fullAt = new Map<string, number>();

  constructor({ burst = 3, everyMs = 1000 }: { burst?: number; everyMs?: number } = {}) {
    this.#burst = burst;
    this.#everyMs = everyMs;
  }

  /** Takes a place for one message; the milliseconds to wait before it leaves. */
  take(channel: string, now: Temporal.Instant): number {
    const at = now.epochMilliseconds;
    const fullAt = Math.max(this.#fullAt.get(channel) ?? at, at) + this.#everyMs;
    this.#fullAt.set(channel, fullAt);
    if (this.#fullAt.size > 1000) for (const [key, full] of this.#fullAt) if (full <= at) this.#fullAt.delete(key);
    return Math.max(0, fullAt - at - this.#burst * this.#everyMs);
  }
}

export const unpaced = { take: () => 0 } as const;
