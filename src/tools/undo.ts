import { z } from 'zod';
import * as undoing from '../domain/activity/undo.ts';
import type { Context } from '../domain/context.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { when } from './report.ts';
import { type AnyTool, defineTool, type Effect, type Plan, type Undoing } from './tool.ts';

/** Takes the asker's last change back where nothing has left because of it and nobody changed the same thing since (A6). */
export const undoLast = (tools: readonly AnyTool[]) =>
  defineTool({
    name: 'undo',
    description:
      "Take back the asker's own last change, and say what that reverted; asked again, the one before it. Refuses where something was sent because of it, or where somebody changed the same thing since.",
    examples: ['undo', 'undo that', 'take that back'],
    input: z.object({}),
    plan: async (ctx): Promise<Plan<{ activityId: number; title: string; at: string }> | Refusal> => {
      const last = ctx.actor.kind === 'member' ? await undoing.lastOf(ctx, ctx.actor.id) : undefined;
      if (!last) return refuse('nothing_to_undo', 'There is nothing of yours to undo.', ['status']);
      const tool = tools.find(each => each.name === last.tool);
      if (!tool?.undo) return cannot(ctx, last);
      const later = await undoing.laterChange(ctx, last);
      if (later) return changedSince(ctx, last, later);
      const gated = await tool.undoIsGated?.(ctx, asKept(last));
      // What only a human may do, only a human may take back.
      const effect: Effect = last.effect === 'human' ? 'human' : gated ? 'gated' : 'write';
      return {
        effect,
        data: { activityId: last.activity_id, title: last.title, at: last.at.toString() },
        summary: `Undo this: ${last.title}`,
        objects: last.objects,
        binds: last.activity_id,
        card: {
          tone: 'warning',
          title: 'Undo your last change?',
          facts: [
            { label: 'What was done', value: last.title },
            { label: 'When', value: when(last.at, ctx.workspace.zone) },
          ],
        },
      };
    },
    run: async (ctx, { activityId, title, at }) => {
      const kept = await undoing.lock(ctx, activityId);
      if (!kept) return refuse('undone_already', 'That was undone already, just now.');
      const reverted = await tools.find(each => each.name === kept.tool)!.undo!(ctx, asKept(kept));
      if (isRefusal(reverted)) return reverted;
      await undoing.markUndone(ctx, activityId);
      return { said: reverted.said, facts: reverted.facts ?? [], title, at };
    },
    present: (result, { zone }) => {
      if (isRefusal(result)) return { tone: 'refused', title: result.message };
      return {
        tone: 'good',
        title: `Undone: ${result.said}`,
        facts: [
          { label: 'What was done', value: result.title },
          { label: 'When', value: when(result.at, zone) },
          ...result.facts,
        ],
      };
    },
  });

const asKept = ({ before, result, at }: undoing.UndoRow): Undoing<unknown, unknown> => ({ before, result, at });

const cannot = (ctx: Context, { title, at }: undoing.UndoRow): Refusal =>
  refuse('cannot_undo', `Your last change cannot be undone (${when(at, ctx.workspace.zone)}): ${title}`, ['help']);

function changedSince(ctx: Context, { title }: undoing.UndoRow, later: undoing.LaterChange): Refusal {
  const own = ctx.actor.kind === 'member' && later.memberId === ctx.actor.id;
  const what = later.title ?? later.action.replaceAll('_', ' ');
  return refuse(
    'changed_since',
    `${own ? 'You' : later.by} changed the same thing after that (${when(later.at, ctx.workspace.zone)}): ${what} So this is not undone: ${title}`,
    ['activity'],
  );
}
