import type { KnownBlock } from '@slack/types';
import { isChart, withoutCharts } from './charts.ts';
import { LIMITS } from './limits.ts';
import { clip } from './text.ts';

/** One message as it is given to the outbox: blocks, and a text for notifications and readers that draw none. Both are inert mrkdwn. */
export interface Message {
  text: string;
  blocks: KnownBlock[];
}

/** Every string of a block that a reader sees, added up. */
export function chars(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, inner) => sum + chars(inner), 0);
  if (value === null || typeof value !== 'object') return 0;
  return Object.entries(value).reduce(
    (sum, [key, inner]) => sum + (key === 'text' && typeof inner === 'string' ? inner.length : chars(inner)),
    0,
  );
}

/**
 * Lays blocks out over as many messages as Slack's limits ask for. Groups stay together where they can; a group that is too large for
 * one message is cut between its blocks.
 */
export function paginate(text: string, groups: KnownBlock[][]): Message[] {
  const pages: KnownBlock[][] = [[]];
  const fits = (blocks: KnownBlock[]) => {
    // A chart that Slack refuses is replaced by its numbers: a page has room for them.
    const inFull = withoutCharts(blocks);
    return (
      inFull.length <= LIMITS.blocks &&
      chars(inFull) + inFull.length * LIMITS.blockWeight <= LIMITS.messageWeight &&
      blocks.filter(block => block.type === 'table').length <= LIMITS.tablesAMessage &&
      blocks.filter(isChart).length <= LIMITS.chartsAMessage
    );
  };
  const add = (blocks: KnownBlock[]): boolean => {
    const page = pages.at(-1)!;
    if (!fits([...page, ...blocks])) return false;
    page.push(...blocks);
    return true;
  };
  for (const group of groups) {
    if (add(group)) continue;
    if (fits(group)) {
      pages.push([...group]);
      continue;
    }
    for (const block of group) if (!add([block])) pages.push([block]);
  }
  const fallback = clip(text, LIMITS.fallbackChars);
  return pages
    .map(page => page.filter((block, i) => block.type !== 'divider' || (i > 0 && i < page.length - 1)))
    .filter((page, i) => page.length || i === 0)
    .map((blocks, i, all) => ({ text: i === 0 ? fallback : `${clip(text, 200)} (${i + 1}/${all.length})`, blocks }));
}
