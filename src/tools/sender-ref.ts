import { z } from 'zod';
import { type Context, mayChange } from '../domain/context.ts';
import * as senders from '../domain/senders/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';

export const senderRef = z.string().trim().min(1).max(300).describe("A sender's address or name");

/** A sender that the asker may pause or let go on: its owner or an admin (W2). */
export async function senderToChange(ctx: Context, ref: string): Promise<senders.SenderRow | Refusal> {
  const sender = await senders.resolve(ctx, ref);
  if (isRefusal(sender) || mayChange(ctx.actor, sender.owner_id)) return sender;
  return refuse('not_yours', `${sender.address} belongs to somebody else; only they or an admin can change it.`, [
    'list senders',
  ]);
}

/** Senders are the admins' (W2). */
export const adminsOnly = ({ actor }: Context, what: string): Refusal | null =>
  actor.kind === 'member' && actor.role !== 'admin'
    ? refuse('admins_only', `Only an admin ${what}. Ask one of them.`, ['list senders'])
    : null;
