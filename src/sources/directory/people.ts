import {
  type Country,
  countries,
  industries,
  type JobFunction,
  regions,
  type Seniority,
  technologies,
} from '../../domain/lists/vocabulary.ts';
import { foldName } from '../../nearest.ts';
import companyData from './companies.json' with { type: 'json' };
import nameData from './names.json' with { type: 'json' };
import { Random, weighted } from './random.ts';
import roleData from './roles.json' with { type: 'json' };

/** The synthetic people of the directory. Names are put together from parts, every domain is reserved (`.example`): nobody is real. */

export interface Company {
  name: string;
  domain: string;
  industry: string;
  headcount: number;
  country: string;
  city: string;
  technologies: string[];
  keywords: string[];
}

export interface Person {
  firstName: string;
  lastName: string;
  email: string | null;
  /** Can mail be sent to `email`? One in ten has none, or one that is broken. */
  hasEmail: boolean;
  linkedinUrl: string | null;
  title: string;
  seniority: Seniority;
  function: JobFunction;
  country: string;
  city: string;
  /** Days from the base date until the directory knows them: −365 … 365. */
  knownAfterDays: number;
}

interface Role {
  seniority: Seniority;
  function: JobFunction;
}

/** People whom the README's tour looks for, so that there are always enough of them. */
interface Crowd extends Role {
  industry: string;
  countries: string[];
  headcount: [least: number, most: number];
  perCompany: [least: number, most: number];
}

const crowds: Crowd[] = [
  { seniority: 'vp', function: 'sales', industry: 'Fintech', countries: ['DE'], headcount: [55, 480], perCompany: [3, 4] },
  {
    seniority: 'c_level',
    function: 'engineering',
    industry: 'Healthcare',
    countries: ['FR'],
    headcount: [15, 4000],
    perCompany: [2, 2],
  },
  {
    seniority: 'head',
    function: 'marketing',
    industry: 'E-commerce',
    countries: ['SE', 'SE', 'DK', 'DK', 'NO', 'FI'],
    headcount: [20, 3000],
    perCompany: [2, 3],
  },
  {
    seniority: 'c_level',
    function: 'finance',
    industry: 'Logistics',
    countries: ['GB'],
    headcount: [30, 8000],
    perCompany: [2, 2],
  },
  { seniority: 'director', function: 'hr', industry: 'Software', countries: ['US'], headcount: [50, 9000], perCompany: [2, 3] },
];

/** What one company is to be: one of a crowd's, or any; how many people of the crowd work there, how many others. */
interface Draft {
  crowd: Crowd | null;
  fromCrowd: number;
  others: number;
}

/**
 * All people of a directory of `size`, company by company, the same for the same seed and size. Each crowd has 1,400 people (about half
 * of them known at the base date, some 58 more each month), more in a larger directory, fewer only in one below 25,000.
 */
export function* generate(size: number, seed: string): Generator<{ company: Company; people: Person[] }> {
  const random = new Random(`${seed}:${size}`);
  const domains = new Set<string>();
  let id = 1;
  for (const draft of random.shuffle(drafts(size, random))) {
    const company = createCompany(random, draft.crowd, domains);
    const firm = { company, address: random.pick(addressPatterns), taken: new Set<string>() };
    const people: Person[] = [];
    for (let n = 0; n < draft.fromCrowd + draft.others; n++)
      people.push(createPerson(random, firm, draft.crowd && n < draft.fromCrowd ? draft.crowd : anyRole(random), id++));
    yield { company, people };
  }
}

function drafts(size: number, random: Random): Draft[] {
  const crowdSize = size < 25_000 ? Math.floor(size * 0.056) : Math.max(1400, Math.round(size * 0.004));
  const all: Draft[] = [];
  let left = size;
  const add = (draft: Draft) => {
    all.push(draft);
    left -= draft.fromCrowd + draft.others;
  };
  for (const crowd of crowds)
    for (let wanted = crowdSize; wanted > 0; ) {
      const fromCrowd = Math.min(random.between(...crowd.perCompany), wanted);
      add({ crowd, fromCrowd, others: random.between(1, 2) });
      wanted -= fromCrowd;
    }
  while (left > 0) add({ crowd: null, fromCrowd: 0, others: Math.min(random.between(5, 20), left) });
  return all;
}

// Companies -------------------------------------------------------------------------------------------------------------

const byCode = new Map(countries.map(country => [country.code, country]));
const homes: Record<string, number> = {
  ...Object.fromEntries(countries.map(country => [country.code, 1])),
  ...{ US: 30, GB: 14, DE: 18, FR: 11, NL: 7, SE: 6, DK: 4, NO: 4, FI: 4, CH: 5, AT: 4, ES: 6, IT: 6, PL: 4, IE: 3, BE: 3 },
  ...{ CA: 6, AU: 4, IN: 6, BR: 3, SG: 2, IL: 2, AE: 2 },
};
const anyCountry = weighted(homes);
const lines: Record<string, { endings: string[]; keywords: string[]; technologies?: string[] }> = companyData.industries;
const busy = ['Software', 'Fintech', 'E-commerce', 'Healthcare', 'Logistics', 'Manufacturing', 'Consulting', 'IT Services'];
const anyIndustry = weighted(
  Object.fromEntries(industries.filter(i => !i.includes).map(({ name }) => [name, busy.includes(name) ? 4 : 1])),
);
const stack = companyData.stack.map(choices => weighted(choices as Partial<Record<string, number>>));
const technologyNames = technologies.map(({ name }) => name);

function createCompany(random: Random, crowd: Crowd | null, domains: Set<string>): Company {
  const industry = crowd?.industry ?? anyIndustry(random);
  const home = byCode.get(crowd ? random.pick(crowd.countries) : anyCountry(random))!;
  const line = lines[industry]!;
  const { name, domain } = createName(random, line.endings, home, domains);
  const known = new Set(stack.filter(() => random.chance(0.8)).map(choose => choose(random)));
  for (const technology of random.some(line.technologies ?? [], random.between(1, 3))) known.add(technology);
  for (const technology of random.some(technologyNames, random.between(0, 3))) known.add(technology);
  return {
    name,
    domain,
    industry,
    headcount: random.size(...(crowd?.headcount ?? ([4, 15_000] as const))),
    country: home.name,
    city: random.pick(home.cities),
    technologies: [...known],
    keywords: random.some(line.keywords, random.between(2, 3)),
  };
}

function createName(random: Random, endings: string[], home: Country, domains: Set<string>): { name: string; domain: string } {
  for (let tries = 0; ; tries++) {
    const middle = tries || random.chance(0.3) ? random.pick(companyData.middles) : '';
    const base = `${random.pick(companyData.starts)}${middle}${random.pick(endings)}`;
    const name = tries > 2 ? `${base} ${home.name}` : base;
    const number = tries > 5 ? `${domains.size}` : '';
    const domain = `${slug(base)}${tries > 2 ? `-${home.code.toLowerCase()}` : ''}${number}.example`;
    if (domains.has(domain)) continue;
    domains.add(domain);
    return { name: number ? `${name} ${number}` : name, domain };
  }
}

// People ----------------------------------------------------------------------------------------------------------------

interface Culture {
  first: string[];
  stems: string[];
  endings: string[];
}
const cultures = nameData.cultures as Record<string, Culture>;
const cultureOf = nameData.cultureOf as Record<string, string>;
const everyCulture = Object.values(cultures);
const countryNamed = new Map(countries.map(country => [country.name, country]));

const addressPatterns: ((first: string, last: string) => string)[] = [
  (first, last) => `${first}.${last}`,
  (first, last) => `${first}.${last}`,
  (first, last) => `${first[0]}.${last}`,
  (first, last) => `${first}${last[0]}`,
  first => first,
];

/** Letters that folding leaves outside of ASCII. */
const strays: Record<string, string> = { ß: 'ss', ø: 'o', ł: 'l', đ: 'd', ı: 'i', æ: 'ae' };
const slug = (name: string): string => foldName(name).replace(/[^a-z0-9]/g, char => strays[char] ?? '');

interface Firm {
  company: Company;
  address: (first: string, last: string) => string;
  /** Local parts in use. */
  taken: Set<string>;
}

function createPerson(random: Random, { company, address, taken }: Firm, role: Role, id: number): Person {
  const home = countryNamed.get(company.country)!;
  const place = random.chance(0.03) ? byCode.get(anyCountry(random))! : home;
  const culture = random.chance(0.85) ? (cultures[cultureOf[place.code] ?? 'english'] as Culture) : random.pick(everyCulture);
  const firstName = random.pick(culture.first);
  const lastName = `${random.pick(culture.stems)}${random.pick(culture.endings)}`;
  const [first, last] = [slug(firstName), slug(lastName)];

  let local = address(first, last);
  for (let n = 2; taken.has(local); n++) local = `${address(first, last)}${n}`;
  taken.add(local);
  const luck = random.next();
  const broken = () => random.pick([`${first}.${last}@`, `${first} ${last}@${company.domain}`, `${local}.${company.domain}`]);
  return {
    firstName,
    lastName,
    email: luck < 0.06 ? null : luck < 0.1 ? broken() : `${local}@${company.domain}`,
    hasEmail: luck >= 0.1,
    linkedinUrl: random.chance(0.92) ? `https://linkedin.example/in/${first}-${last}-${id.toString(36)}` : null,
    title: createTitle(random, role, home),
    seniority: role.seniority,
    function: role.function,
    country: place.name,
    city: place === home && random.chance(0.92) ? company.city : random.pick(place.cities),
    knownAfterDays: random.between(-365, 365),
  };
}

const anySeniority = weighted<Seniority>(roleData.seniorityWeights);
const anyFunction = weighted<JobFunction>(roleData.functionWeights);
const anyLeader = weighted<Seniority>(roleData.leaders);

const anyRole = (random: Random): Role =>
  random.chance(0.08)
    ? { seniority: anyLeader(random), function: 'general_management' }
    : { seniority: anySeniority(random), function: anyFunction(random) };

const titlesOf = roleData.functions as Record<JobFunction, Record<'labels' | 'c_level' | 'senior' | 'entry', string[]>>;
const templates = roleData.templates as Partial<Record<Seniority, string[]>>;
const european = new Set(regions.find(region => region.name === 'Europe')!.countries);

function createTitle(random: Random, role: Role, home: Country): string {
  const own = titlesOf[role.function];
  const template = random.pick(templates[role.seniority] ?? own[role.seniority as 'c_level' | 'senior' | 'entry']);
  return template.replace('{f}', () => random.pick(own.labels)).replace('{r}', () => random.pick(areasOf(home)));
}

/** What people at home there are put in charge of: 'EMEA', 'DACH'. */
function areasOf({ code, region }: Country): string[] {
  const areas: Record<string, string[]> = roleData.regionsOf;
  return areas[region] ?? areas[european.has(code) ? 'Europe' : 'other']!;
}
