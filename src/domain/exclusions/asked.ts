import { dateIn } from '../../calendar.ts';
import { isRefusal, type Refusal } from '../../errors.ts';
import type { Context } from '../context.ts';
import { domainKey, emailKey, linkedinKey } from '../leads/rules.ts';
import { entriesOfLead } from './index.ts';
import * as queries from './queries.ts';

/** Whether one person, address or company is excluded, and by what (X1). */
export interface Answer {
  /** What was asked about, as Drover compares it; a lead by name. */
  of: string;
  kind: 'person' | 'company';
  /** What stands of it itself. */
  own: queries.Listed[];
  /** What covers it besides: its company, or another key of the same lead. */
  covering: queries.Listed[];
  /** Of a company: people there who are excluded one by one. */
  people: { all: number; values: string[] };
}

const shownPeople = 5;

/** An address, a profile, a domain or a lead's name. @returns `unknown_lead`, `ambiguous_lead` or `nothing_to_exclude` for a name that says nothing */
export async function asked(ctx: Context, written: string): Promise<Answer | Refusal> {
  const on = dateIn(ctx.now, ctx.workspace.zone);
  const key = emailKey(written) ?? linkedinKey(written);
  const domain = key === null && !written.includes('@') ? domainKey(written) : null;
  if (domain !== null) {
    const own = await queries.standingOn(ctx.tx, on, [domain]);
    return { of: domain, kind: 'company', own, covering: [], people: await queries.addressesAt(ctx.tx, on, domain, shownPeople) };
  }
  const lead = await entriesOfLead(ctx, key ?? written);
  if (isRefusal(lead) && key === null) return lead;
  const keys = isRefusal(lead) ? [] : lead.entries.map(entry => entry.value);
  const all = [...new Set([...(key === null ? [] : [key]), ...keys])];
  const companies = [...(await queries.companiesOf(ctx.tx, all)), ...all.flatMap(each => each.split('@')[1] ?? [])];
  const standing = await queries.standingOn(ctx.tx, on, [...all, ...companies]);
  const isOwn = (entry: queries.Listed): boolean => (key === null ? keys : [key]).includes(entry.value);
  return {
    of: key ?? (isRefusal(lead) ? written : lead.name),
    kind: 'person',
    own: standing.filter(isOwn),
    covering: standing.filter(entry => !isOwn(entry)),
    people: { all: 0, values: [] },
  };
}
