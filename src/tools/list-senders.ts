import { z } from 'zod';
import { sentence } from '../domain/explanations/index.ts';
import * as senders from '../domain/senders/index.ts';
import { count, day, when } from './report.ts';
import { defineTool } from './tool.ts';

/** Every mailbox that messages leave from: its health, its day, its limits (S5). */
export const listSenders = defineTool({
  name: 'list_senders',
  description:
    'Show the senders (mailboxes): whether they are healthy and why not, what they sent today of their limit, which sequences use them.',
  examples: ['list senders', 'show the senders', 'how are our mailboxes?'],
  input: z.object({}),
  plan: async () => ({ effect: 'read' as const, data: {}, summary: 'Show the senders.' }),
  run: async ctx => ({ senders: await senders.inspect(ctx) }),
  present: ({ senders: all }, { zone }) => {
    if (!all.length)
      return {
        tone: 'neutral',
        title: 'There is no sender yet.',
        notes: ['An operator adds one on the machine that runs Drover: `drover sender add ADDRESS`.'],
      };
    const stopped = all.filter(one => one.status !== 'healthy');
    return {
      tone: stopped.length ? 'warning' : 'neutral',
      title: `${count(all.length, 'sender')}${stopped.length ? `, ${stopped.length} of which ${stopped.length === 1 ? 'does' : 'do'} not send` : ', all healthy'}.`,
      urgent: stopped.map(
        one =>
          `${one.address} ${one.status === 'resting' ? `rests${one.restsUntil ? ` through ${day(one.restsUntil)}` : ''}` : `is ${one.status}`}: ${sentence(one.code ?? 'by_hand')}${one.detail ? ` (${one.detail})` : ''}`,
      ),
      tables: [
        {
          columns: [
            { label: 'Sender' },
            { label: 'Owner' },
            { label: 'Status' },
            { label: 'Sent today', align: 'right' },
            { label: 'A day', align: 'right' },
            { label: 'Gap', align: 'right' },
            { label: 'Sequences' },
            { label: 'Replies read' },
          ],
          rows: all.map(one => [
            `${one.name} <${one.address}>`,
            one.owner,
            one.status,
            `${one.sentToday} of ${one.limitToday}`,
            `${one.dailyLimit}${one.isRamping ? ' (ramping)' : ''}`,
            `${one.gapMinutes} min`,
            one.sequences.join(', ') || '–',
            one.readsReplies ? (one.readAt ? when(one.readAt, zone) : 'not yet') : 'no mailbox to read',
          ]),
        },
      ],
      next: [...(stopped[0] ? [`why ${stopped[0].address}`] : []), `pause sender ${all[0]!.address}`],
    };
  },
});
