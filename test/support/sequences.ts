import { sql } from 'kysely';
import type { MailTransport } from '../../src/domain/ports.ts';
import * as senders from '../../src/domain/senders/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import { isRefusal } from '../../src/errors.ts';
import type { Office, World } from './world.ts';

/** Puts another company's mail server behind senders of the transport 'local'; one that takes everything, unless said. */
export function mailThrough(world: World, transport: MailTransport = mailServer().transport): void {
  Object.assign(world.services, { transports: { local: transport } });
}

/** A mail server that answers what it is told to, and remembers what it was handed. */
export function mailServer(answer: MailTransport['handOver'] = async () => ({ outcome: 'accepted' })) {
  const handed: Parameters<MailTransport['handOver']>[0][] = [];
  const transport: MailTransport = {
    name: 'local',
    handOver: mail => {
      handed.push(mail);
      return answer(mail);
    },
  };
  return { handed, transport };
}

export const makeSender = (
  world: World,
  office: Office,
  { name = 'Ada', address = `${name.toLowerCase()}@drover.example`, ...limits }: Partial<senders.NewSender> = {},
): Promise<number> =>
  world.in(office, async ctx => {
    const id = await senders.add(ctx, {
      ...{ ownerId: office.admin.id, name, address, transport: 'local', ramp: false, ...limits },
    });
    if (isRefusal(id)) throw new Error(id.message);
    return id;
  });

export interface Wanted {
  name?: string;
  steps?: number;
  delayDays?: number;
  body?: string;
  dailyCap?: number;
  zone?: string;
  days?: number[];
  from?: string;
  until?: string;
  senderIds?: number[];
  mode?: 'copilot' | 'autopilot';
  active?: boolean;
}

/** A sequence of N e-mail steps, active and on autopilot unless said, with a sender of its own unless given. */
export async function makeSequence(world: World, office: Office, wanted: Wanted = {}): Promise<number> {
  const { name = 'Fall Intro', steps = 3, delayDays = 3, dailyCap = 20, mode = 'autopilot', active = true } = wanted;
  const senderIds = wanted.senderIds ?? [
    await makeSender(world, office, { address: `${name.toLowerCase().replaceAll(' ', '-')}@drover.example` }),
  ];
  const id = await world.in(office, async ctx => {
    const sequence = await sequences.create(ctx, {
      name,
      dailyCap,
      steps: Array.from({ length: steps }, (_, n) => ({
        ...(n === 0 ? { subject: 'Hello {{ first_name }}' } : {}),
        body: wanted.body ?? `Step ${n + 1} for {{ first_name }}`,
        ...(n === 0 ? {} : { delayDays }),
      })),
      window: {
        zone: wanted.zone ?? 'Europe/London',
        days: wanted.days ?? [1, 2, 3, 4, 5],
        from: wanted.from ?? '09:00',
        until: wanted.until ?? '17:00',
        holidays: new Set<string>(),
      },
      senderIds,
    });
    await sequences.setMode(ctx, sequence.id, mode);
    if (active) await sequences.activate(ctx, sequence.id);
    return sequence.id;
  });
  return id;
}

export interface EnrollOptions {
  list?: string;
  state?: string;
  firstName?: string | null;
  /** Who were contacted already: the next step is due on this date. */
  dueOn?: string;
  senderId?: number;
  /** Days since the last message. */
  contactedDaysAgo?: number;
  domain?: string;
  /** The company domain that all of them share; each has a company of its own unless said (S10). */
  company?: string;
}

/** Enrols N new leads by hand-written rows, on a linked list of the given name. Returns enrollment ids, oldest first. */
export const enrol = (
  world: World,
  office: Office,
  sequenceId: number,
  n: number,
  options: EnrollOptions = {},
): Promise<number[]> =>
  world.in(office, async ctx => {
    const { list = 'Leads', firstName = 'Pat', dueOn = null, domain = 'acme.example' } = options;
    const found = await ctx.tx.selectFrom('list').select('id').where('name', '=', list).executeTakeFirst();
    const listId =
      found?.id ??
      (
        await ctx.tx
          .insertInto('list')
          .values({ workspace_id: office.id, owner_id: office.admin.id, name: list, source: 'directory', created_at: ctx.now })
          .returning('id')
          .executeTakeFirstOrThrow()
      ).id;
    const linked = await ctx.tx.selectFrom('link').select('id').where('list_id', '=', listId).executeTakeFirst();
    const linkId =
      linked?.id ??
      (
        await ctx.tx
          .insertInto('link')
          .values({
            workspace_id: office.id,
            list_id: listId,
            sequence_id: sequenceId,
            linked_at: ctx.now,
            enrolled_through_at: ctx.now,
          })
          .returning('id')
          .executeTakeFirstOrThrow()
      ).id;
    const { rows } = await sql<{ id: number }>`
      with before as (select count(*)::int as n from lead),
      people as (
        insert into lead (workspace_id, full_name, first_name, email, email_key, company, company_domain, created_at, updated_at)
        select ${office.id}, 'Pat ' || (before.n + k), ${firstName}, 'pat' || (before.n + k) || '@' || ${domain}::text,
          'pat' || (before.n + k) || '@' || ${domain}::text, 'Acme',
          coalesce(${options.company ?? options.domain ?? null}::text, 'acme-' || (before.n + k) || '.example'), ${ctx.now}, ${ctx.now}
        from before, generate_series(1, ${n}::int) k returning id),
      members as (
        insert into membership (list_id, lead_id, workspace_id, source, added_at)
        select ${listId}, id, ${office.id}, 'directory', ${ctx.now} from people)
      insert into enrollment (workspace_id, sequence_id, lead_id, link_id, list_id, version, state, enrolled_at, sender_id,
        next_position, next_due_on, contacted_at, last_contact_at)
      select ${office.id}, s.id, p.id, ${linkId}, ${listId}, s.version, ${options.state ?? (dueOn ? 'active' : 'queued')},
        ${ctx.now}::timestamptz + p.id * interval '1 millisecond',
        case when ${dueOn}::date is not null then coalesce(${options.senderId ?? null}::bigint,
          (select min(sender_id) from sequence_sender where sequence_id = s.id)) end,
        case when ${dueOn}::date is null then 1 else 2 end, ${dueOn}::date,
        case when ${dueOn}::date is not null then ${ctx.now.subtract({ hours: 24 * (options.contactedDaysAgo ?? 3) })}::timestamptz end,
        case when ${dueOn}::date is not null then ${ctx.now.subtract({ hours: 24 * (options.contactedDaysAgo ?? 3) })}::timestamptz end
      from people p, sequence s where s.id = ${sequenceId} order by p.id returning id`.execute(ctx.tx);
    return rows.map(row => row.id).sort((a, b) => a - b);
  });

export interface MessageView {
  enrollment_id: number;
  state: string;
  reason: string | null;
  detail: string | null;
  position: number;
  first_contact: boolean;
  planned_on: string;
  planned_at: Temporal.Instant;
  sender_id: number;
  sequence_id: number;
  list: string | null;
}

/** The ledger, by time. */
export const ledger = (world: World, office: Office, sequenceId?: number): Promise<MessageView[]> =>
  world.in(office, async ctx => {
    const { rows } = await sql<MessageView>`
      select m.enrollment_id, m.state, m.reason, m.detail, m.position, m.first_contact, m.planned_on, m.planned_at, m.sender_id, m.sequence_id, l.name as list
      from message m join enrollment e on e.id = m.enrollment_id left join list l on l.id = e.list_id
      where ${sequenceId ?? null}::bigint is null or m.sequence_id = ${sequenceId ?? null} order by m.planned_at, m.id`.execute(
      ctx.tx,
    );
    return rows;
  });

/** How many messages are in each state. */
export const byState = async (world: World, office: Office, sequenceId?: number): Promise<Record<string, number>> =>
  Object.fromEntries(
    [...Map.groupBy(await ledger(world, office, sequenceId), row => row.state)].map(([state, group]) => [state, group.length]),
  );

export const enrollmentOf = (world: World, office: Office, id: number) =>
  world.in(office, ctx => ctx.tx.selectFrom('enrollment').selectAll().where('id', '=', id).executeTakeFirstOrThrow());

/** Wall-clock time of an instant in a zone, 'HH:MM:SS'. */
export const clockTime = (at: Temporal.Instant, zone = 'Europe/London'): string =>
  at.toZonedDateTimeISO(zone).toPlainTime().toString({ smallestUnit: 'second' });
