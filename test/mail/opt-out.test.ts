import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import { HttpServer } from '../../src/http.ts';
import { silentLog } from '../../src/log.ts';
import { createOptOut } from '../../src/mail/opt-out.ts';
import { enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSequence } from '../support/sequences.ts';
import { test, type World } from '../support/world.ts';

/** A lead who got the first of two steps, and a port at which the link in it answers. */
async function mailed(world: World) {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const id = await makeSequence(world, office, { steps: 2 });
  const [pat] = await enrol(world, office, id, 1);
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.clock.set((await ledger(world, office))[0]!.planned_at);
  await messages.sendDue(world.services, office.id);
  const port = new HttpServer({
    ...{ host: '127.0.0.1', port: 0, log: silentLog, nothingHere: 'nothing' },
    routes: [createOptOut(world.services)],
  });
  const { url } = await port.listen();
  const link = /<https:\/\/drover\.example(\/o\/[^>]+)>/.exec(server.handed[0]!.headers['List-Unsubscribe']!)![1]!;
  return { office, pat: pat!, link: `${url}${link}`, url, close: () => port.close() };
}

const oneClick = {
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: 'List-Unsubscribe=One-Click',
};

test('D6 the link shows a page and changes nothing; a POST excludes at once, and again is the same', async ({ world }) => {
  const { office, pat, link, close } = await mailed(world);
  for (const method of ['GET', 'HEAD', 'GET']) {
    const shown = await fetch(link, { method });
    expect(shown.status).toBe(200);
    if (method === 'GET') expect((await shown.text()).match(/<button/g)).toHaveLength(1);
  }
  expect((await enrollmentOf(world, office, pat)).state).toBe('active');

  const answers = await Promise.all([1, 2, 3, 4].map(() => fetch(link, oneClick)));
  expect(answers.map(answer => answer.status)).toEqual([200, 200, 200, 200]);
  expect(await enrollmentOf(world, office, pat)).toMatchObject({
    state: 'unsubscribed',
    reason: 'opt_out_link',
  });
  const trail = await world.in(office, ctx =>
    ctx.tx.selectFrom('activity').select('action').where('action', '=', 'opt_out').execute(),
  );
  expect(trail).toHaveLength(1);
  expect(await world.call(office, 'list_exclusions', {})).toMatchObject({
    outcome: 'done',
    result: { entries: [{ value: 'pat1@acme.example', optOut: true, untilOn: null }] },
  });
  await close();
});

test('X3 an opt-out outlives what was excluded for a while, and the address that the mail went to', async ({ world }) => {
  const { office, link, close } = await mailed(world);
  await world.call(office, 'exclude', { address: 'pat1@acme.example', until: '2026-03-09' });
  await world.in(office, ctx =>
    ctx.tx.updateTable('lead').set({ email: 'new@acme.example', email_key: 'new@acme.example' }).execute(),
  );
  await fetch(link, oneClick);
  const excluded = await world.in(office, ctx =>
    ctx.tx.selectFrom('exclusion').select(['value', 'opt_out', 'until_on']).orderBy('value').execute(),
  );
  expect(excluded).toEqual([
    { value: 'new@acme.example', opt_out: true, until_on: null },
    { value: 'pat1@acme.example', opt_out: true, until_on: null },
  ]);
  await close();
});

test('D6 a token that is not ours tells nothing and does nothing', async ({ world }) => {
  const { office, pat, link, url, close } = await mailed(world);
  const others = [`${link.slice(0, -1)}~`, `${url}/o/${'x'.repeat(32)}`, `${url}/o/`, `${url}/o/%27%20or%201=1`, `${link}x`];
  const answers = await Promise.all(others.flatMap(other => [fetch(other), fetch(other, oneClick)]));
  expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([404]));
  expect((await fetch(link, { method: 'DELETE' })).status).toBe(405);
  expect((await enrollmentOf(world, office, pat)).state).toBe('active');
  await close();
});

test('D6 neither the URL nor the page tells who it was', async ({ world }) => {
  const { link, close } = await mailed(world);
  const shown = `${link} ${await (await fetch(link)).text()} ${await (await fetch(link, oneClick)).text()}`;
  for (const personal of ['pat', 'acme', 'Fall Intro', '1 Example Street'])
    expect(shown.toLowerCase()).not.toContain(personal.toLowerCase());
  await close();
});

test('D6 a link still works 400 days on, in a workspace of its own', async ({ world }) => {
  const { office, link, close } = await mailed(world);
  const other = await world.office('Beta');
  await world.clock.set(world.now.add({ hours: 24 * 400 }));
  expect((await fetch(link, oneClick)).status).toBe(200);
  const count = (of: typeof office) =>
    world.in(of, async ctx => (await ctx.tx.selectFrom('exclusion').select('id').execute()).length);
  expect([await count(office), await count(other)]).toEqual([1, 0]);
  await close();
});
