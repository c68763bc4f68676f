import { dateIn, startOfDay } from '../../calendar.ts';
import { isRefusal, type Refusal } from '../../errors.ts';
import type { Context } from '../context.ts';
import * as leads from '../leads/edit.ts';
import * as lists from '../lists/index.ts';
import * as people from '../workspaces/people.ts';
import type { Filter } from './trail.ts';

/** Which part of the trail somebody asks for, by names (A5). */
export interface Asked {
  /** A list, sequence, sender, lead or member. */
  about?: string | undefined;
  /** Who did it. */
  member?: string | undefined;
  /** Today and that many days less one before it. */
  days?: number | undefined;
}

/** The filter that names and days mean, and the names as they are spelled here; or which of them nobody knows. */
export async function filterOf(
  ctx: Context,
  { about, member: who, days }: Asked,
): Promise<{ filter: Filter; about: string | null; member: string | null } | Refusal> {
  const thing = about === undefined ? null : await thingOf(ctx, about);
  if (isRefusal(thing)) return thing;
  const member = who === undefined ? null : await people.resolve(ctx, who);
  if (isRefusal(member)) return member;
  const { zone } = ctx.workspace;
  const filter: Filter = {
    ...(thing ? { objects: thing.objects, orBy: thing.by } : {}),
    ...(member ? { memberId: member.id } : {}),
    ...(days === undefined ? {} : { since: startOfDay(dateIn(ctx.now, zone).subtract({ days: days - 1 }), zone) }),
  };
  return { filter, about: thing?.name ?? null, member: member?.name ?? null };
}

interface Thing {
  name: string;
  objects: string[];
  /** A member's trail is also that of what they did. */
  by?: number;
}

/** What a name means in the trail; an archived list keeps its name there. A lead's trail is also that of its exclusions. */
async function thingOf(ctx: Context, about: string): Promise<Thing | Refusal> {
  if (/^(list|sequence|lead|member|sender):\d+$/.test(about)) return { name: about, objects: [about] };
  const list = await lists.named(ctx, about);
  if (list) return { name: `"${list.name}"`, objects: [`list:${list.id}`] };
  const thing = await people.belonging(ctx, about);
  if (!isRefusal(thing)) return { name: `"${thing.name}"`, objects: [`${thing.kind}:${thing.id}`] };
  if (thing.code === 'which_one') return thing;
  const member = await people.resolve(ctx, about);
  if (!isRefusal(member)) return { name: member.name, objects: [`member:${member.id}`], by: member.id };
  const lead = await leads.resolve(ctx, about);
  if (isRefusal(lead)) return lead.code === 'ambiguous_lead' ? lead : thing;
  const keys = [
    lead.email_key && `exclusion:address:${lead.email_key}`,
    lead.linkedin_url && `exclusion:linkedin:${lead.linkedin_url}`,
  ];
  return { name: lead.full_name, objects: [`lead:${lead.id}`, ...keys.flatMap(key => key ?? [])] };
}
