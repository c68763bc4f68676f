import { ChatOpenAICompletions } from '@langchain/openai';
import { createAgent, tool } from 'langchain';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { causes, guards, Meter, ModelOutputError, mayPass } from '../../src/agent/middleware.ts';
import { ModelSilent, watchedFetch } from '../../src/agent/model.ts';
import { type Reply, startOpenAi } from '../support/openai-server.ts';

/** An agent with one tool behind the guards, streaming: where LangChain repairs what was cut off. */
async function streaming(...script: Reply[]) {
  const server = await startOpenAi(...script);
  const ran: unknown[] = [];
  const used: unknown[] = [];
  const model = new ChatOpenAICompletions({
    model: 'scripted',
    apiKey: 'test',
    maxRetries: 0,
    timeout: 5_000,
    configuration: { baseURL: server.url, fetch: watchedFetch(500) },
  });
  const meter = new Meter({ modelCalls: 9, toolCalls: 9, tokens: 9_999, seconds: 9 }, { modelCalls: 0, tokens: 0 }, async use => {
    used.push(use);
  });
  const add = tool(async input => void ran.push(input), {
    name: 'add',
    description: 'Adds leads',
    schema: z.object({ title: z.string(), count: z.number().default(100) }),
  });
  const agent = createAgent({
    model,
    tools: [add],
    middleware: guards({ meter, primary: { name: 'scripted', model }, retryAfterMs: 1 }),
  });
  const run = async () => {
    const stream = await agent.stream({ messages: [{ role: 'user', content: 'go' }] }, { streamMode: ['messages'] });
    for await (const _ of stream);
  };
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await server.close();
  return { error, ran, used, requests: server.requests };
}

test('A7 arguments cut off in a stream never run: the model is asked again', async () => {
  const { ran, requests, error } = await streaming(
    { calls: [{ name: 'add', args: '{"title": "CTO", "cou' }] },
    { calls: [{ name: 'add', args: { title: 'CTO', count: 3 } }] },
    { say: 'Added.' },
  );
  expect(error).toBeUndefined();
  expect(requests[0]!.stream).toBe(true);
  expect(ran).toEqual([{ title: 'CTO', count: 3 }]);
});

test('A7 a model that answers nothing but halves gives up, and ran nothing', async () => {
  const half: Reply = { calls: [{ name: 'add', args: '{"title": "CTO", ' }] };
  const { ran, requests, error, used } = await streaming(half, half, half);
  expect(ran).toEqual([]);
  expect(requests).toHaveLength(3);
  expect(used).toHaveLength(3);
  expect(causes(error).some(one => one instanceof ModelOutputError)).toBe(true);
});

test('A7 a stream that breaks, and one that goes silent after its headers, are asked again', async () => {
  const { ran, requests, error } = await streaming(
    { breaks: [{ name: 'add', args: { title: 'CTO' } }] },
    { hangs: 'after headers' },
    { say: 'Nothing to add.' },
  );
  expect(error).toBeUndefined();
  expect(requests).toHaveLength(3);
  expect(ran).toEqual([]);
});

test('A7 what a retry may help with', () => {
  const answered = (status: number, rest: object = {}) => Object.assign(new Error('x'), { status, ...rest });
  for (const status of [408, 429, 500, 502, 503]) expect(mayPass(answered(status))).toBe(true);
  for (const status of [400, 401, 403, 404, 422]) expect(mayPass(answered(status))).toBe(false);
  expect(mayPass(answered(429, { retryAfterMs: 3_600_000 }))).toBe(false);
  expect(mayPass(new Error('wrapped', { cause: new ModelSilent() }))).toBe(true);
  expect(mayPass(new TypeError('terminated'))).toBe(true);
  expect(mayPass(new DOMException('called off', 'AbortError'))).toBe(false);
  expect(mayPass(new RangeError('a bug of ours'))).toBe(false);
});
