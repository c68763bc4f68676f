import { z } from 'zod';
import { mayChange } from '../domain/context.ts';
import * as left from '../domain/enrollments/left.ts';
import * as exclusions from '../domain/exclusions/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { enrolAgain, freedNotes } from './exclusion-report.ts';
import { hasLeft } from './list-undo.ts';
import { count } from './report.ts';
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
      return refuse(
        'admins_only',
        `${who} opted out themselves. Only an admin can lift that, by hand, on the command line: ${commandOf(found)}`,
        ['show exclusions'],
      );
    if (!found.optOut && !mayChange(ctx.actor, found.byId ?? 0))
      return refuse(
        'not_yours',
        `${found.by ?? 'Somebody else'} excluded ${who}. Ask ${found.by ?? 'them'} or an admin to lift it.`,
        ['show exclusions'],
      );
    return {
      effect: found.optOut ? ('human' as const) : ('write' as const),
      data: { entry: { id: found.id, kind: found.kind, value: found.value }, who, optOut: found.optOut, reason: found.reason },
      summary: found.optOut ? `Lift the opt-out of ${who}.` : `Lift the exclusion of ${who}.`,
      objects: [`exclusion:${found.kind}:${found.value}`],
      ...(found.optOut ? { byHand: commandOf(found) } : {}),
    };
  },
  run: async (ctx, lifted) => ({ ...lifted, ...(await exclusions.lift(ctx, lifted.entry)) }),
  undo: async (ctx, { result: { entry, who }, at }) => {
    const covered = await exclusions.coveredLeads(ctx, [entry]);
    const ids = covered.map(lead => lead.leadId);
    const contacted = await left.toLeads(ctx, ids, at);
    if (contacted) return hasLeft(contacted, 'Exclude anew instead.', [`exclude ${entry.value}`]);
    const again = await exclusions.unlift(ctx, entry);
    if (!again) return refuse('excluded_again', `${who} was excluded anew since.`, ['show exclusions']);
    const { stopped } = again;
    const ended = stopped ? ` ${count(stopped, 'run')} that had begun since ${stopped === 1 ? 'is' : 'are'} stopped.` : '';
    return { said: `${who} is excluded again, as before.${ended}` };
  },
  present: ({ who, optOut, reason, ...freed }) => ({
    tone: optOut ? 'warning' : 'good',
    title: `The ${optOut ? 'opt-out' : 'exclusion'} of ${who} is lifted.`,
    facts: [{ label: 'It was', value: reason }],
    notes: freedNotes(freed),
    next: [
      ...[...(freed.passedOver.one ? [freed.passedOver.one] : []), ...freed.stayEnded.some].map(enrolAgain),
      'show exclusions',
    ],
  }),
});

/** What an admin writes on the command line to lift it by hand (X3). */
const commandOf = ({ value }: exclusions.Entry): string => `drover lift ${value}`;
