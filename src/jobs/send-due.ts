import type { Services } from '../domain/context.ts';
import * as messages from '../domain/messages/index.ts';

/** Hands over what is due in a workspace (D1). */
export async function handleSendDue(services: Services, { workspaceId }: { workspaceId: number }): Promise<void> {
  await messages.sendDue(services, workspaceId);
}
