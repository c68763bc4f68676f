import { createElement as h, type ReactNode } from 'react';
import { icon } from './icons.ts';

/** One conversation by mail: a mailbox here, and somebody who was written to. */
export interface MailLine {
  id: string;
  name: string;
  address: string;
  /** The address here that they were written to from. */
  mailbox: string;
  subject: string;
  /** How the latest message begins. */
  start: string;
  /** When the latest came or left, as an ISO instant. */
  at: string;
  sent: number;
  received: number;
}

export interface MailItem {
  id: string;
  at: string;
  isSent: boolean;
  from: string;
  to: string;
  subject: string;
  text: string;
  hasHtml: boolean;
  /** What it belongs to, such as a sequence and a step. */
  about?: string;
}

export interface MailTalk {
  line: MailLine;
  /** Oldest first. */
  mails: MailItem[];
  /** A message of it names an address for opting out with one click. */
  canOptOut: boolean;
}

/** What the other one does. */
export type MailAct = { did: 'reply'; text: string } | { did: 'absence' } | { did: 'bounce' } | { did: 'unsubscribe' };

/** The mail server beside this Slack, for the page. */
export interface MailPanel {
  /** The latest conversations, latest first, and how many there are. */
  latest(limit: number): Promise<{ lines: MailLine[]; count: number }>;
  find(id: string): Promise<MailTalk | undefined>;
  /** The HTML part of a message, whatever its writer put there. */
  html(id: string): Promise<string | null>;
  /** @returns what is in the way, as a sentence; null when it is done */
  act(id: string, act: MailAct): Promise<string | null>;
  /** Calls `tell` after every message, until the returned function is called. */
  follow(tell: () => void): () => void;
  /** Addresses whose mail leaves this machine; empty while everything stays here. */
  leaving(): Promise<string[]>;
}

/** How many conversations the page lists. */
export const shownConversations = 200;

/** Names an act of the page; undefined for what is none. */
export function readAct(did: unknown, text: string): MailAct | undefined {
  if (did === 'reply') return { did, text };
  return did === 'absence' || did === 'bounce' || did === 'unsubscribe' ? { did } : undefined;
}

const when = (at: string, zone: string): string =>
  Temporal.Instant.from(at)
    .toZonedDateTimeISO(zone)
    .toLocaleString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

const time = (at: string, zone: string): ReactNode => h('time', { dateTime: at }, when(at, zone));
const nameOf = ({ name, address }: MailLine): string => name || address;

/** Where mail goes, in a few words for the top of every page. */
export const whereMailGoes = (leaving: readonly string[]): string => {
  if (!leaving.length) return 'Local Slack: nothing leaves this machine, no real mail either';
  return `Local Slack. Real mail leaves from ${leaving.length === 1 ? leaving[0] : `${leaving.length} senders`}`;
};

export const mailTopic = (leaving: readonly string[]): string =>
  leaving.length
    ? `Drover’s own mail server. What is here stays on this machine; real mail leaves from ${leaving.join(', ')}.`
    : 'Drover’s own mail server. No real mail can leave in this mode.';

function row(line: MailLine, href: string, zone: string, isOpen: boolean): ReactNode {
  const counts = [`${line.sent} sent`, ...(line.received ? [`${line.received} back`] : [])].join(', ');
  return h(
    'a',
    {
      key: line.id,
      className: line.received ? 'mail answered' : 'mail',
      href,
      'data-nav': '',
      'data-key': `mail-${line.id}`,
      'aria-current': isOpen ? 'true' : undefined,
    },
    h('span', { className: 'mail-to', title: line.address }, nameOf(line)),
    h('span', { className: 'mail-subject' }, line.subject, h('span', { className: 'mail-start' }, ` – ${line.start}`)),
    h('span', { className: 'mail-counts' }, counts),
    time(line.at, zone),
  );
}

/** The conversations, latest first. */
export function mailList(
  { lines, count }: { lines: MailLine[]; count: number },
  { zone, openId, hrefOf }: { zone: string; openId: string | undefined; hrefOf: (id: string) => string },
): ReactNode {
  if (!lines.length)
    return h(
      'div',
      null,
      h(
        'div',
        { className: 'empty', 'data-key': 'empty' },
        h('h3', null, 'Nothing yet'),
        h('p', null, 'When a sequence is active and its send window is open, its messages show up here.'),
      ),
    );
  const all = `${count.toLocaleString('en-US')} ${count === 1 ? 'conversation' : 'conversations'}`;
  const more = count > lines.length ? `, the latest ${lines.length} shown` : '';
  return h(
    'div',
    null,
    h('p', { className: 'mail-count', 'data-key': 'count' }, `${all}${more}. Times in ${zone}.`),
    ...lines.map(line => row(line, hrefOf(line.id), zone, line.id === openId)),
  );
}

function letter(mail: MailItem, zone: string): ReactNode {
  return h(
    'article',
    { key: mail.id, className: mail.isSent ? 'letter sent' : 'letter came', 'data-key': `letter-${mail.id}` },
    h(
      'header',
      null,
      h('b', null, mail.from),
      h('span', { className: 'letter-to' }, `to ${mail.to}`),
      mail.about ? h('span', { className: 'badge' }, mail.about) : null,
      time(mail.at, zone),
    ),
    h('h3', null, mail.subject),
    h('pre', null, mail.text),
    mail.hasHtml
      ? h(
          'details',
          null,
          h('summary', null, 'As HTML'),
          // Nothing runs in it, and it loads nothing: the sandbox here, and the policy that it is served with.
          h('iframe', { sandbox: '', loading: 'lazy', src: `/page/mail/${mail.id}`, title: `${mail.subject}, as HTML` }),
        )
      : null,
  );
}

/** Everything that was sent and came back, oldest first. */
export const mailTalk = ({ mails }: MailTalk, zone: string): ReactNode =>
  h('div', null, ...mails.map(mail => letter(mail, zone)));

export const mailTalkTitle = ({ line }: MailTalk): string => (line.name ? `${line.name} <${line.address}>` : line.address);

/** What the other one can do: write, be away, not exist, and opt out. */
export function mailActs({ line, canOptOut }: MailTalk): ReactNode {
  const as = `Reply as ${nameOf(line)}…`;
  const act = (did: MailAct['did'], label: string, title: string) =>
    h('button', { key: did, type: 'button', 'data-mail-act': did, title }, label);
  return h(
    'form',
    { className: 'mail-acts', 'data-mail': line.id },
    h('textarea', { name: 'text', rows: 3, placeholder: as, 'aria-label': as, autoComplete: 'off', maxLength: 12_000 }),
    h(
      'div',
      { className: 'mail-bar' },
      act('absence', 'Out of office', 'Their mailbox answers that they are away for a week'),
      act('bounce', 'Bounce', 'Their mail server answers that there is no such mailbox'),
      canOptOut ? act('unsubscribe', 'Unsubscribe', 'They press unsubscribe in their mail program') : null,
      h('button', { type: 'submit', className: 'send-mail' }, icon('send'), 'Send'),
    ),
  );
}
