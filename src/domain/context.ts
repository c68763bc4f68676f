import type { Selectable } from 'kysely';
import type { Clock } from '../clock.ts';
import { type Db, inWorkspace, type Tx } from '../db/transaction.ts';
import type { Workspace } from '../db/types.ts';
import { NotFound } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Enqueue } from '../queues.ts';
import type { Crash } from './messages/crash-points.ts';
import type { LeadSource, MailboxRef, MailReader, MailTransport, Verified } from './ports.ts';

/** A member as the one who asks. */
export interface MemberActor {
  kind: 'member';
  id: number;
  name: string;
  role: 'admin' | 'rep';
  slackUserId: string;
}
/** Who causes a change: a member, or Drover itself in a background job. */
export type Actor = MemberActor | { kind: 'drover' };

/** What a verb works in: one transaction of one workspace, at one instant. */
export interface Context {
  tx: Tx;
  workspace: Selectable<Workspace>;
  actor: Actor;
  now: Temporal.Instant;
  enqueue: Enqueue;
  /** Where opt-out links lead (D6); `Services` says more. */
  publicUrl: string;
}

/** What the process offers to those who open contexts. Bound once, in `main.ts`. */
export interface Services {
  db: Db;
  clock: Clock;
  log: Log;
  /** Jobs sent through it join the transaction. */
  enqueueIn: (tx: Tx) => Enqueue;
  /** By name: 'directory', … */
  sources: Readonly<Record<string, LeadSource>>;
  /** By a sender's `transport`. */
  transports: Readonly<Record<string, MailTransport>>;
  /** By a sender's `transport`; one that is not here has no replies that could be read. */
  readers?: Readonly<Record<string, MailReader>>;
  /** Signs in at a sender's servers; absent where this process has none. */
  verifySender?: (mailbox: MailboxRef, transport: string) => Promise<{ smtp: Verified; imap: Verified | null } | null>;
  /** Where this Drover's HTTP port is reached from outside, without a slash at the end: opt-out URLs begin with it (D6). */
  publicUrl: string;
  /** Where a test has the process die while messages leave; nothing otherwise. */
  crash?: Crash;
}

export const drover: Actor = { kind: 'drover' };

/** Opens a workspace's transaction and hands `work` its context. @throws NotFound `no_workspace` */
export const enter = <R>(services: Services, workspaceId: number, actor: Actor, work: (ctx: Context) => Promise<R>): Promise<R> =>
  inWorkspace(services.db, workspaceId, async tx => {
    const workspace = await tx.selectFrom('workspace').selectAll().where('id', '=', workspaceId).executeTakeFirst();
    if (!workspace) throw new NotFound('no_workspace', `There is no workspace ${workspaceId}.`);
    const { clock, publicUrl, enqueueIn } = services;
    return work({ tx, workspace, actor, now: clock.now(), enqueue: enqueueIn(tx), publicUrl });
  });

/** May the actor change what `ownerId` owns (W2)? Admins everything, reps their own, Drover what it was ordered to. */
export const mayChange = (actor: Actor, ownerId: number): boolean =>
  actor.kind === 'drover' || actor.role === 'admin' || actor.id === ownerId;
