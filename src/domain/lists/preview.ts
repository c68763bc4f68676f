import { dateIn } from '../../calendar.ts';
import { type Refusal, refuse } from '../../errors.ts';
import { drover, enter, type Services } from '../context.ts';
import type { Candidate, FilterNote, LeadSource, UnknownValue } from '../ports.ts';
import { type Criteria, isEmpty } from './criteria.ts';
import { filterLabel, withoutEach, wordsFor } from './rules.ts';

/** A person of a preview: who, not how to reach them. */
export interface Sample {
  name: string;
  title: string | null;
  company: string | null;
  place: string | null;
}

/** What a source says about criteria before anything is saved (L2). */
export interface Survey {
  source: string;
  total: number;
  withEmail: number;
  /** At most five. */
  samples: Sample[];
  /** Filters that the source dropped or widened. */
  notes: FilterNote[];
}

/**
 * Asks a source who matches; writes and spends nothing (L2). Called outside any transaction. Refuses criteria that ask for nobody in
 * particular, values that the source does not know (with the nearest that it does), criteria that nobody matches (with the one filter
 * whose absence would find most), and a source that does not answer.
 */
export async function survey(
  services: Services,
  { workspaceId, criteria, source: name }: { workspaceId: number; criteria: Criteria; source?: string },
): Promise<Survey | Refusal> {
  if (isEmpty(criteria))
    return refuse('empty_criteria', 'Who should I look for? Name a role, an industry or a place.', [
      'find VPs of Sales at fintechs in Germany',
      'find heads of marketing at software companies with 50-500 people',
    ]);
  const source = name ? services.sources[name] : Object.values(services.sources)[0];
  if (!source)
    return refuse('no_source', 'No lead source is set up. Import a file instead: drover import people.csv --list NAME.');
  const unknown = source.check(criteria);
  if (unknown.length) return unknownValues(unknown);
  const asOf = await enter(services, workspaceId, drover, async ctx => dateIn(ctx.now, ctx.workspace.zone));
  try {
    const { total, withEmail, samples, notes } = await source.preview(criteria, asOf);
    if (total === 0) return await nobody(source, criteria, asOf);
    return { source: source.name, total, withEmail, samples: samples.slice(0, 5).map(sample), notes };
  } catch (error) {
    services.log.warn({ err: error, source: source.name }, 'a source did not answer a preview');
    return refuse(
      'source_unavailable',
      `The ${source.name} does not answer right now. Nothing was saved; try again in a minute.`,
    );
  }
}

const sample = ({ fullName, title, company, personLocation }: Candidate): Sample => ({
  name: fullName,
  title,
  company,
  place: personLocation,
});

function unknownValues(unknown: readonly UnknownValue[]): Refusal {
  const [first] = unknown as [UnknownValue];
  const kind = /industr/i.test(first.filter) ? 'industry' : /location/i.test(first.filter) ? 'place' : 'value';
  const sentences = unknown.map(({ filter, value, nearest }) => {
    const what = /industr/i.test(filter) ? 'an industry' : /location/i.test(filter) ? 'a place' : `a ${filterLabel(filter)}`;
    const near = nearest.length ? ` Nearest: ${nearest.join(', ')}.` : '';
    return `I do not know "${value}" as ${what}.${near}`;
  });
  return refuse(
    `unknown_${kind}`,
    sentences.join(' '),
    unknown.flatMap(({ value, nearest }) => nearest.slice(0, 3).map(near => `use ${near} instead of ${value}`)).slice(0, 3),
  );
}

/** The one filter without which a source would find most, and how many (M8); undefined where leaving out any one does not help. */
export async function widest(
  source: LeadSource,
  criteria: Criteria,
  asOf: Temporal.PlainDate,
): Promise<{ filter: string; rest: Criteria; total: number } | undefined> {
  const counted: { filter: string; rest: Criteria; total: number }[] = [];
  for (const { filter, rest } of withoutEach(criteria))
    if (!isEmpty(rest)) counted.push({ filter, rest, total: (await source.preview(rest, asOf)).total });
  return counted.filter(({ total }) => total > 0).toSorted((a, b) => b.total - a.total)[0];
}

const withoutWhat = (filter: Parameters<typeof filterLabel>[0]): string =>
  filterLabel(filter).replace(/^(\w+) in$/, 'place of the $1');

async function nobody(source: LeadSource, criteria: Criteria, asOf: Temporal.PlainDate): Promise<Refusal> {
  const best = await widest(source, criteria, asOf);
  const what = best ? withoutWhat(best.filter) : '';
  return refuse(
    'nobody_matches',
    best
      ? `Nobody matches. Without the ${what} there would be ${best.total.toLocaleString('en-US')}.`
      : Object.keys(criteria).length > 1
        ? 'Nobody matches, and leaving out any one filter does not help. Ask for fewer things at once.'
        : 'Nobody matches. Describe them in other words.',
    best ? [`preview ${wordsFor(best.rest)}`] : undefined,
  );
}
