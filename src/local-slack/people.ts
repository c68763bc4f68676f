import type { Attempt, Delivery } from './delivery.ts';
import { type Events, markUp } from './events.ts';
import type { Block } from './limits.ts';
import { SlackError } from './methods.ts';
import type { OpenView, Values, Views } from './views.ts';
import type { WebApi } from './web-api.ts';
import { type Channel, type Message, slackbot, type User, type Workspace } from './workspace.ts';

export interface SlashCommand {
  /** With its slash. */
  command: string;
  usage: string;
  description: string;
}

/** What a button or a menu of a message sends. */
export interface Press {
  user: string;
  channel: string;
  ts: string;
  /** Which one: by `action_id` (and `block_id`, where several blocks have it), or by its words. */
  actionId?: string;
  blockId?: string;
  text?: string;
  /** What is chosen from a menu: by its value, or by its words. */
  option?: string;
}

type Words = { text?: string };
type Option = { text: Words; value: string };
type Element = Record<string, unknown> & { text?: Words; placeholder?: Words; options?: Option[] };

/** Every button and menu of a message, with the block it stands in. */
export function elementsOf(blocks: Block[]): { block: Block; element: Element }[] {
  return blocks.flatMap(block =>
    [...(Array.isArray(block.elements) ? block.elements : []), ...(block.accessory ? [block.accessory] : [])]
      .filter(element => element?.type === 'button' || element?.type === 'static_select')
      .map((element: Element) => ({ block, element })),
  );
}

/** What a press says of what was pressed, or chosen. */
function actionOf(block: Block, element: Element, wanted: string | undefined): Record<string, unknown> {
  const about = { type: element.type, action_id: element.action_id, block_id: block.block_id };
  if (element.type === 'button')
    return {
      ...about,
      text: element.text,
      ...(element.value === undefined ? {} : { value: element.value }),
      ...(element.style === undefined ? {} : { style: element.style }),
    };
  const option = element.options?.find(({ value, text }) => value === wanted || text.text === wanted);
  if (!option) throw new SlackError('no_such_option');
  return { ...about, selected_option: option, ...(element.placeholder ? { placeholder: element.placeholder } : {}) };
}

/** What people do in the workspace, from the page or from a test: the app hears of it as it would from Slack. */
export class People {
  readonly commands: SlashCommand[];
  readonly #workspace: Workspace;
  readonly #events: Events;
  readonly #api: WebApi;
  readonly #url: () => string;
  readonly #views: Views;

  constructor(input: PeopleInput) {
    this.#workspace = input.workspace;
    this.#events = input.events;
    this.#views = input.views;
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

  /** Presses a button, or chooses from a menu. The answer says whether the app took it. @throws SlackError where there is none */
  async press(press: Press): Promise<Attempt> {
    const user = this.who(press.user);
    const channel = this.where(user, press.channel);
    const message = this.#workspace.message(channel.id, press.ts);
    if (!message || (message.ephemeralTo && message.ephemeralTo !== user.id)) throw new SlackError('message_not_found');
    const found = elementsOf(message.blocks).find(
      ({ block, element }) =>
        (press.actionId === undefined || element.action_id === press.actionId) &&
        (press.blockId === undefined || block.block_id === press.blockId) &&
        (press.text === undefined || (element.text ?? element.placeholder)?.text === press.text),
    );
    if (!found || (press.actionId === undefined && press.text === undefined)) throw new SlackError('no_such_button');
    const action = actionOf(found.block, found.element, press.option);
    const responseUrl = this.#api.responseUrl(this.#url(), user.id, channel.id, message);
    return this.#events.click(user, message, action, responseUrl).first;
  }

  /** The modal in front of a person. @throws SlackError where there is none */
  #modal(user: User, id: string | undefined): OpenView {
    const opened = this.#views.before(user.id);
    if (!opened || (id !== undefined && opened.id !== id)) throw new SlackError('view_not_found');
    return opened;
  }

  /** Sends a modal off; what Slack's client does not let through stays, and the app hears nothing of it. */
  async submit(input: { user: string; view?: string; values: Values }): Promise<Attempt | undefined> {
    const user = this.who(input.user);
    const opened = this.#modal(user, input.view);
    const missing = this.#views.missing(opened, input.values);
    if (Object.keys(missing).length) {
      this.#views.object(opened, missing);
      return undefined;
    }
    const attempt = await this.#events.view('view_submission', user, opened, input.values).first;
    if (attempt.reason) this.#views.object(opened, { '': 'We had some trouble connecting. Try again?' });
    else this.#views.answered(opened, attempt.answer);
    return attempt;
  }

  /** Leaves a modal; its app hears of it where it asked to. */
  dismiss(input: { user: string; view?: string }): void {
    const user = this.who(input.user);
    const opened = this.#modal(user, input.view);
    this.#views.close(user.id);
    if (opened.view.notify_on_close === true) this.#events.view('view_closed', user, opened, {});
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

interface PeopleInput {
  workspace: Workspace;
  events: Events;
  views: Views;
  api: WebApi;
  url: () => string;
  commands: SlashCommand[];
}
