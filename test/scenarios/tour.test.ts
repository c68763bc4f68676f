import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedPage, openPage } from '../support/browser.ts';
import { type Running, startDrover } from '../support/process.ts';

/** The README's tour, as typed, in a browser, against what `npm start` starts; at whatever hour and weekday it is. */
const readme = readFileSync(path.join(import.meta.dirname, '../../README.md'), 'utf8');
const tour = readme.slice(readme.indexOf('## A tour'), readme.indexOf('## With a real model'));
const phrases = [...tour.matchAll(/^\d+\.[^`\n]*`([^`]+)`/gm)].map(match => match[1]!);
const [find, makeIt30, show, exclude, why, undo, forecast, digest, status] = phrases;

let home: string;
let running: Running;
let opened: OpenedPage;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'drover-tour-'));
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
const moveClock = async (button: '+1 hour' | '+1 day') => {
  const moved = opened.page.waitForResponse(response => response.url().endsWith('/page/clock'), { timeout: 60_000 });
  await opened.page.locator('#sidebar [data-move]:enabled', { hasText: button }).click();
  expect((await moved).ok()).toBe(true);
};
const goTo = (name: string) => opened.page.locator(`#sidebar [data-name="${name}"]`).click();

test('the tour has the prompts that this test types', () => {
  expect(phrases).toHaveLength(9);
});

test('the first prompt makes a list, monitors it, and asks before linking it', async () => {
  await say(find!);
  await sees(/200 leads are on the way/);
  await sees(/20 \/ week \(Mon\)/);
  await opened.page.getByRole('button', { name: 'Approve' }).waitFor();
  await opened.shoot('tour-card');
});

test('a correction changes what was said last', async () => {
  await say(makeIt30!);
  await sees(/30 \/ week \(Mon\)/);
});

test('the button links, and everybody is enrolled', async () => {
  await opened.page.getByRole('button', { name: 'Approve' }).last().click();
  await sees(/is linked to|linked/);
  await expect
    .poll(
      async () => {
        await say(show!);
        await sees(/Fall Intro/);
        return opened.page.locator('#list .msg').last().textContent();
      },
      { timeout: 60_000, interval: 1_000 },
    )
    .toMatch(/200/);
  await opened.shoot('tour-linked');
});

test('a day later the first people were contacted, each inside the window', async () => {
  await moveClock('+1 day');
  await goTo('Outbox');
  await opened.page.locator('.mail').nth(19).waitFor({ timeout: 30_000 });
  await opened.shoot('tour-outbox');
  await goTo('Drover');
});

test('an exclusion names whom it stopped, why tells it, and undo takes it back', async () => {
  await say(exclude!);
  await sees(/Everyone at rigawallet\.example is excluded\. 1 live enrollment is stopped/);
  await say(why!);
  await sees(/ended: works at an excluded company/);
  await opened.shoot('tour-why');
  await say(undo!);
  await sees(/the exclusion of everyone at rigawallet\.example is lifted/);
});

test('the forecast says when the last of them is contacted', async () => {
  await say(forecast!);
  await sees(/The next 30 days of 1 running sequence/);
  await opened.shoot('tour-forecast');
});

test('a digest is ordered and posted, and the status tells the same', async () => {
  await say(digest!);
  await sees(/every weekday at 08:30/);
  for (let day = 0; day < 4; day++) await moveClock('+1 day');
  await sees(/Your Drover digest/);
  await say(status!);
  await sees(/Today:/);
  await opened.shoot('tour-status');
  expect(opened.complaints).toEqual([]);
});
