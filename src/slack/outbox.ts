import type { KnownBlock } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import type { Selectable } from 'kysely';
import type { SlackPost } from '../db/types.ts';
import { type Context, drover, enter, type Services } from '../domain/context.ts';
import { slackPosts } from '../metrics.ts';
import { slackPost } from '../queues.ts';
import { isChart, withoutCharts } from './blocks/charts.ts';
import type { Message } from './blocks/message.ts';
import { backoffSeconds, maxAttempts, type Pace, ResponseUrlError, type unpaced, type Verdict, verdict } from './delivery.ts';

/** The only writer to Slack: what is to be shown is stored with what it tells about, then delivered in order, once (C1, G2). */

/** Where a message goes. */
export interface Address {
  channel: string;
  threadTs?: string;
  /** Shown to this user alone, by `response_url` where a request brought one: it also works where the bot is no member. */
  only?: { userId: string; responseUrl?: string };
  /** Replaces a message of ours: by its ts, or by the key it was posted under. */
  replace?: { ts: string } | { key: string };
}

/** What a row holds for Slack. `replaces`: the key of the post whose message it changes. */
interface Payload {
  text: string;
  blocks: KnownBlock[];
  /** The blocks without charts, where there are any: what is sent when Slack refuses those. */
  plain?: KnownBlock[];
  user?: string;
  ts?: string;
  replaces?: string;
  responseUrl?: string;
}

/** Marks our messages, so that one whose call went unanswered can be found again. */
const eventType = 'drover_post';

/**
 * Stores messages and their job in the caller's transaction. Further messages get the key with a number; a key that is there already
 * changes nothing. Of a replacement, the first message replaces and the others follow in the thread.
 */
export async function post(ctx: Context, key: string, address: Address, messages: readonly Message[]): Promise<void> {
  if (!messages.length) return;
  const { channel, threadTs } = address;
  await ctx.tx
    .insertInto('slack_post')
    .values(
      messages.map((message, i) => ({
        workspace_id: ctx.workspace.id,
        post_key: i === 0 ? key : `${key}/${i + 1}`,
        channel,
        thread_ts: threadTs ?? null,
        ...call(address, message, i),
        created_at: ctx.now,
        next_try_at: ctx.now,
      })),
    )
    .onConflict(conflict => conflict.columns(['workspace_id', 'post_key']).doNothing())
    .execute();
  await ctx.enqueue(slackPost, { workspaceId: ctx.workspace.id, channel });
}

function call({ only, replace }: Address, { text, blocks }: Message, index: number): { method: Method; payload: object } {
  const payload: Payload = { text, blocks, ...(blocks.some(isChart) ? { plain: withoutCharts(blocks) } : {}) };
  if (only?.responseUrl) return { method: 'response_url', payload: { ...payload, responseUrl: only.responseUrl } };
  if (only) return { method: 'chat.postEphemeral', payload: { ...payload, user: only.userId } };
  if (replace && index === 0)
    return { method: 'chat.update', payload: { ...payload, ...('ts' in replace ? replace : { replaces: replace.key }) } };
  return { method: 'chat.postMessage', payload };
}

type Method = 'chat.postMessage' | 'chat.update' | 'chat.postEphemeral' | 'response_url';
type Row = Selectable<SlackPost>;

/** What delivery needs of the outside. `pause` waits; tests move a clock instead. */
export interface Delivery {
  services: Services;
  client: WebClient;
  pace: Pace | typeof unpaced;
  pause: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Longer waits are left to the tick, so that a worker is free for other channels. */
const patienceMs = 30_000;
/** One job's share of a long backlog; the rest is a job of its own. */
const share = 200;

/**
 * Writes what waits for a channel, oldest first, until nothing waits or its turn is far off. Runs one at a time a channel; a row that a
 * killed process left `handing` is looked for in Slack before it is posted again.
 */
export async function deliverPosts(out: Delivery, workspaceId: number, channel: string, signal?: AbortSignal): Promise<void> {
  const inside = <R>(work: (ctx: Context) => Promise<R>) => enter(out.services, workspaceId, drover, work);
  for (let left = share; left > 0 && !signal?.aborted; left--) {
    const row = await inside(ctx => oldest(ctx, channel));
    if (!row) return;
    const waitMs = row.next_try_at.epochMilliseconds - out.services.clock.now().epochMilliseconds;
    if (waitMs > patienceMs) return;
    if (waitMs > 0) await out.pause(waitMs, signal);
    if (signal?.aborted) return;

    const outcome = await attempt(out, inside, row, signal);
    await inside(ctx => settle(ctx, row, outcome));
    slackPosts.inc({ outcome: outcome.kind });
    if (outcome.kind === 'failed')
      out.services.log.warn({ post: row.id, method: row.method, code: outcome.code }, 'Slack refused a post');
  }
  await inside(ctx => ctx.enqueue(slackPost, { workspaceId, channel }));
}

type Inside = <R>(work: (ctx: Context) => Promise<R>) => Promise<R>;
type Outcome = { kind: 'posted'; ts: string | null } | Verdict;

const oldest = (ctx: Context, channel: string): Promise<Row | undefined> =>
  ctx.tx
    .selectFrom('slack_post')
    .selectAll()
    .where('channel', '=', channel)
    .where('state', 'in', ['waiting', 'handing'])
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();

/** One try: look for it if it may be there, commit `handing`, call. */
async function attempt(out: Delivery, inside: Inside, row: Row, signal?: AbortSignal): Promise<Outcome> {
  try {
    const there = row.state === 'handing' ? await find(out.client, row) : undefined;
    if (there) return { kind: 'posted', ts: there };
  } catch (error) {
    // Whether it is there could not be read: posting it now might post it twice.
    const found = verdict(error);
    return found.kind === 'failed' ? { kind: 'failed', code: `unconfirmed_${found.code}` } : { ...found, kind: 'unsure' };
  }
  const waitMs = out.pace.take(row.channel, out.services.clock.now());
  if (waitMs > 0) await out.pause(waitMs, signal);
  const target = await inside(ctx => hand(ctx, row));
  if (target === null) return { kind: 'failed', code: 'nothing_to_replace' };
  try {
    return { kind: 'posted', ts: await send(out.client, row, target) };
  } catch (error) {
    return verdict(error);
  }
}

/** Commits that the call is about to be made. Yields the ts of what is replaced; null when that was never posted. */
async function hand(ctx: Context, row: Row): Promise<string | undefined | null> {
  await ctx.tx
    .updateTable('slack_post')
    .set({ state: 'handing', handing_at: ctx.now, attempts: row.attempts + 1 })
    .where('id', '=', row.id)
    .execute();
  const { ts, replaces } = row.payload as unknown as Payload;
  if (!replaces) return ts;
  const original = await ctx.tx.selectFrom('slack_post').select('ts').where('post_key', '=', replaces).executeTakeFirst();
  return original?.ts ?? null;
}

async function send(client: WebClient, row: Row, target: string | undefined): Promise<string | null> {
  const { text, blocks, user, responseUrl } = row.payload as unknown as Payload;
  const content = { channel: row.channel, text, blocks, ...(row.thread_ts ? { thread_ts: row.thread_ts } : {}) };
  const metadata = { event_type: eventType, event_payload: { key: row.post_key } };
  switch (row.method as Method) {
    case 'chat.postMessage':
      return (await client.chat.postMessage({ ...content, metadata, unfurl_links: false, unfurl_media: false })).ts ?? null;
    case 'chat.update':
      await client.chat.update({ channel: row.channel, ts: target!, text, blocks, metadata });
      return target!;
    case 'chat.postEphemeral':
      await client.chat.postEphemeral({ ...content, user: user! });
      return null;
    case 'response_url':
      await respond(responseUrl!, { text, blocks, ...(row.thread_ts ? { thread_ts: row.thread_ts } : {}) });
      return null;
  }
}

async function respond(url: string, content: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...content, response_type: 'ephemeral', replace_original: false }),
    signal: AbortSignal.timeout(10_000),
  });
  await response.body?.cancel();
  if (!response.ok) throw new ResponseUrlError(response.status, Number(response.headers.get('retry-after')) || 1);
}

/** Pages of history that are read in search of one message. */
const pagesRead = 5;

/**
 * The ts of a message that an unanswered call did post. Only new messages are looked for: replacing twice changes nothing, and what one
 * person alone sees cannot be read back, so that it is rather shown twice than not at all.
 */
async function find(client: WebClient, row: Row): Promise<string | undefined> {
  if (row.method !== 'chat.postMessage') return undefined;
  // Slack's clock may be a little behind ours.
  const oldest = String((row.created_at.epochMilliseconds - 5 * 60_000) / 1000);
  let cursor: string | undefined;
  for (let page = 0; page < pagesRead; page++) {
    const about = { channel: row.channel, oldest, limit: 200, include_all_metadata: true, ...(cursor ? { cursor } : {}) };
    const read = row.thread_ts
      ? await client.conversations.replies({ ...about, ts: row.thread_ts })
      : await client.conversations.history(about);
    const ours = (read.messages as { ts?: string; metadata?: Marked }[] | undefined)?.find(
      ({ metadata }) => metadata?.event_type === eventType && metadata.event_payload?.key === row.post_key,
    );
    if (ours?.ts) return ours.ts;
    cursor = read.response_metadata?.next_cursor;
    if (!cursor) return undefined;
  }
  return undefined;
}
interface Marked {
  event_type?: string;
  event_payload?: { key?: string };
}

/** Slack will not draw these blocks; nothing was posted. A `response_url` says no more than that it will not. */
const refusesBlocks = /^(invalid_blocks|invalid_blocks_format|msg_blocks_too_long|invalid_arguments|http_4\d\d)$/;

/** Records what a try came to. Charts that are refused are given up for their numbers, once. */
async function settle(ctx: Context, row: Row, outcome: Outcome): Promise<void> {
  const change = ctx.tx.updateTable('slack_post').where('id', '=', row.id);
  if (outcome.kind === 'posted') {
    await change.set({ state: 'posted', ts: outcome.ts, posted_at: ctx.now, error: null }).execute();
    return;
  }
  const attempts = row.attempts + 1;
  const { plain, ...payload } = row.payload as unknown as Payload;
  if (outcome.kind === 'failed' && plain && refusesBlocks.test(outcome.code)) {
    const again = { ...payload, blocks: plain };
    await change
      .set({ state: 'waiting', error: outcome.code, attempts, payload: again as object, next_try_at: ctx.now })
      .execute();
    return;
  }
  if (outcome.kind === 'failed' || (outcome.kind !== 'wait' && attempts >= maxAttempts)) {
    await change.set({ state: 'failed', error: outcome.code, attempts }).execute();
    return;
  }
  const seconds = outcome.kind === 'wait' ? outcome.seconds : backoffSeconds(attempts);
  await change
    .set({
      state: outcome.kind === 'unsure' ? 'handing' : 'waiting',
      error: outcome.code,
      attempts,
      next_try_at: ctx.now.add({ seconds }),
    })
    .execute();
}
