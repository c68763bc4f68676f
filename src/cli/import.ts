import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { enter, type MemberActor, type Services } from '../domain/context.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import type { Candidate } from '../domain/ports.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { count, reasons } from '../tools/report.ts';
import type { ImportFile } from './desk.ts';
import { RejectedFile, type RejectedRow, reasonText } from './rejected.ts';
import type { Output } from './socket.ts';
import { reportText, safe } from './text.ts';

/** A stretch of a file, as a source reads it. */
export interface PeopleBatch {
  /** The file's columns, as it names them. */
  header: readonly string[];
  people: { line: number; candidate: Candidate }[];
  rejected: RejectedRow[];
  /** The last line that this batch deals with. */
  through: number;
  /** Bytes read so far, and of the whole file. */
  progress: { read: number; total: number };
  /** What the reader of the file should know, a sentence each. */
  notes: readonly string[];
}
/** Reads a file in batches of so many rows, good and rejected. */
export type ReadPeople = (file: string, batchSize: number) => AsyncIterable<PeopleBatch>;

const barWidth = 28;

const bar = (share: number): string => {
  const full = Math.round(share * barWidth);
  return `[${'█'.repeat(full)}${'░'.repeat(barWidth - full)}] ${Math.round(share * 100)} %`;
};

interface Into {
  workspaceId: number;
  actor: MemberActor;
  file: string;
  list: string;
}

/**
 * Puts a file's people on a list, batch by batch, so that memory stays flat; nothing is written before a first row is good. The same
 * command after a kill goes on where it stopped, and its receipt is that of the whole file. Rejected rows come back as a CSV next to
 * the file; the good ones are kept.
 */
export const createImport =
  (services: Services, readPeople: ReadPeople): ImportFile =>
  async (into, output) => {
    const rejected = new RejectedFile(into.file);
    try {
      const taken = await takeIn(services, readPeople, into, rejected, output);
      if ('outcome' in taken) {
        await rejected.discard();
        output.write(`${refusalText(taken)}\n`);
        return 1;
      }
      if (!taken.opened) {
        output.write(
          `${refusalText(refuse('nothing_to_import', 'The file has no row that can be imported. Nothing was written.'))}\n`,
        );
        tellRejected(rejected, await rejected.end(), output);
        return 1;
      }
      const { opened, notes } = taken;
      const { receipt, wayOn } = await enter(services, into.workspaceId, into.actor, async ctx => ({
        receipt: await monitoring.closeImport(ctx, opened.refillId),
        wayOn: await monitoring.wayOn(ctx, opened.listId, into.actor.id),
      }));
      output.write(`${receiptText(opened, receipt, { rejected: rejected.total, notes, wayOn })}\n`);
      tellRejected(rejected, await rejected.end(), output);
      return 0;
    } catch (error) {
      await rejected.discard();
      throw error;
    }
  };

const refusalText = ({ message, next }: Refusal): string =>
  reportText({ tone: 'refused', title: message, ...(next ? { next } : {}) });

interface Taken {
  /** null: the file has no good row. */
  opened: monitoring.Import | null;
  notes: readonly string[];
}

async function takeIn(
  services: Services,
  readPeople: ReadPeople,
  { workspaceId, actor, file, list }: Into,
  rejected: RejectedFile,
  output: Output,
): Promise<Taken | Refusal> {
  let opened: monitoring.Import | null = null;
  let notes: readonly string[] = [];
  for await (const batch of ahead(readPeople(file, monitoring.rowsAtOnce(services)))) {
    const { people, progress } = batch;
    notes = batch.notes;
    if (people.length && !opened) {
      const printed = await fingerprint(file, progress.total);
      const begun = await enter(services, workspaceId, actor, ctx =>
        monitoring.openImport(ctx, { listName: list, ownerId: actor.id, asked: people.length, file: printed }),
      );
      if (isRefusal(begun)) return begun;
      opened = begun;
    }
    if (opened && people.length && batch.through > opened.through)
      await enter(services, workspaceId, actor, ctx =>
        monitoring.importRows(ctx, {
          ...opened!,
          candidates: people.map(row => row.candidate),
          lines: { of: people.map(row => row.line), through: batch.through },
        }),
      );
    await rejected.add(batch.header, batch.rejected);
    output.progress(`Importing ${bar(progress.read / progress.total)}`);
  }
  return { opened, notes };
}

/** Reads the next batch while the database is busy with this one: it works in a process of its own. */
async function* ahead<T>(batches: AsyncIterable<T>): AsyncGenerator<T> {
  const reader = batches[Symbol.asyncIterator]();
  let next = reader.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = reader.next();
      next.catch(() => {}); // told when it is asked for
      yield value;
    }
  } finally {
    await next.catch(() => {});
    await reader.return?.();
  }
}

/** What makes two files one: their contents. 100 MB take about a tenth of a second. */
async function fingerprint(file: string, size: number): Promise<monitoring.ImportedFile> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return { name: path.basename(file), size, hash: hash.digest('hex') };
}

function receiptText(
  opened: monitoring.Import,
  receipt: monitoring.Receipt,
  { rejected, notes, wayOn }: { rejected: number; notes: readonly string[]; wayOn: monitoring.WayOn },
): string {
  const skipped = reasons(receipt.skipped);
  const wentOn = `It went on after line ${opened.through.toLocaleString('en-US')}, where it was broken off; the numbers are of the whole file.`;
  return reportText({
    tone: 'good',
    title: `${count(receipt.added, 'lead')} ${receipt.added === 1 ? 'is' : 'are'} on ${opened.isNew ? 'the new list' : 'the list'} "${opened.list}".`,
    facts: [
      { label: 'Rows', value: (receipt.found + rejected).toLocaleString('en-US') },
      { label: 'Added', value: receipt.added.toLocaleString('en-US') },
      ...(skipped ? [{ label: 'Skipped', value: skipped }] : []),
      ...(receipt.enrolled ? [{ label: 'Enrolled', value: receipt.enrolled.toLocaleString('en-US') }] : []),
      { label: 'Rejected', value: rejected.toLocaleString('en-US') },
    ],
    notes: [...notes, ...(opened.through ? [wentOn] : [])],
    next: [nextStep(opened.list, wayOn)],
  });
}

/** What to do with the people who are on the list now: a phrase that works here. */
function nextStep(list: string, { linked, active, hasOthers }: monitoring.WayOn): string {
  if (linked) return `show sequence "${linked}"`;
  if (active) return `link "${list}" to "${active}"`;
  return hasOthers ? 'list sequences' : 'create a sequence called Spring Intro';
}

function tellRejected({ total, first }: RejectedFile, file: string | null, output: Output): void {
  if (!total) return;
  const lines = first.map(row => `  line ${row.line}: ${reasonText(row)}`);
  const more = total > first.length ? [`  … and ${(total - first.length).toLocaleString('en-US')} more`] : [];
  const where = file ? `All of them, to put right and import again: ${file}` : 'They could not be written next to the file.';
  output.write(`${safe([`! ${count(total, 'row')} rejected:`, ...lines, ...more, `  ${where}`].join('\n'))}\n`);
}
