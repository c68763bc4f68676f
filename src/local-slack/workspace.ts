import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { type Journal, memoryJournal } from '../journal.ts';
import type { Block } from './limits.ts';

export interface User {
  id: string;
  name: string;
  realName: string;
  email: string | null;
  isAdmin: boolean;
  isBot: boolean;
  /** Deactivated: they left. */
  deleted?: boolean;
}

export interface Channel {
  id: string;
  kind: 'channel' | 'im';
  /** Without '#'; of a direct message, the person's id. */
  name: string;
  topic: string;
  members: Set<string>;
}

export interface Message {
  channel: string;
  ts: string;
  user: string;
  text: string;
  blocks: Block[];
  threadTs?: string;
  metadata?: { event_type: string; event_payload: Record<string, unknown> };
  /** Only this user sees it; it takes part in no history. */
  ephemeralTo?: string;
  /** Posted by the app; else typed by a person. */
  byApp: boolean;
  editedTs?: string;
  reactions: { name: string; users: string[] }[];
  /** Grows with every change, so that a page redraws only what changed. */
  revision: number;
}

/** A line of the journal: what happened to the conversation. */
type Entry =
  | { did: 'posted'; message: Message }
  | { did: 'changed'; channel: string; ts: string; fields: Partial<Message> }
  | { did: 'deleted'; channel: string; ts: string }
  | { did: 'joined'; channel: string; user: string };

export interface Change {
  did: Entry['did'];
  channel: string;
  ts?: string;
  threadTs?: string;
}

export const team = { id: 'T0LOCAL0001', domain: 'local', appId: 'A0DROVER001', botId: 'B0DROVER001' } as const;
export const slackbot: User = {
  id: 'USLACKBOT',
  name: 'slackbot',
  realName: 'Slackbot',
  email: null,
  isAdmin: false,
  isBot: true,
};
const bot: User = { id: 'U0DROVER001', name: 'drover', realName: 'Drover', email: null, isAdmin: false, isBot: true };
const person = (id: string, name: string, realName: string, isAdmin: boolean): User => ({
  id,
  name,
  realName,
  email: `${name}@local.example`,
  isAdmin,
  isBot: false,
});
/** The first is an admin. */
export const people = [person('U0ALEX00001', 'alex', 'Alex Admin', true), person('U0SAM000001', 'sam', 'Sam Rep', false)];

const microseconds = (instant: Temporal.Instant) => instant.epochNanoseconds / 1000n;
const tsOf = (micros: bigint) => `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`;
const microsOf = (ts: string) => BigInt(ts.replace('.', ''));
/** Whether it has the form of a Slack timestamp. */
export const isTs = (value: unknown): value is string => typeof value === 'string' && /^\d{1,12}\.\d{6}$/.test(value);
/** The instant of a message. */
export const instantOf = (ts: string): Temporal.Instant => Temporal.Instant.fromEpochMilliseconds(Number(microsOf(ts) / 1000n));

/** The conversation: who is there, and what was said. Everything that happens goes through it, and through its journal. */
export class Workspace {
  readonly name: string;
  readonly bot = bot;
  readonly people = people;
  readonly users = new Map([...people, bot, slackbot].map(user => [user.id, user]));
  readonly channels = new Map<string, Channel>();
  readonly zone: string;
  readonly clock: Clock;
  #messages = new Map<string, Map<string, Message>>();
  #followers = new Set<(change: Change) => void>();
  #journal: Journal<Entry>;
  #last = 0n;
  #serial = 0;
  /** Ids of two starts must not meet, even where the clock stands still. */
  readonly #start = randomBytes(3).toString('hex').toUpperCase();

  constructor({ name, clock, zone, journal = memoryJournal() }: WorkspaceInput) {
    this.name = name;
    this.clock = clock;
    this.zone = zone;
    const everyone = people.map(user => user.id);
    this.#add(
      { id: 'C0SALES0001', kind: 'channel', name: 'sales', topic: 'Lists, sequences and who to contact next' },
      everyone,
      true,
    );
    this.#add({ id: 'C0GENERAL01', kind: 'channel', name: 'general', topic: 'For everyone here' }, everyone, true);
    this.#add(
      { id: 'C0RANDOM001', kind: 'channel', name: 'random', topic: 'Drover is not in here until somebody invites it' },
      everyone,
      false,
    );
    for (const user of people) this.#add({ id: `D${user.id.slice(1)}`, kind: 'im', name: user.id, topic: '' }, [user.id], true);
    this.#journal = journal;
    for (const entry of journal.read()) this.#apply(entry);
  }

  #add(channel: Omit<Channel, 'members'>, members: string[], withBot: boolean): void {
    this.channels.set(channel.id, { ...channel, members: new Set(withBot ? [...members, bot.id] : members) });
    this.#messages.set(channel.id, new Map());
  }

  /** Calls `follow` after every change, until the returned function is called. */
  onChange(follow: (change: Change) => void): () => void {
    this.#followers.add(follow);
    return () => this.#followers.delete(follow);
  }

  /** A timestamp later than all before it, as near to the clock as that allows: it is a message's name in its channel. */
  nextTs(): string {
    const now = microseconds(this.clock.now());
    this.#last = now > this.#last ? now : this.#last + 1n;
    return tsOf(this.#last);
  }

  /** An id of Slack's shape that was not given out before by this process. */
  nextId(prefix: string): string {
    this.#serial += 1;
    return `${prefix}0${this.#start}${this.#serial.toString(36).toUpperCase().padStart(4, '0')}`;
  }

  /** By id, `#name` or name; a user's id stands for the direct message with the bot, as in `chat.postMessage`. */
  channel(reference: string): Channel | undefined {
    if (this.channels.has(reference)) return this.channels.get(reference);
    const name = reference.replace(/^#/, '').toLowerCase();
    for (const channel of this.channels.values()) {
      if (channel.kind === 'channel' ? channel.name === name : channel.name === reference) return channel;
    }
    return undefined;
  }

  message(channel: string, ts: string): Message | undefined {
    return this.#messages.get(channel)?.get(ts);
  }

  /** All messages of a channel, oldest first (they came in that order, since timestamps only grow); ephemeral ones only for whom they are. */
  messages(channel: string, { seenBy }: { seenBy?: string } = {}): Message[] {
    const all = [...(this.#messages.get(channel)?.values() ?? [])];
    return all.filter(message => !message.ephemeralTo || message.ephemeralTo === seenBy);
  }

  /** A message and its replies, oldest first. */
  thread(channel: string, root: string, seen: { seenBy?: string } = {}): Message[] {
    return this.messages(channel, seen).filter(message => message.ts === root || message.threadTs === root);
  }

  post(input: Omit<Message, 'ts' | 'reactions' | 'revision' | 'blocks'> & { blocks?: Block[] }): Message {
    const blocks = (input.blocks ?? []).map(block => ({ ...block, block_id: block.block_id ?? this.nextId('b') }));
    const message: Message = { ...input, blocks, ts: this.nextTs(), reactions: [], revision: 1 };
    this.#record({ did: 'posted', message });
    return message;
  }

  change(message: Message, fields: Partial<Message>): Message {
    const blocks = fields.blocks?.map(block => ({ ...block, block_id: block.block_id ?? this.nextId('b') }));
    const changed = { ...fields, ...(blocks ? { blocks } : {}), revision: message.revision + 1 };
    this.#record({ did: 'changed', channel: message.channel, ts: message.ts, fields: changed });
    return this.message(message.channel, message.ts)!;
  }

  delete(message: Message): void {
    this.#record({ did: 'deleted', channel: message.channel, ts: message.ts });
  }

  /** Deactivates somebody's account; for as long as this process lives. */
  deactivate(user: User): User {
    const left = { ...user, deleted: true };
    this.users.set(user.id, left);
    return left;
  }

  join(channel: Channel, user: string): void {
    if (!channel.members.has(user)) this.#record({ did: 'joined', channel: channel.id, user });
  }

  #record(entry: Entry): void {
    this.#journal.append(entry);
    const change = this.#apply(entry);
    for (const follow of this.#followers) follow(change);
  }

  #apply(entry: Entry): Change {
    const id = entry.did === 'posted' ? entry.message.channel : entry.channel;
    const messages = this.#messages.get(id) ?? new Map<string, Message>();
    if (entry.did === 'joined') {
      this.channels.get(id)?.members.add(entry.user);
      return { did: 'joined', channel: id };
    }
    const ts = entry.did === 'posted' ? entry.message.ts : entry.ts;
    const before = messages.get(ts);
    if (entry.did === 'posted') messages.set(ts, entry.message);
    else if (entry.did === 'deleted') messages.delete(ts);
    else if (before) messages.set(ts, { ...before, ...entry.fields });
    if (microsOf(ts) > this.#last) this.#last = microsOf(ts);
    return { did: entry.did, channel: id, ts, threadTs: (messages.get(ts) ?? before)?.threadTs };
  }
}

export interface WorkspaceInput {
  name: string;
  clock: Clock;
  /** In which the page shows times. */
  zone: string;
  journal?: Journal<Entry>;
}

export type WorkspaceEntry = Entry;
