import { z } from 'zod';
import type { Place } from '../domain/approvals/index.ts';
import { type Context, mayChange } from '../domain/context.ts';
import { findLeads } from '../domain/exclusions/queries.ts';
import { emailKey, linkedinKey } from '../domain/leads/rules.ts';
import * as replies from '../domain/replies/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { leadRef } from './live-run.ts';
import { who } from './reply-report.ts';

/** Which reply is meant, for tools about one. */

export const replyInput = {
  reply: z.int().positive().optional().describe('The number of a reply, where one is named'),
  lead: leadRef.optional().describe('Whose latest reply, where the lead is named'),
};

/** The place decides which reply is meant where none is named: the one under whose note somebody writes. */
export const placeOf = async (_services: unknown, _input: unknown, { place }: { place: Place }): Promise<Place> => place;

/** The reply by its number, its lead's latest, the one of this thread, or the asker's latest of a person. */
export async function whichReply(
  ctx: Context,
  { reply, lead }: { reply?: number | undefined; lead?: string | undefined },
  place: Place,
): Promise<replies.View | Refusal> {
  const none = refuse('no_reply', 'I know no reply to that. See what has come in.', ['show replies']);
  if (reply !== undefined)
    return (await seen(ctx, reply)) ?? refuse('unknown_reply', `There is no reply ${reply}.`, ['show replies']);
  if (lead !== undefined) return ofLead(ctx, lead);
  const here = await repliedUnder(ctx, place);
  if (here !== undefined) return (await seen(ctx, here)) ?? none;
  const { replies: latest } = await replies.list(ctx, {}, 50);
  const own = latest.find(view => ctx.actor.kind === 'member' && view.ownerId === ctx.actor.id) ?? latest[0];
  return own ?? none;
}

/** The same, if the asker may change it (W2). */
export async function replyToChange(ctx: Context, input: Parameters<typeof whichReply>[1], place: Place) {
  const view = await whichReply(ctx, input, place);
  if (isRefusal(view) || mayChange(ctx.actor, view.ownerId)) return view;
  return refuse('not_yours', `The reply of ${who(view)} belongs to ${view.owner}; only they or an admin can act on it.`, [
    'show replies',
  ]);
}

/** Mail that was nobody's reply is no reply, whatever its number. */
const seen = async (ctx: Context, id: number): Promise<replies.View | undefined> =>
  (await replies.views(ctx, [id])).find(view => view.kind !== 'own' && view.kind !== 'unmatched');

async function ofLead(ctx: Context, lead: string): Promise<replies.View | Refusal> {
  const leads = await findLeads(ctx.tx, { email: emailKey(lead), linkedin: linkedinKey(lead), name: lead.trim() });
  if (!leads.length) return refuse('unknown_lead', `There is no lead called "${lead}". Name the address.`, ['show replies']);
  const { replies: found } = await replies.list(ctx, { leadIds: leads.map(each => each.id), all: true }, 20);
  const people = new Set(found.map(view => view.leadId));
  if (people.size > 1)
    return refuse('ambiguous_lead', `${people.size} people called "${lead}" have replied. Which one? Name the address.`, [
      'show replies',
    ]);
  return (
    found.find(view => view.kind === 'human') ??
    found[0] ??
    refuse('no_reply', `${leads[0]!.name} has not replied.`, [`why ${leads[0]!.email ?? leads[0]!.name}`])
  );
}

/** The reply whose note opened the thread. */
async function repliedUnder(ctx: Context, { channel, root }: Place): Promise<number | undefined> {
  if (!root || ctx.actor.kind !== 'member') return undefined;
  const post = await ctx.tx
    .selectFrom('slack_post')
    .select('post_key')
    .where('ts', '=', root)
    .where('post_key', 'like', 'reply:%')
    // A note to a person is addressed to them, and lands in a channel that is theirs.
    .where('channel', 'in', [ctx.actor.slackUserId, ...(channel ? [channel] : [])])
    .executeTakeFirst();
  const id = Number(post?.post_key.split(/[:/]/)[1]);
  return Number.isSafeInteger(id) ? id : undefined;
}
