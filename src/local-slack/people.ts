import type { Attempt, Delivery } from './delivery.ts';
import { type Events, markUp } from './events.ts';
import type { Block } from './limits.ts';
import { SlackError } from './methods.ts';
import type { WebApi } from './web-api.ts';
import { type Channel, type Message, slackbot, type User, type Workspace } from './workspace.ts';

export interface SlashCommand {
  /** With its slash. */
  command: string;
  usage: string;
  description: string;
}

/** What a button of a message sends. */
export interface Press {
  user: string;
  channel: string;
  ts: string;
  /** Which button: by `action_id` (and `block_id`, where several blocks have it), or by its words. */
  actionId?: string;
  blockId?: string;
  text?: string;
}

type Button = Record<string, unknown> & { text?: { text?: string } };

/** Every button of a message, with the block it stands in. */
export function buttonsOf(blocks: Block[]): { block: Block; button: Button }[] {
  return blocks.flatMap(block =>
    [...(Array.isArray(block.elements) ? block.elements : []), ...(block.accessory ? [block.accessory] : [])]
      .filter(element => element?.type === 'button')
      .map((button: Button) => ({ block, button })),
  );
}

/** What people do in the workspace, from the page or from a test: the app hears of it as it would from Slack. */
export class People {
  readonly commands: SlashCommand[];
  readonly #workspace: Workspace;
  readonly #events: Events;
  readonly #api: WebApi;
  readonly #url: () => string;

  constructor(input: { workspace: Workspace; events: Events; api: WebApi; url: () => string; commands: SlashCommand[] }) {
    this.#workspace = input.workspace;
    this.#events = input.events;
    this.#api = input.api;
    this.#url = input.url;
    this.commands = input.commands;
  }

  who(id: string): User {
    const user = this.#workspace.users.get(id);
    if (!user || user.isBot) throw new SlackError('user_not_found');
    return user;
  }

  /** A channel that this person is in. */
  where(user: User, reference: string): Channel {
    const channel = this.#workspace.channel(reference);
    if (!channel?.members.has(user.id)) throw new SlackError('channel_not_found');
    return channel;
  }

  /** Deactivates a person's account, as an owner of the workspace does in Slack, and tells the app. */
  leave(id: string): Delivery {
    return this.#events.userChanged(this.#workspace.deactivate(this.who(id)));
  }

  /** Posts what a person typed, and tells the app. */
  say(input: { user: string; channel: string; text: string; threadTs?: string }): { message: Message; deliveries: Delivery[] } {
    const user = this.who(input.user);
    const channel = this.where(user, input.channel);
    if (!input.text.trim()) throw new SlackError('no_text');
    if (input.text.length > 12_000) throw new SlackError('msg_too_long');
    if (input.threadTs && !this.#workspace.message(channel.id, input.threadTs)) throw new SlackError('thread_not_found');
    const text = markUp(this.#workspace, input.text);
    const thread = input.threadTs ? { threadTs: input.threadTs } : {};
    const message = this.#workspace.post({ channel: channel.id, user: user.id, text, byApp: false, ...thread });
    if (!channel.members.has(this.#workspace.bot.id) && text.includes(`<@${this.#workspace.bot.id}>`))
      this.#whisper(
        user,
        channel,
        `You mentioned <@${this.#workspace.bot.id}>, but they're not in this channel. Type \`/invite @drover\`.`,
        thread,
      );
    return { message, deliveries: this.#events.posted(message) };
  }

  /** Runs a line that starts with a slash. Slack's own answers come from Slackbot. */
  async slash(input: { user: string; channel: string; line: string; threadTs?: string }): Promise<Attempt | undefined> {
    const user = this.who(input.user);
    const channel = this.where(user, input.channel);
    const [, command = '/', text = ''] = /^(\/\S*)\s*([\s\S]*)$/.exec(input.line.trim()) ?? [];
    const thread = input.threadTs ? { threadTs: input.threadTs } : {};
    if (command === '/invite') return this.#invite(user, channel, text);
    if (!this.commands.some(known => known.command === command)) {
      this.#whisper(user, channel, `\`${command}\` is not a valid command here. Type \`/\` to see what is.`, thread);
      return undefined;
    }
    if (input.threadTs) {
      this.#whisper(user, channel, `\`${command}\` is not supported in threads. Sorry!`, thread);
      return undefined;
    }
    const responseUrl = this.#api.responseUrl(this.#url(), user.id, channel.id);
    const attempt = await this.#events.command(user, channel, command, text, responseUrl).first;
    if (attempt.reason) {
      const error = attempt.reason === 'http_timeout' ? 'operation_timeout' : 'dispatch_failed';
      this.#whisper(user, channel, `${command} failed with the error "${error}".`, {});
    } else this.#showAnswer(attempt.answer, user, channel);
    return attempt;
  }

  /** Presses a button. The answer says whether the app took it; `undefined` when there is no such button for this person. */
  async press(press: Press): Promise<Attempt> {
    const user = this.who(press.user);
    const channel = this.where(user, press.channel);
    const message = this.#workspace.message(channel.id, press.ts);
    if (!message || (message.ephemeralTo && message.ephemeralTo !== user.id)) throw new SlackError('message_not_found');
    const found = buttonsOf(message.blocks).find(
      ({ block, button }) =>
        (press.actionId === undefined || button.action_id === press.actionId) &&
        (press.blockId === undefined || block.block_id === press.blockId) &&
        (press.text === undefined || button.text?.text === press.text),
    );
    if (!found || (press.actionId === undefined && press.text === undefined)) throw new SlackError('no_such_button');
    const { block, button } = found;
    const action = {
      type: 'button',
      action_id: button.action_id,
      block_id: block.block_id,
      text: button.text,
      ...(button.value === undefined ? {} : { value: button.value }),
      ...(button.style === undefined ? {} : { style: button.style }),
    };
    const responseUrl = this.#api.responseUrl(this.#url(), user.id, channel.id, message);
    return this.#events.click(user, message, action, responseUrl).first;
  }

  #invite(user: User, channel: Channel, text: string): undefined {
    const isBot =
      text.replace('@', '').trim().toLowerCase() === this.#workspace.bot.name || text.includes(this.#workspace.bot.id);
    if (channel.kind === 'im' || !isBot)
      this.#whisper(user, channel, 'Type `/invite @drover` in a channel to add Drover to it.', {});
    else if (channel.members.has(this.#workspace.bot.id)) this.#whisper(user, channel, 'Drover is already in this channel.', {});
    else {
      this.#workspace.join(channel, this.#workspace.bot.id);
      this.#whisper(user, channel, 'Drover was added to this channel.', {});
    }
    return undefined;
  }

  #whisper(user: User, channel: Channel, text: string, thread: { threadTs?: string }): void {
    this.#workspace.post({ channel: channel.id, user: slackbot.id, text, byApp: false, ephemeralTo: user.id, ...thread });
  }

  /** The body of an acknowledgement is itself an answer: text, or JSON as for a response URL. */
  #showAnswer(body: string, user: User, channel: Channel): void {
    if (!body.trim()) return;
    let args: Record<string, unknown> = { text: body };
    try {
      args = JSON.parse(body);
    } catch {
      // Plain text, as a command may be answered.
    }
    try {
      this.#api.answer({ user: user.id, channel: channel.id }, args);
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      this.#whisper(user, channel, `The answer could not be shown: ${error.code}.`, {});
    }
  }
}
