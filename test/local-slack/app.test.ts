import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MovableClock } from '../../src/clock.ts';
import { type EchoApp, startEcho } from './echo-app.ts';

const alex = 'U0ALEX00001';
const sam = 'U0SAM000001';
const clock = new MovableClock();

let echo: EchoApp;
beforeEach(async () => {
  echo = await startEcho({ clock });
});
afterEach(() => echo.close());

const control = () => echo.slack.control;
const words = (channel: string) =>
  control()
    .messages(channel)
    .map(({ text }) => text);

test('an unmodified Bolt app answers a direct message', async () => {
  await control().dm({ text: 'hello' });
  await control().waitFor(() => words(alex).includes('You said: hello'));
  expect(words(sam)).toEqual([]);
});

test('a mention in a channel arrives as a message and as a mention, and is answered in its thread', async () => {
  const said = await control().mention({ user: sam, text: 'hello' });
  const answer = await control().waitFor(() => control().thread('sales', said.ts)[1]);
  expect(answer.text).toBe(`You said: <@${echo.slack.botUserId}> hello`);
  expect(echo.heard.map(({ type }) => type).sort()).toEqual(['app_mention', 'message']);
});

test('what people type is marked up as Slack does', async () => {
  await control().dm({
    text: '@drover a < b & c, jane@acme.example, https://a.example/x?y=1. acme.com in #sales, <!here> @nobody',
  });
  expect(echo.heard[0]?.text).toBe(
    '<@U0DROVER001> a &lt; b &amp; c, <mailto:jane@acme.example|jane@acme.example>, <https://a.example/x?y=1>. ' +
      '<http://acme.com|acme.com> in <#C0SALES0001|sales>, <!here> @nobody',
  );
});

test("the bot's own messages echo back, marked as its own", async () => {
  await control().dm({ text: 'hello' });
  const echoed = await control().waitFor(() =>
    control().deliveries.find(({ payload }) => (payload.event as { bot_id?: string })?.bot_id && payload),
  );
  expect(echoed.payload.event).toMatchObject({ user: 'U0DROVER001', channel_type: 'im', text: 'You said: hello' });
});

test('in a channel without the bot only Slackbot answers, until the bot is invited', async () => {
  await control().mention({ channel: 'random', text: 'hello' });
  expect(echo.heard).toEqual([]);
  expect(control().ephemerals(alex, 'random')[0]?.text).toContain('not in this channel');
  await control().slash(alex, '/invite', '@drover', 'random');
  await control().mention({ channel: 'random', text: 'hello' });
  expect(echo.heard.length).toBe(2);
});

test('a slash command is answered by its acknowledgement and its response URL, to the asker alone', async () => {
  await control().slash(alex, '/drover', 'status', 'sales');
  await control().waitFor(() => control().ephemerals(alex).length === 2);
  expect(
    control()
      .ephemerals(alex)
      .map(({ text }) => text)
      .sort(),
  ).toEqual(['Looking up *status*.', '`/drover status`: 2 lists, 1 active sequence.']);
  expect([control().ephemerals(sam), words('sales')]).toEqual([[], []]);
  await control().slash(alex, '/drive', 'fast');
  expect(control().ephemerals(alex).at(-1)?.text).toContain('`/drive` is not a valid command');
});

test('a click reaches the app with its message, and the answer replaces it', async () => {
  await control().dm({ text: 'card' });
  const shown = await control().waitFor(() =>
    control()
      .messages(alex)
      .find(({ blocks }) => blocks.length),
  );
  expect(await control().click({ channel: alex, ts: shown.ts, text: 'Approve' })).toMatchObject({ status: 200 });
  const after = await control().waitFor(() =>
    control()
      .messages(alex)
      .find(({ ts, blocks }) => ts === shown.ts && !blocks.length),
  );
  expect(after.text).toBe(`Approved 7 by <@${alex}>.`);
  const { payload } = control().deliveries.find(({ kind }) => kind === 'interaction')!;
  expect(payload).toMatchObject({
    type: 'block_actions',
    user: { id: alex },
    container: { message_ts: shown.ts },
    message: { ts: shown.ts, blocks: shown.blocks },
    actions: [{ action_id: 'approve', value: '7', block_id: shown.blocks.at(-1)?.block_id }],
  });
});

test('nobody presses a button that they cannot see, or that is not there', async () => {
  await control().dm({ text: 'card' });
  const shown = await control().waitFor(() =>
    control()
      .messages(alex)
      .find(({ blocks }) => blocks.length),
  );
  await expect(control().click({ user: sam, channel: shown.channel, ts: shown.ts, actionId: 'approve' })).rejects.toThrow(
    'channel_not_found',
  );
  await expect(control().click({ channel: alex, ts: shown.ts, actionId: 'launch' })).rejects.toThrow('no_such_button');
  await expect(control().click({ channel: alex, ts: '1.000001', actionId: 'approve' })).rejects.toThrow('message_not_found');
});

test('a response URL answers five times, within half an hour', async () => {
  const respond = async (url: string) =>
    (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"a"}' })).status;
  const urlOf = async (text: string) => {
    await control().slash(alex, '/drover', text);
    const { payload } = control().deliveries.findLast(({ kind }) => kind === 'command')!;
    await control().waitFor(() => control().apiCalls.filter(({ method }) => method === 'response_url').length === Number(text));
    return String(payload.response_url);
  };
  const first = await urlOf('1');
  expect(await Promise.all([1, 2, 3, 4].map(() => respond(first)))).toEqual([200, 200, 200, 200]);
  expect(await respond(first)).toBe(404);
  const second = await urlOf('6');
  await clock.move({ minutes: 31 });
  expect(await respond(second)).toBe(404);
  expect(await respond(`${echo.slack.url}/response/T0LOCAL0001/R0000`)).toBe(404);
});

test('an event is delivered again when its acknowledgement is lost, and says so', async () => {
  control().loseAcks(2);
  await control().dm({ text: 'silent' });
  await control().waitFor(() => echo.heard.length === 3);
  expect(echo.heard.map(({ retry }) => retry)).toEqual([undefined, 1, 2]);
  const [delivery] = control().deliveries;
  expect(delivery?.attempts.map(({ status, reason }) => [status, reason])).toEqual([
    [200, 'http_timeout'],
    [200, 'http_timeout'],
    [200, undefined],
  ]);
  await control().redeliver(delivery);
  expect(echo.heard.length).toBe(4);
});

test('an app that is down is tried four times; x-slack-no-retry stops that', async () => {
  let asked = 0;
  let headers: Record<string, string> = {};
  const server = createServer((_, response) => {
    asked += 1;
    response.writeHead(503, headers).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  echo.slack.connectApp(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await control().dm({ text: 'one' });
  const { attempts } = await control().waitFor(() => control().deliveries.find(delivery => delivery.attempts.length === 4));
  expect([asked, attempts.map(({ reason }) => reason)]).toEqual([4, Array(4).fill('http_error')]);

  headers = { 'x-slack-no-retry': '1' };
  await control().dm({ text: 'two' });
  const refused = control().deliveries.at(-1)!;
  expect(await control().slash(alex, '/drover', 'status')).toMatchObject({ reason: 'http_error' });
  expect(control().ephemerals(alex).at(-1)?.text).toBe('/drover failed with the error "dispatch_failed".');
  headers = {};
  await control().dm({ text: 'three' });
  // By the time that this one was tried four times, the refused one would have been tried again too.
  await control().waitFor(() => control().deliveries.at(-1)?.attempts.length === 4);
  expect(refused.attempts.length).toBe(1);
  await new Promise(resolve => server.close(resolve));
});

test('Bolt refuses what is not signed with the secret', async () => {
  const other = await startEcho({ signingSecret: 'another-signing-secret' });
  await other.slack.control.dm({ text: 'hello' });
  expect(other.slack.control.deliveries[0]?.attempts[0]).toMatchObject({ status: 401, reason: 'http_error' });
  expect(other.heard).toEqual([]);
  await other.close();
});
