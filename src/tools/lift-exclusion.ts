import { z } from 'zod';
import { mayChange } from '../domain/context.ts';
import * as exclusions from '../domain/exclusions/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { defineTool } from './tool.ts';

/** Lifts one exclusion. An ordinary one: who made it, or an admin. An opt-out: an admin alone, by hand, one at a time (X3). */
export const liftExclusion = defineTool({
  name: 'lift_exclusion',
  description:
    'Lift one exclusion, by address, LinkedIn URL, domain, or the name of a lead. An opt-out can only be lifted by an admin, by hand.',
  examples: ['lift the exclusion of company.example', 'no longer exclude ann@company.example', 'lift exclusion company.example'],
  input: z.object({ value: z.string().trim().min(1).max(300).describe('Address, LinkedIn URL, domain or a full name') }),
  plan: async (ctx, { value }) => {
    const found = await exclusions.standingOne(ctx, value);
    if (isRefusal(found)) return found;
    const who = exclusions.described(found);
    const isAdmin = ctx.actor.kind !== 'member' || ctx.actor.role === 'admin';
    if (found.optOut && !isAdmin)
      return refuse('admins_only', `${who} opted out themselves. Only an admin can lift that, by hand.`, ['show exclusions']);
    if (!found.optOut && !mayChange(ctx.actor, found.byId ?? 0))
      return refuse(
        'not_yours',
        `${found.by ?? 'Somebody else'} excluded ${who}. Ask ${found.by ?? 'them'} or an admin to lift it.`,
        ['show exclusions'],
      );
    return {
      effect: found.optOut ? ('human' as const) : ('write' as const),
      data: { id: found.id, who, optOut: found.optOut, reason: found.reason },
      summary: found.optOut ? `Lift the opt-out of ${who}.` : `Lift the exclusion of ${who}.`,
      objects: [`exclusion:${found.kind}:${found.value}`],
    };
  },
  run: async (ctx, lifted) => {
    await exclusions.lift(ctx, lifted.id);
    return lifted;
  },
  undo: async (ctx, { result: { id, who } }) =>
    (await exclusions.unlift(ctx, id))
      ? { said: `${who} is excluded again, as before.` }
      : refuse('excluded_again', `${who} was excluded anew since.`, ['show exclusions']),
  present: ({ who, optOut, reason }) => ({
    tone: optOut ? 'warning' : 'good',
    title: `The ${optOut ? 'opt-out' : 'exclusion'} of ${who} is lifted.`,
    facts: [{ label: 'It was', value: reason }],
    notes: ['Enrollments that it ended stay ended; lists may add and enrol them again.'],
    next: ['show exclusions'],
  }),
});
