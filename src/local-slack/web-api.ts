import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Events } from './events.ts';
import { type Args, content, type Methods, type Reply, SlackError } from './methods.ts';
import { type Message, team, type Workspace } from './workspace.ts';

export interface ApiCall {
  method: string;
  args: Args;
  reply: Reply;
  /** HTTP status that the app saw; 0 when the connection was cut. */
  status: number;
}

/** A failure of Slack's that a test orders. */
export interface Fault {
  /** A business error: HTTP 200 and `ok: false`. */
  error?: string;
  /** An HTTP status, such as 500. */
  status?: number;
  /** HTTP 429 with this many seconds in `Retry-After`. */
  retryAfter?: number;
  /** The connection is cut without an answer. */
  cut?: boolean;
  /** How often; once unless said. */
  times?: number;
  /** The call takes effect, and only its answer is the failure. */
  afterEffect?: boolean;
}

/** Where a command's or a click's answers may go, for half an hour and five times. */
interface ResponseUrl {
  id: string;
  user: string;
  channel: string;
  message?: Message;
  until: Temporal.Instant;
  uses: number;
}

const kept = 1_000;
const biggestBody = 1_000_000;
/** Fields of a form that hold JSON; all others are text. */
const structured = new Set(['blocks', 'metadata', 'attachments', 'unfurl_domains', 'view']);

export async function readBody(request: IncomingMessage, most = biggestBody): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > most) throw new SlackError('request_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(body: string, type: string): Args {
  if (type.startsWith('application/json')) {
    let args: unknown;
    try {
      args = JSON.parse(body || '{}');
    } catch {
      throw new SlackError('invalid_json');
    }
    if (typeof args !== 'object' || args === null || Array.isArray(args)) throw new SlackError('json_not_object');
    return args as Args;
  }
  if (body && !type.startsWith('application/x-www-form-urlencoded')) throw new SlackError('invalid_form_data');
  const args: Args = {};
  for (const [field, value] of new URLSearchParams(body)) {
    try {
      args[field] = structured.has(field) ? JSON.parse(value) : value;
    } catch {
      throw new SlackError(field === 'blocks' ? 'invalid_blocks_format' : `invalid_${field}_format`);
    }
  }
  return args;
}

/** The one method that belongs to the app and not to its bot. */
const connect = 'apps.connections.open';

interface WebApiParts {
  /** The bot's, and the app's own where it may use Socket Mode. */
  tokens: { bot: string; app?: string };
  methods: Methods;
  workspace: Workspace;
  events: Events;
  /** The address of a fresh connection. */
  openSocket: () => string;
  log: Log;
}

/** Slack's Web API over HTTP, and its response URLs. */
export class WebApi {
  readonly calls: ApiCall[] = [];
  /** Called after every call. */
  onCall: (call: ApiCall) => void = () => {};
  readonly #tokens: WebApiParts['tokens'];
  readonly #methods: Methods;
  readonly #workspace: Workspace;
  readonly #events: Events;
  readonly #openSocket: () => string;
  readonly #log: Log;
  readonly #faults = new Map<string, Fault[]>();
  readonly #paces = new Map<string, { calls: number; perMs: number; seen: Map<string, number[]> }>();
  readonly #responseUrls = new Map<string, ResponseUrl>();

  constructor({ tokens, methods, workspace, events, openSocket, log }: WebApiParts) {
    this.#tokens = tokens;
    this.#openSocket = openSocket;
    this.#methods = methods;
    this.#workspace = workspace;
    this.#events = events;
    this.#log = log;
  }

  fail(method: string, fault: Fault): void {
    const queue = this.#faults.get(method) ?? [];
    queue.push(...Array.from({ length: fault.times ?? 1 }, () => fault));
    this.#faults.set(method, queue);
  }

  /** From now on, more than `calls` of a method in a channel within `perMs` are answered by 429, as Slack does at one a second. */
  pace(method: string, pace: { calls: number; perMs: number } | null): void {
    if (pace) this.#paces.set(method, { ...pace, seen: new Map() });
    else this.#paces.delete(method);
  }

  responseUrl(url: string, user: string, channel: string, message?: Message): string {
    const id = this.#workspace.nextId('R');
    const until = this.#workspace.clock.now().add({ minutes: 30 });
    this.#responseUrls.set(id, { id, user, channel, until, uses: 0, ...(message ? { message } : {}) });
    if (this.#responseUrls.size > kept) this.#responseUrls.delete(this.#responseUrls.keys().next().value!);
    return `${url}/response/${team.id}/${id}`;
  }

  async handle(request: IncomingMessage, response: ServerResponse, method: string, query: URLSearchParams): Promise<void> {
    let args: Args = {};
    let reply: Reply;
    try {
      args = { ...Object.fromEntries(query), ...parse(await readBody(request), request.headers['content-type'] ?? '') };
      reply = this.#refusedToken(request, args, method) ?? { ok: true };
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      reply = { ok: false, error: error.code };
    }
    delete args.token;
    const tooFast = reply.ok ? this.#tooFast(method, args) : undefined;
    const fault = reply.ok ? (tooFast ?? this.#faults.get(method)?.shift()) : undefined;
    if (reply.ok && (!fault || fault.afterEffect))
      reply = method === connect ? { ok: true, url: this.#openSocket() } : this.#methods.call(method, args);
    if (fault?.error) reply = { ok: false, error: fault.error };
    if (fault?.retryAfter !== undefined) reply = { ok: false, error: 'ratelimited' };
    const status = fault?.cut ? 0 : fault?.retryAfter !== undefined ? 429 : (fault?.status ?? 200);
    this.#record({ method, args, reply, status });
    if (fault?.cut) return void request.socket.destroy();
    if (fault?.retryAfter !== undefined) response.setHeader('retry-after', String(fault.retryAfter));
    if (fault?.status) return void response.writeHead(fault.status).end('Slack is having a moment.');
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(reply));
  }

  #record(call: ApiCall): void {
    this.calls.push(call);
    if (this.calls.length > kept) this.calls.shift();
    if (!call.reply.ok) this.#log.debug({ method: call.method, error: call.reply.error }, 'local Slack refused a call');
    this.onCall(call);
  }

  #refusedToken(request: IncomingMessage, args: Args, method: string): Reply | undefined {
    const given = /^Bearer\s+(.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? args.token;
    if (!given) return { ok: false, error: 'not_authed' };
    const { bot, app } = this.#tokens;
    const [wanted, other] = method === connect ? [app, bot] : [bot, app];
    if (given === wanted) return undefined;
    return { ok: false, error: given === other ? 'not_allowed_token_type' : 'invalid_auth' };
  }

  #tooFast(method: string, args: Args): Fault | undefined {
    const pace = this.#paces.get(method);
    if (!pace) return undefined;
    const now = systemClock.now().epochMilliseconds;
    const key = String(args.channel ?? '');
    const recent = (pace.seen.get(key) ?? []).filter(at => at > now - pace.perMs);
    pace.seen.set(key, recent);
    if (recent.length >= pace.calls) return { retryAfter: Math.max(1, Math.ceil((recent[0]! + pace.perMs - now) / 1000)) };
    recent.push(now);
    return undefined;
  }

  /** `response_url`: five answers within half an hour, then 404. */
  async respond(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const refused = (status: number, error: string) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: false, error }));
    const url = this.#responseUrls.get(id);
    if (!url) return refused(404, 'no_such_url');
    if (Temporal.Instant.compare(this.#workspace.clock.now(), url.until) > 0) return refused(404, 'expired_url');
    if (url.uses >= 5) return refused(404, 'used_url');
    try {
      const args = parse(await readBody(request), request.headers['content-type'] ?? '');
      url.uses += 1;
      this.answer(url, args);
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
      this.#record({ method: 'response_url', args, reply: { ok: true }, status: 200 });
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      this.#record({ method: 'response_url', args: {}, reply: { ok: false, error: error.code }, status: 400 });
      refused(400, error.code);
    }
  }

  /** Posts an answer to a command or a click, as its fields say: to all or to the asker alone, or in place of the message clicked. */
  answer(to: { user: string; channel: string; message?: Message }, args: Args): void {
    const isYes = (value: unknown) => value === true || value === 'true';
    const source = to.message && this.#workspace.message(to.channel, to.message.ts);
    if (isYes(args.delete_original)) {
      if (!source) throw new SlackError('message_not_found');
      this.#workspace.delete(source);
      if (!source.ephemeralTo) this.#events.deleted(source);
      return;
    }
    const said = content(args);
    if (!said.text && !said.hasBlocks) throw new SlackError('no_text');
    if (isYes(args.replace_original) && source) {
      const fields = { text: said.text, blocks: said.blocks, editedTs: this.#workspace.nextTs() };
      const after = this.#workspace.change(source, fields);
      if (!source.ephemeralTo) this.#events.changed(source, after);
      return;
    }
    const thread = typeof args.thread_ts === 'string' ? args.thread_ts : to.message?.threadTs;
    const message = this.#workspace.post({
      channel: to.channel,
      user: this.#workspace.bot.id,
      byApp: true,
      text: said.text,
      blocks: said.blocks,
      ...(thread ? { threadTs: thread } : {}),
      ...(args.response_type === 'in_channel' ? {} : { ephemeralTo: to.user }),
    });
    this.#events.posted(message);
  }
}
