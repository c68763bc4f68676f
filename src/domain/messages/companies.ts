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

export type Fresh = NewLead & { sequenceId: number };

/** What a date's plan knows of companies; it grows as more are met, and as their people are placed. */
export class Pacing implements CompanyPacing {
  readonly perDay: number;
  readonly today = new Map<string, number>();
  readonly #known = new Set<string>();
  readonly #ctx: Context;
  readonly #on: Temporal.PlainDate;
  private constructor(ctx: Context, on: Temporal.PlainDate) {
    this.#ctx = ctx;
    this.#on = on;
    this.perDay = ctx.workspace.company_firsts_per_day;
  }

  static async of(ctx: Context, on: Temporal.PlainDate): Promise<Pacing> {
    const pacing = new Pacing(ctx, on);
    for (const company of await silent(ctx)) pacing.today.set(company, pacing.perDay);
    for (const company of pacing.today.keys()) pacing.#known.add(company);
    return pacing;
  }

  /** Counts what companies that were not met yet have had today. */
  async meet(companies: readonly (string | null | undefined)[]): Promise<void> {
    const unknown = [...new Set(companies.flatMap(company => company ?? []))].filter(company => !this.#known.has(company));
    if (unknown.length) for (const [company, n] of await firstsOn(this.#ctx, this.#on, unknown)) this.today.set(company, n);
    for (const company of unknown) this.#known.add(company);
  }

  left = (company: string): number => Math.max(0, this.perDay - (this.today.get(company) ?? 0));
  full = (): string[] => [...this.today.keys()].filter(company => this.left(company) <= 0);
  count = (company: string): void => void this.today.set(company, (this.today.get(company) ?? 0) + 1);
}

/** A sequence, and how many new leads its day may take of a list. */
interface Room {
  sequenceId: number;
  limit: number;
}

/**
 * The new leads that a day's plan needs, by sequence: up to `limit` a sequence and list of those that may be contacted. Where colleagues
 * stand in line one behind another, it looks past the companies that are full, and again, until there are enough or the line ends;
 * usually the first look does. Each family of sequences that share senders is looked at as if it were alone.
 */
export async function freshPaced(
  { tx }: Context,
  pacing: Pacing,
  families: readonly (readonly Room[])[],
): Promise<Map<number, Fresh[]>> {
  const kept = new Map(families.flat().map(({ sequenceId }) => [sequenceId, new Map<number, Fresh>()]));
  const keptOf = (sequenceId: number): Fresh[] => [...kept.get(sequenceId)!.values()];
  for (let looking = families.flat(); looking.length; ) {
    const open = new Set(looking);
    const days = families.flatMap((family, index) => family.filter(day => open.has(day)).map(day => ({ ...day, family: index })));
    const passed = [...new Set(days.map(day => day.family))].flatMap(family =>
      enoughOf(
        families[family]!.flatMap(({ sequenceId }) => keptOf(sequenceId)),
        pacing,
      ).map(company => ({ family, company })),
    );
    const looked = await queries.fresh(tx, days, { full: pacing.full(), passed });
    const found = Map.groupBy(looked, lead => lead.sequenceId);
    await pacing.meet(looked.map(lead => lead.company));
    for (const [sequenceId, leads] of found) for (const lead of leads) kept.get(sequenceId)!.set(lead.enrollmentId, lead);
    looking = looking.filter(day => isShort(day.limit, found.get(day.sequenceId) ?? [], keptOf(day.sequenceId), pacing));
  }
  return new Map([...kept].map(([sequenceId, leads]) => [sequenceId, [...leads.values()]]));
}

/** Companies of which as many people stand in line as may still be contacted today. */
const enoughOf = (leads: readonly Fresh[], pacing: Pacing): string[] =>
  [...Map.groupBy(leads, lead => lead.company)].flatMap(([company, own]) =>
    company && own.length >= pacing.left(company) && pacing.left(company) > 0 ? company : [],
  );

/** Was there more in line of some list than was looked at, while those who may be contacted do not fill the day? */
function isShort(limit: number, found: readonly Fresh[], kept: readonly Fresh[], pacing: Pacing): boolean {
  const own = Map.groupBy(kept, lead => lead.listId);
  return [...Map.groupBy(found, lead => lead.listId)].some(([listId, looked]) => {
    if (looked.length < limit) return false;
    const byCompany = Map.groupBy(own.get(listId)!, lead => lead.company ?? null);
    const usable = [...byCompany].reduce(
      (sum, [company, leads]) => sum + (company === null ? leads.length : Math.min(leads.length, pacing.left(company))),
      0,
    );
    return usable < limit;
  });
}
