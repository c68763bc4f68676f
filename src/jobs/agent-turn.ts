import { markHandled, request } from '../db/system.ts';
import type { Services } from '../domain/context.ts';
import { type HandleRequest, mayRunAgain } from './slack-interaction.ts';

/**
 * Answers one stored message, from Slack or the command line. It fails only for what passes by itself, and then runs again: a job that
 * failed for good would block its thread for ever (C2, A8). Anything else is recorded and done with.
 */
export async function handleAgentTurn(
  services: Services,
  ports: { handleRequest: HandleRequest; answerCli: HandleRequest },
  { inboxId }: { inboxId: number },
  signal?: AbortSignal,
): Promise<void> {
  const { db, clock, log } = services;
  const stored = await request(db, inboxId);
  if (!stored || stored.handled_at) return;
  try {
    await (stored.kind === 'cli' ? ports.answerCli : ports.handleRequest)(inboxId, signal);
  } catch (error) {
    if (mayRunAgain(error)) throw error;
    log.error({ err: error, inbox: inboxId }, 'a turn broke off');
  }
  await markHandled(db, inboxId, clock.now());
}
