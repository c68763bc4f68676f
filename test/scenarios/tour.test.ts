import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedPage, openPage } from '../support/browser.ts';
import { environment, type Running, startDrover } from '../support/process.ts';

/** The README's tour, as typed, in a browser, against what `npm start` starts; at whatever hour and weekday it is. */
const root = path.join(import.meta.dirname, '../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const tour = readme.slice(readme.indexOf('## A tour'), readme.indexOf('## With a real model'));
const phrases = [...tour.matchAll(/^\d+\.[^`\n]*`([^`]+)`/gm)].map(match => match[1]!);
const [find, makeIt30, show, exclude, why, undo, forecast, activate, link, review, approveTwo, refuse, digest, status] = phrases;
const terminal = /^```sh\n([\s\S]*?)^```$/m.exec(tour)?.[1];

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
/** A day of moved clock plays everything that happens in it; on a busy machine that takes its time. */
const aDaysPlayMs = 120_000;
const moveClock = async (button: '+1 hour' | '+1 day') => {
  const moved = opened.page.waitForResponse(response => response.url().endsWith('/page/clock'), { timeout: aDaysPlayMs });
  await opened.page.locator('#sidebar [data-move]:enabled', { hasText: button }).click();
  expect((await moved).ok()).toBe(true);
};
const approve = async (card: string | RegExp) => {
  const asked = opened.page.locator('#list .msg', { hasText: card }).last();
  await asked.getByRole('button', { name: 'Approve' }).click();
};
/** Tables that the page shows only a part of. */
const cutTables = () =>
  opened.page
    .locator('#list .slack_blocks_to_jsx__table')
    .evaluateAll(tables => tables.filter(table => table.scrollWidth > table.clientWidth).map(table => table.textContent));
const goTo = (name: string) => opened.page.locator(`#sidebar [data-name="${name}"]`).click();

test('the tour has the prompts that this test types', () => {
  expect(phrases).toHaveLength(14);
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

test('a day later the first people were contacted, each inside the window', { timeout: aDaysPlayMs }, async () => {
  await moveClock('+1 day');
  await goTo('Mailbox');
  await opened.page.locator('.mail').nth(19).waitFor({ timeout: 30_000 });
  await opened.shoot('tour-mailbox');
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

test('a file becomes a list from a second terminal, and its bad row comes back', async () => {
  const folder = path.join(home, 'terminal');
  await mkdir(folder);
  await symlink(path.join(root, 'bin'), path.join(folder, 'bin'));
  const { stdout } = await promisify(execFile)('sh', ['-ec', terminal!], {
    cwd: folder,
    env: environment({ DROVER_HOME: home }),
  });
  expect(stdout).toContain('4 leads are on the new list "Trade fair".');
  expect(await readFile(path.join(folder, 'fair.rejected.csv'), 'utf8')).toContain('Tom Weiss');
});

test('a sequence with review takes the people of the file and waits for a look at them', async () => {
  await say(activate!);
  await approve(/Activate "Partner Launch"\?/);
  await sees(/"Partner Launch" is active/);
  await say(link!);
  await sees(/"Trade fair" is linked to "Partner Launch"/);
  await say(review!);
  await sees(/4 leads wait for review in "Partner Launch"/);
  await opened.shoot('tour-review');
  await say(approveTwo!);
  await approve(/Approve 2 leads in "Partner Launch"\?/);
  await sees(/2 leads are approved in "Partner Launch"/);
  await say(refuse!);
  await sees(/1 lead is refused in "Partner Launch"/);
});

test('a week later the list was refilled, digests were posted, and the status tells the same', {
  timeout: 7 * aDaysPlayMs,
}, async () => {
  await say(digest!);
  await sees(/every weekday at 08:30/);
  for (let day = 0; day < 7; day++) await moveClock('+1 day');
  await sees(/Your Drover digest[\s\S]*Partner Launch: 1 person waits for review/);
  await opened.shoot('tour-digest');
  await say(status!);
  await sees(/Today:[\s\S]*Germany\s+2[36]0\b/); // one Monday or two in the eight days
  await opened.shoot('tour-status');
  expect(await cutTables()).toEqual([]);
  await say('/drover status');
  await sees(/Only visible to you[\s\S]*Today:/);
  await goTo('Mailbox');
  await opened.page
    .locator('.mail', { hasText: /Re: Quick question/ })
    .first()
    .waitFor({ timeout: 30_000 });
  await opened.page.locator('.mail', { hasText: 'Nora Lind' }).first().waitFor();
  await opened.shoot('tour-week');
  expect(opened.complaints).toEqual([]);
});
