import type { Context } from '../domain/context.ts';
import { meaningOf } from '../domain/explanations/index.ts';
import type * as sequences from '../domain/sequences/index.ts';
import { type Preview, previewsFor } from '../domain/sequences/previews.ts';
import type { Table } from './report.ts';

/** Templates as real people would get them (S8). What is in them is data, which each surface escapes where it lands (A4). */

/** How many leads see a preview. */
const people = 3;
/** Characters of a text that are shown. */
const shownChars = 300;

export const previews = (ctx: Context, sequence: sequences.SequenceRow): Promise<Preview[]> => previewsFor(ctx, sequence, people);

/** 'company is empty' */
const heldFor = ({ refused, detail }: NonNullable<Preview['held']>): string =>
  refused === 'missing_variable' ? `${detail} is empty` : meaningOf(refused).says;

export const previewTables = (all: readonly Preview[]): Table[] =>
  all.length
    ? [
        {
          title: `As ${new Set(all.map(one => one.lead)).size === 1 ? 'a lead' : 'leads'} of its lists would get it`,
          columns: [{ label: 'Lead' }, { label: '#', align: 'right' }, { label: 'Subject' }, { label: 'Text' }],
          rows: all.map(({ lead, company, position, kind, subject, body, held }) => [
            [lead, company].filter(Boolean).join(', '),
            `${position}`,
            held ? '–' : kind === 'task' ? `Task: ${subject}` : (subject ?? '–'),
            held ? `held: ${heldFor(held)}` : body!.length > shownChars ? `${body!.slice(0, shownChars - 1)}…` : body!,
          ]),
        },
      ]
    : [];
