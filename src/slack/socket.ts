import { setTimeout as sleep } from 'node:timers/promises';
import { SocketModeClient } from '@slack/socket-mode';
import { WebAPIPlatformError } from '@slack/web-api';
import type { Services } from '../domain/context.ts';
import { Refused, Unavailable } from '../errors.ts';
import { socketConnections } from '../metrics.ts';
import { boltLog } from './bolt-log.ts';
import { takeIn } from './intake.ts';
import { parseBody } from './requests.ts';

/** What Slack sends over a socket, as its client hands it on. */
interface Envelope {
  type: string;
  body: unknown;
  ack: () => Promise<void>;
}

interface Connection {
  /** Resolves when it is gone, whoever ended it. */
  ended: Promise<void>;
  leave: () => Promise<void>;
}

/** How long a connection may take until Slack's hello, and how long a farewell, in milliseconds. */
const helloWithinMs = 20_000;
const farewellMs = 2_000;
/** A connection that ends sooner counts as a failure, so that we do not open one after the other. */
const briefMs = 2_000;
/** Half a second, doubled after each failure up to half a minute. */
const pauseMs = (failures: number): number => Math.min(30_000, 500 * 2 ** (failures - 1));
const refusals = new Set(['invalid_auth', 'not_authed', 'account_inactive', 'not_allowed_token_type', 'token_revoked']);

const eventless = 'event_without_event';

/**
 * Slack's client looks into every event for its type, and the process ends over one that has none. Such an envelope is handed on under
 * a type that the client does not look into, so that it is told and acknowledged: unacknowledged, it would come again.
 */
class Client extends SocketModeClient {
  protected override async onWebSocketMessage(data: string | ArrayBuffer, isBinary: boolean): Promise<void> {
    const envelope = typeof data === 'string' ? parseBody('application/json', data) : undefined;
    if (!envelope) return;
    const { event } = (envelope.payload ?? {}) as { event?: unknown };
    const isWhole = envelope.type !== 'events_api' || (typeof event === 'object' && event !== null);
    await super.onWebSocketMessage(isWhole ? data : JSON.stringify({ ...envelope, type: eventless }), isBinary);
  }
}

export interface SocketOptions {
  services: Services;
  appToken: string;
  /** Another Web API than Slack's own: local Slack's. */
  apiUrl?: string;
}

/**
 * Slack without a public URL: requests come over a connection that we open, and go the way of those over HTTP (C1). Slack renews
 * connections every few hours. The client's own reconnecting waits five seconds and ends the process where Slack does not answer, so
 * each connection has a client of its own and this class opens the next one.
 */
export class SocketReceiver {
  readonly #options: SocketOptions;
  readonly #stop = new AbortController();
  readonly #taking = new Set<Promise<void>>();
  #connection: Connection | undefined;
  #staying: Promise<void> | undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** Is there a connection now? */
  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Connects, and stays connected until it is closed. @throws Refused `bad_token`; a Slack that is away is asked again and again. */
  async listen(): Promise<void> {
    const first = await this.#connect().catch((error: unknown) => {
      if (!(error instanceof WebAPIPlatformError && refusals.has(error.data.error))) return this.#failed(error);
      const why = `Slack does not accept SLACK_APP_TOKEN (${error.data.error}).`;
      throw new Refused('bad_token', `${why} Make one with connections:write under Basic Information → App-Level Tokens.`);
    });
    this.#staying = this.#stay(first);
  }

  /** Takes nothing more; what is being taken is acknowledged first. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#taking);
    await this.#connection?.leave();
    await this.#staying;
  }

  async #stay(first: Connection | undefined): Promise<void> {
    let connection = first;
    for (let failures = 0; ; ) {
      const since = performance.now();
      await connection?.ended;
      failures = connection && performance.now() - since > briefMs ? 0 : failures + 1;
      if (failures) await sleep(pauseMs(failures), undefined, { signal: this.#stop.signal }).catch(() => {});
      if (this.#stop.signal.aborted) return;
      connection = await this.#connect().catch(error => this.#failed(error));
    }
  }

  /** One connection, from asking for its address to Slack's hello. */
  async #connect(): Promise<Connection> {
    const { services, appToken, apiUrl } = this.#options;
    const client = new Client({
      appToken,
      logger: boltLog(services.log),
      autoReconnectEnabled: false,
      // Unset, the SDK would set a hundred retries.
      clientOptions: { retryConfig: { retries: 0 }, timeout: 10_000, ...(apiUrl ? { slackApiUrl: apiUrl } : {}) },
    });
    client.on('slack_event', (envelope: Envelope) => {
      const taking = this.#take(envelope).finally(() => this.#taking.delete(taking));
      this.#taking.add(taking);
    });
    const ended = new Promise<void>(resolve => client.once('disconnected', () => resolve()));
    const connection: Connection = {
      ended,
      leave: () => Promise.race([client.disconnect(), sleep(farewellMs, undefined, { ref: false })]),
    };
    const overdue = Promise.withResolvers<never>();
    const give = () => overdue.reject(new Unavailable('slack', 'Slack did not greet a connection in time.'));
    const timer = setTimeout(give, helloWithinMs);
    this.#stop.signal.addEventListener('abort', give, { once: true });
    try {
      await Promise.race([client.start(), overdue.promise]);
    } catch (error) {
      void connection.leave();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#stop.signal.removeEventListener('abort', give);
    }
    socketConnections.inc({ state: 'open' });
    this.#connection = connection;
    void ended.then(() => {
      socketConnections.inc({ state: 'lost' });
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  /** An envelope is acknowledged once it is stored; while the database is away it is not, and Slack delivers it again. */
  async #take({ type, body, ack }: Envelope): Promise<void> {
    const { services } = this.#options;
    if (type === eventless) services.log.warn('Slack sent an event without its content; it is acknowledged and dropped');
    try {
      // Read from text as over HTTP, which takes out what no database stores.
      const intake = await takeIn(services, 'socket', parseBody('application/json', JSON.stringify(body)));
      if (intake !== 'lost') await ack();
    } catch (error) {
      services.log.warn({ err: error }, 'a request was not acknowledged, so Slack delivers it again');
    }
  }

  #failed(error: unknown): undefined {
    if (!this.#stop.signal.aborted)
      this.#options.services.log.warn({ err: error }, 'there is no connection to Slack; trying again');
  }
}
