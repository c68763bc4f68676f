import { type Events, messageJson } from './events.ts';
import { type Block, limits, type Objection, objectionToBlocks, objectionToMetadata } from './limits.ts';
import type { Views } from './views.ts';
import { type Channel, isTs, type Message, team, type User, type Workspace } from './workspace.ts';

export type Args = Record<string, unknown>;
export type Reply = { ok: true; [field: string]: unknown } | { ok: false; error: string; [field: string]: unknown };

/** A refusal with one of Slack's codes; the HTTP answer is still 200. */
export class SlackError extends Error {
  readonly code: string;
  readonly messages: string[];
  constructor(code: string, messages: string[] = []) {
    super(code);
    this.code = code;
    this.messages = messages;
  }
}

const refuse = (code: string, messages?: string[]): never => {
  throw new SlackError(code, messages);
};
const refuseObjection = (objection: Objection | undefined) => {
  if (objection) refuse(objection.error, objection.messages);
};
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const isYes = (value: unknown) => value === true || value === 'true' || value === '1' || value === 1;

const userJson = (workspace: Workspace, user: User) => ({
  id: user.id,
  team_id: team.id,
  name: user.name,
  real_name: user.realName,
  deleted: user.deleted ?? false,
  is_admin: user.isAdmin,
  is_owner: user.isAdmin,
  is_primary_owner: false,
  is_restricted: false,
  is_bot: user.isBot && user.id !== 'USLACKBOT',
  is_app_user: false,
  tz: workspace.zone,
  profile: {
    real_name: user.realName,
    display_name: user.name,
    ...(user.email ? { email: user.email } : {}),
    ...(user.isBot ? { bot_id: team.botId, api_app_id: team.appId } : {}),
  },
});

const channelJson = (workspace: Workspace, channel: Channel) => {
  const shared = {
    id: channel.id,
    is_archived: false,
    is_member: channel.members.has(workspace.bot.id),
    context_team_id: team.id,
  };
  if (channel.kind === 'im') return { ...shared, is_im: true, is_channel: false, user: channel.name, is_open: true };
  return {
    ...shared,
    name: channel.name,
    name_normalized: channel.name,
    is_im: false,
    is_channel: true,
    is_private: false,
    is_general: channel.name === 'general',
    topic: { value: channel.topic },
    purpose: { value: '' },
    num_members: channel.members.size,
  };
};

/** A page of rows by an opaque cursor. */
function page<T>(rows: T[], args: Args, most = 1_000): { rows: T[]; next: string } {
  const limit = args.limit === undefined ? 100 : Number(args.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > most) refuse('invalid_limit');
  const cursor = text(args.cursor);
  const offset = /^next:(\d+)$/.exec(Buffer.from(cursor ?? '', 'base64').toString())?.[1];
  const start = cursor ? Number(offset ?? Number.NaN) : 0;
  if (!Number.isInteger(start) || start > rows.length) refuse('invalid_cursor');
  const end = start + limit;
  return { rows: rows.slice(start, end), next: end < rows.length ? Buffer.from(`next:${end}`).toString('base64') : '' };
}

/** What `chat.postMessage`, `chat.update` and `response_url` take: text, blocks, metadata; checked as Slack checks them. */
export function content(args: Args, { longestText = limits.text as number } = {}) {
  if (args.attachments !== undefined && JSON.stringify(args.attachments) !== '[]') refuse('invalid_attachments');
  const markdown = text(args.markdown_text);
  if (markdown && (text(args.text) || args.blocks !== undefined)) refuse('markdown_text_conflict');
  if (markdown && markdown.length > limits.markdown) refuse('msg_too_long');
  const blocks = markdown ? [{ type: 'markdown', text: markdown }] : args.blocks;
  if (blocks !== undefined) refuseObjection(objectionToBlocks(blocks));
  const written = markdown ?? text(args.text) ?? '';
  if (written.length > longestText) refuse('msg_too_long');
  if (args.metadata !== undefined) refuseObjection(objectionToMetadata(args.metadata));
  return {
    text: written,
    blocks: (blocks ?? []) as Block[],
    hasText: args.text !== undefined || markdown !== undefined,
    hasBlocks: blocks !== undefined,
    ...(args.metadata ? { metadata: args.metadata as Message['metadata'] } : {}),
  };
}

/** The Web API of the workspace as the app's bot sees it. Each method throws a `SlackError` for what Slack refuses. */
export class Methods {
  readonly #workspace: Workspace;
  readonly #events: Events;
  readonly #url: () => string;
  readonly #views: Views;

  constructor(workspace: Workspace, events: Events, views: Views, url: () => string) {
    this.#workspace = workspace;
    this.#events = events;
    this.#views = views;
    this.#url = url;
  }

  has(method: string): boolean {
    return Object.hasOwn(this.#table, method);
  }

  call(method: string, args: Args): Reply {
    const run = this.has(method) ? this.#table[method] : undefined;
    try {
      return run ? { ok: true, ...run(args) } : refuse('unknown_method');
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      const { code, messages } = error;
      return { ok: false, error: code, ...(messages.length ? { errors: messages, response_metadata: { messages } } : {}) };
    }
  }

  #channel(args: Args): Channel {
    const channel = this.#workspace.channel(text(args.channel) ?? refuse('channel_not_found'));
    return channel ?? refuse('channel_not_found');
  }

  #channelWithBot(args: Args): Channel {
    const channel = this.#channel(args);
    return channel.members.has(this.#workspace.bot.id) ? channel : refuse('not_in_channel');
  }

  #user(id: unknown): User {
    return this.#workspace.users.get(String(id ?? '')) ?? refuse('user_not_found');
  }

  /** The message that `ts` names; ephemeral ones are out of the API's reach. */
  #message(channel: Channel, ts: unknown): Message {
    const message = isTs(ts) ? this.#workspace.message(channel.id, ts) : undefined;
    return message && !message.ephemeralTo ? message : refuse('message_not_found');
  }

  #threadOf(channel: Channel, args: Args): { threadTs?: string } {
    const ts = text(args.thread_ts);
    if (!ts) return {};
    const parent = isTs(ts) ? this.#workspace.message(channel.id, ts) : undefined;
    if (!parent || parent.ephemeralTo) return refuse('thread_not_found');
    if (parent.threadTs) return refuse('cannot_reply_to_message');
    return { threadTs: ts };
  }

  #own(channel: Channel, args: Args, refusal: string): Message {
    const message = this.#message(channel, args.ts);
    return message.byApp && message.user === this.#workspace.bot.id ? message : refuse(refusal);
  }

  #post = (args: Args) => {
    const channel = this.#channelWithBot(args);
    const { hasText: _, hasBlocks, ...said } = content(args);
    if (!said.text && !hasBlocks) refuse('no_text');
    const thread = this.#threadOf(channel, args);
    const message = this.#workspace.post({ channel: channel.id, user: this.#workspace.bot.id, byApp: true, ...thread, ...said });
    this.#events.posted(message);
    return { channel: channel.id, ts: message.ts, message: messageJson(this.#workspace, message) };
  };

  #update = (args: Args) => {
    const channel = this.#channelWithBot(args);
    const { hasText, hasBlocks, text: written, blocks, metadata } = content(args, { longestText: limits.updatedText });
    if (!written && !hasBlocks) refuse('no_text');
    const before = this.#own(channel, args, 'cant_update_message');
    const after = this.#workspace.change(before, {
      ...(hasText ? { text: written } : {}),
      // Text without blocks takes the old blocks away: they would say something else.
      ...(hasBlocks || hasText ? { blocks } : {}),
      ...(metadata ? { metadata } : {}),
      editedTs: this.#workspace.nextTs(),
    });
    this.#events.changed(before, after);
    return { channel: channel.id, ts: after.ts, text: after.text, message: messageJson(this.#workspace, after) };
  };

  #postEphemeral = (args: Args) => {
    const channel = this.#channelWithBot(args);
    const { hasText: _, hasBlocks, ...said } = content(args);
    if (!said.text && !hasBlocks) refuse('no_text');
    const user = this.#workspace.users.get(text(args.user) ?? '');
    if (!user || !channel.members.has(user.id)) return refuse('user_not_in_channel');
    const thread = this.#threadOf(channel, args);
    const shared = { channel: channel.id, user: this.#workspace.bot.id, byApp: true, ephemeralTo: user.id };
    return { message_ts: this.#workspace.post({ ...shared, ...thread, ...said }).ts };
  };

  #history = (args: Args) => {
    const channel = this.#channelWithBot(args);
    for (const bound of ['oldest', 'latest'])
      if (text(args[bound]) && !/^\d+(\.\d+)?$/.test(String(args[bound]))) refuse(`invalid_ts_${bound}`);
    const top = this.#between(this.#workspace.messages(channel.id), args).filter(message => !message.threadTs);
    const { rows, next } = page(top.reverse(), args, 999);
    return this.#listed(rows, next, args);
  };

  #replies = (args: Args) => {
    const channel = this.#channelWithBot(args);
    const root = isTs(args.ts) ? this.#workspace.message(channel.id, args.ts) : undefined;
    if (!root || root.ephemeralTo) return refuse('thread_not_found');
    const [parent, ...replies] = this.#workspace.thread(channel.id, root.threadTs ?? root.ts);
    const { rows, next } = page([...(parent ? [parent] : []), ...this.#between(replies, args)], args);
    return this.#listed(rows, next, args);
  };

  #between(messages: Message[], args: Args): Message[] {
    const at = (bound: unknown, otherwise: number) => (text(bound) ? Number(bound) : otherwise);
    const [oldest, latest] = [at(args.oldest, 0), at(args.latest, Number.POSITIVE_INFINITY)];
    return messages.filter(({ ts }) => {
      const when = Number(ts);
      return isYes(args.inclusive) ? when >= oldest && when <= latest : when > oldest && when < latest;
    });
  }

  #listed(rows: Message[], next: string, args: Args) {
    const withMetadata = isYes(args.include_all_metadata);
    return {
      messages: rows.map(message => messageJson(this.#workspace, message, { withMetadata })),
      has_more: next !== '',
      response_metadata: { next_cursor: next },
    };
  }

  readonly #table: Record<string, (args: Args) => Record<string, unknown>> = {
    'api.test': args => ({ args }),
    'auth.test': () => ({
      url: `${this.#url()}/`,
      team: this.#workspace.name,
      user: this.#workspace.bot.name,
      team_id: team.id,
      user_id: this.#workspace.bot.id,
      bot_id: team.botId,
      is_enterprise_install: false,
    }),
    'team.info': () => ({
      team: { id: team.id, name: this.#workspace.name, domain: team.domain, email_domain: 'local.example' },
    }),
    'users.info': args => ({ user: userJson(this.#workspace, this.#user(args.user)) }),
    'users.list': args => {
      const { rows, next } = page([...this.#workspace.users.values()], args);
      return { members: rows.map(user => userJson(this.#workspace, user)), response_metadata: { next_cursor: next } };
    },
    'conversations.list': args => {
      const types = (text(args.types) ?? 'public_channel').split(',').map(type => type.trim());
      if (types.some(type => !['public_channel', 'private_channel', 'mpim', 'im'].includes(type))) refuse('invalid_types');
      const all = [...this.#workspace.channels.values()];
      const wanted = all.filter(({ kind }) => types.includes(kind === 'im' ? 'im' : 'public_channel'));
      const { rows, next } = page(wanted, args);
      return { channels: rows.map(channel => channelJson(this.#workspace, channel)), response_metadata: { next_cursor: next } };
    },
    'conversations.info': args => ({ channel: channelJson(this.#workspace, this.#channel(args)) }),
    'conversations.members': args => {
      const { rows, next } = page([...this.#channel(args).members], args);
      return { members: rows, response_metadata: { next_cursor: next } };
    },
    'conversations.open': args => {
      const wanted = text(args.channel) ?? text(args.users) ?? refuse('users_list_not_supplied');
      if (text(args.users) && !this.#workspace.users.has(wanted))
        refuse(wanted.includes(',') ? 'method_not_supported' : 'user_not_found');
      const channel = this.#workspace.channel(wanted);
      if (channel?.kind !== 'im') return refuse(text(args.channel) ? 'channel_not_found' : 'cannot_dm_bot');
      return {
        already_open: true,
        no_op: true,
        channel: isYes(args.return_im) ? channelJson(this.#workspace, channel) : { id: channel.id },
      };
    },
    'conversations.history': this.#history,
    'conversations.replies': this.#replies,
    'chat.postMessage': this.#post,
    'chat.update': this.#update,
    'chat.postEphemeral': this.#postEphemeral,
    'chat.delete': args => {
      const channel = this.#channelWithBot(args);
      const message = this.#own(channel, args, 'cant_delete_message');
      this.#workspace.delete(message);
      this.#events.deleted(message);
      return { channel: channel.id, ts: message.ts };
    },
    'views.open': args => this.#views.open(args),
    'chat.getPermalink': args => {
      const channel = this.#channel(args);
      const message = this.#message(channel, args.message_ts);
      const thread = message.threadTs ? `?thread_ts=${message.threadTs}&cid=${channel.id}` : '';
      return { channel: channel.id, permalink: `${this.#url()}/archives/${channel.id}/p${message.ts.replace('.', '')}${thread}` };
    },
    'reactions.add': args => {
      const name = text(args.name) ?? refuse('no_reaction');
      if (!/^[a-z0-9_+'-]+(::skin-tone-[2-6])?$/.test(name)) refuse('invalid_name');
      if (!text(args.channel) || !text(args.timestamp)) refuse('no_item_specified');
      const message = this.#message(this.#channelWithBot(args), args.timestamp);
      const users = message.reactions.find(reaction => reaction.name === name)?.users ?? [];
      if (users.includes(this.#workspace.bot.id)) refuse('already_reacted');
      const others = message.reactions.filter(reaction => reaction.name !== name);
      this.#workspace.change(message, { reactions: [...others, { name, users: [...users, this.#workspace.bot.id] }] });
      return {};
    },
  };
}
