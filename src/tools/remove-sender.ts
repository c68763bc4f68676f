import { z } from 'zod';
import * as senders from '../domain/senders/index.ts';
import { isRefusal } from '../errors.ts';
import { count } from './report.ts';
import { adminsOnly, senderRef } from './sender-ref.ts';
import { defineTool } from './tool.ts';

/** Removes a sender and forgets its sign-in; the ledger keeps what it sent. Runs that it has contacted stop (S5). */
export const removeSender = defineTool({
  name: 'remove_sender',
  description: 'Remove a sender (mailbox) for good: its sign-in is forgotten and the runs that it contacted stop. Only an admin.',
  examples: ['remove sender ann@acme.example', 'delete the sender ann@acme.example', 'remove the mailbox ann@acme.example'],
  input: z.object({ sender: senderRef }),
  plan: async (ctx, { sender: ref }) => {
    const refusal = adminsOnly(ctx, 'removes senders');
    if (refusal) return refusal;
    const sender = await senders.resolve(ctx, ref);
    if (isRefusal(sender)) return sender;
    const { contacted, others } = await senders.waiting(ctx, sender.id);
    return {
      effect: 'gated' as const,
      data: { senderId: sender.id, address: sender.address },
      summary: `Remove the sender ${sender.address}.`,
      reach: contacted,
      objects: [`sender:${sender.id}`],
      card: {
        tone: 'warning' as const,
        title: `Remove the sender ${sender.address}?`,
        facts: [
          { label: 'Stop', value: `${count(contacted, 'run')} that it has contacted: all steps of a run leave from one sender` },
          { label: 'Get another sender', value: `${count(others, 'person', 'people')} whom it has not contacted` },
        ],
        notes: ['Its sign-in is forgotten. To let it rest instead, pause it.'],
        next: [`pause sender ${sender.address}`],
      },
    };
  },
  run: async (ctx, { senderId, address }) => ({ address, ...(await senders.remove(ctx, senderId)) }),
  present: ({ address, stopped }) => ({
    tone: 'good',
    title: `${address} is removed.${stopped ? ` ${count(stopped, 'run')} that it had contacted stopped.` : ''}`,
    next: ['list senders'],
  }),
});
