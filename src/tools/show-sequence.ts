import { z } from 'zod';
import { ofSequences } from '../domain/digests/days.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal } from '../errors.ts';
import { contactedChart } from './day-charts.ts';
import { when } from './report.ts';
import {
  capText,
  enrolledText,
  heldNote,
  holidaysText,
  paceFacts,
  reviewNote,
  sequenceRef,
  stepsTable,
  windowText,
} from './sequence-report.ts';
import { previews, previewTables } from './template-preview.ts';
import { defineTool } from './tool.ts';

/** One sequence: its state, limits, people, today, steps and lists, and what it lacks (S2). */
export const showSequence = defineTool({
  name: 'show_sequence',
  description:
    'Show one sequence: status, cap and what results, people by state, today and the next sends, steps and how three real leads would get them, lists, what is held and why.',
  examples: ['show sequence Fall Intro', 'how is Fall Intro doing?', 'what is Fall Intro doing?'],
  input: z.object({ sequence: sequenceRef }),
  plan: async (ctx, input) => {
    const sequence = await sequences.resolve(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const { zone, days, from, until } = sequences.windowOf(sequence);
    return {
      effect: 'read' as const,
      data: { sequence, window: { zone, days, from, until } },
      summary: `Show "${sequence.name}".`,
      objects: [`sequence:${sequence.id}`],
    };
  },
  run: async (ctx, { sequence, window }) => {
    const [overview] = await sequences.overviews(ctx, [sequence.id]);
    return {
      ...overview!,
      window,
      days: (await ofSequences(ctx, sequence.id)).get(sequence.id) ?? null,
      stepList: await sequences.stepsOf(ctx, sequence),
      senders: (await sequences.sendersOf(ctx, sequence.id)).map(({ name, address, status }) => ({ name, address, status })),
      next: await sequences.nextSends(ctx, sequence.id),
      holidays: sequences.planOf(sequence.holidays),
      previews: await previews(ctx, sequence),
      missing: sequence.status === 'setup' ? await sequences.missing(ctx, sequence) : [],
    };
  },
  present: shown => {
    const { name, status, mode, window, senders, next, missing, inReview, capacity } = shown;
    return {
      tone: inReview || missing.length ? 'warning' : 'neutral',
      title: inReview ? reviewNote(shown, window.zone) : `"${name}" is ${status}, on ${mode}.`,
      facts: [
        ...(inReview ? [{ label: 'Status', value: `${status}, on ${mode}` }] : []),
        { label: 'Daily cap', value: capText(capacity) },
        { label: 'Today', value: `${shown.contactedToday} contacted, ${shown.plannedToday} planned` },
        { label: 'People', value: enrolledText(shown.enrolled) },
        { label: 'Window', value: windowText(window) },
        { label: 'Holidays', value: holidaysText(shown.holidays) },
        {
          label: 'Senders',
          value:
            senders.map(sender => sender.address + (sender.status === 'healthy' ? '' : ` (${sender.status})`)).join(', ') ||
            'none',
        },
        { label: 'Lists', value: shown.lists.join(', ') || 'none linked' },
        ...paceFacts(shown.pace),
        { label: 'Owner', value: shown.owner },
      ],
      charts: contactedChart(shown.days ? [shown.days] : []),
      tables: [
        ...stepsTable(shown.stepList),
        ...previewTables(shown.previews),
        ...(next.length
          ? [
              {
                title: 'Next sends',
                columns: [
                  { label: 'When' },
                  { label: 'Lead' },
                  { label: 'Company' },
                  { label: 'Step', align: 'right' as const },
                  { label: 'From' },
                ],
                rows: next.map(row => [
                  when(row.at, window.zone),
                  row.lead,
                  row.company ?? '–',
                  `${row.position}`,
                  row.sender ?? 'a task',
                ]),
                ...(shown.plannedToday > next.length ? { more: shown.plannedToday - next.length } : {}),
              },
            ]
          : []),
      ],
      notes: [...heldNote(shown), ...(missing.length ? [`Before it can be activated: ${missing.join('; ')}.`] : [])],
      next: nextFor(name, status, inReview, missing.length > 0),
    };
  },
});

const nextFor = (name: string, status: string, inReview: number, isMissing: boolean): string[] => [
  ...(inReview ? [`review leads of "${name}"`] : []),
  ...(status === 'setup' && !isMissing ? [`activate "${name}"`] : []),
  ...(status === 'active' ? [`pause "${name}"`, `set the daily cap of "${name}" to 30`] : []),
  ...(status === 'inactive' ? [`resume "${name}"`] : []),
];
