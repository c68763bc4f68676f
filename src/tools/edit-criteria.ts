import { z } from 'zod';
import { drover, enter } from '../domain/context.ts';
import * as left from '../domain/enrollments/left.ts';
import { type Criteria, criteria } from '../domain/lists/criteria.ts';
import * as lists from '../domain/lists/index.ts';
import { survey } from '../domain/lists/preview.ts';
import { describe } from '../domain/lists/rules.ts';
import { isRefusal } from '../errors.ts';
import { filterNotes, samplesTable } from './list-report.ts';
import { hasLeft } from './list-undo.ts';
import { count } from './report.ts';
import { defineTool } from './tool.ts';

/** Changes what a list looks for, from its next refill on (L6). */
export const editCriteria = defineTool({
  name: 'edit_criteria',
  description:
    'Replace the criteria of a list; pass all of them, not only what changes. Later refills use them, members stay. Also gives a list from a file its first criteria.',
  examples: [
    'change the criteria of "Fintech VPs" to VPs of Sales at fintechs in France',
    '"Fintech VPs" should look for directors of sales at fintechs in Germany',
    'make "Fintech VPs" look for founders in Berlin',
  ],
  input: z.object({ list: z.string().trim().min(1), criteria }),
  prepare: async (services, input, { workspaceId }) => {
    const list = await enter(services, workspaceId, drover, ctx => lists.resolve(ctx, input.list));
    const source = !isRefusal(list) && list.criteria !== null ? list.source : undefined;
    return survey(services, { workspaceId, criteria: input.criteria, ...(source ? { source } : {}) });
  },
  plan: async (ctx, input, found) => {
    const list = await lists.mine(ctx, input.list);
    if (isRefusal(list)) return list;
    if (isRefusal(found)) return found;
    return {
      effect: 'write' as const,
      data: { listId: list.id, list: list.name, before: list.criteria as Criteria | null, criteria: input.criteria, found },
      summary: `Change what "${list.name}" looks for.`,
      objects: [`list:${list.id}`],
    };
  },
  run: async (ctx, { listId, list, before, criteria, found }) => {
    await lists.editCriteria(ctx, { listId, criteria, source: found.source });
    const { total, withEmail, samples, notes } = found;
    return { listId, list, before, criteria, total, withEmail, samples, notes };
  },
  before: async (ctx, { listId }) => {
    const list = (await lists.lock(ctx, listId))!;
    return { criteria: list.criteria as Criteria | null, source: list.source, cursor: list.source_cursor };
  },
  undo: async (ctx, { before, result: { listId, list }, at }) => {
    const contacted = await left.toMembers(ctx, { listId, since: at });
    if (contacted)
      return hasLeft(contacted, 'Say whom the list should look for instead.', [
        `"${list}" should look for VPs of Sales at fintechs in Germany`,
      ]);
    await lists.restoreCriteria(ctx, { listId, ...before });
    const words = before.criteria
      ? describe(before.criteria)
          .map(({ label, value }) => `${label}: ${value}`)
          .join(' · ')
      : 'nobody, as it came from a file';
    return { said: `"${list}" looks again for ${words}. Who was added meanwhile stays on it.` };
  },
  present: ({ list, before, criteria, total, withEmail, samples, notes }) => ({
    tone: notes.length ? 'warning' : 'good',
    title: `"${list}" looks for others from its next refill on: ${count(total, 'person matches', 'people match')}, ${withEmail.toLocaleString('en-US')} with e-mail.`,
    tables: [changes(before, criteria), ...samplesTable('Who matches, for example', samples)],
    notes: [...filterNotes(notes), 'Who is on the list stays on it.'],
    next: [`add 100 to "${list}"`, `show list "${list}"`],
  }),
});

function changes(before: Criteria | null, after: Criteria) {
  const [old, now] = [before ? describe(before) : [], describe(after)];
  const labels = [...new Set([...old, ...now].map(each => each.label))];
  const valueIn = (facts: typeof old, label: string) => facts.find(each => each.label === label)?.value ?? '–';
  return {
    columns: [{ label: 'Filter' }, { label: 'Before' }, { label: 'Now' }],
    rows: labels.map(label => [label, valueIn(old, label), valueIn(now, label)]),
  };
}
