import type { Criteria, Filters } from './criteria.ts';

/** How criteria read: as a list's name and as facts. Pure. */

type Seniority = NonNullable<Filters['seniorities']>[number];
type Function = NonNullable<Filters['functions']>[number];

const people: Record<Seniority, string> = {
  founder: 'Founders',
  owner: 'Owners',
  c_level: 'C-level',
  partner: 'Partners',
  vp: 'VPs',
  head: 'Heads',
  director: 'Directors',
  manager: 'Managers',
  senior: 'Senior staff',
  entry: 'Entry level',
  intern: 'Interns',
};

const departments: Record<Function, string> = {
  sales: 'Sales',
  marketing: 'Marketing',
  engineering: 'Engineering',
  product: 'Product',
  design: 'Design',
  data: 'Data',
  it: 'IT',
  security: 'Security',
  finance: 'Finance',
  hr: 'HR',
  operations: 'Operations',
  legal: 'Legal',
  support: 'Support',
  general_management: 'General management',
};

const few = (values: readonly string[], most = 2): string =>
  values.length > most ? `${values.slice(0, most).join(', ')} +${values.length - most}` : values.join(', ');

/** '50–500 people', 'over 500 people', 'up to 50 people'. */
export const headcountText = ({ min, max }: { min?: number | undefined; max?: number | undefined }): string =>
  min !== undefined && max !== undefined ? `${min}–${max} people` : min !== undefined ? `${min}+ people` : `up to ${max} people`;

const roles = ({ titles = [], seniorities = [], functions = [] }: Filters, most = 2): string => {
  if (titles.length) return few(titles, most);
  const who = few(
    seniorities.map(each => people[each]),
    most,
  );
  const where = few(
    functions.map(each => departments[each]),
    most,
  );
  if (!who || !where) return who || where;
  return /s$/.test(who) ? `${who} of ${where}` : `${who} ${where}`;
};

/** 'VPs of Sales · fintech · Germany': a list's name where the asker gives none. */
export function nameFrom(criteria: Criteria): string {
  const parts = [
    roles(criteria),
    few(criteria.industries ?? []),
    few(criteria.keywords ?? []),
    few(criteria.technologies ?? []),
    few(criteria.companyLocations ?? criteria.personLocations ?? []),
  ];
  // Said in every answer about the list, so short: headcount names it only where nothing else does.
  if (!parts.some(Boolean) && criteria.headcount) parts.push(headcountText(criteria.headcount));
  const name = parts.filter(Boolean).join(' · ');
  return name.length > 80 ? `${name.slice(0, 79).trimEnd()}…` : name || 'New list';
}

const labels: Record<keyof Filters, string> = {
  titles: 'Title',
  seniorities: 'Seniority',
  functions: 'Function',
  industries: 'Industry',
  personLocations: 'Person in',
  companyLocations: 'Company in',
  technologies: 'Technology',
  keywords: 'Keyword',
};

/** What a filter is called in a sentence: 'industry', 'company in', 'headcount', 'exclusions'. */
export const filterLabel = (filter: string): string =>
  filter === 'exclude' ? 'exclusions' : (labels[filter as keyof typeof labels] ?? filter).toLowerCase();

const valueText = (key: keyof Filters, values: readonly string[]): string =>
  values
    .map(value =>
      key === 'seniorities' ? people[value as Seniority] : key === 'functions' ? departments[value as Function] : value,
    )
    .join(' or ');

/** Criteria as label and value, exclusions last. */
export function describe({ exclude, ...wanted }: Criteria): { label: string; value: string }[] {
  const facts = (of: Omit<Criteria, 'exclude'>, prefix = '') => [
    ...(Object.keys(labels) as (keyof Filters)[])
      .filter(key => of[key]?.length)
      .map(key => ({ label: prefix + labels[key], value: valueText(key, of[key]!) })),
    ...(of.headcount ? [{ label: `${prefix}Headcount`, value: headcountText(of.headcount) }] : []),
  ];
  return [...facts(wanted), ...(exclude ? facts(exclude, 'Not: ') : [])];
}

/** `name`, or the first of `name 2`, `name 3` … that is free, ignoring case (L6). */
export function freeName(name: string, taken: readonly string[]): string {
  const used = new Set(taken.map(each => each.toLowerCase()));
  if (!used.has(name.toLowerCase())) return name;
  for (let n = 2; ; n++) if (!used.has(`${name} ${n}`.toLowerCase())) return `${name} ${n}`;
}

/** 'VP of Sales at fintech companies in Germany with 50–500 people': criteria as one would type them. */
export function wordsFor(criteria: Criteria): string {
  const { industries = [], companyLocations = [], personLocations = [], headcount } = criteria;
  const places = companyLocations.length ? companyLocations : personLocations;
  return [
    roles(criteria, Infinity) || 'people',
    industries.length ? `at ${industries.join(' or ')} companies` : '',
    places.length ? `in ${places.join(' or ')}` : '',
    headcount ? `with ${headcountText(headcount)}` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

/** Everything asked for but one filter, for each filter: what could be left out where nobody matches. */
export const withoutEach = (criteria: Criteria): { filter: string; rest: Criteria }[] =>
  Object.entries(criteria)
    .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
    .map(([filter]) => ({ filter, rest: { ...criteria, [filter]: undefined } }));
