import { expect } from 'vitest';
import type { Reply } from '../support/openai-server.ts';
import { test, World } from '../support/world.ts';
import { begin, contextOf, createList, criteria, directoryOf, lastOf, stored, talk, weekly } from './talk.ts';

test('A7 a malformed call never runs: the model is asked again', async ({ world }) => {
  const { there, office, thread } = await begin(world, [
    { calls: [{ name: 'create_list', args: '{"name": "Half", "criteria": {' }] },
    { calls: [createList('Whole')] },
    { say: 'Created.' },
  ]);
  const answer = await thread.says('make a list');
  expect(answer).toMatchObject({ status: 'done', text: 'Created.', calls: [{ tool: 'create_list' }] });
  expect((await stored(there, office)).lists).toEqual(['Whole']);
});

test('A7 arguments that do not fit are refused in a sentence, without a stack, and the model mends them', async ({ world }) => {
  const { there, office, thread } = await begin(world, [
    { calls: [{ name: 'create_list', args: { name: 'L', criteria: { seniorities: ['emperor'] } } }] },
    { calls: [{ name: 'no_such_tool', args: {} }] },
    { calls: [createList('L')] },
    { say: 'Created.' },
  ]);
  const { calls } = await thread.says('make a list');
  expect(calls.map(({ outcome }) => (outcome.outcome === 'refused' ? outcome.code : outcome.outcome))).toEqual([
    'bad_input',
    'unknown_tool',
    'done',
  ]);
  const told = lastOf(thread).filter(({ role }) => role === 'tool');
  expect(told[0]!.content).toContain('bad_input');
  expect(told.map(({ content }) => content).join()).not.toMatch(/node_modules|\.ts:|ZodError/);
  expect((await stored(there, office)).lists).toEqual(['L']);
});

test('A7 a null for a field that a model leaves out is no mistake', async ({ world }) => {
  const { thread } = await begin(world, [
    {
      calls: [
        { name: 'create_list', args: { name: 'L', count: null, criteria: { ...criteria, headcount: { min: 50, max: null } } } },
      ],
    },
    { say: 'Created.' },
  ]);
  const { calls } = await thread.says('make a list');
  expect(calls).toMatchObject([{ outcome: { outcome: 'done' } }]);
});

test('A7 a model that dies in the middle: what was done stays and is said, and the turn is over', async ({ world }) => {
  const { there, office, thread } = await begin(world, [
    { calls: [createList('Fintech')] },
    { status: 500 },
    { breaks: [weekly('Fintech', 20)] },
    { status: 503 },
  ]);
  const answer = await thread.says('VPs of Sales at fintechs, 20 more every Monday');
  expect(answer.status).toBe('stopped');
  expect(answer.text).toMatch(/^The language model stopped answering; please try again in a few minutes\. Done until then: /);
  expect(answer.text).toContain('Fintech');
  expect(answer.text).toContain('/drover status');
  expect(thread.delivered).toEqual([answer]);
  expect(thread.server.requests).toHaveLength(4);
  const { lists, turns } = await stored(there, office);
  expect(lists).toEqual(['Fintech']);
  expect(turns).toMatchObject([{ status: 'stopped', error_code: 'model_unavailable', model_calls: 1, input_tokens: 100 }]);
});

test('A7 a model that is not there answers with one clear sentence, whatever its server says', async ({ world }) => {
  const down: [number, RegExp][] = [
    [401, /refused the key; please have OPENAI_API_KEY checked/],
    [404, /OPENAI_MODEL and OPENAI_BASE_URL/],
    [429, /try again in a minute/],
    [500, /does not answer/],
  ];
  const { there, office } = await begin(world, []);
  for (const [status, sentence] of down) {
    const thread = await talk(there, office, { script: [{ status }, { status }, { status }] });
    const answer = await thread.says('make a list');
    expect(answer).toMatchObject({ status: 'stopped', text: expect.stringMatching(sentence), calls: [] });
    expect(answer.text).toContain('Nothing was changed.');
    expect(answer.text).not.toContain('scripted');
    expect(thread.server.requests).toHaveLength(status === 429 || status === 500 ? 3 : 1);
  }
});

test('A7 the fallback takes over, and the turn records who answered', async ({ world }) => {
  const { there, office, thread } = await begin(
    world,
    [{ status: 500 }, { status: 500 }, { status: 500 }, { say: 'Hello from the spare.' }],
    { fallback: true },
  );
  expect(await thread.says('hello')).toMatchObject({ status: 'done', text: 'Hello from the spare.' });
  expect(thread.server.requests.map(({ model }) => model)).toEqual(['scripted', 'scripted', 'scripted', 'spare']);
  expect((await stored(there, office)).turns).toMatchObject([{ model: 'spare', model_calls: 1, input_tokens: 100 }]);
});

test('A8 a turn that is killed after its first call goes on from there: the write happens once, the answer comes once', async ({
  world,
}) => {
  const killed = new AbortController();
  const { there, office, thread } = await begin(world, [
    { calls: [createList('Fintech')] },
    () => {
      killed.abort(new Error('the worker is gone'));
      return { hangs: 'at once' };
    },
    { calls: [weekly('Fintech', 20)] },
    { say: 'Both done.' },
  ]);
  await expect(thread.says('VPs of Sales, 20 every Monday', { signal: killed.signal })).rejects.toThrow('called off');
  expect(thread.delivered).toEqual([]);
  expect((await stored(there, office)).turns).toMatchObject([{ status: 'running', model_calls: 1 }]);

  const answer = await thread.again({ signal: new AbortController().signal });
  const seen = thread.server.requests[2]!.messages;
  expect(seen.slice(-2)).toMatchObject([
    { role: 'assistant', tool_calls: [{ function: { name: 'create_list' } }] },
    { role: 'tool', content: expect.stringContaining('"outcome":"done"') },
  ]);
  expect(contextOf(seen)).toMatchObject({ lists: [] });
  expect(answer.calls.map(({ tool }) => tool)).toEqual(['create_list', 'set_monitoring']);
  expect(answer).toMatchObject({ status: 'done', text: 'Both done.' });

  expect(await thread.again()).toEqual(answer);
  expect(thread.delivered).toEqual([answer]);
  expect(thread.server.requests).toHaveLength(4);
  const { turns, calls, lists } = await stored(there, office);
  expect(turns).toMatchObject([{ status: 'done', model_calls: 3 }]);
  expect(calls.map(({ ordinal, tool }) => [ordinal, tool])).toEqual([
    [1, 'create_list'],
    [2, 'set_monitoring'],
  ]);
  expect(lists).toEqual(['Fintech']);
});

test('A8 killed between two calls of one answer: the second never began, and a model that repeats itself repeats nothing', async ({
  world,
}) => {
  const killed = new AbortController();
  const both = { calls: [createList('One'), { name: 'preview_list', args: { criteria } }, createList('Two')] };
  const { office, there } = await begin(world, []);
  const source = directoryOf(600);
  let previews = 0;
  const dying = new World(there, {
    sources: {
      directory: {
        ...source,
        preview: (...asked) => {
          if (++previews === 2) killed.abort(new Error('the worker is gone'));
          return source.preview(...asked);
        },
      },
    },
  });
  const thread = await talk(dying, office, { script: [both, both, { say: 'All there.' }] });
  await expect(thread.says('two lists', { signal: killed.signal })).rejects.toThrow('called off');
  expect((await stored(there, office)).lists).toEqual(['One']);

  const answer = await thread.again({ signal: new AbortController().signal });
  expect(answer.text).toBe('All there.');
  const { lists, calls } = await stored(there, office);
  expect(lists).toEqual(['One', 'Two']);
  expect(calls.filter(({ tool }) => tool === 'create_list').map(({ outcome }) => outcome)).toEqual(['done', 'done']);
});

/** Takes a table away while `work` runs. */
async function without<R>(world: World, table: string, work: () => Promise<R>): Promise<R> {
  const { schema } = world.connection.db;
  await schema.alterTable(table).renameTo(`${table}_away`).execute();
  try {
    return await work();
  } finally {
    await schema.alterTable(`${table}_away`).renameTo(table).execute();
  }
}

test('A8 a database lost in the middle throws, so that the job is tried again, and the turn goes on', async ({ world }) => {
  const away = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const { there, office, thread } = await begin(world, [
    { calls: [createList('One')] },
    async () => {
      away.resolve();
      await gone.promise;
      return { calls: [createList('Two')] };
    },
    { calls: [createList('Two')] },
    { say: 'Created.' },
  ]);
  const failed = expect(thread.says('make two lists')).rejects.toThrow('could not be stored');
  await away.promise;
  await without(there, 'tool_call', async () => {
    gone.resolve();
    await failed;
  });

  expect((await stored(there, office)).lists).toEqual(['One']);
  expect(await thread.again()).toMatchObject({ status: 'done', text: 'Created.' });
  expect((await stored(there, office)).lists).toEqual(['One', 'Two']);
  expect(thread.delivered).toHaveLength(1);
});

test('A8 a tool that fails is stored, said without its stack, and the model goes on', async ({ world }) => {
  const { there, office, thread } = await begin(world, [
    { calls: [createList('Fintech'), weekly('Fintech', 20)] },
    { say: 'The list is there; its standing order failed.' },
  ]);
  const answer = await without(there, 'monitoring', () => thread.says('VPs of Sales, 20 every Monday'));
  expect(answer).toMatchObject({
    status: 'done',
    calls: [{ outcome: { outcome: 'done' } }, { outcome: { outcome: 'refused', code: 'failed' } }],
  });
  expect(lastOf(thread).at(-1)!.content).toContain('a fault on my side');
  expect(JSON.stringify(lastOf(thread))).not.toMatch(/relation|node_modules/);
  expect((await stored(there, office)).calls.map(({ ordinal, outcome }) => [ordinal, outcome])).toEqual([
    [1, 'done'],
    [2, 'refused'],
  ]);
});

test('A7 a turn is bounded by tool calls, model calls, tokens and seconds, and says what it did until then', async ({
  world,
}) => {
  const { there, office } = await begin(world, []);
  const cases: [Parameters<typeof talk>[2], Reply[], string, RegExp][] = [
    [
      { bounds: { toolCalls: 2 } },
      [{ calls: [createList('A1'), createList('A2'), createList('A3')] }],
      'tool_calls',
      /more than 2 steps.*A1.*A2/,
    ],
    [
      { bounds: { modelCalls: 2 } },
      [{ calls: [createList('B1')] }, { calls: [createList('B2')] }, { say: 'never asked' }],
      'model_calls',
      /more than 2 rounds.*B1.*B2/,
    ],
    [{ bounds: { tokens: 100 } }, [{ calls: [createList('C1')] }, { say: 'never asked' }], 'tokens', /one message may cost.*C1/],
    [{ bounds: { seconds: 0.2 } }, [{ hangs: 'at once' }], 'seconds', /longer than 0.2 seconds.*Nothing was changed/],
  ];
  for (const [i, [how, script, code, text]] of cases.entries()) {
    const thread = await talk(there, office, { script, ...how, root: `bound-${i}` });
    const answer = await thread.says('go');
    expect(answer).toMatchObject({ status: 'stopped', text: expect.stringMatching(text) });
    expect(thread.delivered).toEqual([answer]);
    expect((await stored(there, office)).turns.at(-1)).toMatchObject({ status: 'stopped', error_code: code });
  }
  expect((await stored(there, office)).lists).toEqual(['A1', 'A2', 'B1', 'B2', 'C1']);
});

test('A7 bounds hold over all attempts at one turn', async ({ world }) => {
  const killed = new AbortController();
  const { there, office, thread } = await begin(
    world,
    [
      { calls: [createList('One')] },
      () => {
        killed.abort(new Error('the worker is gone'));
        return { hangs: 'at once' };
      },
      { calls: [createList('Two')] },
      { say: 'never asked' },
    ],
    { bounds: { modelCalls: 2 } },
  );
  await expect(thread.says('go', { signal: killed.signal })).rejects.toThrow('called off');
  expect(await thread.again({ signal: new AbortController().signal })).toMatchObject({ status: 'stopped' });
  expect(thread.server.requests).toHaveLength(3);
  expect((await stored(there, office)).lists).toEqual(['One', 'Two']);
});
