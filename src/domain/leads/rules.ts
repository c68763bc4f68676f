import { domainToASCII } from 'node:url';
import type { Candidate } from '../ports.ts';

/** What makes two spellings of an address, a profile or a domain one (L3, X1), and which people of a batch are one. Pure. */

const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
const localPart = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;

/** Needs no conversion, which takes 2 µs. */
const plainHost = /^(?!.*xn--)[a-z0-9.-]+$/;

/** A host name in lower-case ASCII with at least two labels and a top level that is a name; null for anything else. */
function host(text: string): string | null {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  const ascii = plainHost.test(bare) ? bare : domainToASCII(bare);
  const labels = ascii.split('.');
  const top = labels.at(-1) ?? '';
  if (ascii.length > 253 || labels.length < 2 || !labels.every(part => label.test(part))) return null;
  return /^(?:[a-z]{2,}|xn--[a-z0-9-]+)$/.test(top) ? ascii : null;
}

/**
 * The normalised address: trimmed, lower-case, the domain in ASCII; null where it is not one that mail can be sent to.
 * Dots and +tags stay, since only their provider knows whether they matter.
 */
export function emailKey(email: string | null | undefined): string | null {
  const text = (email ?? '')
    .trim()
    .replace(/^mailto:/i, '')
    .replace(/^<(.*)>$/, '$1')
    .toLowerCase();
  const at = text.lastIndexOf('@');
  if (at < 1 || at > 64) return null;
  const local = text.slice(0, at);
  const domain = host(text.slice(at + 1));
  return domain && localPart.test(local) && local.length + domain.length < 254 ? `${local}@${domain}` : null;
}

export const isEmail = (text: string): boolean => emailKey(text) !== null;

/**
 * `linkedin.com/in/slug` of a person's profile in any of its spellings: any subdomain, case, query, locale; null for others.
 * Synthetic profiles keep their reserved domain, linkedin.example.
 */
export function linkedinKey(url: string | null | undefined): string | null {
  const match = /^(?:https?:\/\/)?(?:[a-z0-9-]+\.)*linkedin\.(com|example)\/+in\/+([^/?#\s]+)/i.exec((url ?? '').trim());
  return match ? `linkedin.${match[1]!.toLowerCase()}/in/${decoded(match[2]!).normalize('NFC').toLowerCase()}` : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A company's domain: lower-case ASCII without protocol, `www.`, port and path; null where it is no domain. */
export const domainKey = (domain: string | null | undefined): string | null =>
  host(
    (domain ?? '')
      .trim()
      .toLowerCase()
      .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
      .replace(/[/?#].*$/s, '')
      .replace(/^.*@/, '')
      .replace(/:\d+$/, '')
      .replace(/^www\./, ''),
  );

/** A candidate with its keys. */
export interface Person {
  candidate: Candidate;
  emailKey: string | null;
  linkedin: string | null;
  domain: string | null;
}

export const person = (candidate: Candidate): Person => ({
  candidate,
  emailKey: emailKey(candidate.email),
  linkedin: linkedinKey(candidate.linkedinUrl),
  domain: domainKey(candidate.companyDomain),
});

/** A lead as its row says, with the record ids by which it may be found again. */
export interface Known {
  id: number;
  full_name: string;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  email_key: string | null;
  email_status: string;
  linkedin_url: string | null;
  title: string | null;
  seniority: string | null;
  function: string | null;
  company: string | null;
  company_domain: string | null;
  industry: string | null;
  headcount: number | null;
  person_location: string | null;
  company_location: string | null;
  technologies: string[];
  fields: Record<string, string>;
  record_ids: string[];
}
export type LeadFields = Omit<Known, 'id' | 'record_ids'>;

/** One human: the candidates (by their place in the batch) and the leads that are the same person, oldest lead first (L3). */
export interface Group {
  members: number[];
  known: Known[];
}

/**
 * Who in a batch is one person: all that share an address, a profile or a record id, through any number of others and through the
 * leads that exist. Groups come in the order of their first candidate.
 */
export function groupPeople(people: readonly Person[], known: readonly Known[]): Group[] {
  const roots = people.map((_, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while (roots[root] !== root) root = roots[root]!;
    for (let next = index; next !== root; ) [roots[next], next] = [root, roots[next]!];
    return root;
  };
  const seen = new Map<string, number>();
  const join = (index: number, keys: (string | null)[]) => {
    for (const key of keys) {
      if (key === null) continue;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, index);
      else {
        const [a, b] = [rootOf(index), rootOf(other)];
        roots[Math.max(a, b)] = Math.min(a, b);
      }
    }
  };
  const keysOf = (email: string | null, linkedin: string | null, records: readonly (string | null)[]) => [
    email && `e ${email}`,
    linkedin && `l ${linkedin}`,
    ...records.map(record => record && `r ${record}`),
  ];
  people.forEach((each, index) => {
    join(index, keysOf(each.emailKey, each.linkedin, [each.candidate.recordId]));
  });
  const byLead = known.map(lead => {
    const keys = keysOf(lead.email_key, lead.linkedin_url, lead.record_ids);
    const holder = keys.find(key => key !== null && seen.has(key));
    if (holder) join(seen.get(holder)!, keys);
    return { lead, at: holder ? seen.get(holder)! : null };
  });
  const groups = new Map<number, Group>();
  people.forEach((_, index) => {
    const root = rootOf(index);
    if (!groups.has(root)) groups.set(root, { members: [], known: [] });
    groups.get(root)!.members.push(index);
  });
  for (const { lead, at } of byLead.toSorted((a, b) => a.lead.id - b.lead.id))
    if (at !== null) groups.get(rootOf(at))!.known.push(lead);
  return [...groups.values()];
}

/** Can the person be found again at all (L3)? */
export const isFindable = (each: Person): boolean => Boolean(each.emailKey || each.linkedin || each.candidate.recordId);

/** A candidate's fields as a lead's. An address that mail cannot reach is none. */
const fieldsOf = ({ candidate, ...keys }: Person): LeadFields => ({
  full_name: candidate.fullName.trim(),
  first_name: candidate.firstName,
  last_name: candidate.lastName,
  email: keys.emailKey && candidate.email!.trim(),
  email_key: keys.emailKey,
  email_status: 'unknown',
  linkedin_url: keys.linkedin,
  title: candidate.title,
  seniority: candidate.seniority,
  function: candidate.function,
  company: candidate.company,
  company_domain: keys.domain,
  industry: candidate.industry,
  headcount: candidate.headcount,
  person_location: candidate.personLocation,
  company_location: candidate.companyLocation,
  technologies: candidate.technologies,
  fields: candidate.fields,
});

const plain = [
  'full_name',
  'first_name',
  'last_name',
  'linkedin_url',
  'title',
  'seniority',
  'function',
  'company',
  'company_domain',
  'industry',
  'headcount',
  'person_location',
  'company_location',
] as const;

const isBad = (status: string): boolean => status === 'bounced' || status === 'invalid';

/**
 * A person's fields out of all that is known: the oldest lead's, its gaps filled by younger leads and then by candidates. What is
 * there stays, except an address that bounced, which gives way to another one and with it loses its mark.
 */
export function combine(known: readonly Known[], people: readonly Person[]): LeadFields {
  const [first, ...others] = [...known.map(({ id, record_ids, ...fields }): LeadFields => fields), ...people.map(fieldsOf)];
  if (!others.length) return first!;
  const result: LeadFields = { ...first!, fields: { ...first!.fields } };
  const into = result as Record<(typeof plain)[number], unknown>;
  for (const other of others) {
    for (const key of plain) if (isEmpty(into[key])) into[key] = other[key];
    if (result.technologies.length === 0) result.technologies = other.technologies;
    for (const [key, value] of Object.entries(other.fields)) if (isEmpty(result.fields[key])) result.fields[key] = value;
    const replaces = result.email_key === null || (isBad(result.email_status) && result.email_key !== other.email_key);
    if (other.email_key && replaces && !(isBad(other.email_status) && result.email_key))
      Object.assign(result, { email: other.email, email_key: other.email_key, email_status: other.email_status });
  }
  return result;
}

const isEmpty = (value: unknown): boolean => value === null || value === undefined || value === '';

/** Columns that templates are filled from, `fields` besides (S8). */
const forTemplates = [
  'full_name',
  'first_name',
  'last_name',
  'title',
  'company',
  'industry',
  'person_location',
  'company_location',
] as const;

type Sendable = Pick<LeadFields, 'email_key' | 'email_status' | 'fields' | (typeof forTemplates)[number]>;

/** Has a lead something for a template that it had not, or had otherwise? */
export const saysMore = (before: Sendable, after: Sendable): boolean =>
  forTemplates.some(key => !isEmpty(after[key]) && after[key] !== before[key]) ||
  Object.entries(after.fields).some(([key, value]) => !isEmpty(value) && value !== before.fields[key]);

/** Has a lead an address that mail may reach, and had none, or another one, or a bad one? */
export const isReachableAnew = (before: Sendable, after: Sendable): boolean =>
  after.email_key !== null && !isBad(after.email_status) && (before.email_key !== after.email_key || isBad(before.email_status));
