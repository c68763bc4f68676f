import { createElement as h, type ReactNode } from 'react';
import type { OutboxItem } from './site.ts';

const shown = 200;

const when = (at: string, zone: string) =>
  Temporal.Instant.from(at)
    .toZonedDateTimeISO(zone)
    .toLocaleString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

const row = (label: string, value: string): ReactNode => [
  h('dt', { key: label }, label),
  h('dd', { key: `${label} value` }, value),
];

function item(mail: OutboxItem, zone: string): ReactNode {
  return h(
    'details',
    { key: mail.id, className: 'mail', 'data-key': `mail-${mail.id}` },
    h(
      'summary',
      null,
      h('span', { className: 'mail-to' }, mail.to),
      h(
        'span',
        { className: 'mail-subject' },
        mail.subject,
        h('span', { className: 'mail-start' }, ` – ${mail.body.replace(/\s+/g, ' ').slice(0, 140)}`),
      ),
      h('time', { dateTime: mail.at }, when(mail.at, zone)),
    ),
    h(
      'dl',
      null,
      row('From', mail.from),
      row('To', mail.to),
      row('Subject', mail.subject),
      row('When', `${when(mail.at, zone)} (${zone})`),
      mail.about ? row('For', mail.about) : null,
    ),
    h('pre', null, mail.body),
  );
}

/** What would have left, newest first. */
export function outboxList(items: OutboxItem[], zone: string): ReactNode {
  if (!items.length)
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
  const count = `${items.length.toLocaleString('en-US')} ${items.length === 1 ? 'message' : 'messages'}`;
  const more = items.length > shown ? `, the latest ${shown} shown` : '';
  return h(
    'div',
    null,
    h('p', { className: 'mail-count', 'data-key': 'count' }, `${count}${more}. Times in ${zone}.`),
    ...items.slice(0, shown).map(mail => item(mail, zone)),
  );
}
