import { sql } from 'kysely';
import * as enrollments from '../src/domain/enrollments/index.ts';
import * as links from '../src/domain/links/index.ts';
import * as messages from '../src/domain/messages/index.ts';
import { against, atMost, inTurn, type Line, ms, timed } from './measure.ts';
import { analyze, type Bench, makeList, makeSequence, openBench } from './world.ts';

async function linked(bench: Bench, listId: number, sequenceId: number): Promise<number> {
  await bench.in(ctx => links.link(ctx, { listId, sequenceId }));
  const link = await bench.in(ctx => links.activeOf(ctx, listId));
  return link!.id;
}

const enrolAll = (bench: Bench, linkId: number) => async () => {
  for (let after: number | null = 0; after !== null; )
    after = (await bench.in(ctx => enrollments.enrollChunk(ctx, linkId, undefined, { after: after! }))).through;
};

/** The same rows, in the same workspace and under its policies, by one statement that asks nothing. */
const bareEnrol =
  (bench: Bench, listId: number, sequenceId: number, linkId: number | null = null) =>
  () =>
    bench.in(ctx =>
      sql`insert into enrollment (workspace_id, sequence_id, lead_id, link_id, list_id, version, state, enrolled_at)
      select workspace_id, ${sequenceId}, lead_id, ${linkId}, list_id, 1, 'queued', ${ctx.now} from membership
      where list_id = ${listId} and removed_at is null`.execute(ctx.tx),
    );

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
    lines.push(
      against(`enrolling ${people.toLocaleString('en-US')} leads`, ours, bare, 1.5, people === 100_000 ? 5_000 : undefined),
    );
    await bench.close();
  }
  return lines;
}

/** The preflight of a large list. */
export async function preflight(): Promise<Line[]> {
  const bench = await openBench('preflight');
  const listId = await makeList(bench, 'List', 50_000);
  const sequenceId = await makeSequence(bench, 'Sequence');
  await analyze(bench);
  const ours = await timed(() => bench.in(ctx => enrollments.foresee(ctx, { listId, sequenceId, leavingLinkId: null })));
  await bench.close();
  return [atMost('preflight of a list of 50,000', ours, 1_000)];
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
  await analyze(bench);
  const planned = await timed(() => bench.in(ctx => messages.planDays(ctx, ids)));
  const { rows } = await sql<{ n: number }>`select count(*) as n from message`.execute(bench.services.db);
  const lines = [
    atMost(
      `planning a day: ${total.toLocaleString('en-US')} enrollments, ${count} sequences, ${rows[0]!.n.toLocaleString('en-US')} messages`,
      planned,
      2_000,
    ),
  ];
  await bench.close();
  return lines;
}

/** Claiming due messages with their caps counted, against a bare `update … skip locked` of as many. */
export async function claiming(): Promise<Line[]> {
  const bench = await openBench('claiming');
  const people = 20_000;
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
  return [{ ...against('claiming 100 due messages', ours, plain, 2), measured: ms(ours) }];
}
