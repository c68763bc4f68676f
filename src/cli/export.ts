import { type FileHandle, open, rm } from 'node:fs/promises';
import { dateIn } from '../calendar.ts';
import { filterOf } from '../domain/activity/asked.ts';
import { exportCsv, type Filter } from '../domain/activity/trail.ts';
import { type Context, enter, type MemberActor, type Services } from '../domain/context.ts';
import * as enrollments from '../domain/enrollments/export.ts';
import type { Criteria } from '../domain/lists/criteria.ts';
import * as members from '../domain/lists/export.ts';
import * as lists from '../domain/lists/index.ts';
import { describe } from '../domain/lists/rules.ts';
import * as numbers from '../domain/numbers/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { Conflict, isRefusal, type Refusal, Refused } from '../errors.ts';
import { count } from '../tools/report.ts';
import type { DeskCommand } from './arguments.ts';
import { byteOrderMark, csvRow } from './csv.ts';
import type { Output } from './socket.ts';
import { reportText } from './text.ts';

type Command = Extract<DeskCommand, { name: 'export' }>;

interface Who {
  workspaceId: number;
  actor: MemberActor;
}

/** A stretch of the file. */
interface Piece {
  csv: string;
  rows: number;
}

/** Rows a page: each is a transaction of its own, so that memory stays flat and nobody waits. */
const pageSize = 1_000;

/**
 * Writes a list's members, a sequence's enrollments, or the trail or a part of it as CSV: to the output, or into a new file. Spreadsheets take no cell
 * of it for a formula, and Drover reads a list's file again as it was.
 * @throws Conflict `file_exists`, Refused `file_unwritable`
 */
export async function exportTo(services: Services, who: Who, command: Command, output: Output): Promise<number> {
  const inside = <R>(work: (ctx: Context) => Promise<R>) => enter(services, who.workspaceId, who.actor, work);
  const pieces = await piecesOf(inside, command);
  if (isRefusal(pieces)) {
    output.write(`${reportText({ tone: 'refused', title: pieces.message, ...(pieces.next ? { next: pieces.next } : {}) })}\n`);
    return 1;
  }
  const mark = command.bom ? byteOrderMark : '';
  if (!command.out) {
    if (mark) output.write(mark);
    for await (const { csv } of pieces) {
      output.write(csv);
      await output.ready?.();
    }
    return 0;
  }
  const rows = await intoFile(command.out, mark, pieces);
  output.write(`${reportText({ tone: 'good', title: `${count(rows, 'row')} written to ${command.out}.` })}\n`);
  return 0;
}

async function intoFile(path: string, mark: string, pieces: AsyncIterable<Piece>): Promise<number> {
  const file = await create(path);
  let rows = 0;
  try {
    await file.write(mark);
    for await (const piece of pieces) {
      await file.write(piece.csv);
      rows += piece.rows;
    }
    await file.close();
    return rows;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(path, { force: true });
    throw error;
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST')
      throw new Conflict('file_exists', `There already is a file ${path}. Give another name, or remove it.`);
    throw new Refused('file_unwritable', `The file ${path} cannot be written. Check the folder.`, { cause: error });
  }
}

type Inside = <R>(work: (ctx: Context) => Promise<R>) => Promise<R>;

async function piecesOf(inside: Inside, command: Command): Promise<AsyncIterable<Piece> | Refusal> {
  switch (command.what) {
    case 'list': {
      const list = await inside(ctx => lists.resolve(ctx, command.of));
      return isRefusal(list) ? list : membersOf(inside, list.id);
    }
    case 'sequence': {
      const sequence = await inside(ctx => sequences.resolve(ctx, command.of));
      return isRefusal(sequence) ? sequence : enrollmentsOf(inside, sequence.id);
    }
    case 'numbers':
      return numbersOf(inside, command.days);
    case 'activity': {
      const { about, by: member, days } = command;
      const found = await inside(ctx => filterOf(ctx, { about, member, days }));
      return isRefusal(found) ? found : trail(inside, found.filter);
    }
  }
}

/** Pages by id until one comes that is not full. */
async function* pages<T extends { id: number }>(
  header: readonly string[],
  page: (after: number) => Promise<T[]>,
  cells: (row: T) => (string | number | null)[],
): AsyncGenerator<Piece> {
  yield { csv: csvRow(header), rows: 0 };
  for (let after = 0; ; ) {
    const rows = await page(after);
    if (rows.length) yield { csv: rows.map(row => csvRow(cells(row))).join(''), rows: rows.length };
    if (rows.length < pageSize) return;
    after = rows.at(-1)!.id;
  }
}

const at = (instant: Temporal.Instant | null): string | null => instant?.toString({ smallestUnit: 'second' }) ?? null;

const leadColumns = [
  'Email',
  'First Name',
  'Last Name',
  'Full Name',
  'Job Title',
  'Seniority',
  'Department',
  'Company',
  'Company Domain',
  'Industry',
  'Employees',
  'LinkedIn URL',
  'Location',
  'Company Location',
  'Technologies',
];
/** What Drover knows of a membership; an import leaves these columns out. */
const ownColumns = ['source', 'record id', 'added at', 'added by', 'criteria', 'sequence', 'state', 'reason', 'contacted at'];

async function* membersOf(inside: Inside, listId: number): AsyncGenerator<Piece> {
  const fields = await inside(ctx => members.exportFields(ctx, listId));
  yield* pages(
    [...leadColumns, ...fields, ...ownColumns.map(name => `Drover ${name}`)],
    after => inside(ctx => members.exportPage(ctx, listId, { after, limit: pageSize })),
    row => [
      row.email,
      row.first_name,
      row.last_name,
      row.full_name,
      row.title,
      row.seniority?.replaceAll('_', ' ') ?? null,
      row.function?.replaceAll('_', ' ') ?? null,
      row.company,
      row.company_domain,
      row.industry,
      row.headcount,
      row.linkedin_url,
      row.person_location,
      row.company_location,
      row.technologies.join(', '),
      ...fields.map(name => row.fields[name] ?? null),
      row.source,
      row.record_id,
      at(row.added_at),
      row.added_by,
      row.criteria &&
        describe(row.criteria as Criteria)
          .map(({ label, value }) => `${label}: ${value}`)
          .join('; '),
      row.sequence,
      row.state ?? (row.skipped ? 'skipped' : null),
      row.state ? row.state_reason : row.skipped,
      at(row.contacted_at),
    ],
  );
}

const enrollmentColumns = [
  'Email',
  'Full Name',
  'Job Title',
  'Company',
  'LinkedIn URL',
  'Drover list',
  'Drover state',
  'Drover reason',
  'Drover held because',
  'Drover next step',
  'Drover next due on',
  'Drover sender',
  'Drover enrolled at',
  'Drover reviewed at',
  'Drover reviewed by',
  'Drover contacted at',
  'Drover last contact at',
  'Drover ended at',
];

const enrollmentsOf = (inside: Inside, sequenceId: number): AsyncGenerator<Piece> =>
  pages(
    enrollmentColumns,
    after => inside(ctx => enrollments.exportPage(ctx, sequenceId, { after, limit: pageSize })),
    row => [
      row.email,
      row.full_name,
      row.title,
      row.company,
      row.linkedin_url,
      row.list,
      row.state,
      row.reason,
      row.held_reason,
      row.ended_at ? null : row.next_position,
      row.ended_at ? null : row.next_due_on,
      row.sender,
      at(row.enrolled_at),
      at(row.reviewed_at),
      row.reviewed_by,
      at(row.contacted_at),
      at(row.last_contact_at),
      at(row.ended_at),
    ],
  );

const numberColumns = ['By', 'Name', 'Step', 'From', 'Until'];
const counts = ['contacted', 'sent', 'delivered', 'bounced', 'replied', 'interested', 'optedOut'] as const;

/** As many days as the tool tells unless said; counts alone, so that a spreadsheet makes its own rates. */
async function* numbersOf(inside: Inside, days = 30): AsyncGenerator<Piece> {
  yield { csv: csvRow([...numberColumns, ...counts.map(name => (name === 'optedOut' ? 'opted out' : name))]), rows: 0 };
  const rows = await inside(async ctx => {
    const until = dateIn(ctx.now, ctx.workspace.zone);
    const from = until.subtract({ days: days - 1 });
    const all = await numbers.count(ctx, { from, until });
    return all.map(row => [row.by, row.name, row.position, `${from}`, `${until}`, ...counts.map(name => row[name])]);
  });
  yield { csv: rows.map(csvRow).join(''), rows: rows.length };
}

async function* trail(inside: Inside, filter: Filter): AsyncGenerator<Piece> {
  for (let before: number | null = null; ; ) {
    const { csv, next }: { csv: string; next: number | null } = await inside(ctx =>
      exportCsv(ctx, filter, { before, limit: pageSize }),
    );
    const lines = csv.split('\r\n').length - 1;
    yield { csv, rows: before === null ? lines - 1 : lines };
    if (next === null) return;
    before = next;
  }
}
