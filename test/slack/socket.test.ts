import { describe, expect } from 'vitest';
import { WebSocket } from 'ws';
import { Unavailable } from '../../src/errors.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { SocketReceiver } from '../../src/slack/socket.ts';
import { appToken, botToken } from '../support/slack.ts';
import { testOver } from '../support/slack-test.ts';

const test = testOver('socket');

const call = async (apiUrl: string, token: string) =>
  (
    await fetch(`${apiUrl}apps.connections.open`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  ).json() as Promise<{
    ok: boolean;
    url: string;
    error?: string;
  }>;

describe('the connection', () => {
  test('C1 a connection that Slack renews is followed by another, and what is said then is heard', async ({ world, slack }) => {
    const { control } = slack.slack;
    for (const end of ['refresh', 'drop'] as const) {
      control.sockets[end]();
      await control.waitFor(() => control.sockets.count === 1, { what: `connection after ${end}` });
      await control.dm({ text: `after ${end}` });
      await world.drain();
    }
    expect(slack.turns.words).toEqual(['after refresh', 'after drop']);
  });

  test('C1 an acknowledgement that is lost brings the request again, and it is answered once', async ({ world, slack }) => {
    const { control } = slack.slack;
    control.loseAcks(1);
    await control.dm({ text: 'once' });
    expect((await control.redeliver()).status).toBe(200);
    await world.drain();
    expect(control.deliveries.at(0)!.attempts.map(({ reason }) => reason)).toEqual(['http_timeout', undefined]);
    expect(slack.turns.words).toEqual(['once']);
  });

  test('C1 a request that is being stored when the process stops is acknowledged first', async ({ world, slack }) => {
    const { control } = slack.slack;
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    await slack.inlet.close();
    const enqueueIn: typeof world.services.enqueueIn = tx => async (queue, payload) => {
      reached.resolve();
      await go.promise;
      await world.services.enqueueIn(tx)(queue, payload);
    };
    const slow = new SocketReceiver({ services: { ...world.services, enqueueIn }, appToken, apiUrl: slack.slack.apiUrl });
    await slow.listen();
    const said = control.dm({ text: 'last words' });
    await reached.promise;
    const closed = slow.close();
    go.resolve();
    await Promise.all([said, closed]);
    expect(control.deliveries.at(0)!.attempts).toMatchObject([{ status: 200 }]);
    await control.waitFor(() => control.sockets.count === 0 && !slow.isConnected, { what: 'end of the connection' });
  });

  test.for([{}, { event: null }, { event: 'message' }])(
    'C1 an event without its content (%j) is told and acknowledged, and what follows is heard',
    async (content, { world, slack }) => {
      const { control, apiUrl, teamId } = slack.slack;
      await slack.inlet.close();
      const warnings: unknown[] = [];
      const log: Log = Object.assign(Object.create(silentLog), { warn: (said: unknown) => warnings.push(said) });
      const receiver = new SocketReceiver({ services: { ...world.services, log }, appToken, apiUrl });
      await receiver.listen();
      const { status } = await control.deliver({ type: 'event_callback', team_id: teamId, ...content });
      await control.dm({ text: 'still there' });
      await world.drain();
      await receiver.close();
      expect([status, warnings]).toEqual([200, [expect.stringContaining('without its content')]]);
      expect(slack.turns.words).toEqual(['still there']);
    },
  );

  test('a token that Slack refuses is told at the start; a Slack that is away is waited for', async ({ world, slack }) => {
    const { apiUrl, control } = slack.slack;
    const wrong = new SocketReceiver({ services: world.services, appToken: 'xapp-wrong', apiUrl });
    await expect(wrong.listen()).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('SLACK_APP_TOKEN') });
    await wrong.close();

    await slack.inlet.close();
    control.fail('apps.connections.open', { status: 500, times: 2 });
    const patient = new SocketReceiver({ services: world.services, appToken, apiUrl });
    await patient.listen();
    expect(patient.isConnected).toBe(false);
    await control.waitFor(() => control.sockets.count === 1, { what: 'connection' });
    await patient.close();
  });
});

describe('local Slack', () => {
  test('gives a connection to the app and not to its bot, and each address once', async ({ slack }) => {
    const { apiUrl } = slack.slack;
    expect(await call(apiUrl, botToken)).toEqual({ ok: false, error: 'not_allowed_token_type' });
    expect(await call(apiUrl, 'xapp-wrong')).toEqual({ ok: false, error: 'invalid_auth' });
    const { url } = await call(apiUrl, appToken);
    const opened = await connect(url);
    await expect(connect(url)).rejects.toThrow(/403/);
    await expect(connect(url.replace(/ticket=\w+/, 'ticket=made-up'))).rejects.toThrow(/403/);
    opened.close();
  });

  test('ends a connection that sends what Slack would not understand', async ({ slack }) => {
    const { apiUrl, control } = slack.slack;
    for (const said of ['hello', '{"envelope_id":"nobody-knows-it","payload":{}}']) {
      const socket = await connect((await call(apiUrl, appToken)).url);
      socket.send(said);
      expect(await new Promise(resolve => socket.once('close', resolve))).toBe(1008);
    }
    expect(control.sockets.faults.splice(0)).toEqual(['not_json', 'unknown_envelope']);
  });
});

function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  return new Promise((resolve, reject) => {
    socket.once('error', error => reject(new Unavailable('socket', error.message)));
    socket.once('open', () => resolve(socket));
  });
}
