import { sql } from 'kysely';
import { describe, expect } from 'vitest';
import { drover, enter } from '../../src/domain/context.ts';
import * as enrollments from '../../src/domain/enrollments/index.ts';
import { handleEnrollList } from '../../src/jobs/enroll-list.ts';
import { dailyEnrollment } from '../../src/queues.ts';
import { serverUrl } from '../support/database.ts';
import { enrolledBefore, makeList, makeSequence, settle, skips, states } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

const link = async (world: World, office: Office, list: string, sequence: string) => {
  const outcome = await world.call(office, 'link_list', { list, sequence });
  if (outcome.outcome === 'needs_approval') await world.press(office, outcome.approval.id);
  return settle(world);
};

const linkOf = (world: World, office: Office, listId: number) =>
  world.in(office, ctx =>
    ctx.tx.selectFrom('link').selectAll().where('list_id', '=', listId).where('ended_at', 'is', null).executeTakeFirstOrThrow(),
  );

/** What the tick sends when a sequence's local day starts. */
const daily = async (world: World, office: Office, sequenceId: number) => {
  const on = world.now.toZonedDateTimeISO('Europe/London').toPlainDate().toString();
  await world.in(office, ctx => ctx.enqueue(dailyEnrollment, { workspaceId: office.id, sequenceId, on }));
  return settle(world);
};

describe('E5', () => {
  /** One lead a reason, and one that is free. */
  const everyReason = async (world: World, office: Office) => {
    const list = await makeList(world, office, 'Mixed', { members: 11 });
    const sequence = await makeSequence(world, office, 'Here');
    const other = await makeSequence(world, office, 'Elsewhere');
    const [held, fast, done, refused, recent, long, replied, bounced, excluded, none, _free] = list.leads as number[];
    const before = (at: Parameters<typeof enrolledBefore>[2]) => enrolledBefore(world, office, at);
    await before({ sequenceId: other.id, leadId: held!, state: 'queued' });
    await before({ sequenceId: other.id, leadId: fast!, state: 'active', contactedDaysAgo: 2 });
    await before({ sequenceId: sequence.id, leadId: done!, state: 'completed', contactedDaysAgo: 400 });
    await before({ sequenceId: sequence.id, leadId: refused!, state: 'refused' });
    await before({ sequenceId: other.id, leadId: recent!, state: 'completed', contactedDaysAgo: 89 });
    await before({ sequenceId: other.id, leadId: long!, state: 'completed', contactedDaysAgo: 91 });
    await before({ sequenceId: other.id, leadId: replied!, state: 'replied', contactedDaysAgo: 300 });
    await world.in(office, async ctx => {
      await sql`update lead set email_status = 'bounced' where id = ${bounced}`.execute(ctx.tx);
      await sql`update lead set email = null, email_key = null where id = ${none}`.execute(ctx.tx);
      await sql`insert into exclusion (workspace_id, kind, value, reason, created_at)
        select ${office.id}, 'address', email_key, 'asked', ${ctx.now} from lead where id = ${excluded}`.execute(ctx.tx);
    });
    return { list, sequence, other, held: held!, fast: fast!, bounced: bounced!, none: none!, recent: recent! };
  };

  test('E5 each reason not to enrol is stored, with who holds the lead', async ({ world }) => {
    const office = await world.office();
    const { list, sequence, held, fast } = await everyReason(world, office);
    await link(world, office, 'Mixed', 'Here');
    expect(await skips(world, office, list.id)).toEqual({
      in_other_sequence: 2,
      already_enrolled: 2,
      cooling_down: 1,
      replied_before: 1,
      bad_address: 1,
      excluded: 1,
      no_email: 1,
    });
    expect(await states(world, office, sequence.id)).toMatchObject({ queued: 2 });
    const rows = await world.in(office, ctx =>
      ctx.tx
        .selectFrom('skip')
        .innerJoin('enrollment', 'enrollment.id', 'skip.held_by')
        .innerJoin('sequence', 'sequence.id', 'enrollment.sequence_id')
        .select(['skip.lead_id', 'skip.retry', 'sequence.name'])
        .where('skip.reason', '=', 'in_other_sequence')
        .orderBy('skip.lead_id')
        .execute(),
    );
    expect(rows).toEqual([
      { lead_id: held, retry: true, name: 'Elsewhere' },
      { lead_id: fast, retry: false, name: 'Elsewhere' },
    ]);
  });

  test('E5 what may pass is asked again daily, the rest holds for the life of the link', async ({ world }) => {
    const office = await world.office();
    const { list, sequence, other, held, fast, bounced, none } = await everyReason(world, office);
    await link(world, office, 'Mixed', 'Here');
    await world.in(office, async ctx => {
      await sql`update enrollment set state = 'withdrawn', ended_at = ${ctx.now} where lead_id = ${held} and sequence_id = ${other.id}`.execute(
        ctx.tx,
      );
      await sql`update enrollment set state = 'completed', ended_at = ${ctx.now} where lead_id = ${fast} and sequence_id = ${other.id}`.execute(
        ctx.tx,
      );
      await sql`update lead set email = 'new@x.example', email_key = 'new@x.example' where id = ${none}`.execute(ctx.tx);
      await sql`update exclusion set lifted_at = ${ctx.now}`.execute(ctx.tx);
    });
    await world.clock.move({ hours: 24 * 100 });
    await daily(world, office, sequence.id);
    // Nobody cools down any more and nobody is excluded, but those skips were for good.
    expect(await skips(world, office, list.id)).toEqual({
      in_other_sequence: 1,
      already_enrolled: 2,
      cooling_down: 1,
      replied_before: 1,
      bad_address: 1,
      excluded: 1,
    });
    expect(await states(world, office, sequence.id)).toMatchObject({ queued: 4 });

    await world.in(office, ctx =>
      sql`update lead set email = 'b@x.example', email_key = 'b@x.example', email_status = 'unknown' where id = ${bounced}`.execute(
        ctx.tx,
      ),
    );
    await daily(world, office, sequence.id);
    expect(await skips(world, office, list.id)).not.toHaveProperty('bad_address');
    expect(await states(world, office, sequence.id)).toMatchObject({ queued: 5 });
  });

  test('E5 a holder that contacts its lead turns the skip into one for good', async ({ world }) => {
    const office = await world.office();
    const { list, sequence, other, held } = await everyReason(world, office);
    await link(world, office, 'Mixed', 'Here');
    await world.in(office, ctx =>
      sql`update enrollment set state = 'active', contacted_at = ${ctx.now}, last_contact_at = ${ctx.now}
        where lead_id = ${held} and sequence_id = ${other.id}`.execute(ctx.tx),
    );
    await daily(world, office, sequence.id);
    const retried = await world.in(office, ctx => ctx.tx.selectFrom('skip').select('reason').where('retry', '=', true).execute());
    expect(retried.map(row => row.reason)).toEqual(['no_email']);
    expect(await skips(world, office, list.id)).toMatchObject({ in_other_sequence: 2 });
  });

  test('E5 an enrollment withdrawn before any contact leaves no mark, an expired review does', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 3 });
    const sequence = await makeSequence(world, office, 'S');
    const [plain, expired, sent] = list.leads as [number, number, number];
    const before = { sequenceId: sequence.id, state: 'withdrawn' };
    await enrolledBefore(world, office, { ...before, leadId: plain, reason: 'unlinked' });
    await enrolledBefore(world, office, { ...before, leadId: expired, reason: 'review_expired' });
    await enrolledBefore(world, office, { ...before, leadId: sent, reason: 'unlinked', contactedDaysAgo: 200 });
    await link(world, office, 'A', 'S');
    expect(await skips(world, office, list.id)).toEqual({ already_enrolled: 2 });
    expect(await states(world, office, sequence.id)).toEqual({ queued: 1, withdrawn: 3 });
  });
});

describe('E2 and E4', () => {
  test('E2 daily enrolment enrols who was missed, and a second run writes nothing', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 3 });
    const sequence = await makeSequence(world, office, 'S');
    await link(world, office, 'A', 'S');
    const late = await makeList(world, office, 'B', { members: 3 });
    await world.in(office, async ctx => {
      await sql`update membership set list_id = ${list.id} where list_id = ${late.id}`.execute(ctx.tx);
      await sql`update lead set email = null, email_key = null where id = ${late.leads[0]!}`.execute(ctx.tx);
    });
    expect(await states(world, office, sequence.id)).toEqual({ queued: 3 });

    await world.clock.move({ hours: 24 });
    await daily(world, office, sequence.id);
    expect(await states(world, office, sequence.id)).toEqual({ queued: 5 });
    const versions = () =>
      world.in(office, async ctx => {
        const { rows } = await sql<{ versions: string }>`
          select string_agg(xmin::text || id, ',' order by id) as versions from (
            select xmin, id from enrollment union all select xmin, id from link union all select xmin, lead_id from skip) x`.execute(
          ctx.tx,
        );
        return rows[0]!.versions;
      });
    const before = await versions();
    await daily(world, office, sequence.id);
    expect(await versions()).toBe(before);
    const row = await world.in(office, ctx => ctx.tx.selectFrom('sequence').select('next_day_at').executeTakeFirstOrThrow());
    expect(row.next_day_at!.toString()).toBe('2026-03-04T00:00:00Z');
  });

  test('E2 nobody new enrols while the sequence is not active', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 1 });
    const sequence = await makeSequence(world, office, 'S');
    await link(world, office, 'A', 'S');
    const { id: linkId } = await linkOf(world, office, list.id);
    const late = await makeList(world, office, 'B', { members: 2 });
    await world.in(office, async ctx => {
      await sql`update membership set list_id = ${list.id} where list_id = ${late.id}`.execute(ctx.tx);
      await sql`update sequence set status = 'inactive'`.execute(ctx.tx);
    });
    await daily(world, office, sequence.id);
    expect(await states(world, office, sequence.id)).toEqual({ queued: 1 });
    const refill = await world.in(office, ctx => enrollments.enrollMembers(ctx, { linkId, leadIds: late.leads }));
    expect(refill).toEqual({ enrolled: 0, skipped: { sequence_not_active: 2 } });
  });

  test('M7 members that a refill adds enrol at once, with the reasons why not the rest', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 1 });
    const sequence = await makeSequence(world, office, 'S');
    await link(world, office, 'A', 'S');
    const { id: linkId } = await linkOf(world, office, list.id);
    const late = await makeList(world, office, 'B', { members: 3 });
    await world.in(office, async ctx => {
      await sql`update membership set list_id = ${list.id} where list_id = ${late.id}`.execute(ctx.tx);
      await sql`update lead set email_status = 'bounced' where id = ${late.leads[0]!}`.execute(ctx.tx);
    });
    const leadIds = late.leads.slice(0, 2);
    const refill = await world.in(office, ctx => enrollments.enrollMembers(ctx, { linkId, leadIds }));
    expect(refill).toEqual({ enrolled: 1, skipped: { bad_address: 1 } });
    expect(await states(world, office, sequence.id)).toEqual({ queued: 2 });
  });

  test('E4 copilot leads wait for review, and leave after 30 days without one, not to enrol again', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 2 });
    const sequence = await makeSequence(world, office, 'S', { mode: 'copilot' });
    await link(world, office, 'A', 'S');
    expect(await states(world, office, sequence.id)).toEqual({ in_review: 2 });
    await world.clock.move({ hours: 24 * 29 });
    await daily(world, office, sequence.id);
    expect(await states(world, office, sequence.id)).toEqual({ in_review: 2 });
    await world.clock.move({ hours: 24 });
    await daily(world, office, sequence.id);
    await daily(world, office, sequence.id);
    expect(await states(world, office, sequence.id)).toEqual({ withdrawn: 2 });
    const reasons = await world.in(office, ctx => ctx.tx.selectFrom('enrollment').select('reason').execute());
    expect(reasons.map(row => row.reason)).toEqual(['review_expired', 'review_expired']);
    expect(await skips(world, office, list.id)).toEqual({});
    await world.call(office, 'unlink_list', { list: 'A' });
    await link(world, office, 'A', 'S');
    expect(await states(world, office, sequence.id)).toEqual({ withdrawn: 2 });
    expect(await skips(world, office, list.id)).toEqual({ already_enrolled: 2 });
  });
});

describe('K5', () => {
  test('K5 an enrolment that was cut off goes on where it stopped', async ({ world }) => {
    const office = await world.office();
    const chunk = await world.in(office, async ctx => enrollments.membersAtOnce(ctx));
    const list = await makeList(world, office, 'Big', { members: chunk + 500 });
    const sequence = await makeSequence(world, office, 'S', { mode: 'copilot' });
    const asked = await world.call(office, 'link_list', { list: 'Big', sequence: 'S' });
    if (asked.outcome !== 'needs_approval') throw new Error(asked.outcome);
    await world.press(office, asked.approval.id);
    const { id: linkId } = await linkOf(world, office, list.id);

    // The second chunk's transaction dies as it puts its planning job.
    let chunks = 0;
    const crashing = {
      ...world.services,
      enqueueIn: () => async () => {
        if (++chunks === 2) throw new Error('killed');
      },
    };
    await expect(handleEnrollList(crashing, { workspaceId: office.id, linkId })).rejects.toThrow('killed');
    const half = await world.in(office, ctx => enrollments.progress(ctx, linkId));
    expect(half).toEqual({ members: chunk + 500, enrolled: chunk, byAnotherList: 0, skipped: {}, remaining: 500 });
    expect((await linkOf(world, office, list.id)).enrolled_through_at).toBeNull();

    await settle(world);
    expect(await world.in(office, ctx => enrollments.progress(ctx, linkId))).toMatchObject({
      enrolled: chunk + 500,
      remaining: 0,
    });
    expect(await states(world, office, sequence.id)).toEqual({ in_review: chunk + 500 });
    expect((await linkOf(world, office, list.id)).enrolled_through_at).not.toBeNull();
  });

  test('K5 a chunk stops when its link has ended', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 3 });
    const sequence = await makeSequence(world, office, 'S');
    await world.call(office, 'link_list', { list: 'A', sequence: 'S' });
    const { id: linkId } = await linkOf(world, office, list.id);
    await world.call(office, 'unlink_list', { list: 'A' });
    expect(await world.in(office, ctx => enrollments.enrollChunk(ctx, linkId))).toEqual({
      enrolled: 0,
      skipped: {},
      through: null,
    });
    await settle(world);
    expect(await states(world, office, sequence.id)).toEqual({});
  });

  test('K5 every member is accounted for', async ({ world }) => {
    const office = await world.office();
    const first = await makeList(world, office, 'A', { members: 3 });
    const second = await makeList(world, office, 'B', { members: 4, leads: first.leads });
    await makeSequence(world, office, 'S');
    await world.in(office, ctx => sql`update lead set email_status = 'bounced' where id = ${second.leads[0]!}`.execute(ctx.tx));
    await link(world, office, 'A', 'S');
    await link(world, office, 'B', 'S');
    const { id: linkId } = await linkOf(world, office, second.id);
    const progress = await world.in(office, ctx => enrollments.progress(ctx, linkId));
    expect(progress).toEqual({ members: 7, enrolled: 3, byAnotherList: 3, skipped: { bad_address: 1 }, remaining: 0 });
  });
});

describe('E1', () => {
  test('E1 a second live enrollment of a lead cannot be', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 1 });
    const one = await makeSequence(world, office, 'S');
    const two = await makeSequence(world, office, 'T');
    const at = { leadId: list.leads[0]!, state: 'queued' };
    await enrolledBefore(world, office, { ...at, sequenceId: one.id });
    await expect(enrolledBefore(world, office, { ...at, sequenceId: two.id })).rejects.toThrow(/enrollment_one_live/);
  });

  // The embedded database runs one transaction at a time; there the lists simply follow each other.
  test('E1 two lists that share leads and enrol at the same moment enrol each lead once', async ({ world }) => {
    const office = await world.office();
    const first = await makeList(world, office, 'A', { members: 300 });
    const second = await makeList(world, office, 'B', { leads: first.leads });
    const one = await makeSequence(world, office, 'S');
    const two = await makeSequence(world, office, 'T');
    const links = await world.in(office, async ctx => {
      const { rows } = await sql<{ id: number }>`insert into link (workspace_id, list_id, sequence_id, linked_at)
        values (${office.id}, ${first.id}, ${one.id}, ${ctx.now}), (${office.id}, ${second.id}, ${two.id}, ${ctx.now}) returning id`.execute(
        ctx.tx,
      );
      return rows.map(row => row.id);
    });
    let bothIn = 0;
    let release!: () => void;
    const meeting = new Promise<void>(resolve => {
      release = resolve;
    });
    const chunk = (linkId: number) =>
      enter(world.services, office.id, drover, async ctx => {
        if (serverUrl && ++bothIn === 2) release();
        if (serverUrl) await meeting;
        return enrollments.enrollChunk(ctx, linkId);
      });
    const [a, b] = await Promise.all(links.map(chunk));
    expect(a!.enrolled + b!.enrolled).toBe(300);
    expect((a!.skipped.in_other_sequence ?? 0) + (b!.skipped.in_other_sequence ?? 0)).toBe(300);
    const live = await world.in(office, ctx => ctx.tx.selectFrom('enrollment').select('id').execute());
    expect(live).toHaveLength(300);
  });
});
