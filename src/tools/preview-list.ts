import { z } from 'zod';
import { criteria } from '../domain/lists/criteria.ts';
import * as lists from '../domain/lists/index.ts';
import { survey } from '../domain/lists/preview.ts';
import { isRefusal } from '../errors.ts';
import { criteriaFacts, filterNotes, samplesTable } from './list-report.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

/** Shows who matches before anything is saved (L2). */
export const previewList = defineTool({
  name: 'preview_list',
  description:
    'Show how many people match criteria, with up to five of them, before a list is saved. Writes nothing and spends nothing. Use it when the asker wonders who is out there.',
  examples: [
    'how many VPs of Sales are there at fintechs in Germany?',
    'preview heads of marketing at software companies with 50-500 people',
    'who are the CTOs in London?',
  ],
  input: z.object({ criteria, count: z.int().positive().optional().describe('How many the asker would like') }),
  prepare: (services, input, { workspaceId }) => survey(services, { workspaceId, criteria: input.criteria }),
  plan: async (ctx, input, found) => {
    if (isRefusal(found)) return found;
    const name = await lists.nameFor(ctx, { criteria: input.criteria });
    if (isRefusal(name)) return name;
    const data = { ...found, criteria: input.criteria, count: input.count ?? null, name };
    return { effect: 'read' as const, data, summary: `Preview ${name}.` };
  },
  run: async (_ctx, found) => found,
  present: found => ({
    tone: found.notes.length ? 'warning' : 'neutral',
    title: `${count(found.total, 'person matches', 'people match')}, ${found.withEmail.toLocaleString('en-US')} with an e-mail address.`,
    facts: criteriaFacts(found.criteria),
    tables: samplesTable(found.total > found.samples.length ? `${found.samples.length} of them` : 'All of them', found.samples),
    notes: [
      ...filterNotes(found.notes),
      ...(found.count && found.withEmail < found.count ? [`That is fewer than the ${found.count} asked for.`] : []),
    ],
    next: [`save it as "${found.name}"`],
    footer: 'Nothing is saved yet.',
  }),
});
