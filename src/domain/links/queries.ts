import { type Selectable, sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import type { Link } from '../../db/types.ts';

export type LinkRow = Selectable<Link>;

export const active = (tx: Tx, listId: number): Promise<LinkRow | undefined> =>
  tx.selectFrom('link').selectAll().where('list_id', '=', listId).where('ended_at', 'is', null).executeTakeFirst();

export const activeOfSequence = (tx: Tx, sequenceId: number): Promise<LinkRow[]> =>
  tx
    .selectFrom('link')
    .selectAll()
    .where('sequence_id', '=', sequenceId)
    .where('ended_at', 'is', null)
    .orderBy('linked_at')
    .orderBy('id')
    .execute();

/** Starts a link; undefined when the list has one already (K2), which the database knows best. */
export const start = async (
  tx: Tx,
  link: { workspaceId: number; listId: number; sequenceId: number; linkedBy: number | null; now: Temporal.Instant },
): Promise<LinkRow | undefined> => {
  const { rows } = await sql<LinkRow>`
    insert into link (workspace_id, list_id, sequence_id, linked_by, linked_at)
    values (${link.workspaceId}, ${link.listId}, ${link.sequenceId}, ${link.linkedBy}, ${link.now})
    on conflict (list_id) where ended_at is null do nothing
    returning *`.execute(tx);
  return rows[0];
};

/** Ends links that are open; each waits for an enrolment chunk under way (K5). Returns those it ended, oldest first. */
export const finish = async (tx: Tx, linkIds: number[], reason: string, now: Temporal.Instant): Promise<LinkRow[]> => {
  const { rows } = await sql<LinkRow>`
    with open as (select id from link where id = any(${linkIds}::bigint[]) and ended_at is null order by id for update)
    update link set ended_at = ${now}, ended_reason = ${reason} from open where link.id = open.id returning link.*`.execute(tx);
  return rows.sort((a, b) => a.id - b.id);
};
