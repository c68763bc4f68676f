import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Unavailable } from './errors.ts';
import type { Log } from './log.ts';

/** A path of a port, and what answers there. Without a method every one is answered. */
export interface Route {
  method?: string;
  /** One that ends with a slash stands for everything one level below it. */
  path: string;
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;
}

export interface HttpOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  routes: Route[];
  log: Log;
  /** What is said where no route is. */
  nothingHere: string;
}

/** A port of this process. A route that throws answers 500, and neither hangs the request nor ends the process. */
export class HttpServer {
  readonly #options: HttpOptions;
  readonly #server: Server;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.requestTimeout = 30_000;
  }

  /** Listens. @returns where, without a path. @throws Unavailable `port` when the port is taken. */
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
    return { url: `http://${name}:${at}`, port: at };
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
      const parent = path!.slice(0, path!.lastIndexOf('/') + 1);
      const route = this.#options.routes.find(
        one => (one.path === path || one.path === parent) && (!one.method || one.method === request.method),
      );
      if (route) return await route.handle(request, response);
      say(response, 404, this.#options.nothingHere);
    } catch (error) {
      this.#options.log.error({ err: error }, 'a request could not be answered');
      if (response.headersSent) response.destroy();
      else say(response, 500, 'Something went wrong here; the log says what.');
    }
  }
}

/** Answers with one sentence. */
export function say(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(sentence);
}
