import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Log } from '../log.ts';
import type { Courier } from './delivery.ts';
import { type MailPanel, readAct, shownConversations } from './mail.ts';
import { SlackError } from './methods.ts';
import type { People } from './people.ts';
import { renderPage, renderView, type View } from './render.ts';
import type { Views } from './views.ts';
import { readBody } from './web-api.ts';
import type { Workspace } from './workspace.ts';

export interface Panels {
  /** The mail server that runs beside. */
  mail?: MailPanel;
  /** The app's clock, and a way to move it. Given only where moving it moves everything that keeps time. */
  clock?: { now(): Temporal.Instant; move(by: { hours?: number; days?: number }): Promise<void> };
}

/** Whether a request names this machine. Another name that resolves here (DNS rebinding) is refused. */
export const isLoopbackHost = (host: string | undefined): boolean =>
  /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host ?? '');

const require = createRequire(import.meta.url);
const own = (file: string) => readFileSync(new URL(`./page/${file}`, import.meta.url), 'utf8');
/** The renderer scopes its styles to an id that every message would repeat; here it is a class of the same weight. */
const blockStyles = () =>
  readFileSync(require.resolve('slack-blocks-to-jsx/dist/style.css'), 'utf8').replaceAll(
    '#slack_blocks_to_jsx',
    ':is(#blockkit,.blockkit)',
  );

const styles = ['app', 'sidebar', 'messages', 'cards', 'controls', 'mail', 'modal', 'narrow'];
const scripts = ['theme', 'client', 'composer', 'mail', 'modal', 'switcher'];
const files: Record<string, { type: string; read: () => string }> = {
  '/page/blocks.css': { type: 'text/css', read: blockStyles },
  '/page/drover.svg': { type: 'image/svg+xml', read: () => own('drover.svg') },
  ...Object.fromEntries(styles.map(name => [`/page/${name}.css`, { type: 'text/css', read: () => own(`${name}.css`) }])),
  ...Object.fromEntries(scripts.map(name => [`/page/${name}.js`, { type: 'text/javascript', read: () => own(`${name}.js`) }])),
};

const headers = {
  'content-security-policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'self'; style-src 'self'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** For the HTML of a message: nothing in it runs, loads or sends anything, and no other site frames it. */
const sealed =
  "default-src 'none'; style-src 'unsafe-inline'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/** The page: what people see of the workspace, and the requests it makes when they type and click. */
export class Site {
  readonly #workspace: Workspace;
  readonly #people: People;
  readonly #views: Views;
  readonly #courier: Courier;
  readonly #log: Log;
  readonly #panels: Panels;
  readonly #suggestions: string[];
  /** Only a page that this start served knows it, so another site's page cannot act here. */
  readonly #token = randomBytes(24).toString('base64url');
  readonly #streams = new Set<ServerResponse>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #unfollow: () => void;

  constructor(input: SiteInput) {
    this.#workspace = input.workspace;
    this.#people = input.people;
    this.#views = input.views;
    this.#courier = input.courier;
    this.#log = input.log;
    this.#panels = input.panels;
    this.#suggestions = input.suggestions;
    const unfollow = [
      input.workspace.onChange(change => this.#push('change', change)),
      input.views.onChange(() => this.#push('change', {})),
      input.panels.mail?.follow(() => this.#push('change', {})),
    ];
    this.#unfollow = () => {
      for (const each of unfollow) each?.();
    };
    this.#heartbeat = setInterval(() => this.#push('beat', {}), 20_000);
    this.#heartbeat.unref();
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#unfollow();
    for (const stream of this.#streams) stream.end();
  }

  async handle(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): Promise<void> {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (request.method === 'POST') return this.#act(request, response, path);
    if (request.method !== 'GET') return void response.writeHead(405).end();
    const file = Object.hasOwn(files, path) ? files[path] : undefined;
    if (file) return void response.writeHead(200, { 'content-type': `${file.type}; charset=utf-8` }).end(file.read());
    if (path === '/')
      return void this.#html(
        response,
        renderPage(await this.#view(query), {
          token: this.#token,
          commands: this.#people.commands,
          styles: ['blocks', ...styles],
        }),
      );
    if (path === '/page/view') return void this.#json(response, 200, renderView(await this.#view(query)));
    if (path === '/page/stream') return void this.#stream(response);
    const mail = /^\/page\/mail\/(\w+)$/.exec(path)?.[1];
    if (mail) return this.#mailHtml(response, mail);
    const linked = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(path);
    if (linked) {
      const [, channel, seconds, micros] = linked;
      const thread = query.get('thread_ts');
      const location = `/?c=${channel}${thread ? `&thread=${encodeURIComponent(thread)}` : ''}#m-${seconds}.${micros}`;
      return void response.writeHead(302, { location }).end();
    }
    response.writeHead(404, { 'content-type': 'text/plain' }).end('There is nothing at this address.');
  }

  #html(response: ServerResponse, html: string): void {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  }

  #json(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
  }

  /** What an address asks to see; whatever it names wrongly falls back to the admin's direct message with the bot. */
  async #view(query: URLSearchParams): Promise<View> {
    const workspace = this.#workspace;
    const user = workspace.people.find(each => each.id === query.get('as')) ?? workspace.people[0]!;
    const wanted = workspace.channel(query.get('c') ?? '');
    const channel = wanted?.members.has(user.id) ? wanted : workspace.channel(user.id)!;
    const thread = query.get('thread') ?? '';
    const mail = query.get('view') === 'mail' ? await this.#mail(thread) : undefined;
    const root = mail ? undefined : workspace.message(channel.id, thread);
    const shown = this.#views.before(user.id);
    const limit = Math.min(Math.max(Number(query.get('limit')) || 100, 1), 5_000);
    return {
      workspace,
      user,
      channel,
      limit,
      suggestions: this.#suggestions,
      isConnected: this.#courier.isConnected,
      ...(root ? { root } : {}),
      ...(shown ? { modal: shown } : {}),
      ...(mail ? { mail } : {}),
      ...(this.#panels.mail ? { leaving: await this.#panels.mail.leaving() } : {}),
      ...(this.#panels.clock ? { now: this.#panels.clock.now() } : {}),
    };
  }

  async #mail(openId: string): Promise<View['mail']> {
    const { mail } = this.#panels;
    return mail && { ...(await mail.latest(shownConversations)), open: openId ? await mail.find(openId) : undefined };
  }

  async #mailHtml(response: ServerResponse, id: string): Promise<void> {
    const html = await this.#panels.mail?.html(id);
    if (!html) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('There is nothing at this address.');
    response.setHeader('content-security-policy', sealed);
    this.#html(response, html);
  }

  /** Does what the one who was written to does. */
  async #actByMail(mail: MailPanel, { id, did, text }: Record<string, unknown>): Promise<{ ok: boolean; error?: string }> {
    const act = readAct(did, String(text ?? ''));
    const error = act ? await mail.act(String(id), act) : 'There is no such button.';
    return error === null ? { ok: true } : { ok: false, error };
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    response.write('event: hello\ndata: {}\n\n');
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  #push(event: string, data: unknown): void {
    for (const stream of this.#streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Whether our own page sent it: the token of this start, this origin, and JSON, which no form of another site can send. */
  #isOurs(request: IncomingMessage): boolean {
    const given = Buffer.from(String(request.headers['x-page-token'] ?? ''));
    const wanted = Buffer.from(this.#token);
    const isKnown = given.length === wanted.length && timingSafeEqual(given, wanted);
    const isSameOrigin = request.headers.origin === undefined || request.headers.origin === `http://${request.headers.host}`;
    return isKnown && isSameOrigin && (request.headers['content-type'] ?? '').startsWith('application/json');
  }

  async #act(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (!this.#isOurs(request))
      return void this.#json(response, 403, { ok: false, error: 'Reload the page: this request did not come from it.' });
    try {
      const body = JSON.parse(await readBody(request)) as Record<string, unknown>;
      const field = (name: string) => (typeof body[name] === 'string' ? (body[name] as string) : '');
      const where = { user: field('as'), channel: field('c'), ...(field('thread') ? { threadTs: field('thread') } : {}) };
      if (path === '/page/say') return void this.#json(response, 200, await this.#say({ ...where, text: field('text') }));
      if (path === '/page/press') {
        const press = { ...where, ts: field('ts'), actionId: field('action'), blockId: field('block'), option: field('option') };
        const attempt = await this.#people.press(press);
        return void this.#json(
          response,
          200,
          attempt.reason ? { ok: false, error: 'Drover did not take the click. Try again.' } : { ok: true },
        );
      }
      if (path === '/page/submit') {
        const values = Object.entries(body.values ?? {}).map(([name, value]) => [name, String(value)]);
        await this.#people.submit({ user: where.user, view: field('view'), values: Object.fromEntries(values) });
        return void this.#json(response, 200, { ok: true });
      }
      if (path === '/page/dismiss') {
        this.#people.dismiss({ user: where.user, view: field('view') });
        return void this.#json(response, 200, { ok: true });
      }
      if (path === '/page/mail' && this.#panels.mail)
        return void this.#json(response, 200, await this.#actByMail(this.#panels.mail, body));
      if (path === '/page/clock' && this.#panels.clock) {
        const by = body.by === 'day' ? { days: 1 } : { hours: 1 };
        await this.#panels.clock.move(by);
        this.#push('change', {});
        return void this.#json(response, 200, { ok: true });
      }
      this.#json(response, 404, { ok: false, error: 'There is nothing at this address.' });
    } catch (error) {
      if (!(error instanceof SlackError || error instanceof SyntaxError)) {
        this.#log.error({ err: error }, 'an act on the local Slack page failed');
        return void this.#json(response, 500, { ok: false, error: 'That did not work; the log says why.' });
      }
      this.#json(response, 400, { ok: false, error: `That did not work: ${error.message.replaceAll('_', ' ')}.` });
    }
  }

  async #say(said: {
    user: string;
    channel: string;
    threadTs?: string;
    text: string;
  }): Promise<{ ok: boolean; ts?: string; error?: string }> {
    if (said.text.startsWith('/')) {
      await this.#people.slash({ ...said, line: said.text });
      return { ok: true };
    }
    return { ok: true, ts: this.#people.say(said).message.ts };
  }
}

interface SiteInput {
  workspace: Workspace;
  people: People;
  views: Views;
  courier: Courier;
  log: Log;
  panels: Panels;
  suggestions: string[];
}
