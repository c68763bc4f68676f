import type { Criteria } from '../domain/lists/criteria.ts';
import type { Sample } from '../domain/lists/preview.ts';
import type { LastRefill } from '../domain/lists/queries.ts';
import { describe, filterLabel } from '../domain/lists/rules.ts';
import type { FilterNote } from '../domain/ports.ts';
import { count, type Fact, reasons, type Table, when } from './report.ts';

/** How the tools about lists tell criteria, samples and receipts. Pure. */

export const criteriaFacts = (criteria: Criteria): Fact[] => describe(criteria);

export const samplesTable = (title: string, samples: readonly Sample[]): Table[] =>
  samples.length
    ? [
        {
          title,
          columns: [{ label: 'Name' }, { label: 'Title' }, { label: 'Company' }, { label: 'Place' }],
          rows: samples.map(({ name, title: job, company, place }) => [name, job ?? '–', company ?? '–', place ?? '–']),
        },
      ]
    : [];

/** 'Keyword was left out: …': every filter that the source dropped or widened (L2). */
export const filterNotes = (notes: readonly FilterNote[]): string[] =>
  notes.map(({ filter, effect, note }) => `${effect === 'dropped' ? 'Left out' : 'Widened'} (${filter}): ${note}`);

/** Why an order added no more. */
export const endings: Record<string, string> = {
  filled: 'filled',
  exhausted: 'nobody else matches today',
  budget: 'stopped after looking at the most people an order may look at',
  list_archived: 'the list was archived',
  cancelled: 'the order was taken back',
};

/** '20 of 20 added, Mon 2 Mar, 06:00' and why not more (L5). */
export function receiptFacts(refill: LastRefill, zone: string): Fact[] {
  const { kind, asked, found, added, skipped, ended, enrolled, not_enrolled } = refill;
  const what = { monitoring: 'Last refill', order: 'Last order', import: 'Last import' }[kind] ?? 'Last refill';
  if (refill.status === 'failed') return [{ label: what, value: `failed: ${refill.error ?? 'it could not be carried out'}` }];
  if (refill.status !== 'done') {
    const trouble = refill.error ? `. ${refill.error} It is tried again` : '';
    return [{ label: what, value: `${added} of ${asked} added so far, still running${trouble}` }];
  }
  const notEnrolled = reasons(not_enrolled);
  const why = ended && ended !== 'filled' && kind !== 'import' ? ` (${endings[ended] ?? ended})` : '';
  return [
    { label: what, value: `${added} of ${asked} added, ${when(refill.finished_at ?? refill.ordered_at, zone)}${why}` },
    { label: 'Looked at', value: `${count(found, 'person', 'people')}${found > added ? `; skipped ${reasons(skipped)}` : ''}` },
    ...(enrolled || notEnrolled
      ? [{ label: 'Enrolled of these', value: `${enrolled}${notEnrolled ? `; not ${notEnrolled}` : ''}` }]
      : []),
    ...(refill.widen
      ? [
          {
            label: 'Would find more',
            value: `without the ${filterLabel(refill.widen.filter)}: ${refill.widen.more.toLocaleString('en-US')} more people`,
          },
        ]
      : []),
  ];
}
