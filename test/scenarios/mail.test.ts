import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedPage, openPage } from '../support/browser.ts';
import { type Running, startDrover } from '../support/process.ts';

/** A lead's whole life on the page of what `npm start` starts: real SMTP and IMAP, all of it on this machine, at whatever hour it is. */
let home: string;
let running: Running;
let opened: OpenedPage;
let lead: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'drover-life-'));
  running = await startDrover({ DROVER_HOME: home });
  opened = await openPage(running.url, { width: 1440, height: 1000 });
}, 120_000);
afterAll(async () => {
  await opened?.close();
  await running?.stop();
  await rm(home, { recursive: true, force: true });
});

const say = async (text: string) => {
  await opened.page.fill('#composer textarea', text);
  await opened.page.press('#composer textarea', 'Enter');
};
const sees = (text: string | RegExp) => opened.page.locator('#list .msg', { hasText: text }).last().waitFor({ timeout: 30_000 });
const goTo = async (name: 'Drover' | 'Mailbox') => {
  await opened.page.locator(`#sidebar [data-name="${name}"]`).click();
  await opened.page.locator('#head h2', { hasText: name }).waitFor();
};
/** A day of moved clock plays everything that happens in it; on a busy machine that takes its time. */
const aDaysPlayMs = 120_000;
const moveClock = async (button: '+1 hour' | '+1 day', times = 1) => {
  for (let n = 0; n < times; n++) {
    const moved = opened.page.waitForResponse(response => response.url().endsWith('/page/clock'), { timeout: aDaysPlayMs });
    await opened.page.locator('#sidebar [data-move]:enabled', { hasText: button }).click();
    expect((await moved).ok()).toBe(true);
  }
};
/** Asks why a lead stands where they stand, and waits for an answer of which that is a part. */
const why = async (part: RegExp) => {
  await say(`why ${lead}`);
  await opened.page
    .locator('#list .msg', { hasText: 'What happened' })
    .filter({ hasText: part })
    .last()
    .waitFor({ timeout: 30_000 });
};
const conversation = () => opened.page.locator('.mail', { hasText: lead });
const letters = () => opened.page.locator('#thread .letter');

test('found and enrolled: three people are on a list and in a sequence', async () => {
  await say('find 3 VPs of Sales at German fintechs and call the list Fintech');
  await sees(/3 leads/);
  await say('put Fintech in Fall Intro');
  await sees(/"Fintech" is linked to "Fall Intro"/);
});

test('D6 S6 a day later step 1 has left over SMTP, with its way out, and is in the mailbox', async () => {
  await moveClock('+1 day');
  await goTo('Mailbox');
  await opened.page.getByText('3 conversations').waitFor({ timeout: 30_000 });
  lead = (await opened.page.locator('.mail-to').first().textContent())!;
  await conversation().click();
  await letters().nth(0).locator('.badge', { hasText: 'Fall Intro, step 1' }).waitFor();
  await opened.page.getByRole('button', { name: 'Unsubscribe' }).waitFor();
  await opened.shoot('life-step-1');
  await goTo('Drover');
  await why(/Step 1 of Fall Intro left from rep@drover\.example/);
});

test('S6 days later step 2 follows in the same thread', { timeout: 240_000 }, async () => {
  await moveClock('+1 day', 4);
  await goTo('Mailbox');
  await conversation().click();
  const second = letters().nth(1);
  await second.locator('.badge', { hasText: 'Fall Intro, step 2' }).waitFor();
  const subject = await letters().nth(0).locator('h3').textContent();
  expect(await second.locator('h3').textContent()).toBe(`Re: ${subject}`);
  await opened.shoot('life-step-2');
  await goTo('Drover');
  await why(/Step 2 of Fall Intro left from rep@drover\.example/);
});

test('D4 a reply ends it: the owner is told, why says so, and nothing more leaves', { timeout: 240_000 }, async () => {
  await goTo('Mailbox');
  await conversation().click();
  await opened.page.locator('.mail-acts textarea').fill('Yes, happy to talk. Does Tuesday suit you?');
  await opened.page.getByRole('button', { name: 'Send', exact: true }).click();
  await letters().nth(2).waitFor();
  await opened.shoot('life-reply');
  await moveClock('+1 hour');
  await goTo('Drover');
  await sees(/Does Tuesday suit you\?/);
  await why(/replied/);
  await opened.shoot('life-why');
  await moveClock('+1 day', 7);
  await goTo('Mailbox');
  await conversation().filter({ hasText: '2 sent, 1 back' }).waitFor();
  expect(await opened.page.locator('.mail', { hasText: '3 sent' }).count()).toBe(2);
});
