import { createElement as h, type ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { avatar, channelIntro, composer, messageList, threadList } from './conversation.ts';
import { icon } from './icons.ts';
import { type MailLine, type MailTalk, mailActs, mailList, mailTalk, mailTalkTitle, mailTopic, whereMailGoes } from './mail.ts';
import { modal } from './modal.ts';
import type { SlashCommand } from './people.ts';
import type { OpenView } from './views.ts';
import type { Channel, Message, User, Workspace } from './workspace.ts';

/** What one page shows: who looks, at which conversation, with which thread beside it. */
export interface View {
  workspace: Workspace;
  user: User;
  channel: Channel;
  root?: Message;
  /** How many of the latest messages. */
  limit: number;
  suggestions: string[];
  isConnected: boolean;
  /** What is in front of everything else. */
  modal?: OpenView;
  /** The mailbox, where that is what is looked at. */
  mail?: { lines: MailLine[]; count: number; open: MailTalk | undefined };
  /** Whose mail leaves this machine; undefined where no mail server runs beside it. */
  leaving?: string[];
  now?: Temporal.Instant;
}

/** The page in parts, so that it can redraw only what changed. */
export interface Fragments {
  /** Which conversation, and which thread; where they stay the same, what is typed there stays too. */
  place: string;
  threadPlace: string;
  title: string;
  honest: string;
  sidebar: string;
  head: string;
  list: string;
  composer: string;
  threadWhere: string;
  threadList: string;
  threadComposer: string;
  modal: string;
}

/** The address of a view of the same person. */
export const link = (
  view: View,
  to: { channel?: string; thread?: string; view?: 'mail'; user?: string; limit?: number },
): string => {
  const query = new URLSearchParams({ as: to.user ?? view.user.id });
  if (to.view) query.set('view', to.view);
  else query.set('c', to.channel ?? view.channel.id);
  if (to.thread) query.set('thread', to.thread);
  if (to.limit) query.set('limit', String(to.limit));
  return `/?${query}`;
};

export const nameOf = (view: View, channel: Channel): string =>
  channel.kind === 'im' ? view.workspace.bot.realName : channel.name;

const html = (node: ReactNode) => renderToStaticMarkup(node);

function entry(view: View, channel: Channel): ReactNode {
  const isCurrent = !view.mail && view.channel.id === channel.id;
  const latest = view.workspace.messages(channel.id, { seenBy: view.user.id }).findLast(message => message.user !== view.user.id);
  return h(
    'a',
    {
      key: channel.id,
      href: link(view, { channel: channel.id }),
      className: 'entry',
      'data-nav': '',
      'data-channel': channel.id,
      'data-name': nameOf(view, channel),
      'data-latest': latest?.ts ?? '',
      'aria-current': isCurrent ? 'page' : undefined,
    },
    channel.kind === 'im' ? avatar(view.workspace.bot, 'tiny') : h('span', { className: 'hash', 'aria-hidden': true }, '#'),
    h('span', { className: 'entry-name' }, nameOf(view, channel)),
    h('span', { className: 'dot', 'aria-label': 'unread' }),
  );
}

function clockPanel({ now, workspace }: View): ReactNode {
  if (!now) return null;
  const local = now.toZonedDateTimeISO(workspace.zone);
  const day = local.toLocaleString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
  const time = local.toLocaleString('en-GB', { hour: '2-digit', minute: '2-digit' });
  return h(
    'section',
    { className: 'clock', 'aria-label': "Drover's clock" },
    h('div', { className: 'clock-head' }, icon('clock'), 'Drover’s clock'),
    h('div', { className: 'clock-time', 'aria-live': 'polite' }, h('strong', null, time), h('span', null, day)),
    h('div', { className: 'clock-zone' }, workspace.zone),
    h(
      'div',
      { className: 'clock-moves' },
      h('button', { type: 'button', 'data-move': 'hour' }, '+1 hour'),
      h('button', { type: 'button', 'data-move': 'day' }, '+1 day'),
    ),
  );
}

function section(title: string, entries: ReactNode[]): ReactNode {
  return h('section', { key: title, className: 'group' }, h('h2', null, title), ...entries);
}

function sidebar(view: View): ReactNode {
  const { workspace, user } = view;
  const mine = [...workspace.channels.values()].filter(channel => channel.members.has(user.id));
  const mailbox = h(
    'a',
    {
      key: 'mail',
      href: link(view, { view: 'mail' }),
      className: 'entry',
      'data-nav': '',
      'data-name': 'Mailbox',
      'aria-current': view.mail ? 'page' : undefined,
    },
    icon('mail'),
    h('span', { className: 'entry-name' }, 'Mailbox'),
  );
  return h(
    'div',
    { className: 'sidebar-in' },
    h('div', { className: 'team' }, h('h1', null, workspace.name)),
    h(
      'nav',
      { className: 'groups', 'aria-label': 'Conversations' },
      section(
        'Channels',
        mine.filter(channel => channel.kind === 'channel').map(channel => entry(view, channel)),
      ),
      section(
        'Apps',
        mine.filter(channel => channel.kind === 'im').map(channel => entry(view, channel)),
      ),
      view.leaving ? section('Mail', [mailbox]) : null,
    ),
    clockPanel(view),
    h(
      'section',
      { className: 'people', 'aria-label': 'Who you are' },
      h('h2', null, 'You are'),
      ...workspace.people.map(each =>
        h(
          'a',
          {
            key: each.id,
            href: link(view, { user: each.id, channel: view.channel.kind === 'im' ? `D${each.id.slice(1)}` : view.channel.id }),
            className: 'entry person',
            'data-nav': '',
            'aria-current': each.id === user.id ? 'true' : undefined,
          },
          avatar(each, 'tiny'),
          h('span', { className: 'entry-name' }, each.realName),
          each.id === user.id ? icon('check') : null,
        ),
      ),
    ),
  );
}

function head(view: View): ReactNode {
  const { channel, workspace } = view;
  const menu = h(
    'button',
    { type: 'button', className: 'icon-button menu', 'data-menu': '', 'aria-label': 'Show conversations' },
    icon('menu'),
  );
  if (view.mail) {
    const about = h('p', { className: 'topic' }, mailTopic(view.leaving ?? []));
    return h('header', { className: 'head' }, menu, h('h2', null, icon('mail'), 'Mailbox'), about);
  }
  const status = view.isConnected ? null : h('span', { className: 'offline', role: 'status' }, 'Drover is not connected');
  if (channel.kind === 'im')
    return h(
      'header',
      { className: 'head' },
      menu,
      h('h2', null, avatar(workspace.bot, 'tiny'), workspace.bot.realName, h('span', { className: 'badge' }, 'APP')),
      status,
    );
  return h(
    'header',
    { className: 'head' },
    menu,
    h('h2', null, h('span', { className: 'hash', 'aria-hidden': true }, '#'), channel.name),
    h('p', { className: 'topic' }, channel.topic),
    status,
    h(
      'span',
      { className: 'members', title: [...channel.members].map(id => workspace.users.get(id)?.realName).join(', ') },
      icon('people'),
      channel.members.size,
    ),
  );
}

function honest({ leaving }: View): ReactNode {
  const isSealed = !leaving?.length;
  const said = leaving ? whereMailGoes(leaving) : 'Local Slack: nothing leaves this machine';
  return h(
    'span',
    { className: 'honest', title: 'A Slack workspace that runs here. Nobody else is in it.' },
    icon(isSealed ? 'lock' : 'mail'),
    h('span', null, said),
  );
}

/** The mailbox with the conversation that is open beside it. */
function renderMail(view: View, { open, ...mail }: NonNullable<View['mail']>): Fragments {
  const { zone } = view.workspace;
  const hrefOf = (id: string) => link(view, { view: 'mail', thread: id });
  return {
    place: `${view.user.id} mail`,
    threadPlace: open ? `${view.user.id} mail ${open.line.id}` : '',
    title: `Mailbox – ${view.workspace.name}`,
    honest: html(honest(view)),
    sidebar: html(sidebar(view)),
    head: html(head(view)),
    list: html(mailList(mail, { zone, openId: open?.line.id, hrefOf })),
    composer: '',
    threadWhere: open ? mailTalkTitle(open) : '',
    threadList: open ? html(mailTalk(open, zone)) : '',
    threadComposer: open ? html(mailActs(open)) : '',
    modal: '',
  };
}

/** The parts of a view as HTML. */
export function renderView(view: View): Fragments {
  if (view.mail) return renderMail(view, view.mail);
  const { channel, root } = view;
  const placeholder = channel.kind === 'im' ? `Message ${nameOf(view, channel)}` : `Message #${channel.name}`;
  return {
    place: `${view.user.id} ${channel.id}`,
    threadPlace: root ? `${view.user.id} ${channel.id} ${root.ts}` : '',
    title: `${nameOf(view, channel)} – ${view.workspace.name}`,
    honest: html(honest(view)),
    sidebar: html(sidebar(view)),
    head: html(head(view)),
    list: html(h('div', null, channelIntro(view), ...messageList(view))),
    composer: html(composer(view, placeholder)),
    threadWhere: channel.kind === 'im' ? nameOf(view, channel) : `#${channel.name}`,
    threadList: root ? html(h('div', null, ...threadList(view, root))) : '',
    threadComposer: root ? html(composer(view, 'Reply…', root.ts)) : '',
    modal: view.modal ? html(modal(view.workspace, view.modal)) : '',
  };
}

function threadPane(view: View, parts: Fragments): ReactNode {
  return h(
    'aside',
    { className: 'thread', id: 'thread', 'aria-label': 'Thread', hidden: !parts.threadPlace },
    h(
      'header',
      { className: 'head' },
      h('h2', null, 'Thread'),
      h('p', { className: 'topic', id: 'thread-where' }, parts.threadWhere),
      h(
        'a',
        {
          href: link(view, view.mail ? { view: 'mail' } : {}),
          className: 'icon-button',
          'data-close-thread': '',
          'aria-label': 'Close the thread (Esc)',
        },
        icon('close'),
      ),
    ),
    h('div', {
      className: 'list',
      id: 'thread-list',
      role: 'log',
      'aria-label': 'Thread',
      tabIndex: 0,
      ...raw(parts.threadList),
    }),
    h('div', { className: 'composer-slot', id: 'thread-composer', ...raw(parts.threadComposer) }),
  );
}

/** HTML of our own renderers, which escape what they are given. */
const raw = (markup: string) => ({ dangerouslySetInnerHTML: { __html: markup } });

/** The whole page, as it is without any script run yet. */
export function renderPage(
  view: View,
  { token, commands, styles }: { token: string; commands: SlashCommand[]; styles: string[] },
): string {
  const parts = renderView(view);
  const people = [view.workspace.bot, ...view.workspace.people].map(({ name, realName }) => ({ name, realName }));
  const config = JSON.stringify({ token, commands, people, place: parts.place, threadPlace: parts.threadPlace });
  const page = h(
    'html',
    { lang: 'en' },
    h(
      'head',
      null,
      h('meta', { charSet: 'utf-8' }),
      h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      h('title', null, parts.title),
      h('link', { rel: 'icon', href: '/page/drover.svg' }),
      ...styles.map(name => h('link', { key: name, rel: 'stylesheet', href: `/page/${name}.css` })),
      h('script', { src: '/page/theme.js' }),
      h('script', { src: '/page/client.js', type: 'module' }),
    ),
    h(
      'body',
      { 'data-config': config },
      h(
        'div',
        { className: 'topbar' },
        h('div', { id: 'honest', ...raw(parts.honest) }),
        h(
          'button',
          { type: 'button', className: 'search', 'data-switcher': '' },
          icon('search'),
          `Go to… in ${view.workspace.name}`,
          h('kbd', null, 'Ctrl K'),
        ),
        h(
          'button',
          { type: 'button', className: 'icon-button', 'data-theme-toggle': '', 'aria-label': 'Light or dark' },
          icon('moon'),
        ),
      ),
      h(
        'div',
        { className: 'frame' },
        h('aside', { className: 'sidebar', id: 'sidebar', 'aria-label': 'Sidebar', ...raw(parts.sidebar) }),
        h(
          'main',
          { className: 'pane' },
          h('div', { id: 'head', ...raw(parts.head) }),
          h('div', { className: 'list', id: 'list', role: 'log', 'aria-label': 'Messages', tabIndex: 0, ...raw(parts.list) }),
          h('div', { className: 'composer-slot', id: 'composer', ...raw(parts.composer) }),
        ),
        threadPane(view, parts),
      ),
      h('dialog', { id: 'modal', ...raw(parts.modal) }),
      h('div', { id: 'notice', role: 'alert', hidden: true }),
    ),
  );
  return `<!doctype html>${html(page)}`;
}
