import { AsyncLocalStorage } from 'node:async_hooks';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { type Context, enter } from '../../src/domain/context.ts';
import * as exclusions from '../../src/domain/exclusions/index.ts';
import { type CrashPoint, crashPoints } from '../../src/domain/messages/crash-points.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { OutgoingMail } from '../../src/domain/ports.ts';
import * as replies from '../../src/domain/replies/index.ts';
import * as senders from '../../src/domain/senders/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import { finish } from '../../src/domain/sequences/life.ts';
import { freshMail, Inbox, sendNext } from '../support/replies.ts';
import { enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSequence } from '../support/sequences.ts';
import { type Office, start, type World } from '../support/world.ts';

/**
 * What else happens while a message leaves: at every point of its way, and begun before it and committed at every point. Where the other
 * transaction has to wait for a lock it is left waiting and gets its turn; so each of the two comes first, and each waits for the other.
 * The embedded database has one transaction at a time: there, what begins within one runs right after it.
 */

/** Points between two transactions: nobody holds a lock. */
export const between: readonly CrashPoint[] = ['claimed', 'handing', 'handed_over', 'recorded'];
/** From here on it cannot be called back. */
const afterHanding: readonly CrashPoint[] = crashPoints.slice(crashPoints.indexOf('handing'));

/** Where a test begins: outside the transaction whose course it follows. */
const outside = AsyncLocalStorage.snapshot();

/** Work of somebody else. */
export class Other {
  ended = false;
  readonly whole: Promise<unknown>;

  constructor(work: () => Promise<unknown>) {
    this.whole = outside(work).finally(() => {
      this.ended = true;
    });
    this.whole.catch(() => {});
  }

  /** Comes back when it has ended or waits for somebody. */
  async endsOrWaits(world: World): Promise<void> {
    if (world.connection.engine.kind === 'embedded') return;
    while (!this.ended && !(await outside(() => someoneWaits(world))));
  }
}

/** Does a transaction of this database wait for a lock? */
const someoneWaits = async ({ services: { db } }: World): Promise<boolean> => {
  const { rows } = await sql<{ waits: boolean }>`select exists (select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock') as waits`.execute(db);
  return rows[0]!.waits;
};

/** Somebody who has got step 1 and whose step 2 is due; they were written to in an earlier run too, which has ended. */
interface Scene {
  office: Office;
  handed: OutgoingMail[];
  senderId: number;
  sequenceId: number;
  enrollmentId: number;
  leadId: number;
}

const earlierMailId = '<earlier@drover.example>';

async function stepTwoIsDue(world: World, { isFinishing = false }: { isFinishing?: boolean }, name: string): Promise<Scene> {
  await world.clock.set(start);
  const office = await world.office(name);
  const { handed, transport } = mailServer();
  mailThrough(world, transport);
  Object.assign(world.services, { readers: { local: new Inbox() } });
  const senderId = await world.in(office, async ctx =>
    Number(
      await senders.add(ctx, {
        ownerId: office.admin.id,
        name: 'Ada',
        address: 'ada@drover.example',
        transport: 'local',
        minGapMinutes: 0,
      }),
    ),
  );
  const sequenceId = await makeSequence(world, office, { steps: 3, delayDays: 1, senderIds: [senderId] });
  const [enrollmentId] = (await enrol(world, office, sequenceId, 1)) as [number];
  const { lead_id: leadId } = await enrollmentOf(world, office, enrollmentId);
  const earlierId = await makeSequence(world, office, { name: 'Earlier', senderIds: [senderId] });
  await world.in(office, async ({ tx, now }) => {
    const then = now.subtract({ hours: 24 * 100 });
    await sql`
      with run as (insert into enrollment (workspace_id, sequence_id, lead_id, version, state, enrolled_at, sender_id, next_position,
          contacted_at, last_contact_at, ended_at)
        values (${office.id}, ${earlierId}, ${leadId}, 1, 'completed', ${then}, ${senderId}, 2, ${then}, ${then}, ${then}) returning id)
      insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, state,
        planned_on, planned_at, handing_at, ended_at, mail_id)
      select ${office.id}, id, ${earlierId}, ${leadId}, ${senderId}, 1, 1, true, 'sent', ${then}::date, ${then}, ${then}, ${then},
        ${earlierMailId} from run`.execute(tx);
  });
  await sendNext(world, office, sequenceId);
  if (isFinishing) await world.in(office, ctx => finish(ctx, sequenceId));
  await world.clock.move({ hours: 24 });
  await world.in(office, ctx => messages.planDay(ctx, sequenceId));
  await world.clock.set((await ledger(world, office, sequenceId)).find(row => row.state === 'planned')!.planned_at);
  await freshMail(world, office);
  return { office, handed, senderId, sequenceId, enrollmentId, leadId };
}

/** One transaction that bears on whether the message may leave, how its run stands in the end, and its sequence. */
interface Deed {
  does: (ctx: Context, scene: Scene) => Promise<unknown>;
  run: string;
  sequence?: string;
  isFinishing?: boolean;
}

/** An answer to step 1 unless said. */
const answers =
  (text: string, { headers = {}, to }: { headers?: Record<string, string>; to?: string } = {}): Deed['does'] =>
  (ctx, { handed, senderId }) => {
    const from = { name: null, address: handed[0]!.to.address };
    const mail = new Inbox().put({ from, inReplyTo: to ?? handed[0]!.mailId, text, headers }, ctx.now);
    return replies.receive(ctx, senderId, { uidValidity: '1', mails: [mail], lastUid: mail.uid, hasMore: false });
  };

export const deeds: Record<string, Deed> = {
  'D4 a reply': { does: answers('Not interested, thanks.'), run: 'replied' },
  'D4 a reply to an earlier run': { does: answers('Not interested, thanks.', { to: earlierMailId }), run: 'replied' },
  'D4 an out-of-office': { does: answers('I am away.', { headers: { 'auto-submitted': 'auto-replied' } }), run: 'paused' },
  'X3 an opt-out by mail': { does: answers('STOP'), run: 'unsubscribed' },
  'X3 an opt-out by mail to an earlier run': { does: answers('STOP', { to: earlierMailId }), run: 'unsubscribed' },
  'X3 an opt-out by link': {
    does: (ctx, { leadId }) => exclusions.optOut(ctx, { leadId, reason: 'opt_out_link' }),
    run: 'unsubscribed',
  },
  'S1 an opt-out, the last of a sequence that is finishing,': {
    does: (ctx, { leadId }) => exclusions.optOut(ctx, { leadId, reason: 'opt_out_link' }),
    ...{ run: 'unsubscribed', isFinishing: true, sequence: 'inactive' },
  },
  'X1 an exclusion': {
    does: (ctx, { handed }) =>
      exclusions.add(ctx, { entries: [{ kind: 'address', value: handed[0]!.to.address }], reason: 'by hand', untilOn: null }),
    run: 'excluded',
  },
  'S1 a pause of the sequence': {
    does: (ctx, { sequenceId }) => sequences.pause(ctx, sequenceId),
    ...{ run: 'active', sequence: 'inactive' },
  },
  'D5 a pause of the sender': { does: (ctx, { senderId }) => senders.pause(ctx, senderId), run: 'active' },
};

/** What came of it. */
interface Ended {
  /** Messages that left after step 1. */
  left: number;
  row: string;
  run: string;
  sequence: string;
}

/** How the row of step 2 ended, and its run; whatever may still leave days later has left by then. */
async function aftermath(world: World, { office, handed, sequenceId, enrollmentId, senderId }: Scene): Promise<Ended> {
  const row = (await ledger(world, office, sequenceId)).find(message => message.position === 2);
  const run = await enrollmentOf(world, office, enrollmentId);
  expect(run.sender_id, 'S5').toBe(senderId);
  for (let days = 0; days < 2; days++) {
    await world.clock.move({ hours: 24 });
    await freshMail(world, office);
    await world.in(office, ctx => messages.planDay(ctx, sequenceId));
    await messages.sendDue(world.services, office.id);
  }
  const { status } = await world.in(office, ctx => sequences.lock(ctx, sequenceId));
  return { left: handed.length - 1, row: row?.state ?? 'taken off the plan', run: run.state, sequence: status };
}

export const expected = ({ run, sequence = 'active' }: Deed, hasLeft: boolean) => ({
  ...{ left: hasLeft ? 1 : 0, run, sequence },
  row: hasLeft ? 'sent' : expect.stringMatching(/^(held|taken off the plan)$/),
});

/** How far a message has got, and whether what happened meanwhile was committed before it had to be. */
class Course {
  isHanding = false;
  isInTime: boolean | undefined;

  passes(at: CrashPoint): void {
    this.isHanding ||= afterHanding.includes(at);
  }

  committed(): void {
    this.isInTime ??= !this.isHanding;
  }
}

/** The deed begins while the message is at a point. */
export async function within(world: World, deed: Deed, point: CrashPoint): Promise<{ course: Course; ended: Ended }> {
  const scene = await stepTwoIsDue(world, deed, point);
  const { office } = scene;
  const course = new Course();
  let other: Other | undefined;
  const crash = async (at: CrashPoint) => {
    course.passes(at);
    if (at === point) other ??= new Other(() => enter(world.services, office.id, office.admin, ctx => deed.does(ctx, scene)));
    if (between.includes(at)) await other?.whole;
    else if (at === point) await other?.endsOrWaits(world);
    if (other?.ended) course.committed();
  };
  await messages.sendDue({ ...world.services, crash }, office.id);
  await other!.whole;
  return { course, ended: await aftermath(world, scene) };
}

/** The deed has begun before the message sets out, and is committed when it is at a point, or when it waits for the deed. */
export async function across(world: World, deed: Deed, point: CrashPoint): Promise<{ course: Course; ended: Ended }> {
  const scene = await stepTwoIsDue(world, deed, point);
  const { office } = scene;
  const course = new Course();
  const [done, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const other = new Other(() =>
    enter(world.services, office.id, office.admin, async ctx => {
      await deed.does(ctx, scene);
      done.resolve();
      await commit.promise;
    }),
  );
  await Promise.race([done.promise, other.whole]);
  const end = () => {
    course.committed();
    commit.resolve();
    return other.whole;
  };
  const crash = async (at: CrashPoint) => {
    course.passes(at);
    if (at === point) await end();
  };
  const sending = new Other(() => messages.sendDue({ ...world.services, crash }, office.id));
  while (!sending.ended && course.isInTime === undefined) if (await someoneWaits(world)) void end();
  commit.resolve();
  await Promise.all([sending.whole, other.whole]);
  return { course, ended: await aftermath(world, scene) };
}
