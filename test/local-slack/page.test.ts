import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MovableClock } from '../../src/clock.ts';
import type { MailItem, MailLine, MailPanel } from '../../src/local-slack/index.ts';
import { type OpenedPage, openPage } from '../support/browser.ts';
import { type EchoApp, startEcho } from './echo-app.ts';

const clock = new MovableClock();
/** Two people who were written to, as a mail server beside this Slack would tell of them. */
const mail = {
  talks: new Map<string, { line: MailLine; mails: MailItem[] }>(),
  acts: [] as unknown[],
  leaving: [] as string[],
  tell: () => {},
};
const hostile = `<h1>Hello</h1><script>parent.document.body.dataset.ran = 'script'</script>
<img src="https://elsewhere.example/seen.png" onerror="parent.document.body.dataset.ran = 'image'">
<form action="https://elsewhere.example"><button>Send</button></form><a href="https://elsewhere.example">Leave</a>
<meta http-equiv="refresh" content="0;url=https://elsewhere.example">`;

function writeTo(name: string, minutesAgo: number): void {
  const id = name.toLowerCase();
  const address = `${id}@nordbank.example`;
  const at = clock.now().subtract({ minutes: minutesAgo }).toString();
  const message = { subject: `A question about ${name}`, text: `Hi ${name},\n\nmay I?\n\n<b>Alex</b>`, hasHtml: true };
  const start = message.text.replace(/\s+/g, ' ');
  const line = { id, name, address, mailbox: 'rep@drover.example', subject: message.subject, start, at, sent: 1, received: 0 };
  const item = { id: `${id}1`, at, isSent: true, from: 'Alex Admin', to: address, ...message, about: 'Fall Intro, step 1' };
  mail.talks.set(id, { line, mails: [item] });
}

const panel: MailPanel = {
  latest: async limit => {
    const lines = [...mail.talks.values()].map(({ line }) => line).sort((a, b) => (a.at < b.at ? 1 : -1));
    return { lines: lines.slice(0, limit), count: lines.length };
  },
  find: async id => {
    const talk = mail.talks.get(id);
    return talk && { ...talk, canOptOut: true };
  },
  html: async id => (id === 'mira1' ? hostile : null),
  act: async (id, act) => {
    mail.acts.push([id, act]);
    if (act.did !== 'reply') return act.did === 'bounce' ? 'The mail server is asleep.' : null;
    const talk = mail.talks.get(id)!;
    const came = { id: `${id}2`, at: clock.now().toString(), isSent: false, from: talk.line.name, to: talk.line.mailbox };
    talk.mails = [...talk.mails, { ...came, subject: `Re: ${talk.line.subject}`, text: act.text, hasHtml: false }];
    talk.line = { ...talk.line, received: 1 };
    return null;
  },
  follow: tell => {
    mail.tell = tell;
    return () => {};
  },
  leaving: async () => mail.leaving,
};

let echo: EchoApp;
let open: OpenedPage;
beforeAll(async () => {
  echo = await startEcho({
    clock,
    suggestions: ['Find 200 VPs of Sales at German fintechs with 50–500 people', 'What needs me today?'],
    panels: {
      mail: panel,
      clock: { now: () => clock.now(), move: ({ hours = 0, days = 0 }) => clock.move({ hours: hours + 24 * days }) },
    },
  });
  open = await openPage(echo.slack.url);
});
afterAll(async () => {
  await open?.close();
  await echo?.close();
});

const write = async (text: string, pane = '#composer') => {
  await open.page.fill(`${pane} textarea`, text);
  await open.page.press(`${pane} textarea`, 'Enter');
};
const goTo = async (name: string) => {
  await open.page.locator(`#sidebar [data-name="${name}"]`).click();
  await open.page.locator('#head h2', { hasText: name }).waitFor();
};

test('an empty conversation offers what works as typed', async () => {
  const { page } = open;
  await page.getByText('Local Slack: nothing leaves this machine').waitFor();
  await open.shoot('local-slack-empty');
  await page.getByRole('button', { name: 'What needs me today?' }).click();
  await page.getByText('You said: What needs me today?').waitFor();
  expect(await page.locator('.suggestions').count()).toBe(0);
});

test('what is typed is answered, and markup in it stays text', async () => {
  const { page } = open;
  await page.fill('#composer textarea', '<img src=x> *bold*');
  await page.press('#composer textarea', 'Shift+Enter');
  await page.keyboard.type('second line');
  await page.keyboard.press('Enter');
  const answer = page.locator('#list .msg', { hasText: 'You said: <img src=x>' });
  await answer.waitFor();
  expect(await answer.locator('strong', { hasText: 'bold' }).count()).toBe(1);
  expect(await page.locator('#list img').count()).toBe(0);
  expect(await page.inputValue('#composer textarea')).toBe('');
});

test('while the bot works, the page says so', async () => {
  const { page } = open;
  await write('silent, please');
  await page.getByText('Drover is on it…').waitFor();
  await write('and now?');
  await page.getByText('You said: and now?').waitFor();
  expect(await page.getByText('Drover is on it…').count()).toBe(0);
});

test('a button works, and one with a question asks first', async () => {
  const { page } = open;
  await write('card');
  await page.getByRole('button', { name: 'Approve' }).waitFor();
  await open.shoot('local-slack-card-light');
  expect(await page.locator('td', { hasText: '*Not bold* <@U0ALEX00001>' }).count()).toBe(1);

  await page.getByRole('button', { name: 'Ask first' }).click();
  await page.getByRole('dialog').getByText('This asks before it acts.').waitFor();
  await page.getByRole('button', { name: 'Leave it' }).click();
  expect(echo.slack.control.deliveries.filter(({ kind }) => kind === 'interaction')).toEqual([]);

  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Approved 7 by @alex.').waitFor();
  expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
});

test('a slash command is offered, and its answer is only for the asker', async () => {
  const { page } = open;
  await page.locator('#composer textarea').fill('');
  await page.locator('#composer textarea').pressSequentially('/dr');
  await page.getByRole('option', { name: /\/drover/ }).waitFor();
  await page.keyboard.press('Enter');
  expect(await page.inputValue('#composer textarea')).toBe('/drover ');
  await page.keyboard.type('status');
  await page.keyboard.press('Enter');
  await page.locator('.msg.ephemeral', { hasText: '2 lists, 1 active sequence' }).waitFor();
  await page.getByText('Only visible to you').first().waitFor();
});

test('a mention is answered in a thread, beside the channel; Escape closes it', async () => {
  const { page } = open;
  await goTo('sales');
  await write('@drover hello from #sales');
  await page.locator('.replies', { hasText: '1 reply' }).click();
  await page.locator('#thread').getByText('You said:').waitFor();
  await write('@drover and once more', '#thread');
  await page.locator('#thread .msg').nth(3).waitFor();
  await open.shoot('local-slack-thread-light');
  await page.getByRole('button', { name: 'Light or dark' }).click();
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
  await open.shoot('local-slack-thread-dark');
  await page.keyboard.press('Escape');
  await page.locator('#thread').waitFor({ state: 'hidden' });
});

test('the keyboard moves between messages and conversations', async () => {
  const { page } = open;
  await page.locator('#list .msg').last().focus();
  await page.keyboard.press('Enter');
  await page.locator('#thread textarea').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#thread').waitFor({ state: 'hidden' });
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('gen');
  await page.keyboard.press('Enter');
  await page.locator('#head h2', { hasText: 'general' }).waitFor();
});

test('the mailbox lists who was written to, latest first, and follows', async () => {
  const { page } = open;
  await goTo('Mailbox');
  await page.getByText('Nothing yet').waitFor();
  await page.locator('#head', { hasText: 'No real mail can leave in this mode.' }).waitFor();
  writeTo('Mira', 90);
  writeTo('Jon', 3);
  mail.tell();
  await page.getByText('2 conversations').waitFor();
  expect(await page.locator('.mail-to').allTextContents()).toEqual(['Jon', 'Mira']);
});

test('a conversation shows what was sent, and answers as the one who was written to', async () => {
  const { page } = open;
  await page.locator('.mail', { hasText: 'Mira' }).click();
  await page.locator('#thread .letter pre', { hasText: '<b>Alex</b>' }).waitFor();
  await page.locator('.mail-acts textarea').fill('Yes, tell me more.');
  await page.keyboard.press('Control+Enter');
  await page.locator('.letter.came', { hasText: 'Yes, tell me more.' }).waitFor();
  await page.locator('.mail.answered', { hasText: '1 sent, 1 back' }).waitFor();
  expect(await page.locator('.mail-acts textarea').inputValue()).toBe('');
  await open.shoot('local-slack-mail-dark');
  await page.getByRole('button', { name: 'Out of office' }).click();
  await page.getByRole('button', { name: 'Unsubscribe' }).click();
  await page.getByRole('button', { name: 'Bounce' }).click();
  await page.locator('#notice', { hasText: 'The mail server is asleep.' }).waitFor();
  expect(mail.acts).toEqual([
    ['mira', { did: 'reply', text: 'Yes, tell me more.' }],
    ['mira', { did: 'absence' }],
    ['mira', { did: 'unsubscribe' }],
    ['mira', { did: 'bounce' }],
  ]);
});

/** What the browser refused of the hostile message, whenever it gets round to saying so, is no complaint about the page. */
const isOfTheMessage = (said: string): boolean => /is sandboxed|elsewhere\.example/.test(said);

test('A4 HTML of a message is drawn, and nothing of it runs, loads or leads away', async () => {
  const { page } = open;
  const left: string[] = [];
  const isElsewhere = (url: string) => new URL(url).origin !== echo.slack.url;
  page.on('response', response => isElsewhere(response.url()) && left.push(response.url()));
  page.on('requestfailed', request => {
    const why = request.failure()?.errorText ?? '';
    if (isElsewhere(request.url()) && !/csp/i.test(why)) left.push(`${request.url()} ${why}`);
  });
  await page.locator('.letter summary').click();
  const frame = page.frameLocator('.letter iframe');
  await frame.locator('h1', { hasText: 'Hello' }).waitFor();
  await page.getByRole('button', { name: 'Light or dark' }).click();
  await open.shoot('local-slack-mail-html');
  await page.getByRole('button', { name: 'Light or dark' }).click();
  await frame.getByText('Send').click();
  const refused = page.waitForEvent('console', message => message.text().startsWith("Framing 'https://elsewhere.example/'"));
  await frame.getByText('Leave').click();
  await refused;
  expect(await page.evaluate(() => document.body.dataset.ran)).toBeUndefined();
  expect(left).toEqual([]);
  expect(open.complaints.filter(isOfTheMessage).length).toBeGreaterThan(0);
  const { headers } = await fetch(`${echo.slack.url}/page/mail/mira1`);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(headers.get('content-security-policy')).toContain('sandbox;');
  await page.getByRole('link', { name: 'Close the thread' }).click();
  await page.locator('#thread').waitFor({ state: 'hidden' });
});

test('where a real sender is configured, no page says that nothing leaves', async () => {
  const { page } = open;
  await page.locator('#honest', { hasText: 'no real mail either' }).waitFor();
  mail.leaving = ['ada@acme.example'];
  mail.tell();
  await page.locator('#honest', { hasText: 'Real mail leaves from ada@acme.example' }).waitFor();
  await page.locator('#head', { hasText: 'real mail leaves from ada@acme.example' }).waitFor();
  expect(await page.getByText('No real mail can leave').count()).toBe(0);
  mail.leaving = [];
  mail.tell();
  await page.locator('#honest', { hasText: 'no real mail either' }).waitFor();
});

test('the clock moves by an hour and by a day', async () => {
  const { page } = open;
  const before = clock.now();
  await page.getByRole('button', { name: '+1 hour' }).click();
  await page.waitForFunction(() => !document.querySelector('[data-move][disabled]'));
  await page.getByRole('button', { name: '+1 day' }).click();
  await page.waitForFunction(() => !document.querySelector('[data-move][disabled]'));
  expect(Math.round(before.until(clock.now()).total('hours'))).toBe(25);
});

test('another person sees their own conversation only, and a badge for what they have not read', async () => {
  const { page } = open;
  await page.locator('.person', { hasText: 'Sam Rep' }).click();
  await page.locator('.person[aria-current]', { hasText: 'Sam Rep' }).waitFor();
  await goTo('Drover');
  expect(await page.locator('#list .msg').count()).toBe(0);
  await echo.slack.control.say({ channel: 'sales', text: 'news for all' });
  await page.locator('.entry.unread', { hasText: 'sales' }).waitFor();
  await goTo('sales');
  expect(await page.locator('.entry.unread', { hasText: 'sales' }).count()).toBe(0);
});

test('a narrow window shows one thing at a time', async () => {
  const { page } = open;
  await page.setViewportSize({ width: 720, height: 900 });
  await page.getByRole('button', { name: 'Show conversations' }).click();
  await goTo('Drover');
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBe(0);
  await open.shoot('local-slack-720');
  await page.setViewportSize({ width: 1280, height: 800 });
});

test('nothing was refused by the page’s own policy, and nothing came from elsewhere', () => {
  expect(open.complaints.filter(said => !isOfTheMessage(said))).toEqual([]);
});

test('another site cannot act here, and another name for this machine is refused', async () => {
  const { url } = echo.slack;
  const token = JSON.parse((await open.page.getAttribute('body', 'data-config'))!).token as string;
  const say = (headers: Record<string, string>) =>
    fetch(`${url}/page/say`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ as: 'U0ALEX00001', c: 'C0SALES0001', text: 'from elsewhere' }),
    }).then(({ status }) => status);
  expect(await say({})).toBe(403);
  expect(await say({ 'x-page-token': 'guessed' })).toBe(403);
  expect(await say({ 'x-page-token': token, origin: 'https://elsewhere.example' })).toBe(403);
  expect(await say({ 'x-page-token': token, 'content-type': 'text/plain' })).toBe(403);
  expect(await say({ 'x-page-token': token, origin: url })).toBe(200);

  const status = await new Promise(resolve => {
    const { port } = new URL(url);
    request({ host: '127.0.0.1', port, path: '/', headers: { host: 'rebound.example' } }, answer => {
      answer.resume();
      resolve(answer.statusCode);
    }).end();
  });
  expect(status).toBe(421);
  const page = await fetch(url);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(page.headers.get('access-control-allow-origin')).toBeNull();
});
