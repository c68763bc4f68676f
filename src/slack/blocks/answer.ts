import type { KnownBlock } from '@slack/types';
import type { TurnAnswer } from '../../tools/turn.ts';
import { type Message, paginate } from './message.ts';
import { divider, sections } from './parts.ts';
import { fallback, reportBlocks } from './report.ts';
import { fromMarkdown } from './text.ts';

/**
 * A turn's answer: the model's sentences, then what each call has to show, laid out by code (A3). Calls that wait for a human are left
 * out: their card is a message of its own. Null when nothing else is to be said.
 */
export function answerMessages(answer: TurnAnswer): Message[] | null {
  const said = fromMarkdown(answer.text);
  const reports = distinct(
    answer.calls.filter(call => call.outcome.outcome !== 'needs_approval').map(call => call.outcome.report),
  );
  const groups: KnownBlock[][] = [
    ...(said ? [sections(said)] : []),
    ...reports.map((report, i): KnownBlock[] => [...(said || i > 0 ? [divider] : []), ...reportBlocks(report)]),
  ];
  if (!groups.length) return null;
  return paginate(said || reports.map(fallback).join('\n'), groups);
}

/** The model sometimes asks the same thing twice; it is shown once. */
const distinct = <T>(all: T[]): T[] => [...new Map(all.map(one => [JSON.stringify(one), one])).values()];
