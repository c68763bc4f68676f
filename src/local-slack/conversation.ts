import { createElement as h, type ReactNode } from 'react';
import { drawMessage, plain } from './blocks.ts';
import { icon } from './icons.ts';
import { link, nameOf, type View } from './render.ts';
import { instantOf, type Message, slackbot, type User } from './workspace.ts';

const groupedWithinMs = 5 * 60_000;
const awaitedForMs = 90_000;

const hue = (id: string) => [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;

/** A person's initials on their colour; the bot's mark. */
export function avatar(user: User, size: 'tiny' | 'small' | 'normal' = 'normal'): ReactNode {
  if (user.isBot && user.id !== slackbot.id) return h('span', { className: `avatar ${size} drover`, 'aria-hidden': true });
  const initials = user.realName
    .split(/\s+/)
    .map(word => word[0])
    .join('')
    .slice(0, 2);
  return h(
    'span',
    { className: `avatar ${size} hue-${user.id === slackbot.id ? 'bot' : hue(user.id)}`, 'aria-hidden': true },
    initials,
  );
}

const local = (view: View, ts: string) => instantOf(ts).toZonedDateTimeISO(view.workspace.zone);
const timeOf = (view: View, ts: string) => local(view, ts).toLocaleString('en-GB', { hour: '2-digit', minute: '2-digit' });

function dayLabel(view: View, ts: string): string {
  const date = local(view, ts).toPlainDate();
  const today = view.workspace.clock.now().toZonedDateTimeISO(view.workspace.zone).toPlainDate();
  const ago = date.until(today, { largestUnit: 'days' }).days;
  if (ago === 0) return 'Today';
  if (ago === 1) return 'Yesterday';
  return date.toLocaleString('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(date.year === today.year ? {} : { year: 'numeric' }),
  });
}

function replies(view: View, message: Message): ReactNode {
  const thread = view.workspace.thread(message.channel, message.ts, { seenBy: view.user.id }).slice(1);
  const last = thread.at(-1);
  if (!last) return null;
  const repliers = [...new Set(thread.map(reply => reply.user))].slice(0, 4).map(id => view.workspace.users.get(id)!);
  return h(
    'a',
    { href: link(view, { thread: message.ts }), className: 'replies', 'data-nav': '', 'data-thread': message.ts },
    h('span', { className: 'repliers' }, ...repliers.map(user => h('span', { key: user.id }, avatar(user, 'tiny')))),
    h('strong', null, thread.length === 1 ? '1 reply' : `${thread.length} replies`),
    h('span', { className: 'last-reply' }, `Last reply ${dayLabel(view, last.ts).toLowerCase()} at ${timeOf(view, last.ts)}`),
  );
}

/** One message; `grouped` under the one before it, when the same person just spoke. */
function messageItem(view: View, message: Message, { grouped, inThread }: { grouped: boolean; inThread: boolean }): ReactNode {
  const author = view.workspace.users.get(message.user)!;
  const time = timeOf(view, message.ts);
  const full = local(view, message.ts).toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'medium' });
  const stamp = h('time', { dateTime: instantOf(message.ts).toString(), title: full }, time);
  const classes = ['msg', grouped ? 'grouped' : '', message.ephemeralTo ? 'ephemeral' : ''].filter(Boolean).join(' ');
  return h(
    'article',
    {
      key: message.ts,
      className: classes,
      id: `${inThread ? 't' : 'm'}-${message.ts}`,
      tabIndex: -1,
      'data-key': message.ts,
      'data-ts': message.ts,
      'data-by': author.id,
      'aria-label': `${author.realName}, ${time}: ${plain(message.text).slice(0, 200)}`,
    },
    h('div', { className: 'gutter' }, grouped ? stamp : avatar(author)),
    h(
      'div',
      { className: 'said' },
      message.ephemeralTo ? h('div', { className: 'only-you' }, icon('eye'), 'Only visible to you') : null,
      grouped
        ? null
        : h(
            'div',
            { className: 'by' },
            h('strong', null, author.realName),
            author.isBot ? h('span', { className: 'badge' }, 'APP') : null,
            stamp,
          ),
      h('div', { className: 'content', dangerouslySetInnerHTML: { __html: drawMessage(view.workspace, message) } }),
      message.editedTs && !message.byApp ? h('span', { className: 'edited' }, '(edited)') : null,
      message.reactions.length
        ? h(
            'div',
            { className: 'reactions' },
            ...message.reactions.map(({ name, users }) =>
              h('span', { key: name, className: 'reaction' }, `:${name}:`, h('b', null, users.length)),
            ),
          )
        : null,
      inThread ? null : replies(view, message),
    ),
    inThread || message.ephemeralTo
      ? null
      : h(
          'div',
          { className: 'tools' },
          h(
            'a',
            {
              href: link(view, { thread: message.ts }),
              className: 'icon-button',
              'data-nav': '',
              'data-thread': message.ts,
              'aria-label': 'Reply in thread',
              title: 'Reply in thread',
            },
            icon('thread'),
          ),
        ),
  );
}

/** Whether a person just asked the bot something that it has not answered. */
function awaited(view: View, last: Message | undefined): boolean {
  if (!last || last.byApp || last.ephemeralTo || last.user === slackbot.id || !view.isConnected) return false;
  const isAddressed = view.channel.kind === 'im' || last.text.includes(`<@${view.workspace.bot.id}>`);
  const age = view.workspace.clock.now().epochMilliseconds - instantOf(last.ts).epochMilliseconds;
  const answered = view.workspace
    .messages(last.channel, { seenBy: view.user.id })
    .some(message => message.byApp && message.ts > last.ts);
  return isAddressed && age < awaitedForMs && !answered;
}

function items(view: View, messages: Message[], inThread: boolean): ReactNode[] {
  const nodes: ReactNode[] = [];
  let before: Message | undefined;
  for (const message of messages) {
    const day = local(view, message.ts).toPlainDate().toString();
    const isNewDay = !before || local(view, before.ts).toPlainDate().toString() !== day;
    if (isNewDay && !inThread)
      nodes.push(
        h('div', { key: day, className: 'day', 'data-key': day, role: 'separator' }, h('span', null, dayLabel(view, message.ts))),
      );
    const gap = before ? instantOf(message.ts).epochMilliseconds - instantOf(before.ts).epochMilliseconds : 0;
    const grouped =
      !isNewDay && before?.user === message.user && before.ephemeralTo === message.ephemeralTo && gap < groupedWithinMs;
    nodes.push(messageItem(view, message, { grouped, inThread }));
    before = message;
  }
  if (awaited(view, before))
    nodes.push(
      h(
        'div',
        { key: 'awaited', className: 'awaited', 'data-key': 'awaited', role: 'status' },
        h('span', { className: 'pulse', 'aria-hidden': true }, h('i'), h('i'), h('i')),
        `${view.workspace.bot.realName} is on it…`,
      ),
    );
  return nodes;
}

/** The channel's latest messages, replies left to their threads. */
export function messageList(view: View): ReactNode[] {
  const top = view.workspace.messages(view.channel.id, { seenBy: view.user.id }).filter(message => !message.threadTs);
  const shown = top.slice(-view.limit);
  const earlier =
    top.length > shown.length
      ? [
          h(
            'a',
            {
              key: 'earlier',
              className: 'earlier',
              'data-key': 'earlier',
              'data-nav': '',
              href: link(view, { limit: view.limit + 200 }),
            },
            `Show earlier messages (${top.length - shown.length})`,
          ),
        ]
      : [];
  return [...earlier, ...items(view, shown, false)];
}

/** A message and its replies. */
export function threadList(view: View, root: Message): ReactNode[] {
  const [first, ...rest] = view.workspace.thread(view.channel.id, root.ts, { seenBy: view.user.id });
  if (!first) return [];
  const count = h(
    'div',
    { key: 'count', className: 'reply-count', 'data-key': 'count', role: 'separator' },
    h('span', null, rest.length === 1 ? '1 reply' : `${rest.length} replies`),
  );
  return [
    messageItem(view, first, { grouped: false, inThread: true }),
    ...(rest.length ? [count] : []),
    ...items(view, rest, true),
  ];
}

/** What stands above the first message, and what an empty conversation offers to say. */
export function channelIntro(view: View): ReactNode {
  const { channel, workspace } = view;
  const isEmpty = !workspace.messages(channel.id, { seenBy: view.user.id }).length;
  const mention = `@${workspace.bot.name} `;
  const isIm = channel.kind === 'im';
  const offered = isIm ? view.suggestions : view.suggestions.slice(0, 2).map(text => mention + text);
  return h(
    'div',
    { className: 'intro', 'data-key': 'intro' },
    isIm ? avatar(workspace.bot) : h('span', { className: 'intro-hash', 'aria-hidden': true }, '#'),
    h('h3', null, nameOf(view, channel)),
    h(
      'p',
      null,
      isIm
        ? 'Drover finds leads, keeps lists filled and runs sequences. Write to it in plain words; it asks before anything that matters.'
        : `This is the beginning of #${channel.name}. ${channel.topic}. Mention ${mention}to have it answer here.`,
    ),
    isEmpty && offered.length
      ? h(
          'div',
          { className: 'suggestions' },
          ...offered.map(text => h('button', { key: text, type: 'button', 'data-say': text }, text)),
        )
      : null,
  );
}

export function composer(view: View, placeholder: string, thread?: string): ReactNode {
  return h(
    'form',
    { className: 'composer', 'data-as': view.user.id, 'data-c': view.channel.id, 'data-thread': thread ?? '' },
    h('div', { className: 'popup', role: 'listbox', 'aria-label': 'Suggestions', hidden: true }),
    h('textarea', {
      name: 'text',
      rows: 1,
      placeholder,
      'aria-label': placeholder,
      autoComplete: 'off',
      spellCheck: true,
      maxLength: 12_000,
    }),
    h(
      'div',
      { className: 'composer-bar' },
      h(
        'button',
        { type: 'button', className: 'icon-button', 'data-insert': '/', 'aria-label': 'Slash commands', title: 'Slash commands' },
        '/',
      ),
      h(
        'button',
        {
          type: 'button',
          className: 'icon-button',
          'data-insert': '@',
          'aria-label': 'Mention someone',
          title: 'Mention someone',
        },
        '@',
      ),
      h('span', { className: 'hint' }, h('b', null, 'Enter'), ' to send, ', h('b', null, 'Shift + Enter'), ' for a new line'),
      h('button', { type: 'submit', className: 'send', 'aria-label': 'Send', title: 'Send' }, icon('send')),
    ),
  );
}
