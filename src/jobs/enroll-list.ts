import { setImmediate } from 'node:timers/promises';
import { drover, enter, type Services } from '../domain/context.ts';
import * as enrollments from '../domain/enrollments/index.ts';

/**
 * Enrols a linked list's members chunk by chunk, each in its own transaction (K5). It may be stopped anywhere and run again: what is
 * done is skipped over. First it lets go of whom the list's former links still hold (K3, K6); for an ended link that is all it does.
 */
export async function handleEnrollList(
  services: Services,
  { workspaceId, linkId }: { workspaceId: number; linkId: number },
  signal?: AbortSignal,
): Promise<void> {
  const listId = await enter(services, workspaceId, drover, async ctx => {
    const link = await ctx.tx.selectFrom('link').select('list_id').where('id', '=', linkId).executeTakeFirst();
    return link?.list_id;
  });
  if (listId === undefined) return;
  await releaseList(services, workspaceId, listId, signal);
  await enrollLink(services, workspaceId, linkId, {}, signal);
}

/** Lets go of the people of a list's ended links. */
export async function releaseList(services: Services, workspaceId: number, listId: number, signal?: AbortSignal): Promise<void> {
  while (await enter(services, workspaceId, drover, ctx => enrollments.releaseChunk(ctx, listId))) await breathe(signal);
}

/** Walks over all members of a link. */
export async function enrollLink(
  services: Services,
  workspaceId: number,
  linkId: number,
  { retry = false }: { retry?: boolean },
  signal?: AbortSignal,
): Promise<void> {
  for (let after: number | null = 0; after !== null; ) {
    const from: number = after;
    const chunk = await enter(services, workspaceId, drover, ctx =>
      enrollments.enrollChunk(ctx, linkId, undefined, { after: from, retry }),
    );
    after = chunk.through;
    await breathe(signal);
  }
}

/** Lets others run between chunks: the embedded database's queries yield to nothing but each other. */
export async function breathe(signal?: AbortSignal): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}
