import { createHmac } from 'node:crypto';
import { systemClock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Retry, Sockets } from './sockets.ts';

export interface DeliveryOptions {
  /** How long the app has to answer; Slack gives 3 s. */
  ackWithinMs?: number;
  /** Pauses before each redelivery of an event; Slack's are none, a minute and five. */
  retryDelaysMs?: number[];
}

export interface Attempt {
  /** HTTP status, 200 for an acknowledged envelope; null when no answer came. */
  status: number | null;
  /** Slack's reason for trying again; undefined when it was acknowledged. */
  reason?: 'http_timeout' | 'http_error' | 'connection_failed';
  /** What the app answered to a command or a click. */
  answer: string;
}

export interface Delivery {
  id: string;
  kind: 'event' | 'command' | 'interaction';
  payload: Record<string, unknown>;
  attempts: Attempt[];
  /** Settles when the first attempt has ended. */
  first: Promise<Attempt>;
}

const kept = 1_000;

/**
 * Signs and posts requests to the app, or sends them over its socket, as Slack's servers do: any order, again when not acknowledged,
 * never twice when it was.
 */
export class Courier {
  readonly deliveries: Delivery[] = [];
  readonly #secret: string;
  readonly #sockets: Sockets;
  readonly #log: Log;
  readonly #ackWithinMs: number;
  readonly #retryDelaysMs: number[];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #closing = new AbortController();
  #appUrl: string | null = null;
  #acksToLose = 0;
  /** Called whenever an attempt has ended. */
  onAttempt: (delivery: Delivery) => void = () => {};

  constructor(
    secret: string,
    sockets: Sockets,
    log: Log,
    { ackWithinMs = 3_000, retryDelaysMs = [0, 60_000, 300_000] }: DeliveryOptions = {},
  ) {
    this.#secret = secret;
    this.#sockets = sockets;
    this.#log = log;
    this.#ackWithinMs = ackWithinMs;
    this.#retryDelaysMs = retryDelaysMs;
  }

  get isConnected(): boolean {
    return this.#appUrl !== null || this.#sockets.count > 0;
  }

  connect(url: string | null): void {
    this.#appUrl = url;
  }

  /** The next `n` acknowledgements get lost on their way, so that Slack delivers again what the app already took. */
  loseAcks(n: number): void {
    this.#acksToLose = n;
  }

  /** An Events API request; tried again as Slack does. */
  event(id: string, payload: Record<string, unknown>): Delivery {
    const delivery = this.#delivery(id, 'event', payload);
    delivery.first = this.#attempt(delivery, JSON.stringify(payload), 'application/json');
    return delivery;
  }

  /** A slash command or a click; tried once. */
  form(kind: 'command' | 'interaction', id: string, payload: Record<string, unknown>): Delivery {
    const fields =
      kind === 'command' ? Object.entries(payload).map(([k, v]) => [k, String(v)]) : [['payload', JSON.stringify(payload)]];
    const delivery = this.#delivery(id, kind, payload);
    delivery.first = this.#send(delivery, new URLSearchParams(fields).toString(), 'application/x-www-form-urlencoded');
    return delivery;
  }

  /** Delivers an event once more, as Slack does after an answer that it did not see. */
  redeliver(delivery: Delivery): Promise<Attempt> {
    const retry = { attempt: delivery.attempts.length, reason: 'http_timeout' };
    return this.#send(delivery, JSON.stringify(delivery.payload), 'application/json', retry);
  }

  close(): void {
    this.#closing.abort();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #delivery(id: string, kind: Delivery['kind'], payload: Record<string, unknown>): Delivery {
    const delivery: Delivery = { id, kind, payload, attempts: [], first: Promise.resolve({ status: null, answer: '' }) };
    this.deliveries.push(delivery);
    if (this.deliveries.length > kept) this.deliveries.shift();
    return delivery;
  }

  async #attempt(delivery: Delivery, body: string, type: string, retry = 0): Promise<Attempt> {
    const reason = delivery.attempts.at(-1)?.reason ?? 'unknown_error';
    const attempt = await this.#send(delivery, body, type, retry ? { attempt: retry, reason } : undefined);
    const delay = this.#retryDelaysMs[retry];
    if (attempt.reason && !attempt.noRetry && delay !== undefined && !this.#closing.signal.aborted) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        void this.#attempt(delivery, body, type, retry + 1);
      }, delay);
      timer.unref();
      this.#timers.add(timer);
    }
    return attempt;
  }

  /** The app checks signatures against its machine's time, so that is what signs, wherever the workspace's clock stands. */
  #sign(body: string): Record<string, string> {
    const timestamp = Math.floor(systemClock.now().epochMilliseconds / 1000);
    const digest = createHmac('sha256', this.#secret).update(`v0:${timestamp}:${body}`).digest('hex');
    return { 'x-slack-request-timestamp': String(timestamp), 'x-slack-signature': `v0=${digest}` };
  }

  async #send(delivery: Delivery, body: string, type: string, retry?: Retry): Promise<Attempt & { noRetry?: boolean }> {
    const attempt = await (this.#appUrl ? this.#post(this.#appUrl, body, type, retry) : this.#overSocket(delivery, retry));
    const isLost = delivery.kind === 'event' && !attempt.reason && this.#acksToLose > 0;
    if (isLost) {
      this.#acksToLose -= 1;
      attempt.reason = 'http_timeout';
    }
    delivery.attempts.push(attempt);
    if (attempt.reason && !isLost)
      this.#log.debug({ kind: delivery.kind, reason: attempt.reason, status: attempt.status }, 'the app did not acknowledge');
    this.onAttempt(delivery);
    return attempt;
  }

  async #overSocket({ kind, payload }: Delivery, retry?: Retry): Promise<Attempt> {
    const options = { withinMs: this.#ackWithinMs, signal: this.#closing.signal, ...(retry ? { retry } : {}) };
    const answer = await this.#sockets.deliver(kind, payload, options);
    if (answer === undefined) return { status: null, reason: 'connection_failed', answer: '' };
    return answer === null ? { status: null, reason: 'http_timeout', answer: '' } : { status: 200, answer };
  }

  async #post(url: string, body: string, type: string, retry?: Retry): Promise<Attempt & { noRetry?: boolean }> {
    const again: Record<string, string> = retry
      ? { 'x-slack-retry-num': String(retry.attempt), 'x-slack-retry-reason': retry.reason }
      : {};
    const timeout = AbortSignal.timeout(this.#ackWithinMs);
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        redirect: 'manual',
        headers: { 'content-type': type, 'user-agent': 'Slackbot 1.0 (local)', ...this.#sign(body), ...again },
        signal: AbortSignal.any([timeout, this.#closing.signal]),
      });
      const answer = await response.text();
      if (response.ok) return { status: response.status, answer };
      return { status: response.status, reason: 'http_error', answer, noRetry: response.headers.get('x-slack-no-retry') === '1' };
    } catch {
      return { status: null, reason: timeout.aborted ? 'http_timeout' : 'connection_failed', answer: '' };
    }
  }
}
