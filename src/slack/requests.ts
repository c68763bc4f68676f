import type { StoredRequest } from '../db/system.ts';

/** What Slack sends, and what of it is for us. Pure: the receiver stores by it, the listeners answer by it. */

type Json = Record<string, unknown>;

/** A request's body as Slack means it: JSON for events, a form for commands, a form holding JSON for clicks. */
export function parseBody(contentType: string, raw: string): Json | undefined {
  if (!contentType.startsWith('application/x-www-form-urlencoded')) return parseObject(raw);
  const form = new URLSearchParams(raw);
  const payload = form.get('payload');
  return payload === null ? Object.fromEntries([...form].map(([key, value]) => [key, storable(value)])) : parseObject(payload);
}

/** No database text holds a zero character or half a surrogate pair; a request with one would never be stored. */
const storable = (value: string): string => value.replaceAll('\0', '').toWellFormed();

function parseObject(raw: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(raw, (_, inner) => (typeof inner === 'string' ? storable(inner) : inner));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const inside = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

/**
 * A message to the bot, told from everything else that happens in a channel. A mention arrives as `message` and as `app_mention`, in
 * either order: both read the same.
 */
export interface Said {
  channel: string;
  user: string;
  ts: string;
  /** What keeps a conversation together: the thread, a mention's own ts, or a direct message's whole top level. */
  root: string;
  isDirect: boolean;
  isReply: boolean;
  text: string;
}

/** The root of what is said in a direct message outside its threads: one conversation, answered where it is written. */
export const topLevel = 'top';

/** Where the answer of a conversation belongs. */
export const placeOf = ({ channel, root }: Pick<Said, 'channel' | 'root'>): { channel: string; threadTs?: string } =>
  root === topLevel ? { channel } : { channel, threadTs: root };

/** Messages that people write; every other subtype is Slack telling of a change. */
const written = new Set(['', 'file_share', 'thread_broadcast', 'me_message']);

/** What a person said, or undefined: bots' messages, edits, joins and everything that is no message are never for us. */
export function said(body: Json): Said | undefined {
  const event = inside(body.event);
  const type = text(event.type);
  if (type !== 'app_mention' && type !== 'message') return undefined;
  const [channel, user, ts] = [text(event.channel), text(event.user), text(event.ts)];
  if (!channel || !user || !ts || event.hidden || event.bot_id || user === 'USLACKBOT') return undefined;
  if (!written.has(text(event.subtype)) || user === selfOf(body)) return undefined;
  const threadTs = text(event.thread_ts);
  const isDirect = text(event.channel_type) === 'im' || channel.startsWith('D');
  return {
    channel,
    user,
    ts,
    root: threadTs || (isDirect ? topLevel : ts),
    isDirect,
    isReply: threadTs !== '' && threadTs !== ts,
    text: text(event.text),
  };
}

/** Who was deactivated in Slack, and when: the one change of a person that concerns the bot (W3). Every other one is not kept. */
export function hasLeft(body: Json): { user: string; at: string } | undefined {
  const event = inside(body.event);
  const person = inside(event.user);
  if (text(event.type) !== 'user_change' || person.deleted !== true || !text(person.id) || person.is_bot === true)
    return undefined;
  // Slack repeats an event with its own time; the same change has the same one (C1).
  return { user: text(person.id), at: text(event.event_ts) || `${person.updated ?? ''}` };
}

const authorization = (body: Json): Json => inside(Array.isArray(body.authorizations) ? body.authorizations[0] : undefined);
const selfOf = (body: Json): string => text(authorization(body).user_id);
const teamOf = (body: Json): string => text(authorization(body).team_id) || text(body.team_id) || text(inside(body.team).id);

/** A mention of the bot, with the label that Slack sometimes adds. */
const mentions = (words: string, userId: string): boolean => new RegExp(`<@${userId}(\\|[^>]*)?>`).test(words);
/** A mention of anybody, of a group, or of a whole channel. */
const anybody = /<@([A-Z0-9]+)(?:\|[^>]*)?>|<!(?:subteam\^|here|channel|everyone)[^>]*>/g;

/**
 * How a message concerns the bot (C3).
 * `answer`: it is for the bot. `elsewhere`: the person it was listening to turned to somebody else. `ignore`: neither.
 */
export function hearing(
  message: Said,
  { botUserId, awaiting }: { botUserId: string; awaiting: string | null },
): 'answer' | 'elsewhere' | 'ignore' {
  if (message.isDirect || mentions(message.text, botUserId)) return 'answer';
  if (!message.isReply || awaiting !== message.user) return 'ignore';
  return message.text.match(anybody) ? 'elsewhere' : 'answer';
}

/** A message's words for the agent: without the mention of the bot, with Slack's marking of links taken off. Channels keep theirs. */
export const words = (marked: string, botUserId: string): string =>
  marked
    .replace(new RegExp(`<@${botUserId}(\\|[^>]*)?>[:,]?`, 'g'), ' ')
    .replace(/<@([A-Z0-9]+)\|([^>]+)>/g, '@$2')
    .replace(/<@([A-Z0-9]+)>/g, '@$1')
    .replace(/<!(?:subteam\^\w+\|)?@?([^>|^]+)(?:\|[^>]*)?>/g, '@$1')
    .replace(/<(?:mailto:|tel:)?(https?:[^|>]+|[^@#!|>][^|>]*)(?:\|([^>]*))?>/g, (_, url: string, label?: string) => label || url)
    .replace(/&(amp|lt|gt);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>' })[name]!)
    .replace(/[ \t]+/g, ' ')
    .trim();

/** What the receiver does with a request. `ignore` is acknowledged and forgotten. */
export type Reading =
  | { kind: 'challenge'; challenge: string }
  | { kind: 'store'; request: StoredRequest }
  | { kind: 'ignore' }
  | { kind: 'malformed' };

/**
 * Sorts a request and gives it the key by which a repeat is known (C1): messages by team, channel, ts and user, whatever their event id;
 * clicks and commands by action_ts and trigger_id, modals by their view's id.
 */
export function read(body: Json): Reading {
  if (body.type === 'url_verification' && text(body.challenge)) return { kind: 'challenge', challenge: text(body.challenge) };
  if (body.ssl_check === '1') return { kind: 'ignore' };
  const teamId = teamOf(body);
  if (!teamId) return { kind: 'malformed' };
  if (body.type === 'event_callback') return event(body, teamId);
  if (text(body.command)) return command(body, teamId);
  if (body.type === 'block_actions') return click(body, teamId);
  if (body.type === 'view_submission') return submission(body, teamId);
  return text(body.type) ? { kind: 'ignore' } : { kind: 'malformed' };
}

function event(body: Json, teamId: string): Reading {
  if (!text(inside(body.event).type)) return { kind: 'malformed' };
  const left = hasLeft(body);
  if (left) {
    const key = ['event', teamId, 'user_change', left.user, left.at].join(':');
    return { kind: 'store', request: { key, kind: 'event', teamId, body } };
  }
  const message = said(body);
  if (!message || !mayConcernUs(message, body)) return { kind: 'ignore' };
  const { channel, ts, user, root } = message;
  return {
    kind: 'store',
    request: {
      key: ['event', teamId, channel, ts, user].join(':'),
      kind: 'event',
      teamId,
      thread: [teamId, channel, root].join(':'),
      body,
    },
  };
}

/**
 * Channel talk that neither mentions the bot nor replies in a thread can never be for it, so it is not kept at all. Whether a reply is
 * depends on the turn before it (C3), so that is decided when its own turn comes. Without the bot's id in the envelope, a message that
 * mentions anybody is kept.
 */
function mayConcernUs(message: Said, body: Json): boolean {
  if (message.isDirect || message.isReply || inside(body.event).type === 'app_mention') return true;
  const self = selfOf(body);
  return self ? mentions(message.text, self) : /<@[A-Z0-9]+/.test(message.text);
}

function command(body: Json, teamId: string): Reading {
  const trigger = text(body.trigger_id);
  if (!trigger || !text(body.user_id) || !text(body.channel_id)) return { kind: 'malformed' };
  return { kind: 'store', request: { key: ['command', teamId, trigger].join(':'), kind: 'command', teamId, body } };
}

function click(body: Json, teamId: string): Reading {
  const action = inside(Array.isArray(body.actions) ? body.actions[0] : undefined);
  const user = text(inside(body.user).id);
  const at = text(action.action_ts) || text(body.trigger_id);
  if (!at || !user) return { kind: 'malformed' };
  return { kind: 'store', request: { key: ['click', teamId, user, at].join(':'), kind: 'interaction', teamId, body } };
}

/** A modal is sent off once, however often somebody presses: each opening has an id of its own. */
function submission(body: Json, teamId: string): Reading {
  const view = text(inside(body.view).id);
  const user = text(inside(body.user).id);
  if (!view || !user) return { kind: 'malformed' };
  return { kind: 'store', request: { key: ['view', teamId, user, view].join(':'), kind: 'interaction', teamId, body } };
}
