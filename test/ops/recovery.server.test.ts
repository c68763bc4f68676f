import { expect } from 'vitest';
import { held, test, until } from './site.ts';

/** What only a server can show: processes that share a database, and one that goes away under them. */

test("A8 a killed worker's turn is taken up by another and answered once", async ({ site }) => {
  const { slack, ai } = site;
  await site.start('web');
  const workers = {
    first: await site.start('worker', { model: 'first' }),
    second: await site.start('worker', { model: 'second' }),
  };
  const [lost, kept] = [held('never said'), held('the only answer')];
  ai.add(lost.reply, kept.reply);
  await slack.control.dm({ text: 'think about it' });
  const victim = (await lost.asked) as keyof typeof workers;
  const killedAt = performance.now();
  await workers[victim].stop('SIGKILL');
  expect(await kept.asked).toBe(victim === 'first' ? 'second' : 'first');
  process.stdout.write(`taken up ${((performance.now() - killedAt) / 1000).toFixed(1)} s after the kill\n`);
  kept.go();
  await slack.control.waitFor(() => site.answers().length > 0, { withinMs: 30_000, what: 'answer' });
  expect([site.answers(), ai.requests.length]).toEqual([['the only answer'], 2]);
}, 120_000);

test('C1 a database that restarts ends no process: what is said meanwhile is delivered again and answered', async ({ site }) => {
  const { slack, ai, proxy } = site;
  const running = await site.start('start');
  ai.add({ say: 'before' }, { say: 'after' });
  await slack.control.dm({ text: 'hello' });
  await slack.control.waitFor(() => site.answers().length === 1, { withinMs: 30_000, what: 'first answer' });

  proxy.cut({ refuse: true });
  await until(`${running.origin}/readyz`, 503);
  await until(`${running.origin}/healthz`, 200);
  await slack.control.dm({ text: 'are you there?' });
  const missed = slack.control.deliveries.findLast(({ kind, attempts }) => kind === 'event' && attempts[0]!.status === 503);
  expect(missed).toBeDefined();

  proxy.restore();
  await until(`${running.origin}/readyz`, 200);
  expect((await slack.control.redeliver(missed!)).status).toBe(200);
  await slack.control.waitFor(() => site.answers().length === 2, { withinMs: 30_000, what: 'second answer' });
  expect(site.answers()).toEqual(['before', 'after']);
  for (let i = 0; i < 3; i++) {
    proxy.cut();
    await until(`${running.origin}/readyz`, 200);
  }
  expect(running.child.exitCode).toBe(null);
}, 120_000);
