import type { Selectable } from 'kysely';
import { isZone } from '../../calendar.ts';
import type { Member } from '../../db/types.ts';
import { nearest } from '../../nearest.ts';
import { showTasks } from '../../queues.ts';
import { record } from '../activity/index.ts';
import type { Context, MemberActor } from '../context.ts';
import { lockMembers } from './people.ts';

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

/** A zone's name with its capital letters: `europe/kyiv` is Europe/Kyiv. */
const spelled = (zone: string): string => Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId;

/** The zone a person meant: as written, as a renamed zone's old name, or a city; null with the nearest known ones otherwise. */
export function zoneNamed(wanted: string): { zone: string } | { nearest: string[] } {
  const zones = Intl.supportedValuesOf('timeZone');
  const known = zones.find(zone => zone.toLowerCase() === wanted.toLowerCase());
  if (known) return { zone: known };
  if (wanted.includes('/') && isZone(wanted)) return { zone: spelled(wanted) };
  if (wanted.toUpperCase() === 'UTC') return { zone: 'UTC' };
  const city = wanted.trim().replace(/\s+/g, '_').toLowerCase();
  // A renamed zone is listed under one of its names only: Kyiv is found as Europe/Kyiv beside the listed Europe/Kiev.
  const regions = new Set(zones.map(zone => zone.split('/')[0]!));
  const byCity = new Set([
    ...zones.filter(zone => zone.toLowerCase().endsWith(`/${city}`)),
    ...[...regions]
      .map(region => `${region}/${city}`)
      .filter(isZone)
      .map(spelled),
  ]);
  if (byCity.size === 1) return { zone: [...byCity][0]! };
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
 * own workspace admins (W2). Who comes when everybody has left is the first anew, and takes over what they left behind (W3).
 */
export async function join(
  ctx: Context,
  user: { slackUserId: string; name: string; isSlackAdmin: boolean },
): Promise<MemberActor> {
  const found = await ctx.tx.selectFrom('member').selectAll().where('slack_user_id', '=', user.slackUserId).executeTakeFirst();
  const isSame = found && !found.deactivated_at && (found.role === 'admin' || !user.isSlackAdmin) && found.name === user.name;
  if (isSame) return actor(found);
  await lockMembers(ctx);
  const others = await ctx.tx
    .selectFrom('member')
    .select('id')
    .where('slack_user_id', '!=', user.slackUserId)
    .where('deactivated_at', 'is', null)
    .limit(1)
    .execute();
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
  if (!others.length && (!found || found.deactivated_at)) await inherit(ctx, row);
  return actor(row);
}

export async function memberBySlackId(ctx: Context, slackUserId: string): Promise<MemberActor | undefined> {
  const row = await ctx.tx.selectFrom('member').selectAll().where('slack_user_id', '=', slackUserId).executeTakeFirst();
  return row && actor(row);
}

/** What changed hands because its owner left; `promoted`: the heir had to become admin for it. */
export interface HandOver {
  /** Null where nobody is left: what the member owned waits for whoever comes next. */
  to: MemberActor | null;
  promoted: boolean;
  lists: number;
  sequences: number;
  senders: number;
}

/**
 * Marks a member as gone and gives what they own to the longest-serving admin. Without one the longest-known member becomes admin:
 * somebody has to get the replies and may change settings (W2, W3).
 * @returns what was handed over and to whom, for the digest
 */
export async function deactivate(ctx: Context, memberId: number): Promise<HandOver> {
  await lockMembers(ctx);
  const heir = await ctx.tx
    .selectFrom('member')
    .selectAll()
    .where('deactivated_at', 'is', null)
    .where('id', '!=', memberId)
    .orderBy(({ eb }) => eb('role', '=', 'admin'), 'desc')
    .orderBy('id')
    .executeTakeFirst();
  await ctx.tx.updateTable('member').set({ deactivated_at: ctx.now }).where('id', '=', memberId).execute();
  const promoted = heir !== undefined && heir.role !== 'admin';
  if (promoted) await ctx.tx.updateTable('member').set({ role: 'admin' }).where('id', '=', heir.id).execute();
  const moved = heir ? await give(ctx, [memberId], heir.id) : { lists: 0, sequences: 0, senders: 0 };
  await record(ctx, {
    action: 'deactivate_member',
    outcome: 'done',
    objects: [`member:${memberId}`],
    detail: heir ? { to: heir.name, promoted, ...moved } : {},
  });
  return { to: heir ? actor({ ...heir, role: 'admin' }) : null, promoted, ...moved };
}

/** Gives the first to come after everybody left what nobody owns any more (W3). */
async function inherit(ctx: Context, heir: Selectable<Member>): Promise<void> {
  const gone = await ctx.tx.selectFrom('member').select('id').where('deactivated_at', 'is not', null).execute();
  if (!gone.length) return;
  const moved = await give(
    ctx,
    gone.map(({ id }) => id),
    heir.id,
  );
  const detail = { to: heir.name, promoted: true, ...moved };
  await record(ctx, { action: 'inherit', outcome: 'done', objects: [`member:${heir.id}`], detail });
}

async function give(ctx: Context, from: number[], to: number): Promise<Pick<HandOver, 'lists' | 'sequences' | 'senders'>> {
  const moved = async (table: 'list' | 'sequence' | 'sender'): Promise<number[]> =>
    (await ctx.tx.updateTable(table).set({ owner_id: to }).where('owner_id', 'in', from).returning('id').execute()).map(
      ({ id }) => id,
    );
  const [lists, sequences, senders] = [await moved('list'), await moved('sequence'), await moved('sender')];
  for (const sequenceId of sequences) await ctx.enqueue(showTasks, { workspaceId: ctx.workspace.id, sequenceId });
  return { lists: lists.length, sequences: sequences.length, senders: senders.length };
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
