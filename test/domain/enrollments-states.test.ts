import { sql } from 'kysely';
import { expect } from 'vitest';
import * as enrollments from '../../src/domain/enrollments/index.ts';
import { type EnrollmentState, endStates, liveStates, mayBecome } from '../../src/domain/enrollments/rules.ts';
import { enrolledBefore, makeList, makeSequence, states } from '../support/links.ts';
import { test } from '../support/world.ts';

const all: EnrollmentState[] = [...liveStates, ...endStates];
const expected: Record<string, string> = {
  in_review: 'queued refused withdrawn bounced unsubscribed excluded stopped',
  queued: 'active paused waiting_on_task withdrawn bounced unsubscribed excluded stopped',
  active: 'paused waiting_on_task completed replied failed bounced unsubscribed excluded stopped',
  paused: 'queued active waiting_on_task completed replied failed bounced unsubscribed excluded stopped',
  waiting_on_task: 'active paused completed replied failed bounced unsubscribed excluded stopped',
};

test('E3 an enrollment goes only where the rule says', () => {
  for (const from of all)
    expect([from, all.filter(to => mayBecome(from, to)).sort()]).toEqual([
      from,
      (expected[from] ?? '').split(' ').filter(Boolean).sort(),
    ]);
  expect(mayBecome('paused', 'queued', { contacted: true })).toBe(false);
});

test('E3 the database refuses what the table does not allow', async ({ world }) => {
  const office = await world.office();
  const list = await makeList(world, office, 'A', { members: 1 });
  const sequence = await makeSequence(world, office, 'S');
  const allowed = await world.in(office, async ctx => {
    await sql
      .raw(`do $each$
      declare a text; b text; done text := '';
      begin
        for a, b in select x, y from unnest('{${all}}'::text[]) x, unnest('{${all}}'::text[]) y where x <> y loop
          begin
            delete from enrollment;
            insert into enrollment (workspace_id, sequence_id, lead_id, version, state, enrolled_at)
              values (${office.id}, ${sequence.id}, ${list.leads[0]!}, 1, a, '${ctx.now}');
            update enrollment set state = b;
            done := done || a || ' ' || b || ',';
          exception when sqlstate 'DR003' then null;
          end;
        end loop;
        perform set_config('drover.done', done, true);
      end $each$`)
      .execute(ctx.tx);
    const { rows } = await sql<{ done: string }>`select current_setting('drover.done') as done`.execute(ctx.tx);
    return rows[0]!.done.split(',').filter(Boolean);
  });
  expect(allowed.sort()).toEqual(all.flatMap(from => all.filter(to => mayBecome(from, to)).map(to => `${from} ${to}`)).sort());
});

test('E3 ending what may not end so is an error, and writes nothing', async ({ world }) => {
  const office = await world.office();
  const list = await makeList(world, office, 'A', { members: 2 });
  const sequence = await makeSequence(world, office, 'S');
  const active = await enrolledBefore(world, office, {
    sequenceId: sequence.id,
    leadId: list.leads[0]!,
    state: 'active',
    contactedDaysAgo: 1,
  });
  const queued = await enrolledBefore(world, office, { sequenceId: sequence.id, leadId: list.leads[1]!, state: 'queued' });
  const end = world.in(office, ctx => enrollments.end(ctx, { enrollmentIds: [active, queued], state: 'completed', reason: 'x' }));
  await expect(end).rejects.toMatchObject({ kind: 'broken', code: 'bad_transition' });
  expect(await states(world, office, sequence.id)).toEqual({ active: 1, queued: 1 });
});
