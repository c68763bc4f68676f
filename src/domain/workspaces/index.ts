import type { Selectable } from 'kysely';
import { isZone } from '../../calendar.ts';
import type { Member, Workspace } from '../../db/types.ts';
import { type Refusal, refuse } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { record } from '../activity/index.ts';
import type { Context, MemberActor } from '../context.ts';

export type WorkspaceRow = Selectable<Workspace>;

/** What an admin sets for the whole workspace (W1). */
export interface Settings {
  zone: string;
  postalAddress: string | null;
  sendDays: number[];
  /** 'HH:MM' */
  sendFrom: string;
  /** 'HH:MM', at most '24:00' */
  sendUntil: string;
  digestChannel: string | null;
  coolingDownDays: number;
  /** First contacts of one company's people on one day (S10). */
  companyFirstsPerDay: number;
  /** Days for which a human reply pauses the colleagues (S10); 0: it does not. */
  companyReplyPauseDays: number;
}

/** The zone a person meant: as written, as a renamed zone's old name, or a city; null with the nearest known ones otherwise. */
export function zoneNamed(wanted: string): { zone: string } | { nearest: string[] } {
  const zones = Intl.supportedValuesOf('timeZone');
  const known = zones.find(zone => zone.toLowerCase() === wanted.toLowerCase());
  if (known) return { zone: known };
  if (wanted.includes('/') && isZone(wanted)) return { zone: wanted };
  if (wanted.toUpperCase() === 'UTC') return { zone: 'UTC' };
  const city = wanted.trim().replace(/\s+/g, '_').toLowerCase();
  const byCity = zones.filter(zone => zone.toLowerCase().endsWith(`/${city}`));
  if (byCity.length === 1) return { zone: byCity[0]! };
  const cities = zones.map(zone => ({ zone, city: zone.split('/').at(-1)! }));
  const near = nearest(
    city,
    cities.map(entry => entry.city),
  );
  return {
    nearest: cities
      .filter(entry => near.includes(entry.city))
      .map(entry => entry.zone)
      .slice(0, 3),
  };
}

const actor = (row: Selectable<Member>): MemberActor => ({
  kind: 'member',
  id: row.id,
  name: row.name,
  role: row.role as MemberActor['role'],
  slackUserId: row.slack_user_id,
});

/**
 * Finds the member behind a Slack user, creating it the first time. The first member of a workspace becomes admin, and so do Slack's
 * own workspace admins (W2).
 */
export async function join(
  ctx: Context,
  user: { slackUserId: string; name: string; isSlackAdmin: boolean },
): Promise<MemberActor> {
  const found = await ctx.tx.selectFrom('member').selectAll().where('slack_user_id', '=', user.slackUserId).executeTakeFirst();
  const isSame = found && !found.deactivated_at && (found.role === 'admin' || !user.isSlackAdmin) && found.name === user.name;
  if (isSame) return actor(found);
  // The workspace row is locked so that of two first members only one is the first.
  await ctx.tx.selectFrom('workspace').select('id').where('id', '=', ctx.workspace.id).forUpdate().execute();
  const others = await ctx.tx.selectFrom('member').select('id').limit(1).execute();
  const becomesAdmin = user.isSlackAdmin || others.length === 0;
  const row = await ctx.tx
    .insertInto('member')
    .values({
      workspace_id: ctx.workspace.id,
      slack_user_id: user.slackUserId,
      name: user.name,
      role: becomesAdmin ? 'admin' : 'rep',
      created_at: ctx.now,
    })
    .onConflict(conflict =>
      conflict
        .columns(['workspace_id', 'slack_user_id'])
        .doUpdateSet({ name: user.name, deactivated_at: null, ...(becomesAdmin ? { role: 'admin' } : {}) }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return actor(row);
}

export async function memberBySlackId(ctx: Context, slackUserId: string): Promise<MemberActor | undefined> {
  const row = await ctx.tx.selectFrom('member').selectAll().where('slack_user_id', '=', slackUserId).executeTakeFirst();
  return row && actor(row);
}

/**
 * Marks a member as gone and gives what they own to the longest-serving admin (W3).
 * @returns what was handed over and to whom, for the digest; a refusal when nobody is left to take it.
 */
export async function deactivate(
  ctx: Context,
  memberId: number,
): Promise<{ to: MemberActor; lists: number; sequences: number; senders: number } | Refusal> {
  const heir = await ctx.tx
    .selectFrom('member')
    .selectAll()
    .where('role', '=', 'admin')
    .where('deactivated_at', 'is', null)
    .where('id', '!=', memberId)
    .orderBy('id')
    .executeTakeFirst();
  if (!heir) return refuse('no_admin_left', 'Nobody else is admin, so nobody could take over. Make somebody admin first.');
  await ctx.tx.updateTable('member').set({ deactivated_at: ctx.now }).where('id', '=', memberId).execute();
  const handOver = async (table: 'list' | 'sequence' | 'sender') =>
    Number(
      (await ctx.tx.updateTable(table).set({ owner_id: heir.id }).where('owner_id', '=', memberId).executeTakeFirst())
        .numUpdatedRows,
    );
  const moved = { lists: await handOver('list'), sequences: await handOver('sequence'), senders: await handOver('sender') };
  await record(ctx, {
    action: 'deactivate_member',
    outcome: 'done',
    objects: [`member:${memberId}`],
    detail: { to: heir.name, ...moved },
  });
  return { to: actor(heir), ...moved };
}

const clockTime = (time: string): string => time.slice(0, 5);

export const settings = (ctx: Context): Settings => ({
  zone: ctx.workspace.zone,
  postalAddress: ctx.workspace.postal_address,
  sendDays: ctx.workspace.send_days,
  sendFrom: clockTime(ctx.workspace.send_from),
  sendUntil: clockTime(ctx.workspace.send_until),
  digestChannel: ctx.workspace.digest_channel,
  coolingDownDays: ctx.workspace.cooling_down_days,
  companyFirstsPerDay: ctx.workspace.company_firsts_per_day,
  companyReplyPauseDays: ctx.workspace.company_reply_pause_days,
});

/** Stores the settings that are given; the others stay (W1). */
export async function set(ctx: Context, changes: Partial<Settings>): Promise<Settings> {
  const now = { ...settings(ctx), ...changes };
  const row = await ctx.tx
    .updateTable('workspace')
    .set({
      zone: now.zone,
      postal_address: now.postalAddress,
      send_days: now.sendDays,
      send_from: now.sendFrom,
      send_until: now.sendUntil,
      digest_channel: now.digestChannel,
      cooling_down_days: now.coolingDownDays,
      company_firsts_per_day: now.companyFirstsPerDay,
      company_reply_pause_days: now.companyReplyPauseDays,
    })
    .where('id', '=', ctx.workspace.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return settings({ ...ctx, workspace: row });
}
