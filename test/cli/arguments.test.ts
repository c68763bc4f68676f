import { expect, test } from 'vitest';
import { readArguments } from '../../src/cli/arguments.ts';
import { reportText } from '../../src/cli/text.ts';

test.for([
  [[], { name: 'start' }],
  [['worker'], { name: 'worker' }],
  [['--help'], { name: 'help' }],
  [['ask', 'how', 'are', 'we?', '--json'], { name: 'ask', text: 'how are we?', thread: 'cli', json: true }],
  [
    ['ask', 'make it 30', '--as', 'sam', '--thread', '7'],
    { name: 'ask', text: 'make it 30', thread: '7', json: false, as: 'sam' },
  ],
  [['import', 'p.csv', '--list', 'Fair'], { name: 'import', file: 'p.csv', list: 'Fair' }],
  [
    ['export', 'list', 'Trade', 'fair', '--out', 'x.csv'],
    { name: 'export', what: 'list', of: 'Trade fair', out: 'x.csv', bom: false },
  ],
  [['export', 'numbers', '--days', '90'], { name: 'export', what: 'numbers', days: 90, bom: false }],
  [['export', 'activity', '--bom'], { name: 'export', what: 'activity', bom: true }],
  [
    ['export', 'activity', '--about', 'Fall Intro', '--by', 'Ray', '--days', '7', '--out', 'x.csv'],
    { name: 'export', what: 'activity', about: 'Fall Intro', by: 'Ray', days: 7, out: 'x.csv', bom: false },
  ],
  [['approve', '7'], { name: 'approve', id: 7, json: false }],
  [['role', 'Sam', 'Rep', 'admin'], { name: 'role', member: 'Sam Rep', role: 'admin', json: false }],
  [['import', 'p.csv', '--list=-1'], { name: 'import', file: 'p.csv', list: '-1' }],
  [['ask', '--', '--loud'], { name: 'ask', text: '--loud', thread: 'cli', json: false }],
  [['lift', 'a@b.example'], { name: 'lift', value: 'a@b.example', json: false }],
  [['autopilot', 'Fall', 'Intro', 'on'], { name: 'autopilot', sequence: 'Fall Intro', on: true, json: false }],
] as const)('%j is understood', ([argv, command]) => {
  expect(readArguments(argv)).toEqual(command);
});

test.for([
  [['dance'], /no command "dance"/],
  [['ask'], /Ask what/],
  [['import', 'x.csv'], /which list/],
  [['export', 'list'], /Export what/],
  [['export', 'leads', 'x'], /Export what/],
  [['export', 'activity', 'Fall'], /Like: drover export activity --about "Fall"/],
  [['export', 'numbers', 'Fall'], /Like: drover export numbers --days 90/],
  [['export', 'numbers', '--by', 'Ray'], /Like: drover export numbers --days 90/],
  [['export', 'activity', '--days', '0'], /Between 1 and 3650 days/],
  [['export', 'activity', '--days', 'x'], /Between 1 and 3650 days/],
  [['export', 'activity', '--by', ' '], /About or by whom/],
  [['export', 'list', 'Fair', '--about', 'Ray'], /--about, --by and --days are of the activity/],
  [['approve', 'x'], /Which approval/],
  [['autopilot', 'Fall', 'maybe'], /Like: drover autopilot/],
  [['ask', 'x', '--loud'], /^There is no option --loud\. `drover help` shows how\.$/],
  [['ask', 'x', '--bogus=3'], /^There is no option --bogus\. `/],
  [['ask', 'x', '-x'], /^There is no option -x\. `/],
  [['ask', 'x', '--constructor'], /^There is no option --constructor\. `/],
  [['ask', 'x', '--jsn'], /^There is no option --jsn\. Did you mean --json\? `/],
  [['import', 'x.csv', '--list'], /^--list needs a value behind it: --list=… `/],
  [['import', 'x.csv', '--list', '--json'], /^--list needs a value behind it/],
  [['ask', 'x', '--json=yes'], /^--json is said alone, without "=yes"\. `/],
] as const)('%j is refused with a sentence that says how', ([argv, message]) => {
  expect(() => readArguments(argv)).toThrow(message);
});

test('a report reads well on a terminal, and what is in it cannot act on the terminal', () => {
  expect(
    reportText({
      tone: 'good',
      title: 'Two \u001b[31mlists\u0007',
      facts: [
        { label: 'A', value: '1' },
        { label: 'Long', value: '2' },
      ],
      tables: [
        {
          columns: [{ label: 'List' }, { label: 'Leads', align: 'right' }],
          rows: [
            ['Fintech', '200'],
            ['A', '3'],
          ],
          more: 4,
        },
      ],
      next: ['status'],
    }),
  ).toBe(
    [
      '✓ Two [31mlists',
      '  A     1',
      '  Long  2',
      '  List     Leads',
      '  ───────  ─────',
      '  Fintech    200',
      '  A            3',
      '  … and 4 more',
      '  Try: “status”',
    ].join('\n'),
  );
});
