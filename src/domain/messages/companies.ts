import { sql } from 'kysely';
import type { Context } from '../context.ts';
import type { CompanyPacing, NewLead } from './planner.ts';
import * as queries from './queries.ts';

/** Company pacing (S10): what a company's colleagues get on one day, counted over the whole workspace. */

/** First contacts of a date by company, of those companies; `states` are the ones that count. */
export const firstsOn = async (
  { tx, workspace }: Context,
  on: Temporal.PlainDate | string,
  companies: readonly string[],
  { onlyClaimed = false } = {},
): Promise<Map<string, number>> => {
  const found = await queries.rows(
    tx,
    sql<{ company: string; n: number }>`
      select company, count(*)::int as n from message
      where workspace_id = ${workspace.id} and planned_on = ${on.toString()}::date and first_contact
        and company = any(${companies}::text[]) and state in ('claimed', 'handing', 'sent', 'unknown'${onlyClaimed ? sql`` : sql`, 'planned'`})
      group by company`,
  );
  return new Map(found.map(row => [row.company, row.n]));
};

/** Companies of which somebody replied within the workspace's days: nobody there gets a first message meanwhile. */
export const silent = async ({ tx, workspace, now }: Context): Promise<string[]> => {
  const since = now.subtract({ hours: 24 * workspace.company_reply_pause_days });
  const found = await queries.rows(
    tx,
    sql<{ company: string }>`
      select distinct l.company_domain as company from enrollment e join lead l on l.id = e.lead_id
      where e.workspace_id = ${workspace.id} and e.state = 'replied' and e.ended_at > ${since} and l.company_domain is not null`,
  );
  return found.map(row => row.company);
};

type Fresh = NewLead & { sequenceId: number };

/**
 * The new leads that a day's plan needs, with what their companies have had today: up to `limit` a sequence and list of those that may
 * be contacted. Where colleagues stand in line one behind another, it looks past the companies that are full, and again, until there
 * are enough or the line ends; usually the first look does. `alsoOf`: companies of whoever else may be contacted first.
 */
export async function freshPaced(
  ctx: Context,
  on: Temporal.PlainDate,
  days: readonly { sequenceId: number; limit: number }[],
  alsoOf: readonly string[] = [],
): Promise<{ fresh: Fresh[]; pacing: CompanyPacing }> {
  const perDay = ctx.workspace.company_firsts_per_day;
  const today = new Map([
    ...(alsoOf.length ? await firstsOn(ctx, on, alsoOf) : []),
    ...(await silent(ctx)).map(company => [company, perDay] as const),
  ]);
  const limits = new Map(days.map(day => [day.sequenceId, day.limit]));
  const known = new Set([...today.keys(), ...alsoOf]);
  const kept = new Map<number, Fresh>();
  for (let looking = [...days]; looking.length; ) {
    const full = [...today].filter(([, n]) => n >= perDay).map(([company]) => company);
    const taken = Map.groupBy([...kept.values()], lead => lead.company);
    const passed = [...taken].filter(([company, leads]) => company && leads.length + (today.get(company) ?? 0) >= perDay);
    const found = await queries.fresh(ctx.tx, looking, [...full, ...passed.map(([company]) => company!)]);
    const unknown = [...new Set(found.flatMap(lead => lead.company ?? []))].filter(company => !known.has(company));
    if (unknown.length) for (const [company, n] of await firstsOn(ctx, on, unknown)) today.set(company, n);
    for (const company of unknown) known.add(company);
    for (const lead of found) kept.set(lead.enrollmentId, lead);
    looking = looking.filter(day => isShort(found, [...kept.values()], day.sequenceId, limits, today, perDay));
  }
  return { fresh: [...kept.values()], pacing: { perDay, today } };
}

/** Was there more in line of some list than was looked at, while those who may be contacted do not fill the day? */
function isShort(
  found: Fresh[],
  kept: Fresh[],
  sequenceId: number,
  limits: ReadonlyMap<number, number>,
  today: ReadonlyMap<string, number>,
  perDay: number,
): boolean {
  const limit = limits.get(sequenceId)!;
  const lists = Map.groupBy(
    found.filter(lead => lead.sequenceId === sequenceId),
    lead => lead.listId,
  );
  return [...lists].some(([listId, looked]) => {
    if (looked.length < limit) return false;
    const own = kept.filter(lead => lead.sequenceId === sequenceId && lead.listId === listId);
    const byCompany = Map.groupBy(own, lead => lead.company ?? null);
    const usable = [...byCompany].reduce(
      (sum, [company, leads]) =>
        sum + (company === null ? leads.length : Math.min(leads.length, perDay - (today.get(company) ?? 0))),
      0,
    );
    return usable < limit;
  });
}
