import { sql } from 'kysely';
import { describe, expect } from 'vitest';
import type { Outcome } from '../../src/tools/run.ts';
import { contactFirst, enrolledBefore, makeList, makeSequence, putMessage, settle, skips, states } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

const cardOf = (outcome: Outcome) => {
  if (outcome.outcome !== 'needs_approval') throw new Error(`not a card: ${JSON.stringify(outcome)}`);
  return outcome;
};
const fact = (outcome: Outcome, label: string) => outcome.report.facts?.find(each => each.label === label)?.value;

/** Links, presses if asked to, and lets the background work. */
const link = async (world: World, office: Office, list: string, sequence: string) => {
  const outcome = await world.call(office, 'link_list', { list, sequence });
  if (outcome.outcome === 'needs_approval') await world.press(office, outcome.approval.id);
  await settle(world);
  return outcome;
};

const rowsOf = (world: World, office: Office) =>
  world.in(office, async ctx => {
    const { rows } = await sql<{ lead: number; list: string; state: string; enrolled: string }>`
      select e.lead_id as lead, l.name as list, e.state, e.enrolled_at::text as enrolled
      from enrollment e left join list l on l.id = e.list_id order by e.id`.execute(ctx.tx);
    return rows;
  });

describe('K1 and K2', () => {
  test('K1 only an active sequence takes a list; for others the answer names the status and what to do', async ({ world }) => {
    const office = await world.office();
    await makeList(world, office, 'A', { members: 1 });
    const told: Record<string, unknown> = {};
    for (const status of ['setup', 'finishing', 'inactive', 'archived'] as const) {
      await makeSequence(world, office, `In ${status}`, { status });
      const outcome = await world.call(office, 'link_list', { list: 'A', sequence: `In ${status}` });
      if (outcome.outcome !== 'refused') throw new Error(outcome.outcome);
      expect(outcome.code).toBe('sequence_not_active');
      expect(outcome.message).toContain(status);
      told[status] = outcome.next;
    }
    expect(told).toEqual({
      setup: ['activate In setup'],
      finishing: ['activate In finishing', 'list sequences'],
      inactive: ['resume In inactive'],
      archived: ['list sequences'],
    });
    const links = await world.in(office, ctx => ctx.tx.selectFrom('link').select('id').execute());
    expect(links).toEqual([]);
  });

  test('K2 a list has one link, and the database insists', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 1 });
    const sequence = await makeSequence(world, office, 'S');
    await makeSequence(world, office, 'T');
    await link(world, office, 'A', 'S');
    const second = world.in(office, ctx =>
      sql`insert into link (workspace_id, list_id, sequence_id, linked_at) values (${office.id}, ${list.id}, ${sequence.id}, ${ctx.now})`.execute(
        ctx.tx,
      ),
    );
    await expect(second).rejects.toThrow(/link_one_per_list/);
    await link(world, office, 'A', 'T');
    const links = await world.in(office, ctx => ctx.tx.selectFrom('link').select('ended_reason').orderBy('id').execute());
    expect(links.map(row => row.ended_reason)).toEqual(['relinked', null]);
  });

  test('linking the same again says so, with how far it is', async ({ world }) => {
    const office = await world.office();
    await makeList(world, office, 'A', { members: 2 });
    await makeSequence(world, office, 'S');
    await link(world, office, 'A', 'S');
    const again = await world.call(office, 'link_list', { list: 'a', sequence: 's' });
    expect(again).toMatchObject({
      outcome: 'done',
      effect: 'read',
      result: { outcome: 'already_linked', progress: { enrolled: 2 } },
    });
    expect(fact(again, 'Enrolled')).toBe('2 of 2 people');
  });

  test('W2 a rep links only their own lists to their own sequences', async ({ world }) => {
    const office = await world.office();
    await makeList(world, office, 'Hers', { members: 1 });
    await makeList(world, office, 'His', { members: 1, owner: office.rep.id });
    await makeSequence(world, office, 'Her S');
    await makeSequence(world, office, 'His S', { owner: office.rep.id });
    const as = { actor: office.rep };
    expect(await world.call(office, 'link_list', { list: 'Hers', sequence: 'His S' }, as)).toMatchObject({ code: 'not_yours' });
    expect(await world.call(office, 'link_list', { list: 'His', sequence: 'Her S' }, as)).toMatchObject({ code: 'not_yours' });
    expect(await world.call(office, 'link_list', { list: 'His', sequence: 'His S' }, as)).toMatchObject({ outcome: 'done' });
    expect(await world.call(office, 'unlink_list', { list: 'Hers' }, as)).toMatchObject({ code: 'not_yours' });
  });

  test('an empty list links, and says that it is empty', async ({ world }) => {
    const office = await world.office();
    await makeList(world, office, 'Empty');
    await makeSequence(world, office, 'S');
    const outcome = await world.call(office, 'link_list', { list: 'Empty', sequence: 'S' });
    expect(outcome.outcome).toBe('done');
    expect(outcome.report.notes?.join()).toContain('empty');
  });
});

describe('A1 and A2', () => {
  test('A1 what waits for a button: many people on autopilot, a monitored list, very many on copilot', async ({ world }) => {
    const office = await world.office();
    await makeList(world, office, 'L25', { members: 25 });
    await makeList(world, office, 'L26', { members: 26 });
    await makeList(world, office, 'L500', { members: 500 });
    await makeList(world, office, 'L501', { members: 501 });
    await makeList(world, office, 'Watched', { members: 1, monitored: { cadence: 'daily', amount: 20 } });
    await makeSequence(world, office, 'Auto');
    await makeSequence(world, office, 'Co', { mode: 'copilot' });
    const ask = async (list: string, sequence: string) => (await world.call(office, 'link_list', { list, sequence })).outcome;
    expect([await ask('L26', 'Auto'), await ask('Watched', 'Auto'), await ask('L501', 'Co')]).toEqual(
      Array.from({ length: 3 }, () => 'needs_approval'),
    );
    expect([await ask('L25', 'Auto'), await ask('L500', 'Co'), await ask('Watched', 'Co')]).toEqual(['done', 'done', 'done']);
  });

  test('A1 only people who would enrol count', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'L', { members: 30 });
    await makeSequence(world, office, 'Auto');
    await world.in(office, ctx =>
      sql`update lead set email_status = 'bounced' where id = any(${list.leads.slice(0, 5)}::bigint[])`.execute(ctx.tx),
    );
    expect((await world.call(office, 'link_list', { list: 'L', sequence: 'Auto' })).outcome).toBe('done');
  });

  test('A1 the card shows who enrols, who does not and who holds them, the cap and the monitoring', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'L', { members: 40, monitored: { cadence: 'weekly', amount: 100 } });
    await makeSequence(world, office, 'Auto', { cap: 50 });
    const other = await makeSequence(world, office, 'Winter', { owner: office.rep.id });
    for (const leadId of list.leads.slice(0, 2))
      await enrolledBefore(world, office, { sequenceId: other.id, leadId, state: 'queued' });
    await world.in(office, ctx =>
      sql`update lead set email = null, email_key = null where id = ${list.leads[2]!}`.execute(ctx.tx),
    );
    const card = cardOf(await world.call(office, 'link_list', { list: 'L', sequence: 'Auto' }));
    expect(fact(card, 'Enrol')).toBe('37 of 40 people, who are contacted without review (autopilot)');
    expect(fact(card, 'Do not enrol')).toBe('2 in another sequence, 1 no e-mail address');
    // Its only sender's limit of 30 a day is below the cap (S5).
    expect(fact(card, 'Daily cap')).toBe('50 a day, but 30 results: what its senders may send');
    expect(fact(card, 'Monitoring')).toBe('100 / week (Mon)');
    expect(card.report.tables?.[0]?.rows).toEqual([['Winter', 'Ray', '2']]);
    expect(await states(world, office, other.id)).toEqual({ queued: 2 });
  });

  test('A2 a card whose sequence changed is not carried out; a fresh one replaces it', async ({ world }) => {
    const office = await world.office();
    await makeList(world, office, 'L', { members: 600 });
    const sequence = await makeSequence(world, office, 'S', { mode: 'copilot' });
    const card = cardOf(await world.call(office, 'link_list', { list: 'L', sequence: 'S' }));
    await world.in(office, ctx => sql`update sequence set mode = 'autopilot'`.execute(ctx.tx));
    expect(await world.press(office, card.approval.id)).toMatchObject({ outcome: 'replaced', why: 'changed' });
    await settle(world);
    expect(await states(world, office, sequence.id)).toEqual({});
  });

  test('A2 a card reaches a few more people than it showed, not many more', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'L', { members: 30 });
    await makeSequence(world, office, 'S');
    const more = await makeList(world, office, 'More', { members: 11 });
    const card = cardOf(await world.call(office, 'link_list', { list: 'L', sequence: 'S' }));
    const grow = (leads: number[]) =>
      world.in(office, ctx =>
        sql`update membership set list_id = ${list.id} where lead_id = any(${leads}::bigint[])`.execute(ctx.tx),
      );
    await grow(more.leads);
    const fresh = await world.press(office, card.approval.id);
    if (fresh.outcome !== 'replaced') throw new Error(fresh.outcome);
    await world.in(office, ctx =>
      sql`update membership set removed_at = ${ctx.now} where lead_id = ${more.leads[0]!}`.execute(ctx.tx),
    );
    const did = await world.press(office, cardOf(fresh.fresh).approval.id);
    expect(did).toMatchObject({ outcome: 'approved', did: { outcome: 'done' } });
    if (did.outcome === 'approved') expect(did.did.report.notes).toContain('1 fewer people than the card showed.');
  });
});

describe('K3', () => {
  test('K3 relinking asks, then moves uncontacted people and lets contacted ones finish', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 5 });
    const fall = await makeSequence(world, office, 'Fall');
    const winter = await makeSequence(world, office, 'Winter');
    await link(world, office, 'A', 'Fall');
    const contacted = await contactFirst(world, office, fall.id, 2);
    await putMessage(world, office, { leadId: list.leads[3]!, senderId: fall.senderId, state: 'planned' });

    const card = cardOf(await world.call(office, 'link_list', { list: 'A', sequence: 'Winter' }));
    expect(card.report.title).toBe('Move "A" from "Fall" to "Winter"?');
    expect(fact(card, 'Leaves "Fall"')).toContain('3 not contacted yet are withdrawn; 2 contacted finish there');
    expect(fact(card, 'Enrol')).toContain('3 of 5');
    expect(await states(world, office, fall.id)).toEqual({ active: 2, queued: 3 });

    await world.press(office, card.approval.id);
    await settle(world);
    expect(await states(world, office, fall.id)).toEqual({ active: 2, withdrawn: 3 });
    expect(await states(world, office, winter.id)).toEqual({ queued: 3 });
    expect(await skips(world, office, list.id)).toEqual({ in_other_sequence: 2 });
    const rows = await rowsOf(world, office);
    expect(rows.filter(row => row.state === 'active').map(row => row.lead)).toEqual(contacted);
    const planned = await world.in(office, ctx => ctx.tx.selectFrom('message').select('id').execute());
    expect(planned).toEqual([]);
  });

  test('K3 somebody whose message is being handed over counts as contacted, a claimed message does not', async ({ world }) => {
    const office = await world.office();
    const list = await makeList(world, office, 'A', { members: 4 });
    const fall = await makeSequence(world, office, 'Fall');
    const winter = await makeSequence(world, office, 'Winter');
    await link(world, office, 'A', 'Fall');
    for (const [i, state] of ['handing', 'unknown', 'claimed', 'planned'].entries())
      await putMessage(world, office, { leadId: list.leads[i]!, senderId: fall.senderId, state });
    await link(world, office, 'A', 'Winter');
    expect(await states(world, office, fall.id)).toEqual({ queued: 2, withdrawn: 2 });
    expect(await states(world, office, winter.id)).toEqual({ queued: 2 });
  });

  test('K3 more people than one transaction takes are let go of in the background, before they enrol anew', async ({ world }) => {
    const office = await world.office();
    await makeList(world, office, 'A', { members: 2_300 });
    const fall = await makeSequence(world, office, 'Fall');
    const winter = await makeSequence(world, office, 'Winter');
    await link(world, office, 'A', 'Fall');
    const card = cardOf(await world.call(office, 'link_list', { list: 'A', sequence: 'Winter' }));
    await world.press(office, card.approval.id);
    expect(await states(world, office, fall.id)).toEqual({ queued: 300, withdrawn: 2_000 });
    await settle(world);
    expect(await states(world, office, fall.id)).toEqual({ withdrawn: 2_300 });
    expect(await states(world, office, winter.id)).toEqual({ queued: 2_300 });
  });
});

describe('K4 and K6', () => {
  test('K4 a lead on several lists of a sequence enrols once', async ({ world }) => {
    const office = await world.office();
    const first = await makeList(world, office, 'A', { members: 3 });
    const second = await makeList(world, office, 'B', { members: 1, leads: first.leads });
    const sequence = await makeSequence(world, office, 'S');
    await link(world, office, 'A', 'S');
    await link(world, office, 'B', 'S');
    expect(await states(world, office, sequence.id)).toEqual({ queued: 4 });
    expect(await skips(world, office, second.id)).toEqual({});
  });

  test('K4 an uncontacted lead that another list still holds passes to it, keeping its place and its review', async ({
    world,
  }) => {
    const office = await world.office();
    const first = await makeList(world, office, 'A', { members: 3 });
    await makeList(world, office, 'B', { leads: first.leads.slice(0, 2) });
    const sequence = await makeSequence(world, office, 'S', { mode: 'copilot' });
    await link(world, office, 'A', 'S');
    await world.call(office, 'review_leads', { sequence: 'S', decision: 'approve', leads: ['A 1'] });
    const before = await rowsOf(world, office);
    await putMessage(world, office, { leadId: first.leads[0]!, senderId: sequence.senderId, state: 'planned' });
    await world.clock.move({ hours: 1 });
    await link(world, office, 'B', 'S');

    const outcome = await world.call(office, 'unlink_list', { list: 'A' });
    expect(outcome).toMatchObject({ result: { uncontacted: 3, passing: 2, contacted: 0 } });
    await settle(world);
    expect(await rowsOf(world, office)).toEqual([
      { ...before[0], list: 'B', state: 'queued' },
      { ...before[1], list: 'B', state: 'in_review' },
      { ...before[2], list: 'A', state: 'withdrawn' },
    ]);
    // Its planned message and its reviewer stay with it.
    const kept = await world.in(office, async ctx => ({
      messages: (await ctx.tx.selectFrom('message').select('id').execute()).length,
      reviewed: (await ctx.tx.selectFrom('enrollment').select('reviewed_by').where('reviewed_by', 'is not', null).execute())
        .length,
    }));
    expect(kept).toEqual({ messages: 1, reviewed: 1 });
  });

  test('K4 moving a list leaves behind whom another list holds in the first sequence', async ({ world }) => {
    const office = await world.office();
    const first = await makeList(world, office, 'A', { members: 2 });
    await makeList(world, office, 'B', { leads: first.leads.slice(0, 1) });
    const fall = await makeSequence(world, office, 'Fall');
    const winter = await makeSequence(world, office, 'Winter');
    await link(world, office, 'A', 'Fall');
    await link(world, office, 'B', 'Fall');
    const card = await link(world, office, 'A', 'Winter');
    expect(fact(card, 'Leaves "Fall"')).toContain('1 stay there through another list');
    expect(fact(card, 'Enrol')).toContain('1 of 2');
    expect(await states(world, office, fall.id)).toEqual({ queued: 1, withdrawn: 1 });
    expect(await states(world, office, winter.id)).toEqual({ queued: 1 });
  });

  test('K6 unlinking withdraws whom the list had not contacted; contacted ones finish, and a later link starts afresh', async ({
    world,
  }) => {
    const office = await world.office();
    await makeList(world, office, 'A', { members: 3 });
    const sequence = await makeSequence(world, office, 'S');
    await link(world, office, 'A', 'S');
    await contactFirst(world, office, sequence.id, 1);
    // A paused one that was never contacted goes as well.
    await world.in(office, ctx =>
      sql`update enrollment set state = 'paused' where id = (select max(id) from enrollment)`.execute(ctx.tx),
    );
    const outcome = await world.call(office, 'unlink_list', { list: 'A' });
    expect(fact(outcome, 'Withdrawn')).toBe('2 people not contacted yet');
    expect(fact(outcome, 'Finish there')).toBe('1 person contacted already');
    expect(await states(world, office, sequence.id)).toEqual({ active: 1, withdrawn: 2 });
    expect(await world.call(office, 'unlink_list', { list: 'A' })).toMatchObject({ code: 'not_linked' });
    await link(world, office, 'A', 'S');
    expect(await states(world, office, sequence.id)).toEqual({ active: 1, queued: 2, withdrawn: 2 });
  });

  test('M6 linking and unlinking leave monitoring alone, and linking leaves the cap alone', async ({ world }) => {
    const office = await world.office();
    await makeList(world, office, 'A', { members: 1, monitored: { cadence: 'daily', amount: 20 } });
    await makeSequence(world, office, 'S');
    const both = () =>
      world.in(office, async ctx => [
        await ctx.tx.selectFrom('monitoring').selectAll().execute(),
        await ctx.tx.selectFrom('sequence').select(['daily_cap', 'status', 'mode']).execute(),
      ]);
    const before = await both();
    await link(world, office, 'A', 'S');
    await world.call(office, 'unlink_list', { list: 'A' });
    expect(await both()).toEqual(before);
  });
});

describe('E4 review', () => {
  const waiting = async (world: World, office: Office, members: number) => {
    await makeList(world, office, 'A', { members });
    const sequence = await makeSequence(world, office, 'S', { mode: 'copilot' });
    await link(world, office, 'A', 'S');
    return sequence;
  };
  const review = (world: World, office: Office, input: object) => world.call(office, 'review_leads', { sequence: 'S', ...input });

  test('E4 shows who waits, the longest first, twenty at a time, with their age', async ({ world }) => {
    const office = await world.office();
    await waiting(world, office, 23);
    await world.clock.move({ hours: 72 });
    const outcome = await review(world, office, { decision: 'show' });
    expect(outcome.report.title).toBe('23 leads wait for review in "S".');
    const table = outcome.report.tables![0]!;
    expect(table.rows).toHaveLength(20);
    expect(table.more).toBe(3);
    expect(table.rows[0]).toEqual(['A 1', 'VP of Sales', 'Company 1', 'A', 'from directory', 'Mon 2 Mar (3 days)']);
  });

  test('A1 one lead is approved at once, several wait for a button', async ({ world }) => {
    const office = await world.office();
    const sequence = await waiting(world, office, 4);
    expect(await review(world, office, { decision: 'approve', leads: ['a 1'] })).toMatchObject({
      outcome: 'done',
      result: { decided: 1 },
    });
    expect(await review(world, office, { decision: 'refuse', leads: ['a2@company-2.example'] })).toMatchObject({
      outcome: 'done',
    });
    expect(await states(world, office, sequence.id)).toEqual({ in_review: 2, queued: 1, refused: 1 });
    const card = cardOf(await review(world, office, { decision: 'approve', all: true }));
    expect(card.approval.summary).toBe('Approve 2 leads in "S".');
    await world.press(office, card.approval.id);
    expect(await states(world, office, sequence.id)).toEqual({ queued: 3, refused: 1 });
  });

  test('A2 a card of some approves those whom it showed, or nobody', async ({ world }) => {
    const office = await world.office();
    const sequence = await waiting(world, office, 4);
    const card = cardOf(await review(world, office, { decision: 'approve', count: 2 }));
    await review(world, office, { decision: 'refuse', leads: ['A 1'] });
    expect(await world.press(office, card.approval.id)).toMatchObject({ outcome: 'replaced', why: 'changed' });
    expect(await states(world, office, sequence.id)).toEqual({ in_review: 3, refused: 1 });
  });

  test('a name that two share, or nobody has, is a question', async ({ world }) => {
    const office = await world.office();
    await waiting(world, office, 3);
    await world.in(office, ctx =>
      sql`update lead set full_name = 'Ann Example' where full_name in ('A 1', 'A 2')`.execute(ctx.tx),
    );
    expect(await review(world, office, { decision: 'approve', leads: ['ann example'] })).toMatchObject({
      code: 'ambiguous_lead',
      next: ['approve a1@company-1.example in S', 'approve a2@company-2.example in S'],
    });
    const unknown = await review(world, office, { decision: 'approve', leads: ['Ann Exampel'] });
    expect(unknown).toMatchObject({ code: 'unknown_lead', next: ['approve Ann Example in S', 'show reviews of S'] });
    expect(await review(world, office, { decision: 'approve' })).toMatchObject({ code: 'who' });
  });
});
