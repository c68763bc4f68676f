import { z } from 'zod';
import { drover, enter } from '../domain/context.ts';
import { sentence } from '../domain/explanations/index.ts';
import type { Verified } from '../domain/ports.ts';
import * as senders from '../domain/senders/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { senderRef } from './sender-ref.ts';
import { defineTool } from './tool.ts';

const said = (server: string, verified: Verified | null): string =>
  verified === null
    ? `${server}: there is none, so nobody reads its replies`
    : verified.ok
      ? `${server}: signed in`
      : `${server}: ${sentence(verified.code)}${verified.detail ? ` (${verified.detail})` : ''}`;

/** Signs in at a sender's servers and says what came of it. Sends nothing and changes nothing. */
export const testSender = defineTool({
  name: 'test_sender',
  description: "Try a sender's sign-in at its mail servers, and say what came of it. Sends nothing.",
  examples: ['test sender ann@acme.example', 'try the sign-in of ann@acme.example', 'does the mailbox ann@acme.example work?'],
  input: z.object({ sender: senderRef }),
  prepare: async (services, { sender: ref }, { workspaceId }) => {
    const sender = await enter(services, workspaceId, drover, ctx => senders.resolve(ctx, ref));
    if (isRefusal(sender) || !services.verifySender) return null;
    return services.verifySender({ workspaceId, senderId: sender.id }, sender.transport);
  },
  plan: async (ctx, { sender: ref }, verified) => {
    const sender = await senders.resolve(ctx, ref);
    if (isRefusal(sender)) return sender;
    if (!verified)
      return refuse('cannot_test', `${sender.address} cannot be tried here: this process has no mail servers configured.`, [
        'list senders',
      ]);
    return {
      effect: 'read' as const,
      data: { address: sender.address, status: sender.status, verified },
      summary: `Try the sign-in of ${sender.address}.`,
    };
  },
  run: async (_, tried) => tried,
  present: ({ address, status, verified: { smtp, imap } }) => {
    const works = smtp.ok && (imap === null || imap.ok);
    return {
      tone: works ? 'good' : 'warning',
      title: works ? `${address} signs in.` : `${address} does not sign in.`,
      facts: [
        { label: 'Sending', value: said('SMTP', smtp) },
        { label: 'Replies', value: said('IMAP', imap) },
      ],
      notes: works && status !== 'healthy' ? [`It is still ${status}: resume it to let it send.`] : [],
      next: works && status !== 'healthy' ? [`resume sender ${address}`] : ['list senders'],
    };
  },
});
