import type { Criteria } from '../../src/domain/lists/criteria.ts';
import type { Candidate, FilterNote, LeadSource, UnknownValue } from '../../src/domain/ports.ts';

/** A person as the source keeps them. */
export interface SourcePerson extends Candidate {
  /** The local date from which the source knows them. */
  knownFrom: string;
}

const industries = ['fintech', 'logistics', 'software'];
const places = ['Germany', 'France', 'Spain'];

/** Person `n`, 1 onwards: every tenth has no address, every twenty-fifth one that mail cannot reach. */
export const someone = (n: number, over: Partial<SourcePerson> = {}): SourcePerson => ({
  recordId: `p${n}`,
  fullName: `Pat Example ${n}`,
  firstName: 'Pat',
  lastName: `Example ${n}`,
  email: n % 10 === 0 ? null : n % 25 === 7 ? `pat${n}@` : `pat${n}@firm${n % 97}.example`,
  linkedinUrl: `https://www.linkedin.com/in/Pat-${n}/`,
  title: 'VP of Sales',
  seniority: 'vp',
  function: 'sales',
  company: `Firm ${n % 97}`,
  companyDomain: `firm${n % 97}.example`,
  industry: industries[n % 3]!,
  headcount: 100,
  personLocation: places[n % 2]!,
  companyLocation: places[n % 2]!,
  technologies: [],
  fields: {},
  knownFrom: '2026-01-01',
  ...over,
});

const holds = (wanted: string[] | undefined, value: string | null): boolean =>
  !wanted?.length || wanted.some(each => each.toLowerCase() === value?.toLowerCase());

/**
 * Stands for another company's people database: deterministic, in memory. It knows industries, places and titles, drops `keywords`,
 * and can be told to fail. People stay in the order in which they became known.
 */
export class PeopleSource implements LeadSource {
  readonly name: string = 'directory';
  people: SourcePerson[];
  /** The next so many calls fail. */
  failures = 0;
  /** Candidates handed out so far. */
  served = 0;

  constructor(people: number | SourcePerson[] = 300) {
    this.people = typeof people === 'number' ? Array.from({ length: people }, (_, i) => someone(i + 1)) : people;
  }

  check(criteria: Criteria): UnknownValue[] {
    const unknown = (filter: string, values: string[] | undefined, known: string[]) =>
      (values ?? [])
        .filter(value => !holds(known, value))
        .map(value => ({
          filter,
          value,
          nearest: known.filter(each => each[0] === value[0]?.toLowerCase() || each[0] === value[0]),
        }));
    return [
      ...unknown('industries', criteria.industries, industries),
      ...unknown('companyLocations', criteria.companyLocations, places),
    ];
  }

  #matches(criteria: Criteria, asOf: Temporal.PlainDate): SourcePerson[] {
    return this.people.filter(
      each =>
        Temporal.PlainDate.compare(each.knownFrom, asOf) <= 0 &&
        holds(criteria.titles, each.title) &&
        holds(criteria.seniorities, each.seniority) &&
        holds(criteria.industries, each.industry) &&
        holds(criteria.companyLocations, each.companyLocation),
    );
  }

  #answer(): void {
    if (this.failures > 0) {
      this.failures--;
      throw new Error('the source is down');
    }
  }

  async preview(criteria: Criteria, asOf: Temporal.PlainDate) {
    this.#answer();
    const all = this.#matches(criteria, asOf);
    const notes: FilterNote[] = criteria.keywords?.length
      ? [{ filter: 'keywords', effect: 'dropped', note: 'it has no keywords.' }]
      : [];
    return {
      total: all.length,
      withEmail: all.filter(each => each.email?.includes('.example')).length,
      samples: all.slice(0, 7),
      notes,
    };
  }

  async next(criteria: Criteria, { cursor, limit, asOf }: { cursor: string | null; limit: number; asOf: Temporal.PlainDate }) {
    this.#answer();
    const from = Number(cursor ?? 0);
    const all = this.#matches(criteria, asOf);
    const candidates = all.slice(from, from + limit);
    this.served += candidates.length;
    const at = from + candidates.length;
    return { candidates, cursor: at > 0 ? String(at) : null, exhausted: at >= all.length };
  }
}
