import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { chooseModel } from '../../src/agent/model.ts';
import { createAgentTurn } from '../../src/agent/turn.ts';
import { silentLog } from '../../src/log.ts';
import { registry } from '../../src/metrics.ts';
import { startTracing } from '../../src/ops/tracing.ts';
import { startOpenAi, usage } from '../support/openai-server.ts';
import { test } from '../support/world.ts';

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: { key: string; value: Record<string, string | number> }[];
}

/** A collector on loopback that keeps what it is sent. */
async function startCollector() {
  const bodies: string[] = [];
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    bodies.push(Buffer.concat(parts).toString('utf8'));
    paths.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    paths,
    spans: (): Span[] =>
      bodies.flatMap(body =>
        JSON.parse(body).resourceSpans.flatMap((one: { scopeSpans: { spans: Span[] }[] }) =>
          one.scopeSpans.flatMap(({ spans }) => spans),
        ),
      ),
    close: () => new Promise(resolve => server.close(resolve)),
  };
}

const idsOf = ({ attributes }: Span) => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** Turns that were done, and tokens that this test's model has read. */
async function counted(): Promise<{ turns: number; input: number }> {
  const text = await registry.metrics();
  const read = (series: string) =>
    Number(
      text
        .split('\n')
        .find(line => line.startsWith(series))
        ?.slice(series.length) ?? 0,
    );
  return {
    turns: read('drover_turns_total{status="done"} '),
    input: read('drover_model_tokens_total{direction="input",model="planner"} '),
  };
}

test('A5 a turn is traced by ids: its calls within it, and none of its words, keys or addresses', async ({ world }) => {
  const office = await world.office('Canary Workspace');
  const collector = await startCollector();
  const stop = startTracing(collector.url);
  const ai = await startOpenAi(
    { calls: [{ name: 'create_list', args: { name: 'Canary list', criteria: { keywords: ['canary-keyword'] } } }] },
    { calls: [{ name: 'canary_tool', args: { email: 'canary@people.example' } }] },
    { say: 'canary answer' },
  );
  const model = chooseModel({
    OPENAI_API_KEY: 'sk-canary-0123456789',
    OPENAI_BASE_URL: ai.url,
    OPENAI_MODEL: 'planner',
    OPENAI_FALLBACK_MODEL: undefined,
  });
  const run = createAgentTurn({ services: world.services, model, log: silentLog });
  const before = await counted();
  const { turnId } = await run(
    {
      workspaceId: office.id,
      inboxId: 7,
      asker: office.admin,
      surface: 'cli',
      channel: 'cli',
      root: 'canary-root',
      text: 'canary prompt for canary@people.example',
    },
    async () => {},
  );
  const after = await counted();
  expect([after.turns - before.turns, after.input - before.input]).toEqual([1, 3 * usage.prompt_tokens]);
  await stop();
  await ai.close();
  await collector.close();

  expect(new Set(collector.paths)).toEqual(new Set(['/v1/traces']));
  const spans = collector.spans();
  const turn = spans.find(({ name }) => name === 'turn')!;
  expect(idsOf(turn)).toEqual({
    'drover.workspace': office.id,
    'drover.turn': turnId,
    'drover.inbox': 7,
    'drover.surface': 'cli',
  });
  const calls = spans.filter(({ name }) => name === 'tool call');
  expect(
    calls.map(call => [call.parentSpanId === turn.spanId, call.traceId === turn.traceId, idsOf(call)['drover.tool']]),
  ).toEqual([
    [true, true, 'create_list'],
    [true, true, 'unknown'],
  ]);
  expect(idsOf(calls[0]!)).toMatchObject({
    'drover.workspace': office.id,
    'drover.turn': turnId,
    'drover.ordinal': 1,
    'drover.door': 'model',
  });
  expect(collector.bodies.join()).not.toMatch(/canary/i);
});

test('without a collector nothing is traced and everything works', async ({ world }) => {
  const office = await world.office();
  expect(await world.call(office, 'list_lists', {})).toMatchObject({ outcome: 'done' });
});
