import { passesByItself } from '../db/lost.ts';
import { markHandled } from '../db/system.ts';
import type { Services } from '../domain/context.ts';
import { Unavailable } from '../errors.ts';

/** Handles one stored request (C1) where it came from; does nothing when it was handled before. Bound in `main.ts`. */
export type HandleRequest = (inboxId: number, signal?: AbortSignal) => Promise<void>;

/** Does an error pass by itself, so that the job should run again? */
export const mayRunAgain = (error: unknown): boolean => error instanceof Unavailable || passesByItself(error);

/** Handles one slash command or click. */
export async function handleSlackInteraction(
  { db, clock, log }: Services,
  handleRequest: HandleRequest,
  { inboxId }: { inboxId: number },
  signal?: AbortSignal,
): Promise<void> {
  try {
    await handleRequest(inboxId, signal);
  } catch (error) {
    if (mayRunAgain(error)) throw error;
    log.error({ err: error, inbox: inboxId }, 'a command or a click broke off');
    await markHandled(db, inboxId, clock.now());
  }
}
