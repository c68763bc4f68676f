import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { connectEmbedded } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrate.ts';
import { drover, enter } from '../../src/domain/context.ts';
import { type CrashPoint, crashPoints } from '../../src/domain/messages/crash-points.ts';
import * as messages from '../../src/domain/messages/index.ts';
import { silentLog } from '../../src/log.ts';
import { createSmtp } from '../../src/mail/smtp.ts';
import { enrol, ledger, mailServer, mailThrough, makeSequence } from '../support/sequences.ts';
import { type Faults, refuse, startSmtp, type TestSmtp } from '../support/smtp-server.ts';
import { start, test, World } from '../support/world.ts';
import type { Errand } from './sending-process.ts';

/** How often a message that died at a point is handed over in all, and how it ends: nothing in between is possible. */
const ends: Record<CrashPoint, { handedOver: number; state: 'sent' | 'unknown' }> = {
  claim_locked: { handedOver: 1, state: 'sent' },
  claim_counted: { handedOver: 1, state: 'sent' },
  claim_written: { handedOver: 1, state: 'sent' },
  claimed: { handedOver: 1, state: 'sent' },
  gate_locked: { handedOver: 1, state: 'sent' },
  gate_read: { handedOver: 1, state: 'sent' },
  handing_written: { handedOver: 1, state: 'sent' },
  handing: { handedOver: 0, state: 'unknown' },
  handed_over: { handedOver: 1, state: 'unknown' },
  outcome_locked: { handedOver: 1, state: 'unknown' },
  outcome_written: { handedOver: 1, state: 'unknown' },
  outcome_followed: { handedOver: 1, state: 'unknown' },
  recorded: { handedOver: 1, state: 'sent' },
};

/** An office with one message whose time has come. */
async function oneDue(world: World) {
  const office = await world.office(`Acme${Math.round(Math.random() * 1e9)}`);
  const sequenceId = await makeSequence(world, office, { steps: 1 });
  await enrol(world, office, sequenceId, 1);
  await enter(world.services, office.id, drover, ctx => messages.planDay(ctx, sequenceId));
  const [planned] = await ledger(world, office);
  await world.clock.set(planned!.planned_at);
  return { office, sequenceId };
}

/** Short, so that a server that says nothing is given up at once. In milliseconds. */
const timeouts = { connect: 2_000, greeting: 500, silence: 500, whole: 5_000 };

/** Puts a real mail server, reached over SMTP, behind every sender. */
async function realMail(world: World, faults: Faults = {}): Promise<TestSmtp> {
  const server = await startSmtp({ security: 'none', ...faults });
  const transport = createSmtp({ name: 'local', accountOf: async () => server.account, log: silentLog, timeouts });
  mailThrough(world, transport);
  onTestFinished(async () => {
    await transport.close();
    await server.close();
  });
  return server;
}

/** How often a server took each message, by Message-ID. */
const taken = (server: TestSmtp): number[] => [
  ...Map.groupBy(server.received, mail => /^Message-ID: (.*)$/im.exec(mail.raw)![1]!)
    .values()
    .map(group => group.length),
];

/** The rest of the day with a process that lives: leases run out, what can be planned again is, and what is due leaves. */
async function recover(world: World, { office, sequenceId }: Awaited<ReturnType<typeof oneDue>>): Promise<void> {
  for (let n = 0; n < 4; n++) {
    await world.clock.move({ minutes: 30 });
    await messages.sendDue(world.services, office.id);
    await enter(world.services, office.id, drover, ctx => messages.planDay(ctx, sequenceId));
  }
}

const outcomeOf = async (world: World, due: Awaited<ReturnType<typeof oneDue>>) => {
  const rows = await ledger(world, due.office);
  expect(rows).toHaveLength(1);
  return rows[0]!.state;
};

test('D1 a message passes every crash point, in this order', async ({ world }) => {
  mailThrough(world, mailServer().transport);
  const passed: CrashPoint[] = [];
  Object.assign(world.services, { crash: (point: CrashPoint) => void passed.push(point) });
  const due = await oneDue(world);
  await messages.sendDue(world.services, due.office.id);
  expect(passed).toEqual([...crashPoints]);
  expect(Object.keys(ends)).toEqual([...crashPoints]);
});

for (const point of crashPoints)
  test(`D1 D2 an error at "${point}" hands over at most once, and the row ends ${ends[point].state}`, async ({ world }) => {
    const server = await realMail(world);
    const due = await oneDue(world);
    const dying = {
      ...world.services,
      crash: (at: CrashPoint) => {
        if (at === point) throw new Error(`died at ${point}`);
      },
    };
    await expect(messages.sendDue(dying, due.office.id)).rejects.toThrow(`died at ${point}`);
    await recover(world, due);
    expect({ handedOver: server.received.length, state: await outcomeOf(world, due) }).toEqual(ends[point]);
  });

/** Starts a process that sends and kills itself at a point. */
async function dieSending(errand: Errand): Promise<void> {
  const script = path.join(import.meta.dirname, 'sending-process.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(errand)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', chunk => {
    said += chunk;
  });
  const signal = await new Promise(resolve => child.once('exit', (_code, by) => resolve(by)));
  expect(signal, said).toBe('SIGKILL');
}

test('D1 D2 SIGKILL at every crash point hands over at most once, and the row ends sent or unknown', {
  timeout: 240_000,
}, async ({ world }) => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'drover-crash-'));
  const { engine } = world.connection;
  // An embedded database has to be opened anew around each death, 5 s a time: there, the two points that matter most.
  const points = engine.kind === 'server' ? crashPoints : (['handing', 'handed_over'] as const);
  const found: Record<string, unknown> = {};
  try {
    for (const point of points) {
      const open = async (): Promise<World> => {
        if (engine.kind === 'server') return world;
        const connection = await connectEmbedded(path.join(home, 'db'));
        await migrate(connection.db);
        return new World({ connection, clock: world.clock, boss: world.boss }, { enqueueIn: () => async () => {} });
      };
      await world.clock.set(start);
      let at = await open();
      const server = await realMail(at);
      const { transports } = at.services;
      const due = await oneDue(at);
      if (engine.kind !== 'server') await at.connection.close();
      await dieSending({
        database: engine.kind === 'server' ? { url: engine.url } : { home: path.join(home, 'db') },
        ...{ workspaceId: due.office.id, now: world.now.toString(), diesAt: point, account: server.account },
      });
      at = await open();
      at.services.transports = transports;
      await recover(at, due);
      found[point] = { handedOver: server.received.length, state: await outcomeOf(at, due) };
      if (engine.kind !== 'server') await at.connection.close();
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  expect(found).toEqual(Object.fromEntries(points.map(point => [point, ends[point]])));
});

/** A mail server in a bad mood: how often it got the message at most, and in which states the row may end. */
const moods: [string, Faults, { taken: number; state: string; reason: string | null }][] = [
  [
    'drops the connection after it has taken the message',
    { beforeAnswer: (_, server) => void server.drop() },
    { taken: 1, state: 'unknown', reason: 'no_answer' },
  ],
  [
    'answers after the timeout',
    { beforeAnswer: () => new Promise<void>(resolve => setTimeout(resolve, 1_500)) },
    { taken: 1, state: 'unknown', reason: 'no_answer' },
  ],
  [
    'greets too late',
    { onConnect: (_, done) => void setTimeout(done, 1_500) },
    { taken: 0, state: 'planned', reason: 'unreachable' },
  ],
  ['greets slowly', { onConnect: (_, done) => void setTimeout(done, 200) }, { taken: 1, state: 'sent', reason: null }],
  [
    'knows no such address',
    { onRcptTo: (_address, _session, done) => done(refuse('550 5.1.1 No such user')) },
    { taken: 0, state: 'failed', reason: 'bad_address' },
  ],
  [
    'is full',
    { onRcptTo: (_address, _session, done) => done(refuse('452 4.2.2 Mailbox full')) },
    { taken: 0, state: 'planned', reason: 'deferred' },
  ],
  [
    'blocks the sender',
    { onMailFrom: (_address, _session, done) => done(refuse('554 5.7.1 Blocked for its reputation')) },
    { taken: 0, state: 'held', reason: 'blocked' },
  ],
  [
    'takes another password',
    { onAuth: (_auth, _session, done) => done(refuse('535 5.7.8 Bad credentials')) },
    { taken: 0, state: 'held', reason: 'auth_failed' },
  ],
];

for (const [mood, faults, then] of moods)
  test(`D1 D5 a mail server that ${mood}: taken ${then.taken} times, and the row is ${then.state}`, async ({ world }) => {
    const server = await realMail(world, faults);
    const due = await oneDue(world);
    await messages.sendDue(world.services, due.office.id);
    const [row] = await ledger(world, due.office);
    expect({ taken: server.received.length, state: row!.state, reason: row!.reason }).toEqual(then);
    await recover(world, due);
    expect(taken(server).filter(n => n > 1)).toEqual([]);
    expect(['sent', 'held', 'failed', 'unknown', 'planned']).toContain(await outcomeOf(world, due));
  });
