import type { Courier, Delivery } from './delivery.ts';
import type { OpenView, Values, Views } from './views.ts';
import { type Channel, type Message, team, type User, type Workspace } from './workspace.ts';

/** A message as Slack's API and events show it. */
export function messageJson(workspace: Workspace, message: Message, { withMetadata = true } = {}): Record<string, unknown> {
  const thread = message.threadTs ? [] : workspace.thread(message.channel, message.ts).slice(1);
  const repliers = [...new Set(thread.map(reply => reply.user))];
  return {
    type: 'message',
    user: message.user,
    text: message.text,
    ts: message.ts,
    team: team.id,
    ...(message.byApp ? { bot_id: team.botId, app_id: team.appId, bot_profile: botProfile(workspace) } : {}),
    ...(message.blocks.length ? { blocks: message.blocks } : {}),
    ...(message.threadTs ? { thread_ts: message.threadTs } : {}),
    ...(thread.length
      ? {
          thread_ts: message.ts,
          reply_count: thread.length,
          reply_users: repliers,
          reply_users_count: repliers.length,
          latest_reply: thread.at(-1)!.ts,
        }
      : {}),
    ...(message.editedTs ? { edited: { user: message.user, ts: message.editedTs } } : {}),
    ...(message.reactions.length
      ? { reactions: message.reactions.map(({ name, users }) => ({ name, users, count: users.length })) }
      : {}),
    ...(withMetadata && message.metadata ? { metadata: message.metadata } : {}),
  };
}

const botProfile = (workspace: Workspace) => ({
  id: team.botId,
  app_id: team.appId,
  name: workspace.bot.name,
  team_id: team.id,
  deleted: false,
});

/** What a person typed, as Slack sends it on: escaped, with mentions, channels, addresses and links marked up. */
export function markUp(workspace: Workspace, typed: string): string {
  const escaped = typed
    .replace(/<([@#!][^<>\s]+)>/g, '\u0001$1\u0002')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\u0001', '<')
    .replaceAll('\u0002', '>');
  const users = new Map([...workspace.users.values()].map(user => [user.name, user.id]));
  const channels = [...workspace.channels.values()].filter(channel => channel.kind === 'channel');
  return escaped
    .replace(/(?<![\w<@.])@([\w.-]+)/g, (whole, name: string) => {
      const id = users.get(name.toLowerCase());
      return id ? `<@${id}>` : whole;
    })
    .replace(/(?<![\w<&#])#([\w-]+)/g, (whole, name: string) => {
      const channel = channels.find(each => each.name === name.toLowerCase());
      return channel ? `<#${channel.id}|${channel.name}>` : whole;
    })
    .replace(/(?<![<|\w])https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)'"]/g, url => `<${url}>`)
    .replace(/(?<![<|:/\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, address => `<mailto:${address}|${address}>`)
    .replace(/(?<![<|:/\w@.-])(?:[a-z\d-]+\.)+(?:com|org|net|io|co|de|dev|ai)(?![\w@.-])/gi, host => `<http://${host}|${host}>`);
}

/** Turns what happens in the workspace into requests to the app. */
export class Events {
  readonly #workspace: Workspace;
  readonly #courier: Courier;
  readonly #views: Views;

  constructor(workspace: Workspace, courier: Courier, views: Views) {
    this.#workspace = workspace;
    this.#courier = courier;
    this.#views = views;
  }

  #envelope(event: Record<string, unknown>): Delivery {
    const id = this.#workspace.nextId('Ev');
    return this.#courier.event(id, {
      token: 'local',
      team_id: team.id,
      context_team_id: team.id,
      context_enterprise_id: null,
      api_app_id: team.appId,
      event,
      type: 'event_callback',
      event_id: id,
      event_time: Math.floor(this.#workspace.clock.now().epochMilliseconds / 1000),
      authorizations: [
        { enterprise_id: null, team_id: team.id, user_id: this.#workspace.bot.id, is_bot: true, is_enterprise_install: false },
      ],
      is_ext_shared_channel: false,
      event_context: `4-${id}`,
    });
  }

  /** A new message: everyone's, the app's own included; a mention in a channel comes as `message` and as `app_mention`. */
  posted(message: Message): Delivery[] {
    const channel = this.#workspace.channels.get(message.channel)!;
    if (message.ephemeralTo || !channel.members.has(this.#workspace.bot.id)) return [];
    const parent = message.threadTs ? this.#workspace.message(message.channel, message.threadTs) : undefined;
    const json = messageJson(this.#workspace, message);
    const shared = {
      ...json,
      ...(message.byApp ? {} : { client_msg_id: this.#workspace.nextId('M') }),
      ...(parent ? { parent_user_id: parent.user } : {}),
      channel: channel.id,
      event_ts: message.ts,
    };
    const deliveries = [this.#envelope({ ...shared, channel_type: channel.kind })];
    if (channel.kind === 'channel' && !message.byApp && message.text.includes(`<@${this.#workspace.bot.id}>`))
      deliveries.push(this.#envelope({ ...shared, type: 'app_mention' }));
    return deliveries;
  }

  changed(before: Message, after: Message): Delivery {
    return this.#envelope({
      type: 'message',
      subtype: 'message_changed',
      hidden: true,
      channel: after.channel,
      channel_type: this.#workspace.channels.get(after.channel)!.kind,
      message: messageJson(this.#workspace, after),
      previous_message: messageJson(this.#workspace, before),
      ts: this.#workspace.nextTs(),
      event_ts: after.editedTs,
    });
  }

  deleted(before: Message): Delivery {
    const ts = this.#workspace.nextTs();
    return this.#envelope({
      type: 'message',
      subtype: 'message_deleted',
      hidden: true,
      channel: before.channel,
      channel_type: this.#workspace.channels.get(before.channel)!.kind,
      deleted_ts: before.ts,
      previous_message: messageJson(this.#workspace, before),
      ts,
      event_ts: ts,
    });
  }

  /** Somebody's account changed: deactivated, above all. */
  userChanged(user: User): Delivery {
    const now = this.#workspace.clock.now().epochMilliseconds;
    return this.#envelope({
      type: 'user_change',
      user: {
        id: user.id,
        team_id: team.id,
        name: user.name,
        real_name: user.realName,
        deleted: user.deleted ?? false,
        is_bot: user.isBot,
        updated: Math.floor(now / 1000),
      },
      cache_ts: Math.floor(now / 1000),
      event_ts: this.#workspace.nextTs(),
    });
  }

  command(user: User, channel: Channel, command: string, text: string, responseUrl: string): Delivery {
    const trigger = this.#views.trigger(user.id);
    return this.#courier.form('command', trigger, {
      token: 'local',
      team_id: team.id,
      team_domain: team.domain,
      channel_id: channel.id,
      channel_name: channel.kind === 'im' ? 'directmessage' : channel.name,
      user_id: user.id,
      user_name: user.name,
      command,
      text,
      api_app_id: team.appId,
      is_enterprise_install: false,
      response_url: responseUrl,
      trigger_id: trigger,
    });
  }

  click(user: User, message: Message, action: Record<string, unknown>, responseUrl: string): Delivery {
    const channel = this.#workspace.channels.get(message.channel)!;
    const trigger = this.#views.trigger(user.id);
    return this.#courier.form('interaction', trigger, {
      type: 'block_actions',
      user: { id: user.id, username: user.name, name: user.name, team_id: team.id },
      api_app_id: team.appId,
      token: 'local',
      container: {
        type: 'message',
        message_ts: message.ts,
        channel_id: channel.id,
        is_ephemeral: Boolean(message.ephemeralTo),
        ...(message.threadTs ? { thread_ts: message.threadTs } : {}),
      },
      trigger_id: trigger,
      team: { id: team.id, domain: team.domain },
      enterprise: null,
      is_enterprise_install: false,
      channel: { id: channel.id, name: channel.kind === 'im' ? 'directmessage' : channel.name },
      ...(message.ephemeralTo ? {} : { message: messageJson(this.#workspace, message) }),
      state: { values: {} },
      response_url: responseUrl,
      actions: [{ ...action, action_ts: this.#workspace.nextTs() }],
    });
  }

  /** What a person sends off, or leaves, a modal with. */
  view(type: 'view_submission' | 'view_closed', user: User, opened: OpenView, values: Values): Delivery {
    const trigger = this.#views.trigger(user.id);
    return this.#courier.form('interaction', trigger, {
      type,
      team: { id: team.id, domain: team.domain },
      user: { id: user.id, username: user.name, name: user.name, team_id: team.id },
      api_app_id: team.appId,
      token: 'local',
      ...(type === 'view_closed' ? { is_cleared: false } : { trigger_id: trigger, response_urls: [] }),
      view: this.#views.json(opened, values),
      is_enterprise_install: false,
      enterprise: null,
    });
  }
}
