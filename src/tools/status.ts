import { z } from 'zod';
import * as digests from '../domain/digests/index.ts';
import { presentOverview } from './digest-report.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

/** Today so far, over all lists and sequences; the same queries feed the digest (G1). */
export const status = defineTool({
  name: 'status',
  description: 'How everything is doing today: lists, sequences, what was added, enrolled and contacted, and what needs a human.',
  examples: ['status', 'how are we doing?', 'what needs my attention?'],
  input: z.object({}),
  plan: async () => ({ effect: 'read' as const, data: null, summary: 'Show the status.' }),
  run: ctx => digests.today(ctx),
  present: (overview, telling) => {
    const active = overview.sequences.filter(sequence => sequence.status === 'active').length;
    const title = `Today: ${count(overview.lists.length, 'list')}, ${count(active, 'active sequence')}, ${count(
      overview.sequences.reduce((sum, sequence) => sum + sequence.contactedToday, 0),
      'lead',
    )} contacted.`;
    return presentOverview(overview, title, telling);
  },
});
