import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api';
import { test as base, describe, expect } from 'vitest';
import { drover, enter } from '../../src/domain/context.ts';
import { createSlackApp } from '../../src/slack/app.ts';
import { backoffSeconds, Pace, ResponseUrlError, verdict } from '../../src/slack/delivery.ts';
import { notify } from '../../src/slack/notify.ts';
import { post } from '../../src/slack/outbox.ts';
import { botToken, type SlackHarness, startSlack } from '../support/slack.ts';
import { test as withWorld } from '../support/world.ts';

interface Outbox extends SlackHarness {
  sales: string;
  /** Puts a message in the outbox, of this key and as this text. */
  put: (key: string, ...texts: string[]) => Promise<void>;
  /** What everyone in #sales sees of the bot, oldest first. */
  shown: () => string[];
  rows: () => Promise<{ post_key: string; state: string; error: string | null; attempts: number }[]>;
}

const message = (text: string) => ({ text, blocks: [{ type: 'section' as const, text: { type: 'mrkdwn' as const, text } }] });

const test = withWorld.extend<{ box: Outbox }>({
  box: async ({ world }, use) => {
    const harness = await startSlack(world.services, { pause: async ms => world.clock.move({ milliseconds: ms }) });
    world.handlers = harness.handlers;
    const sales = harness.slack.channels.find(({ name }) => name === 'sales')!.id;
    const inside = <R>(work: Parameters<typeof enter<R>>[3]) => enter(world.services, harness.workspaceId, drover, work);
    await use({
      ...harness,
      sales,
      put: (key, ...texts) => inside(ctx => post(ctx, key, { channel: sales }, texts.map(message))),
      shown: () =>
        harness.slack.control
          .messages('sales')
          .filter(({ byApp }) => byApp)
          .map(({ text }) => text),
      rows: () =>
        inside(ctx => ctx.tx.selectFrom('slack_post').select(['post_key', 'state', 'error', 'attempts']).orderBy('id').execute()),
    });
    await harness.close();
  },
});

const calls = (box: Outbox, method = 'chat.postMessage') => box.slack.control.apiCalls.filter(call => call.method === method);

describe('delivery', () => {
  test('a key is posted once, in order, and with its transaction or not at all', async ({ world, box }) => {
    await box.put('a', 'one');
    await box.put('b', 'two');
    await box.put('a', 'one again');
    await enter(world.services, box.workspaceId, drover, async ctx => {
      await post(ctx, 'c', { channel: box.sales }, [message('never')]);
      throw new Error('rolled back');
    }).catch(() => {});
    await world.drain();
    await world.drain();
    expect(box.shown()).toEqual(['one', 'two']);
  });

  test('several messages of one post follow each other, a replacement is in place', async ({ world, box }) => {
    await box.put('long', 'one', 'two', 'three');
    await world.drain();
    await enter(world.services, box.workspaceId, drover, ctx =>
      post(ctx, 'change', { channel: box.sales, replace: { key: 'long' } }, [message('uno')]),
    );
    await enter(world.services, box.workspaceId, drover, ctx =>
      post(ctx, 'change nothing', { channel: box.sales, replace: { key: 'never posted' } }, [message('?')]),
    );
    await world.drain();
    expect(box.shown()).toEqual(['uno', 'two', 'three']);
    expect((await box.rows()).map(({ post_key, state, error }) => [post_key, state, error])).toEqual([
      ['long', 'posted', null],
      ['long/2', 'posted', null],
      ['long/3', 'posted', null],
      ['change', 'posted', null],
      ['change nothing', 'failed', 'nothing_to_replace'],
    ]);
  });

  test('C1 a 429 waits as long as Slack asks, and is posted once', async ({ world, box }) => {
    box.slack.control.fail('chat.postMessage', { retryAfter: 2 });
    await box.put('a', 'one');
    await box.put('b', 'two');
    await world.drain();
    expect(box.shown()).toEqual(['one', 'two']);
    expect(box.pauses).toEqual([2000]);
    expect(calls(box).map(({ status }) => status)).toEqual([429, 200, 200]);
  });

  test('a long wait is left to the tick, and the channel keeps its order', async ({ world, box }) => {
    box.slack.control.fail('chat.postMessage', { retryAfter: 90 });
    await box.put('a', 'one');
    await world.drain();
    await box.put('b', 'two');
    await world.drain();
    expect(box.shown()).toEqual([]);
    await world.clock.move({ seconds: 50 });
    await world.handlers.tick!({} as never, AbortSignal.abort());
    await world.drain();
    expect(box.shown()).toEqual([]);
    await world.clock.move({ seconds: 41 });
    await world.handlers.tick!({} as never, AbortSignal.abort());
    await world.drain();
    expect(box.shown()).toEqual(['one', 'two']);
    expect(box.pauses).toEqual([]);
  });

  test.for([
    ['a 500 after posting', { status: 500, afterEffect: true }],
    ['a 503 before posting', { status: 503 }],
    ['a cut connection after posting', { cut: true, afterEffect: true }],
    ['a cut connection before posting', { cut: true }],
    ['internal_error after posting', { error: 'internal_error', afterEffect: true }],
    ['500 three times, posted the first time', { status: 500, afterEffect: true }],
  ] as const)('C1 %s shows the message once', async ([what, fault], { world, box }) => {
    box.slack.control.fail('chat.postMessage', fault);
    if (what.startsWith('500 three')) box.slack.control.fail('conversations.history', { status: 500, times: 2 });
    await box.put('a', 'one');
    await box.put('b', 'two');
    await world.drain();
    expect(box.shown()).toEqual(['one', 'two']);
    expect((await box.rows()).map(({ state }) => state)).toEqual(['posted', 'posted']);
  });

  test('C1 a post in a thread is found again there', async ({ world, box }) => {
    const root = await box.slack.control.say({ channel: 'sales', text: 'a thread' });
    box.slack.control.fail('chat.postMessage', { status: 500, afterEffect: true });
    await enter(world.services, box.workspaceId, drover, ctx =>
      notify(ctx, { key: 'a', channel: box.sales, threadTs: root.ts, report: { tone: 'good', title: 'Done' } }),
    );
    await world.drain();
    expect(box.slack.control.thread('sales', root.ts).map(({ text }) => text)).toEqual(['a thread', 'Done']);
    expect(calls(box)).toHaveLength(1);
  });

  test('C1 a process that dies right after the call leaves a trace, and nothing is posted twice', async ({ world, box }) => {
    const clock = {
      now: () => {
        if (calls(box).length) throw new Error('killed');
        return world.clock.now();
      },
    };
    const dying = createSlackApp({
      services: { ...world.services, clock },
      botToken,
      apiUrl: box.slack.apiUrl,
      zone: 'UTC',
      runTurn: box.turns.run,
      paced: false,
    });
    await box.put('a', 'one');
    await expect(dying.deliverPosts(box.workspaceId, box.sales)).rejects.toThrow('killed');
    expect(await box.rows()).toMatchObject([{ state: 'handing' }]);
    await world.drain();
    expect(box.shown()).toEqual(['one']);
  });

  test.for([true, false])('C1 a process killed while handing, message posted: %s', async (wasPosted, { world, box }) => {
    await box.put('a', 'one');
    await enter(world.services, box.workspaceId, drover, ctx =>
      ctx.tx.updateTable('slack_post').set({ state: 'handing', handing_at: ctx.now, attempts: 1 }).execute(),
    );
    if (wasPosted)
      await box.app.client.chat.postMessage({
        channel: box.sales,
        text: 'one',
        metadata: { event_type: 'drover_post', event_payload: { key: 'a' } },
      });
    await world.drain();
    expect(box.shown()).toEqual(['one']);
    expect(await box.rows()).toMatchObject([{ state: 'posted' }]);
  });

  test.for(['channel_not_found', 'not_in_channel', 'is_archived', 'msg_too_long'])(
    '%s fails that post alone, with its code',
    async (error, { world, box }) => {
      box.slack.control.fail('chat.postMessage', { error });
      await box.put('a', 'one');
      await box.put('b', 'two');
      await world.drain();
      expect(box.shown()).toEqual(['two']);
      expect((await box.rows())[0]).toMatchObject({ state: 'failed', error, attempts: 1 });
    },
  );

  test('a Slack that stays away is tried for long, then given up; what follows is posted', async ({ world, box }) => {
    box.slack.control.fail('chat.postMessage', { status: 503, times: 14 });
    await box.put('a', 'one');
    await box.put('b', 'two');
    await world.drain();
    for (let i = 0; i < 20; i++) {
      await world.clock.move({ minutes: 5 });
      await world.handlers.tick!({} as never, AbortSignal.abort());
      await world.drain();
    }
    expect(box.shown()).toEqual(['two']);
    expect((await box.rows())[0]).toMatchObject({ state: 'failed', error: 'http_503', attempts: 14 });
  });

  test('posts leave at about one a second and channel after a small burst', async ({ world, box }) => {
    const paced = await startSlack(world.services, { paced: true, pause: async ms => world.clock.move({ milliseconds: ms }) });
    world.handlers = paced.handlers;
    await box.put('many', ...Array.from({ length: 6 }, (_, i) => `m${i}`));
    await world.drain();
    expect(paced.pauses).toEqual([1000, 1000, 1000]);
    await paced.close();
  });
});

describe('decisions', () => {
  const headers = {};
  base.for([
    [new WebAPIRateLimitedError(7), { kind: 'wait', seconds: 7, code: 'ratelimited' }],
    [new WebAPIPlatformError({ ok: false, error: 'ratelimited' }), { kind: 'wait', seconds: 30, code: 'ratelimited' }],
    [new WebAPIPlatformError({ ok: false, error: 'fatal_error' }), { kind: 'unsure', code: 'fatal_error' }],
    [new WebAPIPlatformError({ ok: false, error: 'invalid_auth' }), { kind: 'later', code: 'invalid_auth' }],
    [new WebAPIPlatformError({ ok: false, error: 'invalid_blocks' }), { kind: 'failed', code: 'invalid_blocks' }],
    [new WebAPIHTTPError(502, 'Bad Gateway', headers), { kind: 'unsure', code: 'http_502' }],
    [new WebAPIHTTPError(404, 'Not Found', headers), { kind: 'failed', code: 'http_404' }],
    [new ResponseUrlError(429, 3), { kind: 'wait', seconds: 3, code: 'ratelimited' }],
    [new ResponseUrlError(404, 1), { kind: 'failed', code: 'http_404' }],
    [
      new WebAPIRequestError(new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) })),
      { kind: 'later', code: 'ECONNREFUSED' },
    ],
    [new WebAPIRequestError(new DOMException('timed out', 'TimeoutError') as Error), { kind: 'unsure' }],
  ] as const)('%s', ([error, expected]) => {
    expect(verdict(error)).toMatchObject(expected);
  });

  base('tries come further apart, up to five minutes', () => {
    expect([1, 2, 3, 8, 9, 10, 40].map(backoffSeconds)).toEqual([1, 2, 4, 128, 256, 300, 300]);
  });

  base('a channel that was quiet has its burst again, and channels do not wait for each other', () => {
    const pace = new Pace({ burst: 2, everyMs: 1000 });
    const at = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms);
    expect([pace.take('a', at(0)), pace.take('a', at(0)), pace.take('a', at(0)), pace.take('b', at(0))]).toEqual([0, 0, 1000, 0]);
    expect([pace.take('a', at(10_000)), pace.take('a', at(10_000)), pace.take('a', at(10_000))]).toEqual([0, 0, 1000]);
  });
});
