import { sql } from 'kysely';
import { liveStates } from '../../src/domain/enrollments/rules.ts';
import type { Office, World } from './world.ts';

/** Lists, sequences and people, put straight into the tables: what a story starts from. */
export interface ListOptions {
  members?: number;
  /** Leads to put on it besides, or instead: ids of other lists' people. */
  leads?: number[];
  owner?: number;
  monitored?: { cadence: 'daily' | 'weekly'; amount: number };
}

export interface TestList {
  id: number;
  name: string;
  leads: number[];
}

/** A list with people of its own (`<list> 1@acme.example`, …) and, if given, people of others. */
export const makeList = (world: World, office: Office, name: string, options: ListOptions = {}): Promise<TestList> =>
  world.in(office, async ctx => {
    const ownerId = options.owner ?? office.admin.id;
    const { rows } = await sql<{ id: number }>`
      insert into list (workspace_id, owner_id, name, source, criteria, created_at)
      values (${office.id}, ${ownerId}, ${name}, 'directory', '{"titles": ["VP of Sales"]}', ${ctx.now}) returning id`.execute(
      ctx.tx,
    );
    const listId = rows[0]!.id;
    const word = name.toLowerCase().replaceAll(' ', '-');
    const people = await sql<{ id: number }>`
      insert into lead (workspace_id, full_name, first_name, last_name, email, email_key, title, company, company_domain, created_at, updated_at)
      select ${office.id}, ${name} || ' ' || n, ${name}, n::text, address, address, 'VP of Sales', 'Company ' || n,
        'company-' || n || '.example', ${ctx.now}, ${ctx.now}
      from generate_series(1, ${options.members ?? 0}::int) n, lateral (select ${word} || n || '@company-' || n || '.example' as address) a
      returning id`.execute(ctx.tx);
    const leads = [...people.rows.map(row => row.id), ...(options.leads ?? [])];
    await sql`insert into membership (list_id, lead_id, workspace_id, source, added_at)
      select ${listId}, lead_id, ${office.id}, 'directory', ${ctx.now} from unnest(${leads}::bigint[]) lead_id`.execute(ctx.tx);
    if (options.monitored)
      await sql`insert into monitoring (list_id, workspace_id, cadence, amount, weekday, next_due_at, next_period, changed_at)
        values (${listId}, ${office.id}, ${options.monitored.cadence}, ${options.monitored.amount},
          ${options.monitored.cadence === 'weekly' ? 1 : null}, ${ctx.now.add({ hours: 22 })}, '2026-03-03', ${ctx.now})`.execute(
        ctx.tx,
      );
    return { id: listId, name, leads };
  });

export interface SequenceOptions {
  status?: 'setup' | 'active' | 'finishing' | 'inactive' | 'archived';
  mode?: 'copilot' | 'autopilot';
  cap?: number;
  owner?: number;
}

/** A sequence of three e-mails with one sender; active and on autopilot unless said. Its next day starts at midnight in London. */
export const makeSequence = (world: World, office: Office, name: string, options: SequenceOptions = {}) =>
  world.in(office, async ctx => {
    const { status = 'active', mode = 'autopilot', cap = 20, owner = office.admin.id } = options;
    const { rows } = await sql<{ id: number }>`
      insert into sequence (workspace_id, owner_id, name, status, mode, daily_cap, zone, send_days, send_from, send_until, next_day_at, created_at)
      values (${office.id}, ${owner}, ${name}, ${status}, ${mode}, ${cap}, 'Europe/London', '{1,2,3,4,5}', '09:00', '17:00',
        ${status === 'active' || status === 'finishing' ? '2026-03-03T00:00:00Z' : null}, ${ctx.now})
      returning id`.execute(ctx.tx);
    const id = rows[0]!.id;
    await sql`insert into step (workspace_id, sequence_id, version, position, delay_days, subject, body)
      select ${office.id}, ${id}, 1, n, case n when 1 then 0 else 3 end, 'Hello {{ first_name }}', 'Dear {{ first_name }}, this is ' || n
      from generate_series(1, 3) n`.execute(ctx.tx);
    const sender = await sql<{ id: number }>`
      insert into sender (workspace_id, owner_id, name, address, transport, created_at)
      values (${office.id}, ${owner}, 'Ada Example', ${`ada${id}@acme.example`}, 'local', ${ctx.now}) returning id`.execute(
      ctx.tx,
    );
    await sql`insert into sequence_sender (sequence_id, sender_id, workspace_id)
      values (${id}, ${sender.rows[0]!.id}, ${office.id})`.execute(ctx.tx);
    return { id, name, senderId: sender.rows[0]!.id };
  });
export type TestSequence = Awaited<ReturnType<typeof makeSequence>>;

/** How many enrollments of a sequence are in each state. */
export const states = (world: World, office: Office, sequenceId: number): Promise<Record<string, number>> =>
  world.in(office, async ctx => {
    const { rows } = await sql<{ state: string; n: number }>`
      select state, count(*)::int as n from enrollment where sequence_id = ${sequenceId} group by state order by state`.execute(
      ctx.tx,
    );
    return Object.fromEntries(rows.map(row => [row.state, row.n]));
  });

/** Why members of a list's newest link are not enrolled: reason → people. */
export const skips = (world: World, office: Office, listId: number): Promise<Record<string, number>> =>
  world.in(office, async ctx => {
    const { rows } = await sql<{ reason: string; n: number }>`
      select reason, count(*)::int as n from skip
      where link_id = (select max(id) from link where list_id = ${listId}) group by reason order by reason`.execute(ctx.tx);
    return Object.fromEntries(rows.map(row => [row.reason, row.n]));
  });

/** An enrollment that is already there, as history or as somebody else's hold on the lead. */
export const enrolledBefore = (
  world: World,
  office: Office,
  at: { sequenceId: number; leadId: number; state: string; linkId?: number; reason?: string; contactedDaysAgo?: number },
): Promise<number> =>
  world.in(office, async ctx => {
    const contact = at.contactedDaysAgo === undefined ? null : ctx.now.subtract({ hours: 24 * at.contactedDaysAgo });
    const isLive = (liveStates as readonly string[]).includes(at.state);
    const { rows } = await sql<{ id: number }>`
      insert into enrollment (workspace_id, sequence_id, lead_id, link_id, version, state, reason, contacted_at, last_contact_at,
        enrolled_at, ended_at)
      values (${office.id}, ${at.sequenceId}, ${at.leadId}, ${at.linkId ?? null}, 1, ${at.state}, ${at.reason ?? null}, ${contact}, ${contact},
        ${contact ?? ctx.now}, ${isLive ? null : (contact ?? ctx.now)}) returning id`.execute(ctx.tx);
    return rows[0]!.id;
  });

/** Puts a row of the ledger under a lead's live enrollment: planned, claimed, handing, … */
export const putMessage = (
  world: World,
  office: Office,
  { leadId, senderId, state }: { leadId: number; senderId: number; state: string },
): Promise<number> =>
  world.in(office, async ctx => {
    const { rows } = await sql<{ id: number }>`
      insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, state,
        planned_on, planned_at)
      select ${office.id}, e.id, e.sequence_id, e.lead_id, ${senderId}, 1, 1, true, ${state}, '2026-03-02', ${ctx.now.add({ hours: 2 })}
      from enrollment e where e.lead_id = ${leadId} and e.ended_at is null returning id`.execute(ctx.tx);
    return rows[0]!.id;
  });

/** Marks the first `count` of a sequence's queue as contacted, as a first message that left would. */
export const contactFirst = (world: World, office: Office, sequenceId: number, count: number): Promise<number[]> =>
  world.in(office, async ctx => {
    const { rows } = await sql<{ lead_id: number }>`
      update enrollment set state = 'active', contacted_at = ${ctx.now}, last_contact_at = ${ctx.now}, next_position = 2
      where id in (select id from enrollment where sequence_id = ${sequenceId} and state = 'queued' order by id limit ${count})
      returning lead_id`.execute(ctx.tx);
    return rows.map(row => row.lead_id);
  });

/** Runs the jobs that wait, planning and sending apart: these stories end where a queue is filled. */
export const settle = (world: World): Promise<number> => {
  world.handlers = { ...world.handlers, 'plan-day': async () => {}, 'send-due': async () => {} };
  return world.drain();
};
