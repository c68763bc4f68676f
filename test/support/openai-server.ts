import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a client sent to /chat/completions, as far as tests look at it. */
export interface ChatRequest {
  model: string;
  stream?: boolean;
  messages: ChatMessage[];
  tools?: { type: 'function'; function: { name: string; description: string; parameters: Record<string, unknown> } }[];
}

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string | null;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
}

/** A call as the model makes it; a string goes out as it is, so that arguments can be malformed. */
export interface ScriptedCall {
  name: string;
  args: object | string;
  id?: string;
}

/** How the server answers one request. */
export type Reply =
  | { say: string; calls?: ScriptedCall[] }
  | { say?: string; calls: ScriptedCall[]; finish?: string }
  /** An error answer, before any text. */
  | { status: number; headers?: Record<string, string> }
  /** Headers and half an answer, then the connection breaks. */
  | { breaks: ScriptedCall[] }
  /** Never a byte; or headers and then silence. Until the client gives up. */
  | { hangs: 'at once' | 'after headers' }
  /** Whatever the test works out when the request is there. */
  | ((request: ChatRequest) => Reply | Promise<Reply>);

/** What every answer is said to have cost. */
export const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };

export interface OpenAiServer {
  url: string;
  /** In the order in which they came. */
  requests: ChatRequest[];
  /** Adds to the script. A request beyond its end is answered with 500. */
  add(...replies: Reply[]): void;
  close(): Promise<void>;
}

/** An OpenAI-compatible server on loopback that follows a script, one reply a request, streamed where the client asks for a stream. */
export async function startOpenAi(...script: Reply[]): Promise<OpenAiServer> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const request = JSON.parse(await read(incoming)) as ChatRequest;
    requests.push(request);
    if (incoming.method !== 'POST' || incoming.url !== '/v1/chat/completions') return fail(outgoing, 404);
    await answer(outgoing, request, script.shift() ?? { status: 500 });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    add: (...replies) => void script.push(...replies),
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function read(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const fail = (outgoing: ServerResponse, status: number, headers: Record<string, string> = {}) =>
  outgoing
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ error: { message: `scripted ${status}`, type: 'scripted', code: null } }));

async function answer(outgoing: ServerResponse, request: ChatRequest, reply: Reply): Promise<void> {
  if (typeof reply === 'function') return answer(outgoing, request, await reply(request));
  if ('status' in reply) return void fail(outgoing, reply.status, reply.headers);
  if ('hangs' in reply) return void (reply.hangs === 'after headers' && begin(outgoing, request).flushHeaders());
  const calls = ('breaks' in reply ? reply.breaks : (reply.calls ?? [])).map(asCall);
  const say = 'breaks' in reply ? '' : (reply.say ?? '');
  const finish = ('finish' in reply && reply.finish) || (calls.length ? 'tool_calls' : 'stop');
  const whole = request.stream ? streamed(request, say, calls, finish) : complete(request, say, calls, finish);
  begin(outgoing, request);
  if (!('breaks' in reply)) return void outgoing.end(whole);
  outgoing.write(whole.slice(0, whole.length / 2), () => outgoing.destroy());
}

const begin = (outgoing: ServerResponse, { stream }: ChatRequest) =>
  outgoing.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });

/** Ids repeat from answer to answer, as those of some servers do. */
const asCall = ({ name, args, id }: ScriptedCall, index: number) => ({
  index,
  id: id ?? `call_${index}`,
  type: 'function',
  function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
});

const envelope = { id: 'chatcmpl-same', created: 0 };

const complete = ({ model }: ChatRequest, content: string, calls: ReturnType<typeof asCall>[], finish: string): string =>
  JSON.stringify({
    ...envelope,
    object: 'chat.completion',
    model,
    choices: [
      {
        index: 0,
        finish_reason: finish,
        message: { role: 'assistant', content: content || null, ...(calls.length ? { tool_calls: calls } : {}) },
      },
    ],
    usage,
  });

function streamed({ model }: ChatRequest, content: string, calls: ReturnType<typeof asCall>[], finish: string): string {
  const chunk = (delta: object, finish_reason: string | null = null, rest: object = {}) =>
    `data: ${JSON.stringify({ ...envelope, object: 'chat.completion.chunk', model, choices: [{ index: 0, delta, finish_reason }], ...rest })}\n\n`;
  return [
    chunk({ role: 'assistant', content }),
    ...calls.map(call => chunk({ tool_calls: [call] })),
    chunk({}, finish),
    `data: ${JSON.stringify({ ...envelope, object: 'chat.completion.chunk', model, choices: [], usage })}\n\n`,
    'data: [DONE]\n\n',
  ].join('');
}
