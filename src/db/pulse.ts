import { sql } from 'kysely';
import { queues } from '../queues.ts';
import { acrossWorkspaces, type Db } from './transaction.ts';

/** How much waits, over all workspaces: counts and ages in seconds, never ids and never contents. */
export interface Pulse {
  /** `waiting`: due and not begun. `later`: not due yet. `failed`: given up, kept for a while. */
  jobs: { queue: string; waiting: number; later: number; active: number; failed: number; oldestSeconds: number }[];
  requests: { waiting: number; oldestSeconds: number };
  messages: { due: number; oldestSeconds: number; handing: number; unknown: number };
  posts: { state: 'waiting' | 'handing'; n: number }[];
}

/** Reads the pulse: two statements over partial indexes. */
export async function pulse(db: Db, now: Temporal.Instant): Promise<Pulse> {
  const waiting = await sql<Pulse['jobs'][number]>`
    select name as queue,
           count(*) filter (where state in ('created', 'retry') and start_after <= ${now}) as waiting,
           count(*) filter (where state in ('created', 'retry') and start_after > ${now}) as later,
           count(*) filter (where state = 'active') as active,
           count(*) filter (where state = 'failed') as failed,
           coalesce(extract(epoch from ${now} - min(start_after) filter (where state in ('created', 'retry') and start_after <= ${now})), 0)::float8
             as "oldestSeconds"
    from pgboss.job where name = any(${queues.map(({ name }) => name)}::text[]) and state in ('created', 'retry', 'active', 'failed')
    group by name`.execute(db);
  const empty = { waiting: 0, later: 0, active: 0, failed: 0, oldestSeconds: 0 };
  const byQueue = new Map(waiting.rows.map(row => [row.queue, row]));
  return { jobs: queues.map(({ name }) => byQueue.get(name) ?? { queue: name, ...empty }), ...(await outside(db, now)) };
}

const outside = (db: Db, now: Temporal.Instant): Promise<Omit<Pulse, 'jobs'>> =>
  acrossWorkspaces(db, async tx => {
    const { rows } = await sql<{
      requests: number;
      requestsSeconds: number;
      due: number;
      dueSeconds: number;
      handing: number;
      unknown: number;
      postsWaiting: number;
      postsHanding: number;
    }>`
      with inbox_open as (select count(*) as n, min(received_at) as since from inbox where handled_at is null),
           message_ready as (select count(*) as n, min(planned_at) as since from message where state = 'planned' and planned_at <= ${now}),
           message_out as (
             select count(*) filter (where state = 'handing') as handing, count(*) filter (where state = 'unknown') as unknown
             from message where state in ('claimed', 'handing', 'unknown')),
           post_open as (
             select count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'handing') as handing
             from slack_post where state in ('waiting', 'handing'))
      select inbox_open.n as requests, coalesce(extract(epoch from ${now} - inbox_open.since), 0)::float8 as "requestsSeconds",
             message_ready.n as due, coalesce(extract(epoch from ${now} - message_ready.since), 0)::float8 as "dueSeconds",
             message_out.handing, message_out.unknown, post_open.waiting as "postsWaiting", post_open.handing as "postsHanding"
      from inbox_open, message_ready, message_out, post_open`.execute(tx);
    const row = rows[0]!;
    return {
      requests: { waiting: row.requests, oldestSeconds: row.requestsSeconds },
      messages: { due: row.due, oldestSeconds: row.dueSeconds, handing: row.handing, unknown: row.unknown },
      posts: [
        { state: 'waiting', n: row.postsWaiting },
        { state: 'handing', n: row.postsHanding },
      ],
    };
  });
