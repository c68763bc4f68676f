import { z } from 'zod';
import type { Context } from '../domain/context.ts';
import * as digests from '../domain/digests/index.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import * as workspaces from '../domain/workspaces/index.ts';
import { refuse } from '../errors.ts';
import { defineTool } from './tool.ts';

const clockTime = z.string().regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'is a time like 09:00');
/** 'sendFrom' as 'send from'. */
const words = (key: string): string => key.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);

/** Stores settings; what runs at a local time moves with the zone. */
async function change(ctx: Context, changes: Partial<workspaces.Settings>): Promise<workspaces.Settings> {
  const settings = await workspaces.set(ctx, changes);
  if (changes.zone) {
    const moved = { ...ctx, workspace: { ...ctx.workspace, zone: settings.zone } };
    await monitoring.reschedule(moved);
    await digests.reschedule(moved);
  }
  return settings;
}

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Shows the workspace's settings, or changes them (W1; admins only, W2). */
export const setWorkspace = defineTool({
  name: 'set_workspace',
  description:
    'Show or change the workspace settings: time zone, postal address, default send days and hours, digest channel, cooling-down days, how many people of one company are contacted for the first time on one day, and for how long a reply pauses their colleagues. Without a field it shows them.',
  examples: ['show settings', 'our time zone is Europe/Berlin', 'set cooling down to 120 days'],
  input: z.object({
    zone: z.string().trim().min(1).optional().describe('IANA time zone or its city'),
    postalAddress: z.string().trim().min(5).max(300).optional(),
    sendDays: z.array(z.int().min(1).max(7)).min(1).optional().describe('ISO weekdays, 1 Monday … 7 Sunday'),
    sendFrom: clockTime.optional(),
    sendUntil: clockTime.optional(),
    digestChannel: z.string().trim().min(1).optional(),
    coolingDownDays: z.int().min(30).max(365).optional(),
    companyFirstsPerDay: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('People of one company that get their first message on one day'),
    companyReplyPauseDays: z
      .int()
      .min(0)
      .max(90)
      .optional()
      .describe('Days for which a reply pauses the colleagues; 0: not at all'),
  }),
  plan: async (ctx, input) => {
    const asked = Object.keys(input).filter(key => input[key as keyof typeof input] !== undefined);
    if (!asked.length)
      return { effect: 'read' as const, data: {} as Partial<workspaces.Settings>, summary: 'Show the settings.' };
    if (ctx.actor.kind === 'member' && ctx.actor.role !== 'admin')
      return refuse('admins_only', 'Only an admin changes the workspace settings. Ask one of them.', ['show settings']);
    const named = input.zone ? workspaces.zoneNamed(input.zone) : null;
    if (named && 'nearest' in named) {
      const hint = named.nearest.length ? ` Did you mean ${named.nearest.join(', ')}?` : ' Name it like Europe/Berlin.';
      return refuse(
        'unknown_zone',
        `I know no time zone "${input.zone}".${hint}`,
        named.nearest.map(zone => `our time zone is ${zone}`),
      );
    }
    const now = workspaces.settings(ctx);
    const changes = {
      ...input,
      ...(named ? { zone: named.zone } : {}),
      ...(input.sendDays ? { sendDays: [...new Set(input.sendDays)].sort() } : {}),
    };
    const after = { ...now, ...changes };
    if (after.sendFrom >= after.sendUntil)
      return refuse('empty_window', `A window from ${after.sendFrom} to ${after.sendUntil} has no hour in it.`, [
        'send between 9:00 and 17:00',
      ]);
    return { effect: 'write' as const, data: changes, summary: `Change ${asked.join(', ')}.`, objects: ['workspace'] };
  },
  before: async ctx => workspaces.settings(ctx),
  run: async (ctx, changes) => {
    if (!Object.keys(changes).length) return { settings: workspaces.settings(ctx), changed: [] as string[] };
    return { settings: await change(ctx, changes), changed: Object.keys(changes) };
  },
  undo: async (ctx, { before, result: { changed } }) => {
    if (ctx.actor.kind === 'member' && ctx.actor.role !== 'admin')
      return refuse('admins_only', 'Only an admin changes the workspace settings. Ask one of them.', ['show settings']);
    await change(ctx, Object.fromEntries(Object.entries(before).filter(([key]) => changed.includes(key))));
    return { said: `${changed.map(words).join(', ')} ${changed.length === 1 ? 'is' : 'are'} as before.` };
  },
  present: ({ settings, changed }) => ({
    tone: changed.length ? 'good' : 'neutral',
    title: changed.length ? 'The settings are changed.' : 'Settings of this workspace',
    facts: [
      { label: 'Time zone', value: settings.zone },
      { label: 'Postal address', value: settings.postalAddress ?? 'not set: sequences need one' },
      {
        label: 'Send window of new sequences',
        value: `${settings.sendDays.map((n: number) => weekdays[n - 1]).join(', ')} ${settings.sendFrom}–${settings.sendUntil}`,
      },
      { label: 'Digest channel', value: settings.digestChannel ?? 'not set' },
      { label: 'Cooling down', value: `${settings.coolingDownDays} days` },
      {
        label: 'One company',
        value: `at most ${settings.companyFirstsPerDay} first messages a day; a reply pauses the colleagues for ${settings.companyReplyPauseDays} days`,
      },
    ],
    ...(changed.length && changed.some((key: string) => key.startsWith('send'))
      ? { notes: ['Sequences that exist keep their own window.'] }
      : {}),
  }),
});
