import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import type { Mailbox, Reply } from '../../db/types.ts';

const rows = async <R>(tx: Tx, statement: RawBuilder<R>): Promise<R[]> => (await statement.execute(tx)).rows;

export type ReplyRow = Selectable<Reply>;

/** A mailbox whose mail somebody is to read, and how far it was read. */
export type MailboxRow = Pick<Selectable<Mailbox>, 'uid_validity' | 'last_uid' | 'failures' | 'read_at' | 'watched_until'> & {
  transport: string;
  address: string;
  status: string;
  /** Null with an SMTP host: nobody reads its replies. */
  imap_host: string | null;
  smtp_host: string | null;
};

/** The mailbox of a sender that is not removed; locked against others who read it where asked. */
export const mailbox = async (tx: Tx, senderId: number, { lock = false } = {}): Promise<MailboxRow | undefined> =>
  (
    await rows(
      tx,
      sql<MailboxRow>`
        select b.uid_validity, b.last_uid, b.failures, b.read_at, b.watched_until, b.imap_host, b.smtp_host, s.transport, s.address, s.status
        from mailbox b join sender s on s.id = b.sender_id
        where b.sender_id = ${senderId} and s.removed_at is null ${lock ? sql`for no key update of b` : sql``}`,
    )
  )[0];

/** What a mail turned out to answer. */
export interface Found {
  messageId: number | null;
  enrollmentId: number | null;
  leadId: number | null;
  /** The text that it answers. */
  sent: string | null;
  /** The address that this went to. */
  recipient: string | null;
  /** Where it is a person's answer to a reply that this answers, or brings back. */
  answerId: number | null;
  /** Whether that answer went to the lead's own address, rather than to an assistant's. */
  isToLead: boolean;
}

/**
 * By Message-ID: what the ledger and people's answers to replies hold. One look into an index for each (0.1 ms among a million; a join
 * that trusts the statistics of a growing table reads all of it).
 */
export const byMailId = async (tx: Tx, workspaceId: number, mailIds: readonly string[]): Promise<Map<string, Found>> =>
  new Map(
    (
      await rows(
        tx,
        sql<Found & { mailId: string }>`
          select known.mail_id as "mailId", found.* from unnest(${[...mailIds]}::text[]) as known (mail_id), lateral (
            select m.id as "messageId", m.enrollment_id as "enrollmentId", m.lead_id as "leadId", m.body as sent, m.recipient,
              null::bigint as "answerId", true as "isToLead"
            from message m where m.workspace_id = ${workspaceId} and m.mail_id = known.mail_id limit 1) found
          union all
          select known.mail_id, found.* from unnest(${[...mailIds]}::text[]) as known (mail_id), lateral (
            select r.message_id, r.enrollment_id, r.lead_id, a.body, r.from_address, a.id, coalesce(r.from_address = l.email_key, false)
            from answer a join reply r on r.id = a.reply_id left join lead l on l.id = r.lead_id
            where a.workspace_id = ${workspaceId} and a.mail_id = known.mail_id limit 1) found`,
      )
    ).map(({ mailId, ...found }) => [mailId, found]),
  );

/** Who wrote, and when the mail server took it in. */
export interface FromAddress {
  address: string;
  receivedAt: Temporal.Instant;
}

/**
 * By address: the run of that lead which this sender had contacted when the mail came, a live one before the latest ended one. In the order
 * of the mails. Mail servers tell whole seconds, and their clocks are a little off: a minute counts as no time.
 */
export const byAddress = async (
  tx: Tx,
  { workspaceId, senderId, mails }: { workspaceId: number; senderId: number; mails: readonly FromAddress[] },
): Promise<(Found | undefined)[]> => {
  const found = new Map(
    (
      await rows(
        tx,
        sql<Found & { nth: number }>`
          select known.nth::int, found.* from unnest(${mails.map(mail => mail.address)}::text[],
            ${mails.map(mail => String(mail.receivedAt))}::timestamptz[]) with ordinality as known (address, received_at, nth), lateral (
            select last.id as "messageId", e.id as "enrollmentId", e.lead_id as "leadId", last.body as sent, last.recipient,
              null::bigint as "answerId", true as "isToLead"
            from lead l join enrollment e on e.workspace_id = l.workspace_id and e.lead_id = l.id
            left join lateral (select m.id, m.body, m.recipient from message m
              where m.enrollment_id = e.id and m.kind = 'email' and m.state in ('handing', 'sent', 'unknown')
              order by m.position desc limit 1) last on true
            where l.workspace_id = ${workspaceId} and l.email_key = known.address and e.sender_id = ${senderId}
              and e.contacted_at <= known.received_at + interval '1 minute'
            order by e.ended_at is null desc, e.contacted_at desc, e.id desc limit 1) found`,
      )
    ).map(({ nth, ...found }) => [nth, found]),
  );
  return mails.map((_, at) => found.get(at + 1));
};

/** Which addresses are our own senders'. */
export const ownAddresses = async (tx: Tx, addresses: readonly string[]): Promise<Set<string>> =>
  new Set(
    (
      await rows(
        tx,
        sql<{
          address: string;
        }>`select lower(address) as address from sender where lower(address) = any(${[...addresses]}::text[])`,
      )
    ).map(row => row.address),
  );

/**
 * Stores a page of mails, each once: neither its place in the mailbox, nor its Message-ID, nor what it holds is taken twice. @returns the ids of what was not
 * there, by uid
 */
export const insert = async (
  tx: Tx,
  replies: readonly Omit<ReplyRow, 'id' | 'corrected_by' | 'corrected_at' | 'remind_on'>[],
): Promise<Map<number, number>> =>
  replies.length === 0
    ? new Map()
    : new Map(
        (
          await tx
            .insertInto('reply')
            .values([...replies])
            .onConflict(conflict => conflict.doNothing())
            .returning(['uid', 'id'])
            .execute()
        ).map(({ uid, id }) => [uid, id]),
      );

/** What was done about replies. */
export const setOutcomes = (tx: Tx, done: readonly { id: number; outcome: string | null }[]): Promise<unknown> =>
  sql`update reply r set outcome = done.outcome
    from unnest(${done.map(one => one.id)}::bigint[], ${done.map(one => one.outcome)}::text[]) as done (id, outcome)
    where r.id = done.id`.execute(tx);

export const lockReply = (tx: Tx, id: number): Promise<ReplyRow | undefined> =>
  tx.selectFrom('reply').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

/** What a stored reply is about. */
export const aboutReply = async (tx: Tx, id: number): Promise<{ enrollmentId: number | null; leadId: number | null }> =>
  (
    await rows(
      tx,
      sql<{ enrollmentId: number | null; leadId: number | null }>`
        select enrollment_id as "enrollmentId", lead_id as "leadId" from reply where id = ${id}`,
    )
  )[0] ?? { enrollmentId: null, leadId: null };

/** Which runs replies may be about. */
export interface Which {
  enrollmentIds: readonly number[];
  leadIds: readonly number[];
}

/** SQL: the runs that replies answer, and whatever run of the same leads is live. */
const about = ({ enrollmentIds, leadIds }: Which) => sql`
  select id, sequence_id from enrollment where id = any(${[...enrollmentIds]}::bigint[])
  union
  select live.id, live.sequence_id from unnest(${[...leadIds]}::bigint[]) as l (id) cross join lateral (
    select id, sequence_id from enrollment where workspace_id = drover_workspace() and lead_id = l.id
      and state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task') offset 0) live`;

export const sequencesAbout = async (tx: Tx, which: Which): Promise<number[]> =>
  (await rows(tx, sql<{ id: number }>`select distinct sequence_id as id from (${about(which)}) run order by id`)).map(
    row => row.id,
  );

/** Locks the runs that replies are about, and others that go with them, all in one order. */
export const lockRuns = (tx: Tx, which: Which, others: readonly number[]): Promise<unknown> =>
  sql`select from enrollment where id = any(array(select id from (${about(which)}) run) || ${[...others]}::bigint[])
    order by id for no key update`.execute(tx);

/** A run as it stands, for what a reply does to it. */
export interface Run {
  id: number;
  leadId: number;
  sequenceId: number;
  state: string;
  reason: string | null;
  pausedUntil: string | null;
  enrolledAt: Temporal.Instant;
  isContacted: boolean;
  zone: string;
}

/** By an array of ids: a join reads every run where statistics lag (130 ms instead of 3 on the embedded database). */
export const runs = (tx: Tx, which: Which): Promise<Run[]> =>
  rows(
    tx,
    sql<Run>`
      select e.id, e.lead_id as "leadId", e.sequence_id as "sequenceId", e.state, e.reason, e.paused_until as "pausedUntil",
        e.enrolled_at as "enrolledAt", e.contacted_at is not null as "isContacted", s.zone
      from enrollment e join sequence s on s.id = e.sequence_id where e.id = any(array(select id from (${about(which)}) run))`,
  );

/** Those of the messages of which nobody knows whether they left. */
export const unknownOf = async (tx: Tx, messageIds: readonly number[]): Promise<number[]> =>
  (
    await rows(tx, sql<{ id: number }>`select id from message where id = any(${[...messageIds]}::bigint[]) and state = 'unknown'`)
  ).map(row => row.id);

/** A message that is answered has left: its run is under way, whatever the mail server's own answer comes to (E3). */
export const wereContacted = (tx: Tx, messageIds: readonly number[]): Promise<unknown> =>
  sql`update enrollment e set state = 'active' from message m
    where m.id = any(${[...messageIds]}::bigint[]) and e.id = m.enrollment_id and e.state = 'queued'
      and m.state in ('handing', 'sent')`.execute(tx);

/** The first time that a person answered, whatever run it was. */
export const leadsReplied = (tx: Tx, said: ReadonlyMap<number, Temporal.Instant>): Promise<unknown> =>
  sql`update lead set replied_at = least(replied_at, said.at)
    from unnest(${[...said.keys()]}::bigint[], ${[...said.values()].map(String)}::timestamptz[]) as said (id, at)
    where lead.id = said.id`.execute(tx);

export const setAddresses = (tx: Tx, marked: ReadonlyMap<number, string>, now: Temporal.Instant): Promise<unknown> =>
  sql`update lead set email_status = marked.status, updated_at = ${now}
    from unnest(${[...marked.keys()]}::bigint[], ${[...marked.values()]}::text[]) as marked (id, status)
    where lead.id = marked.id`.execute(tx);

/** The last messages to leads, and which of them bounced softly. */
export interface LastSent {
  leadId: number;
  id: number;
  isSoft: boolean;
}

export const lastSent = (tx: Tx, leadIds: readonly number[], n: number): Promise<LastSent[]> =>
  rows(
    tx,
    sql<LastSent>`
      select l.id as "leadId", last.id, exists (select from reply r where r.message_id = last.id and r.outcome = 'deferred') as "isSoft"
      from unnest(${[...leadIds]}::bigint[]) as l (id) cross join lateral (
        select id from message where lead_id = l.id and kind = 'email' and state = 'sent' order by handing_at desc, id desc limit ${n}) last`,
  );

/** Has a person of a lead's company answered since an instant, another reply than this one (S10)? */
export const companyAnswered = async (
  tx: Tx,
  { leadId, replyId, since }: { leadId: number; replyId: number; since: Temporal.Instant },
): Promise<boolean> =>
  (
    await rows(
      tx,
      sql`select from lead l join lead o on o.workspace_id = l.workspace_id and o.company_domain = l.company_domain
        join reply r on r.workspace_id = o.workspace_id and r.lead_id = o.id
        where l.id = ${leadId} and r.kind = 'human' and r.id <> ${replyId} and r.received_at > ${since} limit 1`,
    )
  ).length > 0;

/** A reply as people look at it. */
export interface View {
  id: number;
  kind: string;
  category: string | null;
  categoryBy: string | null;
  outcome: string | null;
  until: string | null;
  subject: string;
  body: string;
  fromName: string | null;
  fromAddress: string | null;
  receivedAt: Temporal.Instant;
  messageId: number | null;
  position: number | null;
  enrollmentId: number | null;
  state: string | null;
  pausedUntil: string | null;
  leadId: number | null;
  lead: string | null;
  email: string | null;
  company: string | null;
  sequenceId: number | null;
  sequence: string | null;
  senderId: number;
  sender: string;
  ownerId: number;
  owner: string;
  /** The owner's Slack user. */
  ownerSlack: string;
  zone: string;
  /** Answers that left or are about to. */
  answers: number;
  /** When its owner is to be reminded of it. */
  remindOn: string | null;
}

const view = sql<View>`
  select r.id, r.kind, r.category, r.category_by as "categoryBy", r.outcome, r.until_on as until, r.subject, r.body,
    r.from_name as "fromName", r.from_address as "fromAddress", r.received_at as "receivedAt", r.message_id as "messageId", m.position,
    r.enrollment_id as "enrollmentId", e.state, e.paused_until as "pausedUntil", r.lead_id as "leadId", l.full_name as lead,
    l.email_key as email, l.company, q.id as "sequenceId", q.name as sequence, x.id as "senderId", x.address as sender,
    o.id as "ownerId", o.name as owner, o.slack_user_id as "ownerSlack", coalesce(q.zone, w.zone) as zone,
    (select count(*)::int from answer a where a.reply_id = r.id and a.state <> 'failed') as answers, r.remind_on as "remindOn"
  from reply r join sender x on x.id = r.sender_id join workspace w on w.id = r.workspace_id
  left join message m on m.id = r.message_id left join enrollment e on e.id = r.enrollment_id left join lead l on l.id = r.lead_id
  left join sequence q on q.id = e.sequence_id join member o on o.id = coalesce(q.owner_id, x.owner_id)`;

export const views = (tx: Tx, ids: readonly number[]): Promise<View[]> =>
  rows(tx, sql<View>`${view} where r.id = any(${[...ids]}::bigint[]) order by r.id`);

/** Which replies: of people unless `all`. */
export interface Filter {
  workspaceId: number;
  sequenceId?: number | undefined;
  leadIds?: readonly number[] | undefined;
  categories?: readonly string[] | undefined;
  since?: Temporal.Instant | undefined;
  /** Machines' too: absences, bounces. */
  all?: boolean | undefined;
}

const fits = ({ workspaceId, sequenceId, leadIds, categories, since, all }: Filter) => sql`r.workspace_id = ${workspaceId}
  and r.kind in ('human', 'automatic', 'bounce')
  ${all || categories ? sql`` : sql`and r.kind = 'human'`}
  ${sequenceId === undefined ? sql`` : sql`and e.sequence_id = ${sequenceId}`}
  ${leadIds ? sql`and r.lead_id = any(${[...leadIds]}::bigint[])` : sql``}
  ${categories ? sql`and r.category = any(${[...categories]}::text[])` : sql``}
  ${since ? sql`and r.received_at >= ${since}` : sql``}`;

/** The newest that fit, newest first, and how many fit in all. */
export const list = async (tx: Tx, filter: Filter, limit: number): Promise<{ replies: View[]; all: number }> => ({
  replies: await rows(tx, sql<View>`${view} where ${fits(filter)} order by r.received_at desc, r.id desc limit ${limit}`),
  all: (
    await rows(
      tx,
      sql<{
        n: number;
      }>`select count(*)::int as n from reply r left join enrollment e on e.id = r.enrollment_id where ${fits(filter)}`,
    )
  )[0]!.n,
});
