import { enter, type Services } from '../domain/context.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import type { Candidate } from '../domain/ports.ts';
import { isRefusal } from '../errors.ts';
import { count, reasons } from '../tools/report.ts';
import type { ImportFile } from './desk.ts';
import type { Output } from './socket.ts';
import { reportText, safe } from './text.ts';

/** A stretch of a file, as a source reads it. */
export interface PeopleBatch {
  people: { line: number; candidate: Candidate }[];
  rejected: { line: number; reason: string; detail?: string }[];
  /** Bytes read so far, and of the whole file. */
  progress: { read: number; total: number };
}
export type ReadPeople = (file: string) => AsyncIterable<PeopleBatch>;

const barWidth = 28;
const shownRejects = 10;

const bar = (share: number): string => {
  const full = Math.round(share * barWidth);
  return `[${'█'.repeat(full)}${'░'.repeat(barWidth - full)}] ${Math.round(share * 100)} %`;
};

/**
 * Puts a file's people on a list: reads it once to know what is good, and again to import batch by batch, so that memory stays flat.
 * Rejected rows are told with their line and reason; the good ones are kept.
 */
export const createImport =
  (services: Services, readPeople: ReadPeople): ImportFile =>
  async ({ workspaceId, actor, file, list }, output) => {
    const { good, rejected } = await survey(readPeople, file, output);
    const opened = await enter(services, workspaceId, actor, ctx =>
      monitoring.openImport(ctx, { listName: list, ownerId: actor.id, asked: good }),
    );
    if (isRefusal(opened)) {
      output.write(`${reportText({ tone: 'refused', title: opened.message, ...(opened.next ? { next: opened.next } : {}) })}\n`);
      tellRejected(rejected, output);
      return 1;
    }
    for await (const { people, progress } of readPeople(file)) {
      if (people.length)
        await enter(services, workspaceId, actor, ctx =>
          monitoring.importRows(ctx, { ...opened, candidates: people.map(row => row.candidate) }),
        );
      output.progress(`Importing ${bar(progress.read / progress.total)}`);
    }
    const receipt = await enter(services, workspaceId, actor, ctx => monitoring.closeImport(ctx, opened.refillId));
    const skipped = reasons(receipt.skipped);
    output.write(
      `${reportText({
        tone: 'good',
        title: `${count(receipt.added, 'lead')} ${receipt.added === 1 ? 'is' : 'are'} on ${opened.isNew ? 'the new list' : 'the list'} "${opened.list}".`,
        facts: [
          { label: 'Rows', value: (good + rejected.total).toLocaleString('en-US') },
          { label: 'Added', value: receipt.added.toLocaleString('en-US') },
          ...(skipped ? [{ label: 'Skipped', value: skipped }] : []),
          ...(receipt.enrolled ? [{ label: 'Enrolled', value: receipt.enrolled.toLocaleString('en-US') }] : []),
          { label: 'Rejected', value: rejected.total.toLocaleString('en-US') },
        ],
        next: [`link "${opened.list}" to Fall Intro`],
      })}\n`,
    );
    tellRejected(rejected, output);
    return 0;
  };

interface Rejected {
  total: number;
  first: PeopleBatch['rejected'];
}

async function survey(readPeople: ReadPeople, file: string, output: Output): Promise<{ good: number; rejected: Rejected }> {
  let good = 0;
  const rejected: Rejected = { total: 0, first: [] };
  for await (const batch of readPeople(file)) {
    good += batch.people.length;
    rejected.total += batch.rejected.length;
    rejected.first.push(...batch.rejected.slice(0, shownRejects - rejected.first.length));
    output.progress(`Reading   ${bar(batch.progress.read / batch.progress.total)}`);
  }
  return { good, rejected };
}

function tellRejected({ total, first }: Rejected, output: Output): void {
  if (!total) return;
  const lines = first.map(
    ({ line, reason, detail }) => `  line ${line}: ${reason.replaceAll('_', ' ')}${detail ? ` (${detail})` : ''}`,
  );
  const more = total > first.length ? [`  … and ${total - first.length} more`] : [];
  output.write(`${safe([`! ${count(total, 'row')} rejected:`, ...lines, ...more].join('\n'))}\n`);
}
