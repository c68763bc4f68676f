import { z } from 'zod';
import { mayChange } from '../domain/context.ts';
import { waitingTasks } from '../domain/messages/waiting-tasks.ts';
import * as people from '../domain/workspaces/people.ts';
import { isRefusal, refuse } from '../errors.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

/** Gives a list, a sequence or a sender to another member: its owner or an admin may (W2, W3). */
export const transferOwnership = defineTool({
  name: 'transfer_ownership',
  description:
    'Give a list, a sequence or a sender to another member, who gets its replies, tasks and failures from then on, and its open tasks at once.',
  examples: ['give "Fintech VPs" to Ray', 'transfer Fall Intro to Ray', 'make Ray the owner of "Fintech VPs"'],
  input: z.object({
    what: z.string().trim().min(1).describe('Name of a list or sequence, or address of a sender'),
    to: z.string().trim().min(1).describe('Name or Slack mention of a member'),
  }),
  plan: async (ctx, { what, to }) => {
    const thing = await people.belonging(ctx, what);
    if (isRefusal(thing)) return thing;
    const owner = await people.byId(ctx, thing.ownerId);
    if (!mayChange(ctx.actor, thing.ownerId))
      return refuse('not_yours', `"${thing.name}" belongs to ${owner?.name}. Ask ${owner?.name} or an admin to give it away.`, [
        thing.kind === 'list' ? `show list "${thing.name}"` : 'list sequences',
      ]);
    const heir = await people.resolve(ctx, to);
    if (isRefusal(heir)) return heir;
    if (heir.id === thing.ownerId)
      return refuse('same_owner', `"${thing.name}" belongs to ${heir.name} already.`, [
        thing.kind === 'list' ? `show list "${thing.name}"` : 'list sequences',
      ]);
    return {
      effect: 'write' as const,
      data: {
        kind: thing.kind,
        id: thing.id,
        name: thing.name,
        from: owner?.name ?? '–',
        fromId: thing.ownerId,
        to: heir.name,
        toId: heir.id,
      },
      summary: `Give the ${thing.kind} "${thing.name}" to ${heir.name}.`,
      objects: [`${thing.kind}:${thing.id}`, `member:${heir.id}`],
    };
  },
  run: async (ctx, given) => {
    await people.give(ctx, given, given.toId);
    const { all: openTasks } = given.kind === 'sequence' ? await waitingTasks(ctx, { sequenceId: given.id }) : { all: 0 };
    return { ...given, openTasks };
  },
  undo: async (ctx, { result: { kind, id, name, from, fromId, to, toId } }) => {
    if (!mayChange(ctx.actor, toId))
      return refuse('not_yours', `"${name}" belongs to ${to} now. Ask ${to} or an admin to give it back.`, ['status']);
    if ((await people.byId(ctx, fromId))?.deactivated_at)
      return refuse('member_gone', `${from} has left this workspace.`, ['status']);
    await people.give(ctx, { kind, id }, fromId);
    return { said: `the ${kind} "${name}" belongs to ${from} again.` };
  },
  present: ({ kind, name, from, to, openTasks }) => ({
    tone: 'good',
    title: `The ${kind} "${name}" belongs to ${to} now.`,
    facts: [{ label: 'Before', value: from }],
    notes: [
      `${to} gets its replies, tasks and failures from now on.`,
      ...(openTasks ? [`${count(openTasks, 'open task is', 'open tasks are')} shown to ${to} now.`] : []),
    ],
    ...(openTasks ? { next: [`list tasks of "${name}"`] } : {}),
  }),
});
