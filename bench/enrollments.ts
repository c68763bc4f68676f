import { sql } from 'kysely';
import * as enrollments from '../src/domain/enrollments/index.ts';
import * as links from '../src/domain/links/index.ts';
import * as messages from '../src/domain/messages/index.ts';
import { against, atMost, inTurn, type Line, percentile, timed, whole } from './measure.ts';
import { analyze, type Bench, bareEnrol, call, makeList, makeSequence, openBench } from './world.ts';

async function linked(bench: Bench, listId: number, sequenceId: number): Promise<number> {
  await bench.in(ctx => links.link(ctx, { listId, sequenceId }));
  const link = await bench.in(ctx => links.activeOf(ctx, listId));
  return link!.id;
}

const enrolAll = (bench: Bench, linkId: number) => async () => {
  for (let after: number | null = 0; after !== null; )
    after = (await bench.in(ctx => enrollments.enrollChunk(ctx, linkId, undefined, { after: after! }))).through;
};

const clear = (bench: Bench) => sql`truncate enrollment, message, skip cascade`.execute(bench.services.db);

/** Enrolling a linked list against one `insert … select`, and how it grows. */
export async function enrolling(sizes: readonly number[]): Promise<Line[]> {
  const lines: Line[] = [];
  for (const people of sizes) {
    const bench = await openBench('enrolling');
    const listId = await makeList(bench, 'List', people);
    const sequenceId = await makeSequence(bench, 'Sequence');
    const linkId = await linked(bench, listId, sequenceId);
    await analyze(bench);
    const [ours, bare] = await inTurn(
      people > 200_000 ? 1 : 3,
      async () => {
        await clear(bench);
        return timed(enrolAll(bench, linkId));
      },
      async () => {
        await clear(bench);
        return timed(bareEnrol(bench, listId, sequenceId, linkId));
      },
    );
    lines.push(against(`enrolling ${whole(people)} leads`, ours, bare, 1.5, people === 100_000 ? 5_000 : undefined));
    await bench.close();
  }
  return lines;
}

/** The preflight of a large list, as the tool answers it: verdicts on everybody, pace and drain date. */
export async function preflight(people: number): Promise<Line[]> {
  const bench = await openBench('preflight');
  await makeList(bench, 'List', people);
  await makeSequence(bench, 'Sequence');
  await analyze(bench);
  const took: number[] = [];
  for (let i = 0; i < 3; i++) took.push(await timed(() => call(bench, 'preflight_link', { list: 'List', sequence: 'Sequence' })));
  await bench.close();
  return [atMost(`preflight of a list of ${whole(people)}`, percentile(took, 50), people === 50_000 ? 1_000 : undefined)];
}

/** Planning a day, and claiming what is due, over many enrollments. */
export async function planning(total: number, count: number): Promise<Line[]> {
  const bench = await openBench('planning');
  const each = Math.floor(total / count);
  const ids: number[] = [];
  for (let i = 0; i < count; i++) {
    const listId = await makeList(bench, `List ${i}`, each, i * each);
    const sequenceId = await makeSequence(bench, `Sequence ${i}`, { cap: 50 });
    await bareEnrol(bench, listId, sequenceId)();
    ids.push(sequenceId);
  }
  // Half of them have had their first message, and their second is due.
  await sql`update enrollment e set state = 'active', next_position = 2, next_due_on = '2026-03-02', sender_id = s.sender_id,
      contacted_at = ${bench.clock.now().subtract({ hours: 72 })}, last_contact_at = ${bench.clock.now().subtract({ hours: 72 })}
    from sequence_sender s where s.sequence_id = e.sequence_id and e.id % 2 = 0`.execute(bench.services.db);
  await analyze(bench);
  const planned = await timed(() => bench.in(ctx => messages.planDays(ctx, ids)));
  const { rows } = await sql<{ n: number }>`select count(*) as n from message`.execute(bench.services.db);
  const lines = [
    atMost(`planning a day: ${whole(total)} enrollments, ${count} sequences, ${whole(rows[0]!.n)} messages`, planned, 2_000),
  ];
  await bench.close();
  return lines;
}

/** Claiming due messages with their caps counted, against a bare `update … skip locked` of as many. */
export async function claiming(people: number): Promise<Line[]> {
  const bench = await openBench('claiming');
  const listId = await makeList(bench, 'List', people);
  const sequenceId = await makeSequence(bench, 'Sequence', { cap: 10_000, senders: 40 });
  await bareEnrol(bench, listId, sequenceId)();
  const refill = () =>
    sql`with room as (select array_agg(sender_id) as ids from sequence_sender where sequence_id = ${sequenceId})
      insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, state, planned_on, planned_at)
      select e.workspace_id, e.id, e.sequence_id, e.lead_id, room.ids[1 + e.id % 40], 1, 1, true, 'planned', '2026-03-02', ${bench.clock.now().subtract({ minutes: 1 })}
      from enrollment e, room order by e.id limit 1000`.execute(bench.services.db);
  const empty = () => sql`truncate message cascade`.execute(bench.services.db);
  await analyze(bench);
  const claimOnly = async () => {
    await empty();
    await refill();
    return timed(() => bench.in(ctx => messages.claimDue(ctx)));
  };
  const bare = async () => {
    await empty();
    await refill();
    return timed(() =>
      bench.in(ctx =>
        sql`with due as (select id from message where state = 'planned' and planned_at <= ${ctx.now} order by planned_at limit 100 for update skip locked)
          update message m set state = 'claimed', claimed_at = ${ctx.now}, lease_until = ${ctx.now.add({ minutes: 2 })} from due where m.id = due.id returning m.id`.execute(
          ctx.tx,
        ),
      ),
    );
  };
  const [ours, plain] = await inTurn(7, claimOnly, bare);
  await bench.close();
  return [against(`claiming 100 of 1,000 due messages, ${whole(people)} enrollments`, ours, plain, 2)];
}
