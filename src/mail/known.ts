import { workspaceIds } from '../db/system.ts';
import { type Db, inWorkspace, type Tx } from '../db/transaction.ts';

/** Which step messages are, by Message-ID: 'Fall Intro, step 1'. */
export async function stepsOf(db: Db, mailIds: readonly string[]): Promise<Map<string, string>> {
  if (!mailIds.length) return new Map();
  const found = await inEach(db, tx =>
    tx
      .selectFrom('message')
      .innerJoin('sequence', 'sequence.id', 'message.sequence_id')
      .select(['message.mail_id', 'message.position', 'sequence.name'])
      .where('message.mail_id', 'in', mailIds)
      .execute(),
  );
  return new Map(found.map(step => [step.mail_id!, `${step.name}, step ${step.position}`]));
}

/** Addresses of the senders whose mail leaves this machine. */
export async function leaving(db: Db): Promise<string[]> {
  const found = await inEach(db, tx =>
    tx.selectFrom('sender').select('address').where('transport', '=', 'smtp').where('removed_at', 'is', null).execute(),
  );
  return [...new Set(found.map(({ address }) => address))].sort();
}

async function inEach<Row>(db: Db, read: (tx: Tx) => Promise<Row[]>): Promise<Row[]> {
  const perWorkspace = await Promise.all((await workspaceIds(db)).map(id => inWorkspace(db, id, read)));
  return perWorkspace.flat();
}
