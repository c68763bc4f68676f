import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MovableClock } from '../../src/clock.ts';
import { type LocalSlack, startLocalSlack } from '../../src/local-slack/index.ts';
import { silentLog } from '../../src/log.ts';

const token = 'xoxb-local-0123456789';
const alex = 'U0ALEX00001';
const sales = 'C0SALES0001';
const clock = new MovableClock({ standsAt: Temporal.Instant.from('2026-03-02T08:00:00Z') });
const start = (home: string | null) =>
  startLocalSlack({
    ...{ port: 0, home, appUrl: null, signingSecret: 'local-signing-secret', botToken: token, log: silentLog },
    ...{ clock, zone: 'Europe/Berlin', teamName: 'Example Team' },
  });

let slack: LocalSlack;
beforeAll(async () => {
  slack = await start(null);
});
afterAll(() => slack.close());

interface Answer {
  ok: boolean;
  error?: string;
  ts: string;
  messages: Record<string, unknown>[];
  [field: string]: unknown;
}
async function call(
  method: string,
  args: object = {},
  headers: Record<string, string> = { authorization: `Bearer ${token}` },
): Promise<Answer> {
  const response = await fetch(slack.apiUrl + method, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(args),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}
const post = (args: object = {}) => call('chat.postMessage', { channel: sales, text: 'hello', ...args });

const refused: [string, string, () => object | Promise<object>, string][] = [
  ['a method that Slack does not have', 'chat.shout', () => ({}), 'unknown_method'],
  ['a method that is a property of every object', 'constructor', () => ({}), 'unknown_method'],
  ['streams, which are not here yet', 'chat.startStream', () => ({}), 'unknown_method'],
  ['a channel that is not there', 'chat.postMessage', () => ({ channel: 'C404', text: 'a' }), 'channel_not_found'],
  ['a channel without the bot', 'chat.postMessage', () => ({ channel: '#random', text: 'a' }), 'not_in_channel'],
  ['nothing to say', 'chat.postMessage', () => ({ channel: sales }), 'no_text'],
  ['too much to say', 'chat.postMessage', () => ({ channel: sales, text: 'x'.repeat(40_001) }), 'msg_too_long'],
  [
    'markdown beside text',
    'chat.postMessage',
    () => ({ channel: sales, text: 'a', markdown_text: 'b' }),
    'markdown_text_conflict',
  ],
  [
    'blocks too long together',
    'chat.postMessage',
    () => ({ channel: sales, blocks: ['a', 'b'].map(block_id => ({ type: 'markdown', block_id, text: 'x'.repeat(6_001) })) }),
    'msg_blocks_too_long',
  ],
  ['bad blocks', 'chat.postMessage', () => ({ channel: sales, blocks: [{ type: 'section' }] }), 'invalid_blocks'],
  [
    'bad metadata',
    'chat.postMessage',
    () => ({ channel: sales, text: 'a', metadata: { event_type: 'a' } }),
    'invalid_metadata_schema',
  ],
  [
    'a thread that is not there',
    'chat.postMessage',
    () => ({ channel: sales, text: 'a', thread_ts: '1.000001' }),
    'thread_not_found',
  ],
  ['an update of nothing', 'chat.update', () => ({ channel: sales, ts: '1.000001', text: 'a' }), 'message_not_found'],
  [
    'an update of what a person wrote',
    'chat.update',
    async () => ({ channel: sales, ts: (await slack.control.say({ channel: sales, text: 'mine' })).ts, text: 'a' }),
    'cant_update_message',
  ],
  ['an update without words', 'chat.update', async () => ({ channel: sales, ts: (await post()).ts }), 'no_text'],
  [
    'an update of more than 4000',
    'chat.update',
    async () => ({ channel: sales, ts: (await post()).ts, text: 'x'.repeat(4_001) }),
    'msg_too_long',
  ],
  [
    'deleting what a person wrote',
    'chat.delete',
    async () => ({ channel: sales, ts: (await slack.control.say({ channel: sales, text: 'mine' })).ts }),
    'cant_delete_message',
  ],
  ['a whisper to a stranger', 'chat.postEphemeral', () => ({ channel: sales, user: 'U404', text: 'a' }), 'user_not_in_channel'],
  [
    'an update of a whisper',
    'chat.update',
    async () => ({
      channel: sales,
      text: 'b',
      ts: (await call('chat.postEphemeral', { channel: sales, user: alex, text: 'a' })).message_ts,
    }),
    'message_not_found',
  ],
  ['a stranger', 'users.info', () => ({ user: 'U404' }), 'user_not_found'],
  ['replies to nothing', 'conversations.replies', () => ({ channel: sales, ts: '1.000001' }), 'thread_not_found'],
  ['history of a channel without the bot', 'conversations.history', () => ({ channel: 'C0RANDOM001' }), 'not_in_channel'],
  ['a limit of none', 'conversations.history', () => ({ channel: sales, limit: 0 }), 'invalid_limit'],
  ['a made-up cursor', 'conversations.history', () => ({ channel: sales, cursor: 'x' }), 'invalid_cursor'],
  ['a conversation with nobody', 'conversations.open', () => ({}), 'users_list_not_supplied'],
  ['a reaction without a name', 'reactions.add', () => ({ channel: sales, timestamp: '1.000001' }), 'no_reaction'],
  [
    'a reaction to nothing',
    'reactions.add',
    () => ({ channel: sales, timestamp: '1.000001', name: 'tada' }),
    'message_not_found',
  ],
];
for (const [what, method, args, error] of refused)
  test(`refuses ${what}: ${error}`, async () => expect(await call(method, await args())).toMatchObject({ ok: false, error }));

test('asks for a token, and for the right one', async () => {
  expect(await call('auth.test', {}, {})).toMatchObject({ error: 'not_authed' });
  expect(await call('auth.test', {}, { authorization: 'Bearer xoxb-other' })).toMatchObject({ error: 'invalid_auth' });
  expect(await call('auth.test')).toMatchObject({ ok: true, user_id: slack.botUserId, team_id: slack.teamId });
});

test('takes forms, in which only known fields are JSON', async () => {
  const send = async (body: string, type = 'application/x-www-form-urlencoded') => {
    const init = { method: 'POST', body, headers: { 'content-type': type, authorization: `Bearer ${token}` } };
    return (await (await fetch(`${slack.apiUrl}chat.postMessage`, init)).json()) as Answer;
  };
  const blocks = encodeURIComponent(JSON.stringify([{ type: 'divider' }]));
  expect(await send(`channel=${sales}&text=%7B%22a%22%3A1%7D&blocks=${blocks}`)).toMatchObject({
    ok: true,
    message: { text: '{"a":1}' },
  });
  expect(await send(`channel=${sales}&blocks=[`)).toMatchObject({ error: 'invalid_blocks_format' });
  expect(await send('{', 'application/json')).toMatchObject({ error: 'invalid_json' });
  expect(await send('[]', 'application/json')).toMatchObject({ error: 'json_not_object' });
  expect(await send('a', 'text/plain')).toMatchObject({ error: 'invalid_form_data' });
});

test('keeps threads, pages and metadata', async () => {
  const root = await post({ text: 'root', metadata: { event_type: 'drover_post', event_payload: { key: 'k1' } } });
  for (const text of ['one', 'two', 'three']) await post({ text, thread_ts: root.ts });
  const first = await call('conversations.replies', { channel: sales, ts: root.ts, limit: 2 });
  expect(first.messages.map(({ text }) => text)).toEqual(['root', 'one']);
  expect(first.messages[0]).toMatchObject({ reply_count: 3 });
  expect(first.messages[0]).not.toHaveProperty('metadata');
  const cursor = (first.response_metadata as { next_cursor: string }).next_cursor;
  const rest = await call('conversations.replies', { channel: sales, ts: root.ts, limit: 2, cursor });
  expect(rest.messages.map(({ text }) => text)).toEqual(['two', 'three']);
  const history = await call('conversations.history', {
    channel: sales,
    oldest: root.ts,
    inclusive: true,
    include_all_metadata: true,
  });
  expect(history.messages.map(({ text }) => text)).toEqual(['root']);
  expect(history.messages[0]).toMatchObject({ metadata: { event_payload: { key: 'k1' } } });
});

test('text without blocks takes the blocks away', async () => {
  const { ts } = await post({ blocks: [{ type: 'divider' }] });
  await call('chat.update', { channel: sales, ts, text: 'only words' });
  expect(slack.control.messages(sales).find(message => message.ts === ts)).toMatchObject({ text: 'only words', blocks: [] });
});

test('a person stands for the direct message with the bot', async () => {
  const opened = await call('conversations.open', { users: alex });
  expect(await call('chat.postMessage', { channel: alex, text: 'hi' })).toMatchObject({
    channel: (opened.channel as { id: string }).id,
  });
  expect(await call('users.list')).toMatchObject({
    members: expect.arrayContaining([expect.objectContaining({ id: alex, is_admin: true })]),
  });
});

test('timestamps differ even where the clock stands still', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => post()));
  expect(new Set(all.map(({ ts }) => ts)).size).toBe(20);
});

test('a message that nobody saw arrive did arrive', async () => {
  const count = () => slack.control.messages('general').length;
  slack.control.fail('chat.postMessage', { status: 500, afterEffect: true });
  const response = await fetch(`${slack.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ channel: 'C0GENERAL01', text: 'a' }),
  });
  expect(response.status).toBe(500);
  expect(count()).toBe(1);
  slack.control.fail('chat.postMessage', { error: 'fatal_error' });
  expect(await call('chat.postMessage', { channel: 'C0GENERAL01', text: 'a' })).toMatchObject({ error: 'fatal_error' });
  expect(count()).toBe(1);
});

test('more than one message a second in a channel has to wait', async () => {
  slack.control.pace('chat.postMessage', { calls: 1, perMs: 60_000 });
  expect((await post()).ok).toBe(true);
  const args = { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` } };
  const response = await fetch(`${slack.apiUrl}chat.postMessage`, {
    ...args,
    body: JSON.stringify({ channel: sales, text: 'a' }),
  });
  expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([429, true]);
  expect((await post({ channel: 'C0GENERAL01' })).ok).toBe(true);
  slack.control.pace('chat.postMessage', null);
});

test('a restart keeps the conversation, and a line cut off by a kill costs only itself', async () => {
  const home = mkdtempSync(join(tmpdir(), 'local-slack-'));
  const first = await start(home);
  const said = await first.control.dm({ text: 'remember me' });
  await first.control.slash(alex, '/invite', '@drover', 'random');
  await first.close();
  appendFileSync(join(home, 'local-slack.jsonl'), '{"did":"posted","mess');

  const second = await start(home);
  expect(second.control.messages(alex)).toMatchObject([{ ts: said.ts, text: 'remember me' }]);
  const next = await second.control.say({ channel: 'random', text: 'again' });
  expect(next.ts > said.ts).toBe(true);
  await second.close();

  const third = await start(home);
  expect(third.control.messages('random')).toMatchObject([{ text: 'again' }]);
  expect(third.control.deliveries).toEqual([]);
  await third.close();
  rmSync(home, { recursive: true });
});

test('a port that is taken is named', async () => {
  const port = Number(new URL(slack.url).port);
  const again = startLocalSlack({
    ...{ port, home: null, appUrl: null, signingSecret: 's', botToken: token, log: silentLog },
    ...{ clock, zone: 'UTC', teamName: 'T' },
  });
  await expect(again).rejects.toThrow(`Local Slack cannot listen on port ${port}: EADDRINUSE. Set PORT to another`);
});
