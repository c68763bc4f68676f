import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Log } from '../log.ts';
import { team } from './workspace.ts';

/** How an envelope names what it carries. */
const types = { event: 'events_api', command: 'slash_commands', interaction: 'interactive' } as const;

/** What the app may answer to. */
const answerable = new Set<string>([types.command, types.interaction]);

/** As many as Slack allows an app. */
const most = 10;
/** How long an address may wait to be used, in milliseconds. */
const ticketMs = 30_000;
const remembered = 1_000;

export interface Retry {
  attempt: number;
  reason: string;
}

/**
 * Socket Mode as Slack does it: an address for one connection, a hello, envelopes each sent to one of the connections, an
 * acknowledgement for each, and connections that are renewed. What an app may not send ends its connection and is kept in `faults`.
 */
export class Sockets {
  /** What the app sent that Slack would not understand. */
  readonly faults: string[] = [];
  readonly #log: Log;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: 1_000_000 });
  readonly #tickets = new Map<string, NodeJS.Timeout>();
  /** Those that take envelopes; the one that waits longest for one is first. */
  readonly #open: WebSocket[] = [];
  readonly #waiting = new Map<string, { type: string; acknowledge: (answer: string) => void }>();
  /** Envelopes that were given up: an acknowledgement of one is late, not wrong. */
  readonly #late = new Set<string>();
  /** Called when a connection comes or goes. */
  onChange: () => void = () => {};

  constructor(log: Log) {
    this.#log = log;
  }

  get count(): number {
    return this.#open.length;
  }

  /** An address for one connection, for `apps.connections.open`. */
  address(url: string): string {
    const ticket = randomBytes(12).toString('hex');
    this.#tickets.set(ticket, setTimeout(() => this.#tickets.delete(ticket), ticketMs).unref());
    return `${url.replace(/^http/, 'ws')}/link/?ticket=${ticket}&app_id=${team.appId}`;
  }

  /** Takes a connection whose address is fresh; refuses any other. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const ticket = searchParams.get('ticket') ?? '';
    if (pathname !== '/link/' || !this.#tickets.has(ticket)) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    clearTimeout(this.#tickets.get(ticket));
    this.#tickets.delete(ticket);
    this.#server.handleUpgrade(request, socket, head, client => this.#greet(client));
  }

  #greet(client: WebSocket): void {
    client.on('error', error => this.#log.debug({ err: error }, 'a connection to local Slack broke'));
    if (this.#open.length >= most) {
      this.#part(client, 'too_many_websockets');
      return;
    }
    client.on('message', data => this.#read(client, String(data)));
    client.on('close', () => {
      this.#remove(client);
      this.onChange();
    });
    this.#open.push(client);
    client.send(
      JSON.stringify({
        type: 'hello',
        num_connections: this.#open.length,
        debug_info: { host: 'local', approximate_connection_time: 18_060 },
        connection_info: { app_id: team.appId },
      }),
    );
    this.onChange();
  }

  #read(client: WebSocket, raw: string): void {
    const fault = this.#faultOf(raw);
    if (!fault) return;
    this.faults.push(fault);
    this.#log.warn({ fault }, 'local Slack was sent something that it does not understand');
    client.close(1008, fault);
  }

  #faultOf(raw: string): string | undefined {
    let said: { envelope_id?: unknown; payload?: unknown };
    try {
      said = JSON.parse(raw) ?? {};
    } catch {
      return 'not_json';
    }
    const id = String(said.envelope_id ?? '');
    const waiting = this.#waiting.get(id);
    if (!waiting) return this.#late.has(id) ? undefined : 'unknown_envelope';
    const payload = said.payload as object | undefined;
    const answer = payload && Object.keys(payload).length ? JSON.stringify(payload) : '';
    if (answer && !answerable.has(waiting.type)) return 'payload_not_accepted';
    waiting.acknowledge(answer);
    return undefined;
  }

  /** Sends to one connection. @returns the app's answer; null when it does not acknowledge in time, undefined when nobody is connected. */
  async deliver(
    kind: keyof typeof types,
    payload: Record<string, unknown>,
    { withinMs, signal, retry }: { withinMs: number; signal: AbortSignal; retry?: Retry },
  ): Promise<string | null | undefined> {
    const client = this.#open.shift();
    if (!client) return undefined;
    this.#open.push(client);
    const [id, type] = [randomUUID(), types[kind]];
    const envelope = {
      envelope_id: id,
      type,
      payload,
      accepts_response_payload: answerable.has(type),
      ...(type === types.event ? { retry_attempt: retry?.attempt ?? 0, retry_reason: retry?.reason ?? '' } : {}),
    };
    return new Promise(resolve => {
      const settle = (answer: string | null) => {
        clearTimeout(timer);
        client.off('close', give);
        signal.removeEventListener('abort', give);
        this.#waiting.delete(id);
        this.#late.add(id);
        if (this.#late.size > remembered) this.#late.delete(this.#late.values().next().value!);
        resolve(answer);
      };
      const give = () => settle(null);
      const timer = setTimeout(give, withinMs);
      client.once('close', give);
      signal.addEventListener('abort', give, { once: true });
      this.#waiting.set(id, { type, acknowledge: settle });
      client.send(JSON.stringify(envelope));
    });
  }

  /** Asks every connection to make room for a new one, as Slack does every few hours. */
  refresh(): void {
    for (const client of this.#open.splice(0)) this.#part(client, 'refresh_requested');
    this.onChange();
  }

  /** Every connection is cut, without a word. */
  drop(): void {
    for (const client of this.#open.splice(0)) client.terminate();
  }

  close(): void {
    for (const timer of this.#tickets.values()) clearTimeout(timer);
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  #part(client: WebSocket, reason: string): void {
    client.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'local' } }));
  }

  #remove(client: WebSocket): void {
    const at = this.#open.indexOf(client);
    if (at >= 0) this.#open.splice(at, 1);
  }
}
