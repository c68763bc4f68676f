import { request } from '../db/system.ts';
import type { Services } from '../domain/context.ts';
import type { RunTurn } from '../tools/turn.ts';
import type { CliRequest } from './desk.ts';

/** Answers a message that came by the command line; the one who asked reads the answer from its turn. */
export const answerCli =
  ({ db }: Services, runTurn: RunTurn) =>
  async (inboxId: number, signal?: AbortSignal): Promise<void> => {
    const stored = await request(db, inboxId);
    if (!stored) return;
    const { workspaceId, actor, thread, text } = stored.body as CliRequest;
    await runTurn(
      { workspaceId, inboxId, asker: actor, surface: 'cli', channel: 'cli', root: thread, text, ...(signal ? { signal } : {}) },
      async () => {},
    );
  };
