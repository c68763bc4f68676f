import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App, HTTPReceiver, type KnownEventFromType, type Logger, LogLevel } from '@slack/bolt';
import { systemClock } from '../../src/clock.ts';
import { type LocalSlack, type LocalSlackOptions, startLocalSlack } from '../../src/local-slack/index.ts';
import { silentLog } from '../../src/log.ts';

/** Refusals and closing connections are what these tests are about; Bolt need not print them. */
const quiet: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  setName() {},
  getLevel: () => LogLevel.ERROR,
};

const secret = 'local-signing-secret';
const token = 'xoxb-local-0123456789';

/** A list as a bot would show it: text, facts, a table, buttons. */
export const card = [
  { type: 'header', text: { type: 'plain_text', text: 'VPs of Sales at German fintechs' } },
  {
    type: 'section',
    text: {
      type: 'mrkdwn',
      text: 'Created the list *VPs of Sales at German fintechs* with *200 leads*, and ordered `20 / week (Mon)`.',
    },
  },
  {
    type: 'section',
    fields: [
      { type: 'mrkdwn', text: '*Found*\n1,284' },
      { type: 'mrkdwn', text: '*Added*\n200' },
      { type: 'mrkdwn', text: '*Skipped*\n12 no e-mail address' },
      { type: 'mrkdwn', text: '*Monitoring*\n20 / week (Mon)' },
    ],
  },
  {
    type: 'table',
    column_settings: [{ align: 'left' }, { align: 'left' }, { align: 'right' }],
    rows: [
      ['Lead', 'Company', 'Headcount'],
      ['Mira Example', 'Nordbank Labs', '240'],
      ['*Not bold* <@U0ALEX00001>', 'Klarpay & Söhne', '87'],
      ['Jon Example', 'Taler Works', '412'],
    ].map(row => row.map(text => ({ type: 'raw_text', text }))),
  },
  { type: 'context', elements: [{ type: 'mrkdwn', text: 'Receipt #14 · directory · asked 200, added 200' }] },
  { type: 'divider' },
  { type: 'section', text: { type: 'mrkdwn', text: 'Link it to *Fall Intro*? 188 people enrol, the first on Tue 3 Mar.' } },
  {
    type: 'actions',
    elements: [
      { type: 'button', action_id: 'approve', style: 'primary', value: '7', text: { type: 'plain_text', text: 'Approve' } },
      { type: 'button', action_id: 'cancel', style: 'danger', value: '7', text: { type: 'plain_text', text: 'Cancel' } },
      {
        type: 'button',
        action_id: 'sure',
        value: '7',
        text: { type: 'plain_text', text: 'Ask first' },
        confirm: {
          title: { type: 'plain_text', text: 'Really?' },
          text: { type: 'mrkdwn', text: 'This asks before it acts.' },
          confirm: { type: 'plain_text', text: 'Do it' },
          deny: { type: 'plain_text', text: 'Leave it' },
        },
      },
    ],
  },
];

export interface EchoApp {
  slack: LocalSlack;
  app: App;
  /** Where local Slack posts to. */
  url: string;
  /** Every event that reached a listener: what and how often it was retried. */
  heard: { type: string; text: string; retry?: number }[];
  close(): Promise<void>;
}

/** An unmodified Bolt app that echoes, against local Slack. */
export async function startEcho(options: Partial<LocalSlackOptions> = {}): Promise<EchoApp> {
  const slack = await startLocalSlack({
    port: 0,
    home: null,
    appUrl: null,
    signingSecret: secret,
    botToken: token,
    log: silentLog,
    clock: systemClock,
    zone: 'Europe/Berlin',
    teamName: 'Example Team',
    delivery: { ackWithinMs: 3_000, retryDelaysMs: [0, 0, 0] },
    ...options,
  });
  const receiver = new HTTPReceiver({ signingSecret: secret, logger: quiet });
  const app = new App({
    receiver,
    token,
    logger: quiet,
    deferInitialization: true,
    clientOptions: { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } },
  });
  await app.init();
  const heard: EchoApp['heard'] = [];

  app.event('app_mention', async ({ event, say, context }) => {
    heard.push({ type: 'app_mention', text: event.text, retry: context.retryNum });
    await say({ text: `You said: ${event.text}`, thread_ts: event.thread_ts ?? event.ts });
  });
  app.message(async ({ message, say, context }) => {
    const {
      text = '',
      thread_ts,
      channel_type,
    } = message as KnownEventFromType<'message'> & { text?: string; thread_ts?: string };
    heard.push({ type: 'message', text, retry: context.retryNum });
    if (channel_type !== 'im') return;
    if (text.includes('card')) await say({ text: 'A card', blocks: card as never });
    else if (!text.includes('silent')) await say({ text: `You said: ${text}`, ...(thread_ts ? { thread_ts } : {}) });
  });
  app.command('/drover', async ({ command, ack, respond }) => {
    await ack(`Looking up *${command.text}*.`);
    await respond({ text: `\`/drover ${command.text}\`: 2 lists, 1 active sequence.` });
  });
  app.action('approve', async ({ ack, action, respond, body }) => {
    await ack();
    await respond({ replace_original: true, text: `Approved ${(action as { value?: string }).value} by <@${body.user.id}>.` });
  });
  app.action('cancel', async ({ ack, client, body }) => {
    await ack();
    const { channel, message } = body as unknown as { channel: { id: string }; message: { ts: string } };
    await client.chat.update({ channel: channel.id, ts: message.ts, text: 'Cancelled.' });
  });

  const server = createServer((request, response) => void receiver.requestListener(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`;
  slack.connectApp(url);
  return {
    slack,
    app,
    url,
    heard,
    async close() {
      await slack.close();
      await new Promise(resolve => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}
