import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { drawMessage } from '../../src/local-slack/blocks.ts';
import { limits, objectionToBlocks, objectionToMetadata } from '../../src/local-slack/limits.ts';
import { Workspace } from '../../src/local-slack/workspace.ts';
import { card } from './echo-app.ts';

const x = (n: number) => 'x'.repeat(n);
const plain = (text: string) => ({ type: 'plain_text', text });
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text });
const section = (text: string, more = {}) => ({ type: 'section', text: mrkdwn(text), ...more });
const button = (more = {}) => ({ type: 'button', action_id: 'a', text: plain('Go'), ...more });
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const table = (rows: unknown[][], more = {}) => ({ type: 'table', rows, ...more });
const cell = (text: string) => ({ type: 'raw_text', text });

const allowed: [string, object[]][] = [
  ['a card with everything in it', card],
  ['50 blocks', Array.from({ length: 50 }, () => ({ type: 'divider' }))],
  ['3000 characters in a section', [section(x(3_000))]],
  ['10 fields of 1000', [{ type: 'section', fields: Array.from({ length: 10 }, () => mrkdwn(x(1_000))) }]],
  ['a button text of 75 and a value of 2000', [actions(button({ text: plain(x(75)), value: x(2_000) }))]],
  ['a table of 100 rows', [table(Array.from({ length: 100 }, () => [cell('a')]))]],
  ['a number in a table', [table([[{ type: 'raw_number', value: 3 }]])]],
  ['markdown of 12,000', [{ type: 'markdown', text: x(12_000) }]],
];
for (const [name, blocks] of allowed) test(`draws ${name}`, () => expect(objectionToBlocks(blocks)).toBeUndefined());

const refused: [string, unknown, string][] = [
  ['what is not an array', { type: 'section' }, 'invalid_blocks_format'],
  ['51 blocks', Array.from({ length: 51 }, () => ({ type: 'divider' })), 'invalid_blocks'],
  ['an unknown block', [{ type: 'poster' }], 'invalid_blocks'],
  ['an unknown field', [section('a', { colour: 'red' })], 'invalid_blocks'],
  ['a section of 3001', [section(x(3_001))], 'invalid_blocks'],
  ['an empty section', [section('')], 'invalid_blocks'],
  ['a section of nothing', [{ type: 'section' }], 'invalid_blocks'],
  ['11 fields', [{ type: 'section', fields: Array.from({ length: 11 }, () => mrkdwn('a')) }], 'invalid_blocks'],
  ['a field of 2001', [{ type: 'section', fields: [mrkdwn(x(2_001))] }], 'invalid_blocks'],
  ['a header in mrkdwn', [{ type: 'header', text: mrkdwn('a') }], 'invalid_blocks'],
  ['a header of 151', [{ type: 'header', text: plain(x(151)) }], 'invalid_blocks'],
  ['the same block_id twice', [section('a', { block_id: 'b' }), section('a', { block_id: 'b' })], 'invalid_blocks'],
  ['the same action_id twice in a block', [actions(button(), button())], 'invalid_blocks'],
  ['26 buttons', [actions(...Array.from({ length: 26 }, (_, i) => button({ action_id: `a${i}` })))], 'invalid_blocks'],
  ['a button text of 76', [actions(button({ text: plain(x(76)) }))], 'invalid_blocks'],
  ['a value of 2001', [actions(button({ value: x(2_001) }))], 'invalid_blocks'],
  ['an action_id of 256', [actions(button({ action_id: x(256) }))], 'invalid_blocks'],
  ['an unknown style', [actions(button({ style: 'default' }))], 'invalid_blocks'],
  ['an unknown element', [actions({ type: 'knob' })], 'invalid_blocks'],
  ['11 context elements', [{ type: 'context', elements: Array.from({ length: 11 }, () => mrkdwn('a')) }], 'invalid_blocks'],
  ['a table of 101 rows', [table(Array.from({ length: 101 }, () => [cell('a')]))], 'invalid_blocks'],
  ['a table of 21 cells', [table([Array.from({ length: 21 }, () => cell('a'))])], 'invalid_blocks'],
  ['an empty cell', [table([[cell('')]])], 'invalid_blocks'],
  ['a column that floats', [table([[cell('a')]], { column_settings: [{ align: 'justify' }] })], 'invalid_blocks'],
  ['tables of 10,001 together', [table([[cell(x(5_001))]]), table([[cell(x(5_000))]])], 'invalid_blocks'],
  ['markdown of 12,001', [{ type: 'markdown', text: x(12_001) }], 'invalid_blocks'],
  ['markdown of 12,001 together', [1, 2].map(() => ({ type: 'markdown', text: x(6_001) })), 'msg_blocks_too_long'],
  ['sections of 13,200 together', Array.from({ length: 5 }, () => section(x(2_640))), 'msg_blocks_too_long'],
];
for (const [name, blocks, error] of refused)
  test(`refuses ${name} as ${error}`, () => expect(objectionToBlocks(blocks)?.error).toBe(error));

test('says where the mistake is, as Slack does', () => {
  expect(objectionToBlocks([section('a'), section(x(3_001))])?.messages).toEqual([
    '[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]',
  ]);
});

test('metadata has a type and a payload, and is not a store', () => {
  expect(objectionToMetadata({ event_type: 'drover_post', event_payload: { key: 'a' } })).toBeUndefined();
  expect(objectionToMetadata('drover')?.error).toBe('invalid_metadata_format');
  expect(objectionToMetadata({ event_type: 'drover_post' })?.error).toBe('invalid_metadata_schema');
  expect(objectionToMetadata({ event_type: 'a', event_payload: { b: x(limits.metadata) } })?.error).toBe('metadata_too_large');
});

test('A4 no text, whoever wrote it, becomes markup of the page', () => {
  const workspace = new Workspace({ name: 'Example', clock: systemClock, zone: 'UTC' });
  const hostile = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc
      .array(
        fc.constantFrom(
          '<',
          '>',
          '"',
          "'",
          '&lt;',
          '&gt;',
          '&amp;',
          '*',
          '`',
          '_',
          '~',
          ':tada:',
          '|',
          '\n',
          'script',
          'javascript:',
          '<@U0ALEX00001>',
          ' onerror=',
          '<https://a.example|',
          '<javascript:alert(1)|x>',
        ),
        { maxLength: 30 },
      )
      .map(parts => parts.join('')),
  );
  fc.assert(
    fc.property(hostile, text => {
      const blocks = [
        section(`a${text}`),
        actions(button({ text: plain(`b${text}`), value: `c${text}`, action_id: `e${text}` })),
        table([[cell(`d${text}`)]]),
      ];
      const message = { channel: 'C', ts: '1.000001', user: 'U', text, byApp: true, reactions: [], revision: 1 };
      for (const html of [[], blocks].map((each, i) => drawMessage(workspace, { ...message, blocks: each, ts: `${text}${i}` }))) {
        const tags = html.match(/<[^>]*>/g) ?? [];
        for (const tag of tags) {
          expect(tag).toMatch(
            /^<\/?(div|span|p|a|strong|em|del|code|pre|button|table|tbody|tr|td|blockquote|ul|ol|li|br|s|b|i|u)[\s>/]/,
          );
          expect(tag.replace(/"[^"]*"/g, '""')).not.toMatch(/\son\w+=|style=|javascript:/);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('text is unescaped once, as Slack does', () => {
  const workspace = new Workspace({ name: 'Once', clock: systemClock, zone: 'UTC' });
  const message = { channel: 'C', ts: '2.000001', user: 'U', blocks: [], byApp: true, reactions: [], revision: 1 };
  const html = drawMessage(workspace, { ...message, text: 'a &lt;b&gt; &amp;lt; <@U0ALEX00001> &lt;@U0ALEX00001&gt;' });
  const words = html.replace(/<[^>]*>/g, '');
  expect(words).toBe('a &lt;b&gt; &amp;lt; @alex &lt;@U0ALEX00001&gt;');
});
