import type { Context } from '../domain/context.ts';
import type { Report } from '../tools/report.ts';
import { reportMessages } from './blocks/report.ts';
import { post } from './outbox.ts';

/** Shows a report in a channel, once per key, if the caller's transaction commits. The jobs' `Notify` port. */
export const notify = (
  ctx: Context,
  { key, channel, threadTs, report }: { key: string; channel: string; threadTs?: string; report: Report },
): Promise<void> => post(ctx, key, { channel, ...(threadTs ? { threadTs } : {}) }, reportMessages(report));
