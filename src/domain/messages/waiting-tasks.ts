import { sql } from 'kysely';
import type { Context } from '../context.ts';
import { rows } from './queries.ts';
import type { OpenTask } from './tasks.ts';

/** A manual task that waits for its owner to do it. */
export interface WaitingTask extends OpenTask {
  email: string | null;
  position: number;
  openedAt: Temporal.Instant;
  ownerName: string;
}

export interface TaskFilter {
  sequenceId?: number | undefined;
  ownerId?: number | undefined;
}

/** Open tasks with whoever owns their sequence now, the longest waiting first (W3): one page, or all; and how many there are. */
export async function waitingTasks(
  ctx: Context,
  { sequenceId, ownerId }: TaskFilter,
  page?: { from: number; size: number },
): Promise<{ tasks: WaitingTask[]; all: number }> {
  const found = await rows(
    ctx.tx,
    sql<WaitingTask & { all: number }>`
      select m.id as "messageId", l.id as "leadId", l.full_name as lead, l.email_key as email, l.company, m.subject as title,
        m.body as instruction, m.position, m.claimed_at as "openedAt", s.name as sequence, s.id as "sequenceId", o.id as "ownerId",
        o.slack_user_id as owner, o.name as "ownerName", (count(*) over ())::int as all
      from message m join enrollment e on e.id = m.enrollment_id and e.state = 'waiting_on_task' join lead l on l.id = m.lead_id
      join sequence s on s.id = m.sequence_id join member o on o.id = s.owner_id
      where m.workspace_id = ${ctx.workspace.id} and m.kind = 'task' and m.state = 'claimed'
        and (${sequenceId ?? null}::bigint is null or s.id = ${sequenceId ?? null}) and (${ownerId ?? null}::bigint is null or o.id = ${ownerId ?? null})
      order by m.claimed_at, m.id ${page ? sql`limit ${page.size} offset ${page.from}` : sql``}`,
  );
  return { tasks: found.map(({ all: _, ...task }) => task), all: found[0]?.all ?? 0 };
}
