import { z } from 'zod';
import * as senders from '../domain/senders/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { count } from './report.ts';
import { senderRef, senderToChange } from './sender-ref.ts';
import { defineTool } from './tool.ts';

/** Nothing leaves from it until somebody lets it go on; its people wait and keep it (S5). */
export const pauseSender = defineTool({
  name: 'pause_sender',
  description: 'Pause a sender (mailbox): nothing leaves from it until it is resumed. Its people wait and keep it.',
  examples: ['pause sender ann@acme.example', 'stop sending from ann@acme.example', 'pause the mailbox ann@acme.example'],
  input: z.object({ sender: senderRef }),
  plan: async (ctx, { sender: ref }) => {
    const sender = await senderToChange(ctx, ref);
    if (isRefusal(sender)) return sender;
    if (sender.status === 'paused')
      return refuse('sender_paused', `${sender.address} is paused already.`, [`resume sender ${sender.address}`]);
    return {
      effect: 'write' as const,
      data: { senderId: sender.id, address: sender.address },
      summary: `Pause the sender ${sender.address}.`,
      objects: [`sender:${sender.id}`],
    };
  },
  run: async (ctx, { senderId, address }) => {
    const { contacted, others } = await senders.waiting(ctx, senderId);
    await senders.pause(ctx, senderId);
    return { senderId, address, waiting: contacted + others };
  },
  undo: async (ctx, { result: { senderId, address } }) => {
    await senders.resume(ctx, senderId);
    return { said: `${address} sends again.` };
  },
  present: ({ address, waiting }) => ({
    tone: 'good',
    title: `${address} is paused. ${waiting ? `${count(waiting, 'person waits', 'people wait')} and keep it.` : 'Nobody waits for it.'}`,
    next: [`resume sender ${address}`, 'list senders'],
  }),
});
