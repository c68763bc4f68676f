import { z } from 'zod';
import * as people from '../domain/workspaces/people.ts';
import { isRefusal, refuse } from '../errors.ts';
import { defineTool } from './tool.ts';

/** Makes a member admin or rep (W2). Only an admin does, and only by hand (A1); somebody always stays admin. */
export const setRole = defineTool({
  name: 'set_role',
  description: 'Make a member an admin or a rep. Only an admin, by hand.',
  examples: ['make Ray an admin', 'make Ray a rep', 'set the role of Ray to admin'],
  humanOnly: true,
  input: z.object({
    member: z.string().trim().min(1).describe('Name or Slack mention'),
    role: z.enum(['admin', 'rep']),
  }),
  plan: async (ctx, { member: written, role }) => {
    if (ctx.actor.kind === 'member' && ctx.actor.role !== 'admin')
      return refuse('admins_only', 'Only an admin gives roles. Ask one of them.', ['status']);
    const member = await people.resolve(ctx, written);
    if (isRefusal(member)) return member;
    if (member.role === role) return refuse('same_role', `${member.name} is ${said(role)} already.`, ['status']);
    if (role === 'rep' && !(await people.hasOtherAdmin(ctx, member.id)))
      return refuse('last_admin', `Nobody else is admin, and somebody has to be. Make somebody else admin first.`, ['status']);
    return {
      effect: 'human' as const,
      data: { memberId: member.id, member: member.name, role, before: member.role as 'admin' | 'rep' },
      summary: `Make ${member.name} ${said(role)}.`,
      objects: [`member:${member.id}`],
    };
  },
  run: async (ctx, change) => (await people.setRole(ctx, change.memberId, change.role)) ?? change,
  undo: async (ctx, { result }) => {
    if (isRefusal(result)) return result;
    if (ctx.actor.kind === 'member' && ctx.actor.role !== 'admin')
      return refuse('admins_only', 'Only an admin gives roles. Ask one of them.', ['status']);
    const refusal = await people.setRole(ctx, result.memberId, result.before);
    return refusal ?? { said: `${result.member} is ${said(result.before)} again.` };
  },
  present: result => {
    if (isRefusal(result)) return { tone: 'refused', title: result.message };
    const { member, role } = result;
    return {
      tone: 'good',
      title: `${member} is ${said(role)} now.`,
      notes: [
        role === 'admin'
          ? 'Admins change everything, and settings, roles and senders besides.'
          : 'Reps create lists and sequences, and change their own.',
      ],
    };
  },
});

const said = (role: 'admin' | 'rep'): string => (role === 'admin' ? 'an admin' : 'a rep');
