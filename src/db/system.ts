import { sql } from 'kysely';
import { acrossWorkspaces, type Db, type Tx } from './transaction.ts';

/**
 * The few reads and writes across workspaces (T1): requests before their workspace is known, installations, and what is due.
 * They yield ids; the work itself then runs inside its workspace.
 */

export interface StoredRequest {
  /** What makes a repeat the same request (C1). */
  key: string;
  kind: 'event' | 'command' | 'interaction' | 'cli';
  teamId: string;
  /** The conversation it belongs to, where it is a message: the key under which its turn is queued (C2). */
  thread?: string;
  body: unknown;
}

/** Stores a request once; null when it was there already. `then` runs in the same transaction, for the job that handles it. */
export const receive = (
  db: Db,
  now: Temporal.Instant,
  request: StoredRequest,
  then: (tx: Tx, inboxId: number) => Promise<void>,
): Promise<number | null> =>
  acrossWorkspaces(db, async tx => {
    const stored = await tx
      .insertInto('inbox')
      .values({
        request_key: request.key,
        kind: request.kind,
        team_id: request.teamId,
        thread: request.thread ?? null,
        body: request.body as object,
        received_at: now,
      })
      .onConflict(conflict => conflict.column('request_key').doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!stored) return null;
    await then(tx, stored.id);
    return stored.id;
  });

export const request = (db: Db, inboxId: number) =>
  acrossWorkspaces(db, tx => tx.selectFrom('inbox').selectAll().where('id', '=', inboxId).executeTakeFirst());

export const markHandled = (db: Db, inboxId: number, now: Temporal.Instant) =>
  acrossWorkspaces(db, tx => tx.updateTable('inbox').set({ handled_at: now }).where('id', '=', inboxId).execute());

/** Requests that were stored a while ago and never handled: their job was lost. */
export const unhandled = (db: Db, before: Temporal.Instant) =>
  acrossWorkspaces(db, tx =>
    tx
      .selectFrom('inbox')
      .select(['id', 'kind', 'thread'])
      .where('handled_at', 'is', null)
      .where('received_at', '<', before)
      .limit(100)
      .execute(),
  );

/** The workspace of a Slack team, created the first time it is seen. */
export const workspaceOfTeam = (
  db: Db,
  now: Temporal.Instant,
  team: { teamId: string; name: string; zone: string; botUserId: string | null },
): Promise<number> =>
  acrossWorkspaces(db, async tx => {
    const found = await tx.selectFrom('workspace').select('id').where('slack_team_id', '=', team.teamId).executeTakeFirst();
    if (found) return found.id;
    await tx
      .insertInto('workspace')
      .values({ slack_team_id: team.teamId, name: team.name, zone: team.zone, bot_user_id: team.botUserId, created_at: now })
      .onConflict(conflict => conflict.column('slack_team_id').doNothing())
      .execute();
    const { id } = await tx
      .selectFrom('workspace')
      .select('id')
      .where('slack_team_id', '=', team.teamId)
      .executeTakeFirstOrThrow();
    return id;
  });

export const workspaceIds = async (db: Db): Promise<number[]> =>
  (await acrossWorkspaces(db, tx => tx.selectFrom('workspace').select('id').orderBy('id').execute())).map(row => row.id);

/** The message that an opt-out token belongs to; undefined where it is not one of ours (D6). */
export const messageOfToken = (db: Db, token: string): Promise<{ workspaceId: number; messageId: number } | undefined> =>
  acrossWorkspaces(db, tx =>
    tx
      .selectFrom('message')
      .select(['workspace_id as workspaceId', 'id as messageId'])
      .where('opt_out_token', '=', token)
      .executeTakeFirst(),
  );

/** Mailboxes for whose news no process waits. */
export const unwatchedMailboxes = (db: Db, now: Temporal.Instant): Promise<{ workspaceId: number; senderId: number }[]> =>
  acrossWorkspaces(db, tx =>
    tx
      .selectFrom('mailbox')
      .select(['workspace_id as workspaceId', 'sender_id as senderId'])
      .where(eb => eb.or([eb('watched_until', 'is', null), eb('watched_until', '<=', now)]))
      .orderBy('sender_id')
      .execute(),
  );

/** Everything that is due, as ids. */
export interface Due {
  monitoring: { workspaceId: number; listId: number }[];
  refills: { workspaceId: number; refillId: number }[];
  links: { workspaceId: number; linkId: number }[];
  days: { workspaceId: number; sequenceId: number }[];
  /** Workspaces with messages to hand over, or with leases that ran out. */
  sends: { workspaceId: number }[];
  posts: { workspaceId: number; channel: string }[];
  digests: { workspaceId: number; digestId: number }[];
  /** Mailboxes to be read. */
  mailboxes: { workspaceId: number; senderId: number }[];
  /** Replies of people of which nobody has said what they mean. */
  replies: { workspaceId: number; replyId: number }[];
  /** Answers that a person wrote and that have not left, or whose lease ran out. */
  answers: { workspaceId: number; answerId: number }[];
}

export const due = (db: Db, now: Temporal.Instant): Promise<Due> =>
  acrossWorkspaces(db, async tx => {
    const rows = <R>(statement: { execute(tx: Tx): Promise<{ rows: R[] }> }) => statement.execute(tx).then(result => result.rows);
    return {
      monitoring: await rows(
        sql<
          Due['monitoring'][number]
        >`select workspace_id as "workspaceId", list_id as "listId" from monitoring where next_due_at <= ${now}`,
      ),
      refills: await rows(
        sql<
          Due['refills'][number]
        >`select workspace_id as "workspaceId", id as "refillId" from refill where status in ('queued', 'running')`,
      ),
      links: await rows(
        sql<Due['links'][number]>`select workspace_id as "workspaceId", id as "linkId" from link
          where ended_at is null and enrolled_through_at is null`,
      ),
      days: await rows(
        sql<
          Due['days'][number]
        >`select workspace_id as "workspaceId", id as "sequenceId" from sequence where next_day_at <= ${now}`,
      ),
      sends: await rows(
        sql<Due['sends'][number]>`select distinct workspace_id as "workspaceId" from message
          where state = 'planned' and planned_at <= ${now} or state in ('claimed', 'handing') and lease_until <= ${now}`,
      ),
      posts: await rows(
        sql<Due['posts'][number]>`select distinct workspace_id as "workspaceId", channel from slack_post
          where state = 'waiting' and next_try_at <= ${now} or state = 'handing'`,
      ),
      digests: await rows(
        sql<
          Due['digests'][number]
        >`select workspace_id as "workspaceId", id as "digestId" from digest where next_due_at <= ${now}`,
      ),
      mailboxes: await rows(
        sql<
          Due['mailboxes'][number]
        >`select workspace_id as "workspaceId", sender_id as "senderId" from mailbox where next_read_at <= ${now}`,
      ),
      replies: await rows(
        sql<
          Due['replies'][number]
        >`select workspace_id as "workspaceId", id as "replyId" from reply where kind = 'human' and category is null`,
      ),
      answers: await rows(
        sql<Due['answers'][number]>`select workspace_id as "workspaceId", id as "answerId" from answer
          where state = 'planned' or state = 'handing' and lease_until <= ${now}`,
      ),
    };
  });

/** The next instant after `now` at which something falls due on its own; null when nothing is planned at all. */
export const nextDueAt = (db: Db, now: Temporal.Instant): Promise<Temporal.Instant | null> =>
  acrossWorkspaces(db, async tx => {
    const { rows } = await sql<{ at: Temporal.Instant | null }>`
      select min(at) as at from (
        select min(next_due_at) as at from monitoring where next_due_at > ${now}
        union all select min(next_day_at) from sequence where next_day_at > ${now}
        union all select min(planned_at) from message where state = 'planned' and planned_at > ${now}
        union all select min(lease_until) from message where state in ('claimed', 'handing') and lease_until > ${now}
        union all select min(next_due_at) from digest where next_due_at > ${now}) each`.execute(tx);
    return rows[0]!.at;
  });
