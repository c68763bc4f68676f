import type { Criteria, Filters } from '../../domain/lists/criteria.ts';
import { findIndustry, findPlace, findTechnology, findTitle, type TitleMeaning } from '../../domain/lists/vocabulary.ts';
import words from './criteria.json' with { type: 'json' };
import type { Token } from './text.ts';

/** One thing that a phrase asks for, and whether the vocabulary knows it. */
export interface Found {
  filter?: keyof Filters;
  values: string[];
  known: boolean;
  headcount?: Criteria['headcount'];
}

const peopleWords = new Set(words.people);
const companyWords = new Set(words.companies);
const determiners = new Set(words.determiners);
const sizes: Record<string, NonNullable<Criteria['headcount']>> = words.sizes;

const textOf = (item: readonly Token[]): string => item.map(({ text }) => text).join(' ');
const trimmed = (item: readonly Token[]): Token[] => {
  const first = item.findIndex(({ fold }) => !determiners.has(fold));
  return first < 0 ? [] : item.slice(first);
};

export const place = (item: readonly Token[], filter: 'personLocations' | 'companyLocations'): Found[] => {
  const words = trimmed(item).filter(({ fold }, at, all) => !(at === all.length - 1 && /^(area|region)$/.test(fold)));
  const written = textOf(words.length ? words : item);
  const found = findPlace(written) ?? findPlace(textOf(item));
  return written ? [{ filter, values: [found?.name ?? written], known: found !== undefined }] : [];
};

export const technology = (item: readonly Token[]): Found[] => {
  const written = textOf(trimmed(item));
  const found = findTechnology(written);
  return written ? [{ filter: 'technologies', values: [found?.name ?? written], known: found !== undefined }] : [];
};

export const company = (items: readonly Token[][]): Found[] => items.flatMap(item => companyItem(item));

/** `German fintechs`, `small logistics companies`, `London-based startups`: where, how large, what they do. */
export function companyItem(item: readonly Token[]): Found[] {
  const found: Found[] = [];
  let rest = trimmed(item);
  for (let led = leading(rest); led; led = leading(rest)) {
    found.push(led.found);
    rest = trimmed(rest.slice(led.length));
  }
  const written = textOf(rest);
  if (!written) return found;
  const whole = findIndustry(written);
  if (whole) return [...found, { filter: 'industries', values: [whole.name], known: true }];
  const last = rest.at(-1)!.fold;
  if (sizes[last]) found.push({ values: [], known: true, headcount: sizes[last]! });
  const bare = companyWords.has(last) ? rest.slice(0, -1) : rest;
  if (!bare.length || (bare.length === 1 && companyWords.has(bare[0]!.fold))) return found;
  const industry = findIndustry(textOf(bare));
  return [...found, { filter: 'industries', values: [industry?.name ?? textOf(bare)], known: industry !== undefined }];
}

/** `HR` and `IT` are what people do before they are Croatia and Italy. */
export const isCode = (written: string): boolean => /^[A-Z]{2}$/.test(written);

/** A place or a size in front: `German …`, `New York …`, `Berlin-based …`, `mid-sized …`. A city must be written as a name. */
function leading(item: readonly Token[]): { found: Found; length: number } | undefined {
  const first = item[0];
  if (!first) return undefined;
  if (sizes[first.fold] && item.length > 1)
    return { found: { values: [], known: true, headcount: sizes[first.fold]! }, length: 1 };
  for (let length = Math.min(4, item.length); length > 0; length--) {
    const based = item[length - 1]!.text.replace(/-based$/i, '');
    const written = [...item.slice(0, length - 1).map(({ text }) => text), based].join(' ');
    if (length < item.length && findIndustry(textOf(item.slice(0, length)))) continue;
    const where = isCode(written) && findTitle(written) ? undefined : findPlace(written);
    if (!where || ((where.kind === 'city' || written.length < 3) && !/^\p{Lu}/u.test(first.text))) continue;
    const skipped = item[length]?.fold === 'based' ? 1 : 0;
    return { found: { filter: 'companyLocations', values: [where.name], known: true }, length: length + skipped };
  }
  return undefined;
}

/** Roles, joined by and/or: `VPs of Sales and Marketing`, `sales and marketing managers`, `German CTOs`, `people`, `fintech founders`. */
export function person(items: readonly Token[][], unwanted: boolean): Found[] {
  const whole = items.length > 1 ? undefined : items[0];
  const found: Found[] = [];
  const roles: Role[] = [];
  for (const item of whole ? [whole] : items) roles.push(...role(item, found, unwanted));
  return [...found, ...asFilters(shared(roles))];
}

interface Role {
  written: string;
  meaning?: TitleMeaning;
}

function role(item: readonly Token[], found: Found[], unwanted: boolean): Role[] {
  let rest = trimmed(item);
  const led: Found[] = [];
  for (let next = leading(rest); next; next = leading(rest)) {
    led.push(next.found);
    rest = trimmed(rest.slice(next.length));
  }
  const last = rest.at(-1)?.fold ?? '';
  const ofPeople = peopleWords.has(last) && (rest.length === 1 || !findTitle(textOf(rest)));
  const bare = ofPeople ? rest.slice(0, -1) : rest;
  if (!bare.length || findTitle(textOf(bare))) {
    found.push(...led.map(each => (each.filter && !unwanted ? { ...each, filter: 'personLocations' as const } : each)));
    return bare.length ? [{ written: textOf(bare), meaning: findTitle(textOf(bare))! }] : [];
  }
  return titleWithCompany(bare, led, found) ?? otherwise(bare, led, found);
}

/** `CTOs of French healthcare companies`, `fintech founders`: a known role beside something that describes its company. */
function titleWithCompany(bare: readonly Token[], led: readonly Found[], found: Found[]): Role[] | undefined {
  for (let cut = bare.length - 1; cut > 0; cut--) {
    const front = bare.slice(0, cut);
    const back = bare.slice(cut);
    if (back[0]!.fold === 'of' && findTitle(textOf(front))) {
      found.push(...led, ...companyItem(back.slice(1)));
      return [{ written: textOf(front), meaning: findTitle(textOf(front))! }];
    }
  }
  for (let cut = bare.length - 1; cut > 0; cut--) {
    const front = bare.slice(0, cut);
    const back = bare.slice(cut);
    if (findIndustry(textOf(front)) && (findTitle(textOf(back)) || peopleWords.has(back[0]!.fold))) {
      found.push(...led, ...companyItem(front));
      return findTitle(textOf(back)) ? [{ written: textOf(back), meaning: findTitle(textOf(back))! }] : [];
    }
  }
  return undefined;
}

/** Neither a known role nor a person: companies where it names any, else a role that the source may know. */
function otherwise(bare: readonly Token[], led: readonly Found[], found: Found[]): Role[] {
  const asCompany = companyItem(bare);
  const isCompany =
    companyWords.has(bare.at(-1)!.fold) || asCompany.some(({ filter, known }) => filter === 'industries' && known);
  if (isCompany) {
    found.push(...led, ...asCompany);
    return [];
  }
  found.push(...led.map(each => (each.filter ? { ...each, filter: 'personLocations' as const } : each)));
  if (findTechnology(textOf(bare))) {
    found.push(...technology(bare));
    return [];
  }
  return [{ written: textOf(bare) }];
}

const only = (meaning: TitleMeaning | undefined, what: 'seniorities' | 'functions'): boolean =>
  meaning !== undefined &&
  !meaning.titles?.length &&
  meaning[what].length > 0 &&
  meaning[what === 'seniorities' ? 'functions' : 'seniorities'].length === 0;

/** Roles joined by `and` share what only one of them says: `VPs and directors of sales`, `heads of sales and marketing`. */
function shared(roles: readonly Role[]): Role[] {
  const last = roles.at(-1);
  if (roles.length < 2 || !last) return [...roles];
  const lastParts = /^(.+?) (?:of|for) (.+)$/i.exec(last.written);
  const firstParts = /^(.+?) (of|for) (.+)$/i.exec(roles[0]!.written);
  return roles.map((role, at) => {
    let written = role.written;
    if (at < roles.length - 1 && lastParts && only(role.meaning, 'seniorities')) written = `${written} of ${lastParts[2]}`;
    else if (at > 0 && firstParts && only(role.meaning, 'functions')) written = `${firstParts[1]} ${firstParts[2]} ${written}`;
    else if (at < roles.length - 1 && !lastParts && only(role.meaning, 'functions') && !only(last.meaning, 'functions'))
      written = `${written} ${last.written.split(' ').at(-1)}`;
    const meaning = findTitle(written);
    return meaning ? { written, meaning } : role;
  });
}

/** Bare seniorities and bare functions have filters of their own; with roles among them all are titles, since filters must all hold. */
function asFilters(roles: readonly Role[]): Found[] {
  for (const what of ['seniorities', 'functions'] as const)
    if (roles.length && roles.every(({ meaning }) => only(meaning, what)))
      return [{ filter: what, values: [...new Set(roles.flatMap(({ meaning }) => meaning![what]))], known: true }];
  return roles.map(({ written, meaning }) => ({
    filter: 'titles',
    values: [singularTitle(written)],
    known: meaning !== undefined,
  }));
}

/** 'VPs of Sales' → 'VP of Sales', 'sales managers' → 'sales manager': the word that a title is about loses its plural. */
export function singularTitle(title: string): string {
  const [head, ...rest] = title.split(/ (?=(?:of|for|in|,)\b)/i);
  const one = head!.replace(/(\p{L}+)$/u, word =>
    /^(sales|operations|hrs?|devops|revops|ops|analytics|success|business)$/i.test(word) || /ss$|us$|is$/i.test(word)
      ? word
      : word.replace(/ies$/, 'y').replace(/(?<!\bops)s$/, ''),
  );
  return [one, ...rest].join(' ');
}
