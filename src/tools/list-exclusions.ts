import { z } from 'zod';
import * as exclusions from '../domain/exclusions/index.ts';
import { count, day } from './report.ts';
import { defineTool } from './tool.ts';

const most = 50;
const kinds = { address: 'person', linkedin: 'person', domain: 'company' } as const;

/** Whom Drover never contacts, why, until when, and by whom (X1). */
export const listExclusions = defineTool({
  name: 'list_exclusions',
  description: 'Show whom Drover never contacts: people and companies, with reason, end date, and which are opt-outs.',
  examples: ['show exclusions', 'who is excluded?', 'list exclusions'],
  input: z.object({}),
  plan: async () => ({ effect: 'read' as const, data: {}, summary: 'Show the exclusions.' }),
  run: async ctx => {
    const { entries, all, optOuts } = await exclusions.list(ctx, most);
    return { all, optOuts, entries: entries.map(({ at, ...entry }) => ({ ...entry, at: at.toString() })) };
  },
  present: ({ all, optOuts, entries }, { zone }) => {
    if (!all) return { tone: 'neutral', title: 'Nobody is excluded.', next: ['exclude company.example'] };
    const first = entries.find(entry => !entry.optOut);
    const since = (at: string) => day(Temporal.Instant.from(at).toZonedDateTimeISO(zone).toPlainDate());
    return {
      tone: 'neutral',
      title: `${count(all, 'exclusion holds', 'exclusions hold')}${optOuts ? `, ${optOuts.toLocaleString('en-US')} of them ${optOuts === 1 ? 'an opt-out' : 'opt-outs'}` : ''}.`,
      tables: [
        {
          columns: [
            { label: 'Who' },
            { label: 'Kind' },
            { label: 'Reason' },
            { label: 'Until' },
            { label: 'By' },
            { label: 'Since' },
          ],
          rows: entries.map(entry => [
            entry.value,
            kinds[entry.kind],
            entry.reason,
            entry.optOut ? 'for good: opted out' : entry.untilOn ? day(entry.untilOn) : 'for good',
            entry.by ?? (entry.optOut ? 'themselves' : '–'),
            since(entry.at),
          ]),
          ...(all > entries.length ? { more: all - entries.length } : {}),
        },
      ],
      next: first ? [`lift the exclusion of ${first.value}`] : [],
    };
  },
});
