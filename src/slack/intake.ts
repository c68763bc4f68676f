import { receive } from '../db/system.ts';
import type { Services } from '../domain/context.ts';
import { acks } from '../metrics.ts';
import { agentTurn, slackInteraction } from '../queues.ts';
import { type Reading, read } from './requests.ts';

/** What became of a request's body. Only what is `taken` or `ignored` may be acknowledged. */
export type Intake = 'taken' | 'ignored' | 'malformed' | 'lost' | { challenge: string };

/**
 * Takes a request in, whichever way it came: it is stored and its job enqueued in one transaction (C1), so that what was acknowledged
 * is never lost; `lost`: the database is away, and Slack must deliver it again. A worker hands it to Bolt afterwards.
 */
export async function takeIn(
  services: Services,
  transport: 'http' | 'socket',
  body: Record<string, unknown> | undefined,
): Promise<Intake> {
  const reading: Reading = body ? read(body) : { kind: 'malformed' };
  switch (reading.kind) {
    case 'malformed':
      return 'malformed';
    case 'challenge':
      return { challenge: reading.challenge };
    case 'ignore':
      return 'ignored';
    case 'store': {
      const end = acks.startTimer({ transport });
      const isTaken = await store(services, reading.request);
      end({ taken: isTaken ? 'yes' : 'no' });
      return isTaken ? 'taken' : 'lost';
    }
  }
}

async function store(services: Services, request: Extract<Reading, { kind: 'store' }>['request']): Promise<boolean> {
  const { thread } = request;
  try {
    await receive(services.db, services.clock.now(), request, (tx, inboxId) =>
      thread ? services.enqueueIn(tx)(agentTurn, { inboxId, thread }) : services.enqueueIn(tx)(slackInteraction, { inboxId }),
    );
    return true;
  } catch (error) {
    services.log.error({ err: error, kind: request.kind }, 'a request of Slack could not be stored, so it is not acknowledged');
    return false;
  }
}
