import { z } from 'zod';
import * as digests from '../domain/digests/index.ts';
import { refuse } from '../errors.ts';
import { when } from './report.ts';
import { defineTool } from './tool.ts';

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is a time like 08:30');
const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** '<#C123|sales>' as Slack writes a channel in a message, or a name or id as it is. */
const channelOf = (written: string): string => /^<#([A-Z0-9]+)(?:\|[^>]*)?>$/.exec(written)?.[1] ?? written;

/** The digest of a channel: when it is posted, or not at all (G2). */
export const setDigest = defineTool({
  name: 'set_digest',
  description:
    'Post a digest in a Slack channel daily, on weekdays or weekly at a local time, or turn it off. Without a channel: the one asked in.',
  examples: ['post a digest here every weekday at 8:30', 'weekly digest on Mondays at 9:00', 'turn the digest off'],
  input: z.object({
    channel: z.string().trim().min(1).optional(),
    cadence: z.enum(['off', 'daily', 'weekdays', 'weekly']),
    weekday: z.int().min(1).max(7).optional().describe('1 Monday … 7 Sunday; Monday unless said'),
    at: clockTime.optional().describe("HH:MM in the workspace's zone; 08:30 unless said"),
  }),
  prepare: async (_services, input, { place }) => ({
    channel: input.channel ? channelOf(input.channel) : place.surface === 'slack' ? (place.channel ?? null) : null,
  }),
  plan: async (ctx, { cadence, weekday, at }, { channel: asked }) => {
    const channel = asked ?? ctx.workspace.digest_channel;
    if (!channel)
      return refuse('which_channel', 'In which channel shall the digest appear?', [
        'post a digest in #sales every weekday at 8:30',
      ]);
    const there = (await digests.all(ctx)).find(digest => digest.channel === channel);
    if (cadence === 'off' && !there)
      return refuse('no_digest', 'No digest is posted there.', ['post a digest here every weekday at 8:30']);
    return {
      effect: 'write' as const,
      data: {
        channel,
        cadence,
        weekday: cadence === 'weekly' ? (weekday ?? 1) : null,
        at: at ?? there?.at_time.slice(0, 5) ?? '08:30',
      },
      summary: cadence === 'off' ? `Stop the digest in ${channel}.` : `Post a digest in ${channel}.`,
      objects: [`channel:${channel}`],
    };
  },
  before: async (ctx, { channel }) => {
    const there = (await digests.all(ctx)).find(digest => digest.channel === channel);
    return there
      ? {
          channel,
          cadence: there.cadence as digests.DigestOrder['cadence'],
          weekday: there.weekday,
          at: there.at_time.slice(0, 5),
        }
      : null;
  },
  run: async (ctx, { channel, cadence, weekday, at }) => {
    if (cadence === 'off') {
      await digests.cancel(ctx, channel);
      return { channel, cadence, weekday, at, nextAt: null };
    }
    const digest = await digests.order(ctx, { channel, cadence, weekday, at });
    return { channel, cadence, weekday, at, nextAt: digest.next_due_at.toString() };
  },
  undo: async (ctx, { before, result: { channel } }) => {
    if (before) await digests.order(ctx, before);
    else await digests.cancel(ctx, channel);
    return { said: before ? `the digest is posted again as it was, at ${before.at}.` : 'no digest is posted there any more.' };
  },
  present: ({ cadence, weekday, at, nextAt }, { zone }) => {
    if (!nextAt) return { tone: 'good', title: 'The digest is off.', next: ['post a digest here every weekday at 8:30'] };
    const how = { daily: 'every day', weekdays: 'every weekday', weekly: `every ${weekdays[(weekday ?? 1) - 1]}`, off: '' }[
      cadence
    ];
    return {
      tone: 'good',
      title: `A digest is posted ${how} at ${at}.`,
      facts: [
        { label: 'Next', value: when(nextAt, zone) },
        { label: 'Zone', value: zone },
      ],
      next: ['turn the digest off'],
    };
  },
});
