import { z } from 'zod';
import { type Answer, asked } from '../domain/exclusions/asked.ts';
import * as exclusions from '../domain/exclusions/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { count, day, type Report, type Table } from './report.ts';
import { defineTool } from './tool.ts';

/** How many are shown at once. */
const pageSize = 50;
const kinds = { address: 'person', linkedin: 'person', domain: 'company' } as const;

type Listed = Omit<exclusions.Listed, 'at'> & { at: string };
type Answered = Omit<Answer, 'own' | 'covering'> & { own: Listed[]; covering: Listed[] };
type Shown = { page: number; all: number; optOuts: number; entries: Listed[] } | { answer: Answered } | Refusal;

const written = ({ at, ...entry }: exclusions.Listed): Listed => ({ ...entry, at: at.toString() });

/** Whom Drover never contacts, why, until when, and by whom; or whether one person or company is among them (X1). */
export const listExclusions = defineTool({
  name: 'list_exclusions',
  description:
    'Show whom Drover never contacts: people and companies, with reason, end date, and which are opt-outs, 50 a page; or, of one address, profile, company domain or lead, whether it is excluded and by what.',
  examples: ['show exclusions', 'who is excluded?', 'list exclusions', 'is acme.example excluded?'],
  input: z.object({
    value: z.string().trim().min(1).max(320).optional().describe('Only this address, profile, company domain or lead'),
    page: z.int().min(1).max(10_000).optional(),
  }),
  plan: async (_ctx, { value = null, page = 1 }) => ({
    effect: 'read' as const,
    data: { value, page },
    summary: value === null ? 'Show the exclusions.' : `Look whether ${value} is excluded.`,
  }),
  run: async (ctx, { value, page }): Promise<Shown> => {
    if (value !== null) {
      const answer = await asked(ctx, value);
      if (isRefusal(answer)) return refuse(answer.code, answer.message, ['show exclusions']);
      return { answer: { ...answer, own: answer.own.map(written), covering: answer.covering.map(written) } };
    }
    const { entries, all, optOuts } = await exclusions.list(ctx, { from: (page - 1) * pageSize, size: pageSize });
    if (!entries.length && all) return refuse('no_such_page', `There is no page ${page}.`, ['show exclusions']);
    return { page, all, optOuts, entries: entries.map(written) };
  },
  present: (shown, { zone }): Report => {
    if (isRefusal(shown)) return { tone: 'refused', title: shown.message };
    if ('answer' in shown) return answered(shown.answer, zone);
    const { page, all, optOuts, entries } = shown;
    if (!all) return { tone: 'neutral', title: 'Nobody is excluded.', next: ['exclude company.example'] };
    const first = entries.find(entry => !entry.optOut);
    const pages = Math.ceil(all / pageSize);
    return {
      tone: 'neutral',
      title: `${count(all, 'exclusion holds', 'exclusions hold')}${optOuts ? `, ${optOuts.toLocaleString('en-US')} of them ${optOuts === 1 ? 'an opt-out' : 'opt-outs'}` : ''}.`,
      tables: [tableOf(entries, zone)],
      next: [
        ...(page < pages ? [`show exclusions, page ${page + 1}`] : []),
        ...(first ? [`lift the exclusion of ${first.value}`] : []),
      ],
      ...(pages > 1 ? { footer: `Page ${page} of ${pages.toLocaleString('en-US')}` } : {}),
    };
  },
});

/** Yes or no, and by what. */
function answered({ of, kind, own, covering, people }: Answered, zone: string): Report {
  const named = kind === 'company' ? `Everyone at ${of}` : of;
  const all = [...own, ...covering];
  const company = covering.find(entry => entry.kind === 'domain');
  const title = own.length
    ? `${named} is excluded${until(own[0]!)}.`
    : company
      ? `${of} is not excluded alone, but everyone at ${company.value} is${until(company)}.`
      : covering.length
        ? `${of} is not excluded itself, but the same person is by ${covering[0]!.value}${until(covering[0]!)}.`
        : kind === 'company'
          ? `${of} is not excluded.`
          : `${of} is not excluded, and neither is the company.`;
  const lifted = all.find(entry => !entry.optOut);
  const more = people.all - people.values.length;
  return {
    tone: 'neutral',
    title,
    ...(all.length ? { tables: [tableOf(all, zone)] } : {}),
    notes: people.all
      ? [
          `${count(people.all, 'person', 'people')} there ${people.all === 1 ? 'is' : 'are'} excluded one by one: ${people.values.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`,
        ]
      : [],
    next: [
      ...(lifted ? [`lift the exclusion of ${lifted.value}`] : []),
      ...(all.length ? [] : [`exclude ${of}`]),
      'show exclusions',
    ],
  };
}

const until = ({ optOut, untilOn }: Listed): string => (!optOut && untilOn ? ` until ${day(untilOn)}` : '');

function tableOf(entries: readonly Listed[], zone: string): Table {
  const since = (at: string) => day(Temporal.Instant.from(at).toZonedDateTimeISO(zone).toPlainDate());
  return {
    columns: ['Who', 'Kind', 'Reason', 'Until', 'By', 'Since'].map(label => ({ label })),
    rows: entries.map(entry => [
      entry.value,
      kinds[entry.kind],
      entry.reason,
      entry.optOut ? 'for good: opted out' : entry.untilOn ? day(entry.untilOn) : 'for good',
      entry.by ?? (entry.optOut ? 'themselves' : '–'),
      since(entry.at),
    ]),
  };
}
