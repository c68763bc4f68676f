import type { Selectable } from 'kysely';
import type { Member } from '../../db/types.ts';
import { isRefusal, type Refusal, refuse } from '../../errors.ts';
import { foldName, nearest } from '../../nearest.ts';
import { showTasks } from '../../queues.ts';
import type { Context } from '../context.ts';
import * as lists from '../lists/index.ts';
import * as sequences from '../sequences/index.ts';

/** Members by name, their roles (W2), and what they own (W3). */

export type MemberRow = Selectable<Member>;

/** 'U123', '@U123' or '<@U123|ann>' as Slack writes a member. */
const slackId = (written: string): string | undefined => /^(?:<@|@)?([UW][A-Z0-9]{2,})(?:\|[^>]*)?>?$/.exec(written.trim())?.[1];

/** The active member that a name, ignoring case and accents, or a Slack id means. @returns the row, `unknown_member` or `ambiguous_member` */
export async function resolve(ctx: Context, written: string): Promise<MemberRow | Refusal> {
  const all = await ctx.tx.selectFrom('member').selectAll().orderBy('id').execute();
  const active = all.filter(member => !member.deactivated_at);
  const id = slackId(written);
  const name = foldName(written.trim().replace(/^@/, ''));
  const found =
    active.find(member => member.slack_user_id === id) ??
    one(active.filter(member => foldName(member.name) === name)) ??
    one(active.filter(member => foldName(member.name).split(' ').includes(name)));
  if (found) return found;
  const alike = active.filter(member => foldName(member.name).split(' ').includes(name) || foldName(member.name) === name);
  if (alike.length > 1)
    return refuse('ambiguous_member', `Whom do you mean: ${alike.map(member => member.name).join(' or ')}? Mention them with @.`);
  const gone = all.find(member => member.deactivated_at && foldName(member.name) === name);
  if (gone) return refuse('member_gone', `${gone.name} has left this workspace.`, ['status']);
  const near = nearest(
    written,
    active.map(member => member.name),
  );
  const hint = near.length ? ` The nearest: ${near.join(', ')}.` : ' They have to have written to me once.';
  return refuse('unknown_member', `I know no member called "${written}".${hint}`, ['status']);
}

const one = <T>(found: readonly T[]): T | undefined => (found.length === 1 ? found[0] : undefined);

/** Is anybody but this member an active admin? Without one nobody could change settings or roles again (W2). */
export const hasOtherAdmin = async (ctx: Context, memberId: number): Promise<boolean> =>
  (await ctx.tx
    .selectFrom('member')
    .select('id')
    .where('role', '=', 'admin')
    .where('deactivated_at', 'is', null)
    .where('id', '!=', memberId)
    .executeTakeFirst()) !== undefined;

/** Who joins, leaves and becomes admin is decided one at a time: of two first members one is the first, and of two last admins one stays. */
export const lockMembers = (ctx: Context) =>
  ctx.tx.selectFrom('workspace').select('id').where('id', '=', ctx.workspace.id).forUpdate().execute();

/** Sets a role (W2). @returns `last_admin` where none would be left */
export async function setRole(ctx: Context, memberId: number, role: 'admin' | 'rep'): Promise<undefined | Refusal> {
  await lockMembers(ctx);
  if (role === 'rep' && !(await hasOtherAdmin(ctx, memberId)))
    return refuse('last_admin', 'Nobody else is admin, and somebody has to be. Make somebody else admin first.');
  await ctx.tx.updateTable('member').set({ role }).where('id', '=', memberId).execute();
  return undefined;
}

/** Something that a member owns (W3). */
export interface Belonging {
  kind: 'list' | 'sequence' | 'sender';
  id: number;
  name: string;
  ownerId: number;
}

/** The list, sequence or sender that a name means; 'list X' and 'sequence X' tell apart what is called the same. */
export async function belonging(ctx: Context, written: string): Promise<Belonging | Refusal> {
  const [, said, rest] = /^(?:the )?(list|sequence|sender)\s+(.+)$/i.exec(written.trim()) ?? [];
  const name = rest ?? written.trim();
  const wants = (kind: Belonging['kind']) => !said || said.toLowerCase() === kind;
  const list = wants('list') ? await lists.resolve(ctx, name) : undefined;
  const sequence = wants('sequence') ? await sequences.resolve(ctx, name) : undefined;
  const wanted = name.toLowerCase();
  const sender = wants('sender')
    ? (
        await ctx.tx
          .selectFrom('sender')
          .select(['id', 'name', 'address', 'owner_id'])
          .where('removed_at', 'is', null)
          .orderBy('id')
          .execute()
      ).filter(each => each.address.toLowerCase() === wanted || each.name.toLowerCase() === wanted)
    : [];
  const found: Belonging[] = [
    ...(list && !isRefusal(list) ? [{ kind: 'list' as const, id: list.id, name: list.name, ownerId: list.owner_id }] : []),
    ...(sequence && !isRefusal(sequence)
      ? [{ kind: 'sequence' as const, id: sequence.id, name: sequence.name, ownerId: sequence.owner_id }]
      : []),
    ...sender.map(each => ({ kind: 'sender' as const, id: each.id, name: each.address, ownerId: each.owner_id })),
  ];
  if (found.length === 1) return found[0]!;
  if (found.length > 1)
    return refuse(
      'which_one',
      `Which one do you mean: ${found.map(each => `the ${each.kind} "${each.name}"`).join(' or ')}?`,
      found.map(each => `show ${each.kind === 'list' ? 'list' : 'sequence'} "${each.name}"`),
    );
  if (said && isRefusal(list)) return list;
  if (said && isRefusal(sequence)) return sequence;
  const names = [
    ...(await ctx.tx.selectFrom('list').select('name').where('archived_at', 'is', null).execute()),
    ...(await ctx.tx.selectFrom('sequence').select('name').where('status', '!=', 'archived').execute()),
  ].map(each => each.name);
  const near = nearest(name, names);
  const hint = near.length ? ` The nearest: ${near.map(each => `"${each}"`).join(', ')}.` : '';
  return refuse('unknown_thing', `There is no list, sequence or sender called "${name}".${hint}`, [
    'show my lists',
    'list sequences',
  ]);
}

/** Gives something to another member, who gets its replies, tasks and failures from now on, and the tasks that are open at once (W3). */
export async function give(ctx: Context, { kind, id }: Pick<Belonging, 'kind' | 'id'>, to: number): Promise<void> {
  await ctx.tx.updateTable(kind).set({ owner_id: to }).where('id', '=', id).execute();
  if (kind === 'sequence') await ctx.enqueue(showTasks, { workspaceId: ctx.workspace.id, sequenceId: id });
}

export const byId = (ctx: Context, id: number): Promise<MemberRow | undefined> =>
  ctx.tx.selectFrom('member').selectAll().where('id', '=', id).executeTakeFirst();
