import type { Context } from '../domain/context.ts';
import type { Report } from '../tools/report.ts';
import { reportMessages } from './blocks/report.ts';
import { reportWithButtons } from './blocks/task.ts';
import { post } from './outbox.ts';

interface Note {
  key: string;
  channel: string;
  threadTs?: string;
  report: Report;
  buttons?: readonly { label: string; action: string; value: string }[];
  choice?: { label: string; action: string; options: readonly { label: string; value: string }[] };
}

/** Shows a report in a channel, with buttons where given, once per key, if the caller's transaction commits. The jobs' `Notify` port. */
export const notify = (ctx: Context, { key, channel, threadTs, report, buttons, choice }: Note): Promise<void> =>
  post(
    ctx,
    key,
    { channel, ...(threadTs ? { threadTs } : {}) },
    buttons?.length ? reportWithButtons(report, key, buttons, choice) : reportMessages(report),
  );
