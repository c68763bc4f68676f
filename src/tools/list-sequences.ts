import { z } from 'zod';
import * as sequences from '../domain/sequences/index.ts';
import { count, day } from './report.ts';
import { reviewNote, weekText } from './sequence-report.ts';
import { defineTool } from './tool.ts';

/** Every sequence at a glance; who waits for review is said first. */
export const listSequences = defineTool({
  name: 'list_sequences',
  description: 'List the sequences: status, mode, cap set and resulting, people, today, linked lists.',
  examples: ['list sequences', 'show my sequences', 'which sequences are running?'],
  input: z.object({}),
  plan: async () => ({ effect: 'read' as const, data: {}, summary: 'List the sequences.' }),
  run: async ctx => ({ sequences: await sequences.overviews(ctx) }),
  present: ({ sequences: shown }, { zone }) => {
    const waiting = shown.filter(sequence => sequence.inReview > 0);
    const running = shown.filter(sequence => sequences.isRunning(sequence.status)).length;
    const all = `${count(shown.length, 'sequence')}, ${running} running.`;
    const inReview = waiting.reduce((sum, sequence) => sum + sequence.inReview, 0);
    return {
      tone: waiting.length ? 'warning' : 'neutral',
      title: shown.length
        ? inReview
          ? `${count(inReview, 'lead waits', 'leads wait')} for review. ${all}`
          : all
        : 'There is no sequence yet.',
      notes: waiting.map(sequence => reviewNote(sequence, zone)),
      tables: shown.length
        ? [
            {
              columns: [
                { label: 'Sequence' },
                { label: 'Status' },
                { label: 'Mode' },
                { label: 'Today', align: 'right' },
                { label: 'Cap', align: 'right' },
                { label: 'Queued', align: 'right' },
                { label: 'In flight', align: 'right' },
                { label: 'In / room a week', align: 'right' },
                { label: 'Drained' },
                { label: 'Lists' },
              ],
              rows: shown.map(({ name, status, mode, contactedToday, capacity, enrolled, pace, lists }) => [
                name,
                status,
                mode,
                `${contactedToday}`,
                capacity.effectiveCap === capacity.cap ? `${capacity.cap}` : `${capacity.effectiveCap} of ${capacity.cap}`,
                `${enrolled.queued ?? 0}`,
                `${enrolled.active ?? 0}`,
                weekText(pace),
                pace.backlog === 0 ? '–' : pace.drainsOn ? day(pace.drainsOn) : 'never',
                lists.join(', ') || '–',
              ]),
            },
          ]
        : [],
      next: shown.length
        ? [...waiting.slice(0, 1).map(({ name }) => `review leads of "${name}"`), `show sequence "${shown[0]!.name}"`]
        : ['create a sequence called Spring Intro'],
    };
  },
});
