import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isValidSlackRequest } from '@slack/bolt';
import { systemClock } from '../clock.ts';
import { receive } from '../db/system.ts';
import type { Services } from '../domain/context.ts';
import { Unavailable } from '../errors.ts';
import { agentTurn, slackInteraction } from '../queues.ts';
import { parseBody, type Reading, read } from './requests.ts';

/** A further path of the same port. */
export interface Route {
  method: string;
  path: string;
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

export interface ReceiverOptions {
  services: Services;
  signingSecret: string;
  host: string;
  /** 0: any free port. */
  port: number;
  routes?: Route[];
}

/** Where Slack posts everything: events, commands and clicks. */
export const slackPath = '/slack/events';

/** Slack's largest payloads are far below. */
const bodyLimit = 1_000_000;

/**
 * The HTTP port that Slack reaches. A request is verified, stored, enqueued and only then acknowledged (C1): what was acknowledged is
 * never lost, and while the database is away nothing is, so that Slack delivers it again. A worker hands it to Bolt afterwards.
 */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #server: Server;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.requestTimeout = 30_000;
  }

  /** Listens. @returns the URL for Slack's request URLs. @throws Unavailable when the port is taken. */
  async listen(): Promise<{ url: string; port: number }> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new Unavailable('port', `Port ${port} on ${host} cannot be opened (${error.code}). Set PORT to a free one.`, {
            cause: error,
          }),
        ),
      );
      this.#server.listen(port, host, resolve);
    });
    const at = (this.#server.address() as AddressInfo).port;
    const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
    return { url: `http://${name}:${at}${slackPath}`, port: at };
  }

  /** Stops taking requests; those that are being answered end first. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const path = (request.url ?? '/').split('?')[0];
      if (path === slackPath) return await this.#fromSlack(request, response);
      const route = this.#options.routes?.find(one => one.path === path && one.method === request.method);
      if (route) return await route.handle(request, response);
      say(response, 404, `There is nothing here. Slack's requests go to ${slackPath}.`);
    } catch (error) {
      this.#options.services.log.error({ err: error }, 'a request could not be answered');
      if (response.headersSent) response.destroy();
      else say(response, 500, 'Something went wrong here; the log says what.');
    }
  }

  async #fromSlack(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return say(response, 405, 'Slack posts its requests here; nothing can be read.');
    const raw = await bodyOf(request);
    if (raw === undefined) return say(response, 413, `The body of this request is longer than ${bodyLimit} bytes.`);
    if (!this.#isSlacks(request, raw))
      return say(
        response,
        401,
        "The signature of this request is not Slack's, or older than five minutes. Check SLACK_SIGNING_SECRET and this machine's clock.",
      );
    const body = parseBody(request.headers['content-type'] ?? '', raw);
    const reading: Reading = body ? read(body) : { kind: 'malformed' };
    switch (reading.kind) {
      case 'malformed':
        return say(response, 400, 'The body of this request is not an event, a command or a click as Slack sends them.');
      case 'challenge':
        return say(response, 200, reading.challenge);
      case 'ignore':
        return say(response, 200, '');
      case 'store':
        return this.#store(reading, response);
    }
  }

  #isSlacks({ headers }: IncomingMessage, body: string): boolean {
    return isValidSlackRequest({
      signingSecret: this.#options.signingSecret,
      body,
      headers: {
        'x-slack-signature': String(headers['x-slack-signature'] ?? ''),
        'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp'] ?? Number.NaN),
      },
      // Slack signs with the real time, also while somebody has moved Drover's clock.
      nowMilliseconds: systemClock.now().epochMilliseconds,
    });
  }

  async #store({ request }: Extract<Reading, { kind: 'store' }>, response: ServerResponse): Promise<void> {
    const { services } = this.#options;
    const { thread } = request;
    try {
      await receive(services.db, services.clock.now(), request, (tx, inboxId) =>
        thread ? services.enqueueIn(tx)(agentTurn, { inboxId, thread }) : services.enqueueIn(tx)(slackInteraction, { inboxId }),
      );
    } catch (error) {
      services.log.error({ err: error, kind: request.kind }, 'a request of Slack could not be stored, so it is not acknowledged');
      return say(response, 503, 'Drover cannot reach its database, so this was not taken. Please deliver it again.');
    }
    say(response, 200, '');
  }
}

function say(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(sentence);
}

/** The whole body, or undefined when it is longer than it may be; the rest of such a one is read and dropped. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= bodyLimit) parts.push(part);
  }
  return size <= bodyLimit ? Buffer.concat(parts).toString('utf8') : undefined;
}
