import type { App } from '@slack/bolt';
import * as system from '../db/system.ts';
import type { Services } from '../domain/context.ts';
import type { Identity } from './identity.ts';

/** What a stored request carries to its listener, as Bolt's custom properties. */
export interface Carried {
  inboxId: number;
  workspaceId: number;
  signal?: AbortSignal;
}

/**
 * Hands one stored request to Bolt's listeners and marks it handled; a request that was handled before does nothing.
 * A request of a team that is not ours is put aside: one process serves one installation.
 * @throws what a listener throws; the job decides what to do about it.
 */
export async function handleRequest(
  { services, app, identity }: { services: Services; app: App; identity: () => Promise<Identity> },
  inboxId: number,
  signal?: AbortSignal,
): Promise<void> {
  const { db, clock, log } = services;
  const stored = await system.request(db, inboxId);
  if (!stored || stored.handled_at) return;
  const { teamId, workspaceId } = await identity();
  if (stored.team_id === teamId) {
    const carried: Carried = { inboxId, workspaceId, ...(signal ? { signal } : {}) };
    await app.processEvent({
      body: stored.body as Record<string, unknown>,
      ack: async () => {},
      customProperties: { ...carried },
    });
  } else
    log.warn({ inbox: inboxId, team: stored.team_id }, 'a request came from a Slack team that this token is not installed in');
  await system.markHandled(db, inboxId, clock.now());
}
