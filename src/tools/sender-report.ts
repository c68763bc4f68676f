import { sentence } from '../domain/explanations/index.ts';
import type { Untold } from '../domain/senders/index.ts';
import { count, day, type Report } from './report.ts';

/** What the owner of a sender hears when it stops, and when it goes on by itself (D5, W3). */
export function stoppedReport({ name, address, status, code, detail, restsUntil, waiting }: Untold): Report {
  const rests = status === 'resting';
  if (status === 'healthy')
    return {
      ...{ tone: 'good', title: `${name} <${address}> sends again: its mailbox can be reached.` },
      facts: [{ label: 'Waiting', value: waiting ? count(waiting, 'person', 'people') : 'nobody' }],
      next: [`why ${address}`],
    };
  return {
    tone: 'warning',
    title: rests
      ? `${name} <${address}> rests${restsUntil ? ` through ${day(restsUntil)}` : ''}, and then goes on by itself.`
      : `${name} <${address}> does not send any more.`,
    facts: [
      { label: 'Why', value: sentence(code ?? 'by_hand') },
      ...(detail ? [{ label: 'In its words', value: detail }] : []),
      { label: 'Waiting', value: waiting ? `${count(waiting, 'person', 'people')}, who keep this sender` : 'nobody' },
    ],
    next: rests ? [`why ${address}`] : [`test sender ${address}`, `resume sender ${address}`],
  };
}
