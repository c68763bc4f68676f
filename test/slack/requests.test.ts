import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { connectServer } from '../../src/db/connect.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { hearing, read, said, words } from '../../src/slack/requests.ts';
import { openInlet, signingSecret, transports } from '../support/slack.ts';
import { testOver } from '../support/slack-test.ts';
import type { World } from '../support/world.ts';

const bot = 'UBOT';
const envelope = (event: object, eventId = 'Ev1') => ({
  type: 'event_callback',
  event_id: eventId,
  team_id: 'T1',
  authorizations: [{ team_id: 'T1', user_id: bot, is_bot: true }],
  event,
});
const message = (more: object = {}) => ({
  type: 'message',
  channel: 'C1',
  user: 'U1',
  ts: '100.1',
  text: 'hello',
  channel_type: 'channel',
  ...more,
});

describe('reading', () => {
  test('C1 a message and its mention twin have one key, whatever the event id', () => {
    const twin = { channel: 'C1', user: 'U1', ts: '100.1', text: `<@${bot}> hello` };
    const keys = [
      envelope({ type: 'message', channel_type: 'channel', ...twin }, 'Ev1'),
      envelope({ type: 'app_mention', ...twin }, 'Ev2'),
      envelope({ type: 'app_mention', ...twin }, 'Ev3'),
    ].map(read);
    expect(keys.map(reading => reading.kind === 'store' && [reading.request.key, reading.request.thread])).toEqual(
      Array.from({ length: 3 }, () => ['event:T1:C1:100.1:U1', 'T1:C1:100.1']),
    );
  });

  test('C1 a modal that is sent off is known by its view, however often; one that is left is nothing to us', () => {
    const sent = {
      ...{ type: 'view_submission', team: { id: 'T1' }, user: { id: 'U1' }, trigger_id: 'a' },
      view: { id: 'V1', callback_id: 'answer_reply' },
    };
    const key = { kind: 'store', request: { key: 'view:T1:U1:V1', kind: 'interaction' } };
    expect([read(sent), read({ ...sent, trigger_id: 'b' })]).toMatchObject([key, key]);
    expect(read({ ...sent, view: { id: 'V2' } })).toMatchObject({ request: { key: 'view:T1:U1:V2' } });
    expect(read({ ...sent, view: {} })).toEqual({ kind: 'malformed' });
    expect(read({ ...sent, type: 'view_closed' })).toEqual({ kind: 'ignore' });
  });

  test('C1 clicks and commands are known by action_ts and trigger_id', () => {
    const click = {
      type: 'block_actions',
      team: { id: 'T1' },
      user: { id: 'U1' },
      actions: [{ action_ts: '5.5' }],
      trigger_id: 'a',
    };
    const command = { command: '/drover', team_id: 'T1', trigger_id: '9.9', user_id: 'U1', channel_id: 'C1', text: '' };
    expect([read(click), read({ ...click, trigger_id: 'b' }), read(command)]).toMatchObject([
      { kind: 'store', request: { key: 'click:T1:U1:5.5', kind: 'interaction' } },
      { kind: 'store', request: { key: 'click:T1:U1:5.5' } },
      { kind: 'store', request: { key: 'command:T1:9.9', kind: 'command' } },
    ]);
  });

  test.for([
    ['the bot itself', message({ user: bot, text: `<@${bot}>` })],
    ['another bot', message({ bot_id: 'B9', text: `<@${bot}>` })],
    ['an edit', message({ subtype: 'message_changed', hidden: true })],
    ['a deletion', message({ subtype: 'message_deleted' })],
    ['somebody joining', message({ subtype: 'channel_join' })],
    ['Slackbot', message({ user: 'USLACKBOT', channel_type: 'im' })],
    ['channel talk without a mention', message()],
    ['the home tab', { type: 'app_home_opened', user: 'U1', channel: 'D1', tab: 'messages' }],
  ] as const)('C3 %s is never for us and is not stored', ([, event]) => {
    expect(read(envelope(event))).toEqual({ kind: 'ignore' });
  });

  test.for([
    ['a direct message', message({ channel: 'D1', channel_type: 'im' }), null, 'answer'],
    ['a mention', message({ text: `hi <@${bot}>` }), null, 'answer'],
    ['a mention in a thread that waits for another', message({ thread_ts: '1.1', text: `<@${bot}|drover> hi` }), 'U2', 'answer'],
    ['a reply of the one it answered', message({ thread_ts: '1.1' }), 'U1', 'answer'],
    ['a reply of somebody else', message({ thread_ts: '1.1' }), 'U2', 'ignore'],
    ['a reply in a thread it is not in', message({ thread_ts: '1.1' }), null, 'ignore'],
    ['top-level talk of the one it answered', message(), 'U1', 'ignore'],
    ['a reply that turns to a colleague', message({ thread_ts: '1.1', text: '<@U7> what do you think?' }), 'U1', 'elsewhere'],
    ['a reply that turns to everyone', message({ thread_ts: '1.1', text: '<!here> look' }), 'U1', 'elsewhere'],
    ['a colleague in a mention of the bot', message({ thread_ts: '1.1', text: `<@${bot}> tell <@U7>` }), 'U1', 'answer'],
  ] as const)('C3 %s', ([, event, awaiting, expected]) => {
    expect(hearing(said(envelope(event))!, { botUserId: bot, awaiting })).toBe(expected);
  });

  test.for([
    [
      `<@${bot}> find <http://acme.example|acme.example> &amp; <mailto:a@b.example|a@b.example>`,
      'find acme.example & a@b.example',
    ],
    [`<@${bot}|drover>: post it in <#C1|sales>`, 'post it in <#C1|sales>'],
    ['<https://x.example/a?b=1&amp;c=2> and &lt;b&gt;', 'https://x.example/a?b=1&c=2 and <b>'],
    ['tell <@U7|ann> and <!subteam^S1|@sales> <!here>', 'tell @ann and @sales @here'],
    [`<@${bot}>`, ''],
  ] as const)('words of %s', ([marked, plain]) => {
    expect(words(marked, bot)).toBe(plain);
  });
});

const post = (
  url: string,
  raw: string,
  { secret = signingSecret, at, type = 'application/json' }: { secret?: string; at: number; type?: string },
) =>
  fetch(url, {
    method: 'POST',
    body: raw,
    headers: {
      'content-type': type,
      'x-slack-request-timestamp': String(at),
      'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${at}:${raw}`).digest('hex')}`,
    },
  });
/** Slack signs with the real time, wherever Drover's clock stands. */
const seconds = () => Math.floor(systemClock.now().epochMilliseconds / 1000);
const stored = (world: World) =>
  world.services.db
    .selectFrom('inbox')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();

describe('receiving over http', () => {
  const test = testOver('http');

  test('a wrong signature is refused in one sentence', async ({ world, slack }) => {
    const { url } = slack.inlet;
    const raw = JSON.stringify(envelope(message({ channel: 'D1', channel_type: 'im' })));
    const wrong = await post(url, raw, { at: seconds(), secret: 'another' });
    expect([wrong.status, await wrong.text()]).toEqual([401, expect.stringMatching(/^The signature .* SLACK_SIGNING_SECRET/)]);
    const stale = await post(url, raw, { at: seconds() - 301 });
    expect(stale.status).toBe(401);
    const unsigned = await fetch(url, { method: 'POST', body: raw });
    expect(unsigned.status).toBe(401);
    expect(await stored(world)).toEqual({ n: 0 });
  });

  test('a malformed body is refused in one sentence', async ({ slack }) => {
    const { url } = slack.inlet;
    for (const [raw, type] of [
      ['{"type":', 'application/json'],
      ['[]', 'application/json'],
      ['{}', 'application/json'],
      ['payload=%7Bno', 'application/x-www-form-urlencoded'],
      ['command=/drover&team_id=T1', 'application/x-www-form-urlencoded'],
    ] as const) {
      const answer = await post(url, raw, { at: seconds(), type });
      expect([raw, answer.status, await answer.text()]).toEqual([raw, 400, expect.stringMatching(/^The body .*\.$/)]);
    }
    const long = await post(url, `"${'x'.repeat(1_000_001)}"`, { at: seconds() });
    expect(long.status).toBe(413);
    const challenge = await post(url, '{"type":"url_verification","challenge":"c1"}', { at: seconds() });
    expect(await challenge.text()).toBe('c1');
    expect((await fetch(url)).status).toBe(405);
    expect((await fetch(new URL('/nothing', url))).status).toBe(404);
  });
});

describe.each(transports)('receiving over %s', transport => {
  const test = testOver(transport);

  test('C1 a zero character and half a surrogate pair do not keep a message from being stored', async ({ world, slack }) => {
    const { users, teamId, control } = slack.slack;
    const direct = message({ channel: 'D1', channel_type: 'im', user: users[0]!.id, text: 'find\0 x\ud800' });
    const body = { ...envelope(direct), team_id: teamId, authorizations: undefined };
    expect((await control.deliver(body)).status).toBe(200);
    await world.drain();
    expect(slack.turns.words).toEqual(['find x\ufffd']);
  });

  test('C1 while the database is away nothing is acknowledged, and the repeat is answered', async ({ world, slack }) => {
    const { control } = slack.slack;
    await slack.inlet.close();
    const away = connectServer('postgres://nobody@127.0.0.1:1/nothing', silentLog);
    const refused = Promise.withResolvers<void>();
    const log: Log = Object.assign(Object.create(silentLog), { error: () => refused.resolve() });
    const down = await openInlet(transport, { ...world.services, db: away.db, log }, slack.slack);
    const body = envelope(message({ channel: 'D1', channel_type: 'im' }));
    const attempt = control.deliver(body);
    await refused.promise;
    await down.close();
    expect(await attempt).toMatchObject(
      transport === 'http'
        ? { status: 503, answer: expect.stringContaining('deliver it again') }
        : { status: null, reason: 'http_timeout' },
    );
    await away.close();
    const up = await openInlet(transport, world.services, slack.slack);
    expect((await control.redeliver()).status).toBe(200);
    expect(await stored(world)).toEqual({ n: 1 });
    await up.close();
  });

  test('C1 a mention is one turn: its twin, a repeat, and a repeat with another event id', async ({ world, slack }) => {
    const { control } = slack.slack;
    const said = await control.mention({ text: 'status' });
    const events = control.deliveries.filter(({ kind }) => kind === 'event');
    expect(events.map(({ payload }) => (payload.event as { type: string }).type).sort()).toEqual(['app_mention', 'message']);
    for (const { payload } of events) expect((await control.deliver({ ...payload, event_id: 'EvAnother' })).status).toBe(200);
    await control.redeliver();
    await world.drain();
    for (const delivery of events) await control.redeliver(delivery);
    await world.drain();
    expect(slack.turns.words).toEqual(['status']);
    expect(control.thread('sales', said.ts).map(({ text }) => text)).toEqual([
      expect.stringContaining('status'),
      'You said: status',
    ]);
  });

  test('C1 either twin alone, first or last, makes the turn', async ({ world, slack }) => {
    const { users, channels, botUserId, teamId, control } = slack.slack;
    const sales = channels.find(({ name }) => name === 'sales')!;
    for (const [i, types] of [['message', 'app_mention'], ['app_mention', 'message'], ['app_mention'], ['message']].entries())
      for (const type of types) {
        const event = {
          type,
          channel: sales.id,
          user: users[0]!.id,
          ts: `1772438400.00000${i}`,
          text: `<@${botUserId}> say ${i}`,
        };
        const body = { ...envelope({ ...event, channel_type: 'channel' }), team_id: teamId, authorizations: undefined };
        expect((await control.deliver(body)).status).toBe(200);
      }
    await world.drain();
    expect(slack.turns.words).toEqual(['say 0', 'say 1', 'say 2', 'say 3']);
  });
});
