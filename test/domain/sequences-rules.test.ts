import { describe, expect, test } from 'vitest';
import type { SendWindow } from '../../src/calendar.ts';
import * as rules from '../../src/domain/sequences/rules.ts';
import { check, faultsOf, fill, render } from '../../src/domain/sequences/templates.ts';
import { isRefusal } from '../../src/errors.ts';

const window: SendWindow = { zone: 'Europe/London', days: [1, 2, 3, 4, 5], from: '09:00', until: '17:00', holidays: new Set() };
const on = Temporal.PlainDate.from('2026-03-02');

describe('S1', () => {
  const allowed: [rules.Status, rules.Verb, rules.Status][] = [
    ['setup', 'activate', 'active'],
    ['setup', 'archive', 'archived'],
    ['active', 'pause', 'inactive'],
    ['active', 'finish', 'finishing'],
    ['finishing', 'activate', 'active'],
    ['finishing', 'settle', 'inactive'],
    ['inactive', 'resume', 'active'],
    ['inactive', 'finish', 'finishing'],
    ['inactive', 'archive', 'archived'],
  ];
  const statuses: rules.Status[] = ['setup', 'active', 'finishing', 'inactive', 'archived'];
  const verbs: rules.Verb[] = ['activate', 'pause', 'resume', 'finish', 'settle', 'archive'];
  const cells = statuses.flatMap(status => verbs.map(verb => [status, verb] as const));
  test.each(cells)('S1 %s, %s', (status, verb) => {
    const to = allowed.find(([from, by]) => from === status && by === verb)?.[2];
    const result = rules.after({ name: 'Fall Intro', status }, verb);
    if (to) return expect(result).toBe(to);
    expect(isRefusal(result)).toBe(true);
    expect(result).toMatchObject({
      code: `sequence_${status}`,
      message: expect.stringContaining('Fall Intro'),
      next: expect.anything(),
    });
  });
});

describe('S2', () => {
  const ready: rules.Readiness = {
    steps: 1,
    templateFaults: [],
    senders: [{ name: 'Ada', status: 'healthy' }],
    hasSendingHour: true,
    cap: 1,
    postalAddress: '1 Example Street',
    optOutLine: 'Tell me and I stop.',
  };
  test('S2 nothing is missing when everything is there', () => expect(rules.missing(ready)).toEqual([]));
  test.each([
    ['smtp', 'https://drover.acme.example', 0],
    ['smtp', 'http://127.0.0.1:3000', 1],
    ['local', 'http://127.0.0.1:3000', 0],
  ])('S2 D6 a sender of transport %s with opt-out links at %s: %i missing', (transport, publicUrl, n) => {
    const faults = rules.missing({ ...ready, senders: [{ name: 'Ada', status: 'healthy', transport }], publicUrl });
    expect(faults).toHaveLength(n);
    if (n) expect(faults[0]).toContain('DROVER_PUBLIC_URL');
  });
  test('S2 everything that is missing is listed at once', () => {
    const faults = rules.missing({
      steps: 0,
      templateFaults: ['{{ x }} is not a variable'],
      senders: [{ name: 'Ada', status: 'paused' }],
      hasSendingHour: false,
      cap: 0,
      postalAddress: ' ',
      optOutLine: '',
    });
    expect(faults).toHaveLength(7);
    expect(faults.join('; ')).toMatch(/no step.*not a variable.*Ada is paused.*no hour.*cap.*postal address.*opt-out/);
  });
  test.each([
    [{ ...window, until: '09:59' }, false],
    [{ ...window, until: '10:00' }, true],
    [{ ...window, days: [] }, false],
    [{ ...window, until: '24:00' }, true],
  ])('S2 a window of %o has a sending hour: %s', (given, has) => expect(rules.hasSendingHour(given)).toBe(has));
});

describe('S5', () => {
  const sender = (given: Partial<rules.SharedSender> = {}): rules.SharedSender => ({
    daily_limit: 30,
    min_gap_minutes: 5,
    ramp_start: null,
    ramp_step: null,
    ramp_every: 1,
    sending_days: 0,
    last_sent_on: null,
    othersWant: [],
    ...given,
  });
  test.each([
    ['the cap', 20, window, [sender()], 20, 6, 'cap'],
    ['its sender', 50, window, [sender()], 30, 10, 'senders'],
    ['what others leave of its sender', 20, window, [sender({ othersWant: [20] })], 15, 5, 'senders'],
    ['a small neighbour takes only what it wants', 40, window, [sender({ othersWant: [4] })], 26, 8, 'senders'],
    ['two senders', 50, window, [sender(), sender()], 50, 16, 'cap'],
    ['the window', 50, { ...window, until: '10:00' }, [sender()], 10, 3, 'window'],
    [
      'a ramp',
      50,
      window,
      [sender({ ramp_start: 5, ramp_step: 2, sending_days: 2, last_sent_on: '2026-03-01' })],
      9,
      3,
      'senders',
    ],
    ['no sender', 50, window, [], 0, 0, 'no_sender'],
  ] as const)('S5 the cap that results from %s', (_, cap, given, senders, effectiveCap, newPerDay, limitedBy) => {
    expect(rules.capacityOf({ cap, steps: 3, window: given, senders }, on)).toMatchObject({ effectiveCap, newPerDay, limitedBy });
  });
  test.each([
    [{ from: '08:59' }, true],
    [{ until: '17:01' }, true],
    [{ days: [1, 6] }, true],
    [{ zone: 'Europe/Paris' }, true],
    [{ from: '10:00', until: '16:00', days: [1, 2] }, false],
  ])('A1 %o widens a window: %s', (change, does) => expect(rules.widens(window, { ...window, ...change })).toBe(does));
});

describe('S8', () => {
  test.each([
    ['{{ first_nam }}', 'first_name'],
    ['{{ firstName }}', 'first_name'],
    ['{{ fields }}', 'fields'],
    ['{{ first_name.size }}', 'not a variable'],
    ['{{ first_name | upcas }}', 'upcase'],
    ['{{ "now" | date: "%Y" }}', 'not a filter'],
    ['{% include "passwd" %}', 'not a tag'],
    ['{% render "passwd" %}', 'not a tag'],
    ['{% for x in fields %}{% endfor %}', 'not a tag'],
    ['{{ first_name ', 'cannot be read'],
    ['{{ first_name | append }}', 'append expect 2 arguments'],
    ['{{ company | prepend }}', 'prepend expect 2 arguments'],
    ['{% if title %}{{ fields.hook | append }}{% endif %}', 'cannot be filled'],
    ['{% if title %}Hi{% else %}{{ first_name | append }}{% endif %}', 'cannot be filled'],
    ['{% unless title %}{% assign co = company %}{% endunless %}{{ co }}', '{{ co }} is used where it is not set'],
  ])('S8 %s is refused when saved, naming %s', (body, named) => {
    expect(check([{ subject: 'Hi', body }])).toMatchObject({ code: 'bad_template', message: expect.stringContaining(named) });
  });
  test('S8 every fault of every step is named at once', () => {
    const refusal = check([{ subject: '{{ a_b_c }}', body: 'x' }, { body: '{{ compny }} {{ titel }}' }]);
    expect(refusal?.message).toMatch(/step 1.*a_b_c.*step 2.*compny.*step 2.*titel/);
  });
  test('S8 known variables, custom fields and defaults are fine', () => {
    expect(
      faultsOf(
        '{{ first_name | default: "there" }} {{ fields.hook }} {{ fields["pet name"] }} {% if title %}{{ title }}{% endif %}',
      ),
    ).toEqual([]);
  });
  test('S8 an empty variable is missing, unless it has a default or is only asked for', () => {
    expect(render('Hi {{ first_name }}', {})).toEqual({ missing: 'first_name' });
    expect(render('Hi {{ first_name }}', { first_name: '  ' })).toEqual({ missing: 'first_name' });
    expect(render('Hi {{ fields.hook }}', { fields: {} })).toEqual({ missing: 'fields.hook' });
    expect(render('Hi {{ first_name | default: "there" }}', {})).toEqual({ text: 'Hi there' });
    expect(render('{% if title %}A{% else %}B{% endif %}', {})).toEqual({ text: 'B' });
  });
  test('S8 what is assigned is asked for as strictly as what is printed', () => {
    const body = '{% assign co = company | upcase %}At {{ co }}';
    expect(faultsOf(body)).toEqual([]);
    expect(render(body, {})).toEqual({ missing: 'company' });
    expect(render(body, { company: 'Acme' })).toEqual({ text: 'At ACME' });
    expect(render('{% assign co = company | default: "you" %}At {{ co }}', {})).toEqual({ text: 'At you' });
    expect(render('{% if company %}{% assign co = company %}At {{ co }}{% endif %}Hi', {})).toEqual({ text: 'Hi' });
  });
  test('S8 values that break a template are an answer and no exception', () => {
    expect(render('{{ first_name | append }}', { first_name: 'Pat' })).toEqual({
      broken: 'append expect 2 arguments, line 1, column 1',
    });
    const long = { fields: { note: 'a'.repeat(2_000) } };
    expect(render('{{ fields.note | replace: "a", fields.note }}', long)).toMatchObject({ broken: expect.any(String) });
  });
  test.each([
    [{ head: 'Hi', body: ' {% if title %}A{% endif %}\n' }, { refused: 'empty_message' }],
    [{ head: '{% if title %}A{% endif %}', body: 'Hi' }, { refused: 'empty_message' }],
    [
      { head: 'Hi {{ title }}', body: 'Hi' },
      { refused: 'missing_variable', detail: 'title' },
    ],
    [{ head: 'Hi', body: '{{ first_name | append }}' }, { refused: 'template_error' }],
    [
      { head: 'Hi', body: 'There' },
      { head: 'Hi', body: 'There' },
    ],
  ])('S8 of %o is left %o', (templates, left) => expect(fill(templates, { first_name: 'Pat' })).toMatchObject(left));
  test('S8 A4 values are data: never parsed again, never able to reach beyond themselves', () => {
    expect(render('Hi {{ first_name }}', { first_name: '{{ company }}<b>' })).toEqual({ text: 'Hi {{ company }}<b>' });
    expect(render('{{ fields.constructor }}', { fields: {} })).toEqual({ missing: 'fields.constructor' });
  });
});
