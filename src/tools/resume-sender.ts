import { z } from 'zod';
import { sentence } from '../domain/explanations/index.ts';
import * as senders from '../domain/senders/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { count } from './report.ts';
import { senderRef, senderToChange } from './sender-ref.ts';
import { defineTool } from './tool.ts';

/** Lets a sender go on that somebody paused or that stopped itself (D5). What waited is planned under cap, limit and gap: nothing bursts. */
export const resumeSender = defineTool({
  name: 'resume_sender',
  description:
    'Let a sender (mailbox) send again, after it was paused or stopped itself. Nothing bursts: what waited is planned anew.',
  examples: ['resume sender ann@acme.example', 'let ann@acme.example send again', 'unpause the mailbox ann@acme.example'],
  input: z.object({ sender: senderRef }),
  plan: async (ctx, { sender: ref }) => {
    const sender = await senderToChange(ctx, ref);
    if (isRefusal(sender)) return sender;
    if (sender.status === 'healthy')
      return refuse('sender_healthy', `${sender.address} is healthy and sends already.`, [`why ${sender.address}`]);
    return {
      effect: 'write' as const,
      data: { senderId: sender.id, address: sender.address, was: sender.status_code },
      summary: `Let ${sender.address} send again.`,
      objects: [`sender:${sender.id}`],
    };
  },
  run: async (ctx, { senderId, address, was }) => {
    await senders.resume(ctx, senderId);
    const { contacted, others } = await senders.waiting(ctx, senderId);
    return { senderId, address, was, waiting: contacted + others };
  },
  undo: async (ctx, { result: { senderId, address } }) => {
    await senders.pause(ctx, senderId);
    return { said: `${address} is paused again.` };
  },
  present: ({ address, was, waiting }) => ({
    tone: 'good',
    title: `${address} sends again.${waiting ? ` ${count(waiting, 'person', 'people')} who waited for it are planned anew, under its limit and gap.` : ''}`,
    notes: was && was !== 'by_hand' ? [`It had stopped because ${sentence(was)} It stops again if that is still so.`] : [],
    next: [`why ${address}`, 'list senders'],
  }),
});
