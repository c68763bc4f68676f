import type { Report } from '../../tools/report.ts';
import { type Message, paginate } from './message.ts';
import { buttons } from './parts.ts';
import { fallback, reportBlocks } from './report.ts';

/** What a click on a task's buttons is known by: the tool that it calls. The value is the task's id and nothing else. */
export const taskActions = { done: 'finish_task', skip: 'skip_task' } as const;

/** A report with buttons, and a menu, under it. The first button acts. */
export function reportWithButtons(
  report: Report,
  key: string,
  all: readonly { label: string; action: string; value: string }[],
  choice?: { label: string; action: string; options: readonly { label: string; value: string }[] },
): Message[] {
  const row = all.map(({ label, action, value }, i) => ({
    label,
    actionId: action,
    value,
    ...(i === 0 ? { style: 'primary' as const } : {}),
  }));
  return paginate(fallback(report), [
    [
      ...reportBlocks(report),
      buttons(key, row, choice && { label: choice.label, actionId: choice.action, options: choice.options }),
    ],
  ]);
}
