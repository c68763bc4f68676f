import { z } from 'zod';
import * as forecasts from '../domain/forecasts/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal } from '../errors.ts';
import { assumptions, drainText, sequencesTable, stretchesOf, stretchTable } from './forecast-report.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

/** What the scheduler will do in the next days, from the planner itself. */
export const forecast = defineTool({
  name: 'forecast',
  description:
    'Forecast the next days of all running sequences, or of one: leads added, enrolled, contacted and followed up, what is held, the backlog, and when it drains. From the scheduler itself; nothing changes.',
  examples: ['forecast', 'forecast of Fall Intro', 'what will happen in the next 60 days?'],
  input: z.object({
    sequence: z.string().trim().min(1).optional(),
    days: z.int().min(1).max(120).default(30).describe('30 unless said'),
  }),
  prepare: (services, { days }, { workspaceId }) => forecasts.forecast(services, workspaceId, { days }),
  plan: async (ctx, { sequence: ref, days }, foreseen: forecasts.Forecast) => {
    const sequence = ref === undefined ? null : await sequences.resolve(ctx, ref);
    if (sequence && isRefusal(sequence)) return sequence;
    return {
      effect: 'read' as const,
      data: { foreseen, days, sequence: sequence && { id: sequence.id, name: sequence.name, status: sequence.status } },
      summary: `Forecast ${count(days, 'day')}.`,
      objects: sequence ? [`sequence:${sequence.id}`] : [],
    };
  },
  run: async (_ctx, { foreseen, days, sequence }) => ({
    days,
    sequence,
    isWeekly: days > 14,
    stretches: stretchesOf(foreseen, sequence?.id ?? null),
    sequences: foreseen.sequences.filter(each => !sequence || each.id === sequence.id),
  }),
  present: ({ days, sequence, isWeekly, stretches, sequences: running }) => {
    const contacted = stretches.reduce((sum, each) => sum + each.newLeads, 0);
    const what = sequence ? `"${sequence.name}"` : count(running.length, 'running sequence');
    if (running.length === 0)
      return {
        tone: 'neutral',
        title: sequence
          ? `"${sequence.name}" is ${sequence.status}: nothing leaves as things are.`
          : 'No sequence is running: nothing leaves.',
        next: [sequence?.status === 'inactive' ? `resume "${sequence.name}"` : 'list sequences'],
      };
    return {
      tone: 'neutral',
      title: `The next ${count(days, 'day')} of ${what}: ${count(contacted, 'new lead')} contacted.`,
      facts: sequence ? running.map(each => ({ label: 'Backlog drained', value: drainText(each) })) : [],
      tables: [stretchTable(stretches, isWeekly, !sequence), ...(sequence ? [] : [sequencesTable(running)])],
      notes: assumptions({ sequences: running }),
      next: running.slice(0, 2).map(each => `show sequence "${each.name}"`),
    };
  },
});
