import type { IncomingMessage, ServerResponse } from 'node:http';
import { isValidSlackRequest } from '@slack/bolt';
import { systemClock } from '../clock.ts';
import type { Services } from '../domain/context.ts';
import { HttpServer, type Route, say } from '../http.ts';
import { takeIn } from './intake.ts';
import { parseBody } from './requests.ts';

export interface ReceiverOptions {
  services: Services;
  signingSecret: string;
  host: string;
  /** 0: any free port. */
  port: number;
  /** Further paths of the same port. */
  routes?: Route[];
}

/** Where Slack posts everything: events, commands and clicks. */
export const slackPath = '/slack/events';

/** Slack's largest payloads are far below. */
const bodyLimit = 1_000_000;

/** The HTTP port that Slack reaches. A request is verified and taken in before it is acknowledged (C1). */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #server: HttpServer;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#server = new HttpServer({
      host: options.host,
      port: options.port,
      log: options.services.log,
      routes: [{ path: slackPath, handle: (request, response) => this.#fromSlack(request, response) }, ...(options.routes ?? [])],
      nothingHere: `There is nothing here. Slack's requests go to ${slackPath}.`,
    });
  }

  /** Listens. @returns the URL for Slack's request URLs. @throws Unavailable when the port is taken. */
  async listen(): Promise<{ url: string; port: number }> {
    const { url, port } = await this.#server.listen();
    return { url: `${url}${slackPath}`, port };
  }

  /** Stops taking requests; those that are being answered end first. */
  close(): Promise<void> {
    return this.#server.close();
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
    const intake = await takeIn(this.#options.services, 'http', parseBody(request.headers['content-type'] ?? '', raw));
    switch (intake) {
      case 'malformed':
        return say(response, 400, 'The body of this request is not an event, a command or a click as Slack sends them.');
      case 'lost':
        return say(response, 503, 'Drover cannot reach its database, so this was not taken. Please deliver it again.');
      case 'taken':
      case 'ignored':
        return say(response, 200, '');
      default:
        return say(response, 200, intake.challenge);
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
