import { drover, enter, type Services } from '../domain/context.ts';
import * as enrollments from '../domain/enrollments/index.ts';
import * as pauses from '../domain/enrollments/pauses.ts';
import * as links from '../domain/links/index.ts';
import * as messages from '../domain/messages/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { breathe, enrollLink, releaseList } from './enroll-list.ts';

/**
 * Once per local day of a sequence: ends pauses whose date has come (E3), withdraws reviews that nobody made (E4), enrols every eligible member of its lists that is not
 * enrolled, asking again where a skip may have passed (E2, E5), and has the day planned, with all other sequences' that begin meanwhile.
 * A second run finds nothing to change.
 * The next day is set last, so that a run cut short is due again.
 */
export async function handleDailyEnrollment(
  services: Services,
  { workspaceId, sequenceId }: { workspaceId: number; sequenceId: number },
  signal?: AbortSignal,
): Promise<void> {
  const open = await enter(services, workspaceId, drover, async ctx => {
    const sequence = await ctx.tx.selectFrom('sequence').select('status').where('id', '=', sequenceId).executeTakeFirst();
    return sequence?.status === 'active' ? links.of(ctx, sequenceId) : null;
  });
  await endPauses(services, workspaceId, sequenceId, signal);
  if (open) {
    await expireReviews(services, workspaceId, sequenceId, signal);
    for (const link of open) {
      await releaseList(services, workspaceId, link.list_id, signal);
      await enrollLink(services, workspaceId, link.id, { retry: true }, signal);
    }
  }
  await enter(services, workspaceId, drover, async ctx => {
    await sequences.beginDay(ctx, sequenceId);
    await messages.planSoon(ctx, [sequenceId]);
  });
}

/** While the sequence sends: one that sleeps keeps its pauses until it wakes. */
async function endPauses(services: Services, workspaceId: number, sequenceId: number, signal?: AbortSignal): Promise<void> {
  while (await enter(services, workspaceId, drover, ctx => pauses.endPauses(ctx, sequenceId))) await breathe(signal);
}

async function expireReviews(services: Services, workspaceId: number, sequenceId: number, signal?: AbortSignal): Promise<void> {
  while (await enter(services, workspaceId, drover, ctx => enrollments.expireReviews(ctx, sequenceId))) await breathe(signal);
}
