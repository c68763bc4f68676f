import { readFileSync } from 'node:fs';
import type { KnownBlock } from '@slack/types';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { objectionToBlocks } from '../../src/local-slack/limits.ts';
import { answerMessages } from '../../src/slack/blocks/answer.ts';
import { approvalMessages, decidedMessages, supersededMessages } from '../../src/slack/blocks/approval.ts';
import { LIMITS } from '../../src/slack/blocks/limits.ts';
import { chars, type Message } from '../../src/slack/blocks/message.ts';
import { reportMessages } from '../../src/slack/blocks/report.ts';
import { clip, code, fromMarkdown, inert, pieces } from '../../src/slack/blocks/text.ts';
import type { Report } from '../../src/tools/report.ts';
import type { TurnAnswer } from '../../src/tools/turn.ts';

/** What a lead, a source or a model may try. */
const hostile =
  'Eve <!channel> <@U123> <#C1|x> <https://evil.example|Approve here> https://evil.example *bold* _it_ ~no~ `code` :tada: &amp; \u202Eesrever\u0007\nnext line';

const hostileReport: Report = {
  tone: 'good',
  title: hostile,
  urgent: [hostile],
  facts: [{ label: hostile, value: hostile }],
  tables: [
    {
      title: hostile,
      columns: [{ label: hostile }, { label: 'B', align: 'right' }],
      rows: [
        [hostile, ''],
        [hostile, '2'],
      ],
      more: 3,
    },
  ],
  notes: [hostile],
  next: [hostile],
  footer: hostile,
};

/** Every mrkdwn string that Slack would read: of blocks, and the fallback texts. */
function marked(messages: Message[]): { text: string; verbatim?: boolean }[] {
  const found: { text: string; verbatim?: boolean }[] = messages.map(({ text }) => ({ text, verbatim: true }));
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { type, text, verbatim } = value as { type?: string; text?: unknown; verbatim?: boolean };
    if (type === 'mrkdwn' && typeof text === 'string') found.push({ text, ...(verbatim ? { verbatim } : {}) });
    Object.values(value).forEach(visit);
  };
  for (const { blocks } of messages) visit(blocks);
  return found;
}

const wouldSlackTake = (messages: Message[]) => {
  for (const { text, blocks } of messages) {
    expect(objectionToBlocks(blocks)).toBeUndefined();
    expect(blocks.filter(block => block.type === 'table').length).toBeLessThanOrEqual(1);
    expect(text.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThanOrEqual(LIMITS.fallbackChars);
  }
};

const answer = (text: string, ...reports: Report[]): TurnAnswer => ({
  turnId: 1,
  status: 'done',
  text,
  approvals: [],
  calls: reports.map((report, i) => ({
    tool: 't',
    input: { i },
    outcome: { outcome: 'done', tool: 't', effect: 'read', result: {}, report },
  })),
});

const decided = (report: Report) =>
  decidedMessages(
    hostile,
    { outcome: 'approved', approvalId: 1, by: hostile, did: { outcome: 'done', tool: 't', effect: 'gated', result: {}, report } },
    'Mon 2 Mar, 09:00',
  );

describe('A4 hostile text stays inert', () => {
  const shown: [string, Message[]][] = [
    ['a report', reportMessages(hostileReport)],
    [
      'a report with two tables',
      reportMessages({ ...hostileReport, tables: [hostileReport.tables![0]!, hostileReport.tables![0]!] }),
    ],
    ['a refusal', reportMessages({ ...hostileReport, tone: 'refused' })],
    ['an answer', answerMessages(answer(hostile, hostileReport))!],
    ['a card', approvalMessages({ id: 1, summary: hostile }, hostileReport, hostile)],
    ['a decided card', decided(hostileReport)],
    ['a refused press', decidedMessages(hostile, { outcome: 'refused', approvalId: 1, code: 'x', message: hostile }, hostile)],
    ['a replaced card', supersededMessages(hostile)],
  ];
  test.for(shown)('A4 in %s: no mention, link, channel call or emoji', ([, messages]) => {
    wouldSlackTake(messages);
    for (const { text, verbatim } of marked(messages)) {
      expect(verbatim).toBe(true);
      expect(text).not.toMatch(/<|>(?!$)/);
      // Slack draws no emoji inside code.
      expect(text.replace(/```[\s\S]*?```|`[^`]*`/g, '')).not.toContain(':tada:');
      for (const unseen of ['\u202E', '\u0007']) expect(text).not.toContain(unseen);
    }
  });

  test('A4 formatting characters of a name format nothing, and an address can still be copied', () => {
    expect(inert('*bold* _it_ ~no~ `code`')).toBe('∗bold∗ ˍitˍ ∼no∼ ˋcodeˋ');
    expect(inert('first_last@acme.example, 3*4')).toBe('first_last@acme.example, 3*4');
    expect(inert('a\nb\u202Ec')).toBe('a b c');
    expect(inert('')).toBe('–');
    expect(code('say `this` <b>')).toBe('`say ˋthisˋ &lt;b&gt;`');
  });

  test('A4 cells of a table are literal text, and none is empty', () => {
    const [{ blocks }] = reportMessages(hostileReport) as [Message];
    const drawn = blocks.find(block => block.type === 'table') as { rows: { type: string; text: string }[][] };
    expect(drawn.rows.flat().every(cell => cell.type === 'raw_text' && cell.text.length > 0)).toBe(true);
    expect(drawn.rows[1]![1]!.text).toBe('–');
  });
});

describe('markdown of the model', () => {
  test.for([
    ['**Done.** It is _ready_', '*Done.* It is _ready_'],
    ['## Next steps ##', '*Next steps*'],
    ['- one\n* two\n  - three', '• one\n• two\n  • three'],
    ['an *emphasis* and 3 * 4 * 5', 'an _emphasis_ and 3 * 4 * 5'],
    ['[Approve](https://evil.example)', 'Approve (https://evil.example)'],
    ['<!channel> <@U1>', '&lt;!channel&gt; &lt;@U1&gt;'],
    ['```js\nlet a = **b**\n```', '```\nlet a = **b**\n```'],
    ['```\nnever closed', '```\nnever closed\n```'],
    ['`**x**` ~~old~~', '`**x**` ~old~'],
    ['at 10:30:45 :tada:', 'at 10:30:45 :\u200btada:'],
  ])('%s', ([markdown, mrkdwn]) => {
    expect(fromMarkdown(markdown!)).toBe(mrkdwn);
  });
});

describe('A3 layout within Slack’s limits', () => {
  const wide: Report = {
    tone: 'neutral',
    title: 'T'.repeat(5000),
    facts: Array.from({ length: 23 }, (_, i) => ({ label: `L${i}`, value: 'v'.repeat(3000) })),
    tables: [
      { columns: Array.from({ length: 21 }, (_, i) => ({ label: `c${i}` })), rows: [Array.from({ length: 21 }, () => 'x')] },
      { columns: [{ label: 'n', align: 'right' }], rows: Array.from({ length: 400 }, (_, i) => [`row ${i} ${'y'.repeat(60)}`]) },
    ],
    notes: Array.from({ length: 60 }, () => 'n'.repeat(900)),
    next: Array.from({ length: 40 }, () => 'p'.repeat(200)),
    footer: 'f'.repeat(5000),
  };
  test('a report of any size is split over messages that Slack takes', () => {
    const messages = reportMessages(wide);
    expect(messages.length).toBeGreaterThan(1);
    wouldSlackTake(messages);
    expect(JSON.stringify(messages)).toContain('row 399');
  });

  test('a table goes native while it fits; of several the widest does, the others become columns of text', () => {
    const rows = (n: number, cell: string) => Array.from({ length: n }, () => [cell, '1']);
    const one = (n: number, cell = 'x'): Report => ({
      tone: 'neutral',
      title: 't',
      tables: [{ columns: [{ label: 'a' }, { label: 'b', align: 'right' }], rows: rows(n, cell) }],
    });
    const kinds = (report: Report) => reportMessages(report).flatMap(({ blocks }) => blocks.map(block => block.type));
    expect(kinds(one(99))).toEqual(['section', 'table']);
    expect(kinds(one(100))).not.toContain('table');
    expect(kinds(one(99, 'x'.repeat(120)))).not.toContain('table');
    const wide = { columns: ['a', 'b', 'c'].map(label => ({ label })), rows: [['1', '2', '3']] };
    expect(kinds({ ...one(2), tables: [...one(2).tables!, wide] })).toEqual(['section', 'section', 'table']);
  });

  test('two reports with tables become two messages, each with its own', () => {
    const report = (title: string): Report => ({ tone: 'good', title, tables: [{ columns: [{ label: 'a' }], rows: [['1']] }] });
    const messages = answerMessages(answer('Here.', report('One'), report('Two')))!;
    wouldSlackTake(messages);
    expect(messages.map(({ blocks }) => blocks.map((block: KnownBlock) => block.type))).toEqual([
      ['section', 'divider', 'section', 'table'],
      ['section', 'table'],
    ]);
  });

  test('long text is cut between words, never through a surrogate pair, an entity or an open fence', () => {
    const long = `\`\`\`\n${'line of code\n'.repeat(600)}\`\`\``;
    const cut = pieces(long, 3000);
    expect(cut.every(piece => piece.length <= 3000 && (piece.split('```').length - 1) % 2 === 0)).toBe(true);
    expect(pieces('&lt;'.repeat(2000), 3000).every(piece => /^(&lt;)+$/.test(piece))).toBe(true);
    expect(pieces('😀'.repeat(2000), 3000).join('')).toBe('😀'.repeat(2000));
    expect(clip('😀😀', 3)).toBe('😀…');
    expect(chars([{ type: 'section', text: { type: 'mrkdwn', text: 'abc' } }])).toBe(3);
  });

  test('an answer with nothing to show is no message', () => {
    expect(answerMessages(answer(''))).toBeNull();
  });
});

describe('manifest.yml', () => {
  const manifest = parse(readFileSync('manifest.yml', 'utf8'));
  test('keeps to Slack’s limits', () => {
    const { features, display_information: display } = manifest;
    expect(display.name.length).toBeLessThanOrEqual(35);
    expect(display.description.length).toBeLessThanOrEqual(140);
    expect(features.agent_view.agent_description.length).toBeLessThanOrEqual(300);
    expect(features.agent_view.suggested_prompts.length).toBeLessThanOrEqual(4);
    for (const prompt of features.agent_view.suggested_prompts) expect(Object.keys(prompt)).toEqual(['title', 'message']);
    expect(features.app_home).toMatchObject({ messages_tab_enabled: true, messages_tab_read_only_enabled: false });
    expect(features.assistant_view).toBeUndefined();
    for (const { command, usage_hint: hint } of features.slash_commands) {
      expect(command.length).toBeLessThanOrEqual(32);
      expect(hint).toBe(
        'status | lists | list NAME | sequences | sequence NAME | who NAME | why NAME | forecast | review | tasks | replies | numbers | senders | undo | activity | help',
      );
    }
  });

  test('asks for what is used, and every request comes to the one path', () => {
    const { oauth_config: oauth, settings, features } = manifest;
    expect(oauth.scopes.bot).toEqual([
      'app_mentions:read',
      'assistant:write',
      'channels:history',
      'chat:write',
      'commands',
      'groups:history',
      'im:history',
      'mpim:history',
      'users:read',
    ]);
    expect(settings.event_subscriptions.bot_events).toEqual([
      'app_mention',
      'message.channels',
      'message.groups',
      'message.im',
      'message.mpim',
      'user_change',
    ]);
    const urls = [settings.event_subscriptions.request_url, settings.interactivity.request_url, features.slash_commands[0].url];
    expect(new Set(urls)).toEqual(new Set(['https://YOUR-HOST/slack/events']));
    expect(JSON.stringify(manifest)).not.toMatch(/xox|secret/i);
  });
});
