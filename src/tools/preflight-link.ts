import { z } from 'zod';
import * as links from '../domain/links/index.ts';
import * as lists from '../domain/lists/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { heldTable, type Preflight, preflightFacts, preflightNotes, preflightOf } from './preflight-report.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

/** What a link would do, before it is made; nothing changes (K7). */
export const preflightLink = defineTool({
  name: 'preflight_link',
  description:
    'Show what linking a list to a sequence would do, without doing it: who enrols, who does not and why, what will be held, the cap that results, the backlog, and when the first and the last of these leads are contacted.',
  examples: [
    'what would happen if I linked "Fintech VPs" to Fall Intro?',
    'preflight "Fintech VPs" to Fall Intro',
    'when would "Fintech VPs" be contacted by Fall Intro?',
  ],
  input: z.object({ list: z.string().trim().min(1), sequence: z.string().trim().min(1) }),
  prepare: preflightOf,
  plan: async (ctx, input, preflight: Preflight | null) => {
    const list = await lists.resolve(ctx, input.list);
    if (isRefusal(list)) return list;
    const sequence = await sequences.resolve(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const refusal = links.linkable(sequence);
    if (refusal) return refusal;
    if (!preflight)
      return refuse('already_linked', `"${list.name}" is linked to "${sequence.name}" already.`, [
        `link "${list.name}" to "${sequence.name}"`,
        `forecast of "${sequence.name}"`,
      ]);
    return {
      effect: 'read' as const,
      data: { list: list.name, sequence: sequence.name, preflight },
      summary: `Show what linking "${list.name}" to "${sequence.name}" would do.`,
      objects: [`list:${list.id}`, `sequence:${sequence.id}`],
    };
  },
  run: async (_ctx, { list, sequence, preflight }) => ({ list, sequence, ...preflight }),
  present: told => {
    const { list, sequence, enrolling, members } = told;
    return {
      tone: 'neutral',
      title: `Linking "${list}" to "${sequence}" would enrol ${enrolling.toLocaleString('en-US')} of ${count(members, 'person', 'people')}. Nothing was changed.`,
      facts: preflightFacts(told),
      tables: heldTable(told.heldBy),
      notes: preflightNotes(told),
      next: [`link "${list}" to "${sequence}"`],
    };
  },
});
