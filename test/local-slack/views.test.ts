import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MovableClock } from '../../src/clock.ts';
import type { Message } from '../../src/local-slack/index.ts';
import { type OpenedPage, openPage } from '../support/browser.ts';
import { type EchoApp, startEcho } from './echo-app.ts';

/** Modals and menus, as Slack has them: what opens, what is refused, and what a person sees. */

const words = (text: string) => ({ type: 'plain_text', text });
const input = {
  type: 'input',
  block_id: 'answer',
  label: words('Your answer'),
  element: { type: 'plain_text_input', action_id: 'text', multiline: true, max_length: 100 },
};
const modal = {
  type: 'modal',
  callback_id: 'answer',
  private_metadata: '7',
  title: words('Answer'),
  submit: words('Send'),
  blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '> Who are *you*?' } }, input],
};
const menu = {
  type: 'static_select',
  action_id: 'pick',
  placeholder: words('It is …'),
  options: [
    { text: words('<b>interested</b>'), value: '7:interested' },
    { text: words('not now'), value: '7:bad_timing' },
  ],
};
const opener = { type: 'button', action_id: 'open', value: '7', text: words('Answer') };

const clock = new MovableClock({ standsAt: Temporal.Instant.from('2026-03-02T08:00:00Z') });
let echo: EchoApp;
let open: OpenedPage;
let card: Message;
/** What the app gets with a press, and opens with it. */
interface Pressed {
  trigger: string;
  code: string | undefined;
  messages: string[];
}
let pressed = Promise.withResolvers<Pressed>();
let wanted: unknown = modal;
let beforeOpening: () => Promise<void> = async () => {};
let picked: unknown[] = [];
let submitted: { values: unknown; metadata: string }[] = [];

beforeAll(async () => {
  echo = await startEcho({ clock });
  const { app, slack } = echo;
  app.action('open', async ({ ack, body, client }) => {
    await ack();
    await beforeOpening();
    const trigger = (body as { trigger_id: string }).trigger_id;
    const refusal = await client.views.open({ trigger_id: trigger, view: wanted as never }).then(
      () => undefined,
      error => error.data,
    );
    pressed.resolve({ trigger, code: refusal?.error, messages: refusal?.response_metadata?.messages ?? [] });
  });
  app.action('pick', async ({ ack, action, body }) => {
    await ack();
    picked.push([action, body.user.id]);
  });
  app.view('answer', async ({ ack, view }) => {
    const { value } = view.state.values.answer!.text!;
    submitted.push({ values: view.state.values, metadata: view.private_metadata });
    await (value === 'bad' ? ack({ response_action: 'errors', errors: { answer: 'Not that.' } }) : ack());
  });
  const posted = await app.client.chat.postMessage({
    token: 'xoxb-local-0123456789',
    channel: slack.users[0]!.id,
    text: 'A reply',
    blocks: [{ type: 'actions', block_id: 'reply', elements: [opener, menu] }] as never,
  });
  card = slack.control.messages(slack.users[0]!.id).find(({ ts }) => ts === posted.ts)!;
  open = await openPage(slack.url);
});
afterAll(async () => {
  await open?.close();
  await echo?.close();
});
beforeEach(() => {
  picked = [];
  submitted = [];
  wanted = modal;
  beforeOpening = async () => {};
});

const control = () => echo.slack.control;
const press = async (): Promise<Pressed> => {
  pressed = Promise.withResolvers();
  await control().click({ channel: card.channel, ts: card.ts, text: 'Answer' });
  return pressed.promise;
};
const openAgain = (trigger: string, view: unknown = modal) =>
  echo.app.client.views.open({ token: 'xoxb-local-0123456789', trigger_id: trigger, view: view as never }).then(
    () => 'opened',
    error => error.data.error,
  );

test('a trigger opens one modal, within three seconds, and no other one', async () => {
  const { trigger, code } = await press();
  expect(code).toBeUndefined();
  expect(control().modal()).toMatchObject({ view: { callback_id: 'answer', private_metadata: '7' } });
  expect(await openAgain(trigger)).toBe('exchanged_trigger_id');
  expect(await openAgain('12345.98765.abcd')).toBe('invalid_trigger_id');
  await control().submit({ text: 'Enough.' });
  expect(control().modal()).toBeUndefined();
  beforeOpening = async () => clock.set(clock.now().add({ milliseconds: 3_001 }));
  expect((await press()).code).toBe('expired_trigger_id');
});

const refusals: [what: string, view: object, message: RegExp][] = [
  ['a long title', { title: words('x'.repeat(25)) }, /less than 25 .*\/view\/title/],
  ['a long submit', { submit: words('x'.repeat(25)) }, /less than 25 .*\/view\/submit/],
  ['a formatted title', { title: { type: 'mrkdwn', text: '*x*' } }, /\/view\/title\/type/],
  ['no submit beside an input', { submit: undefined }, /missing required field: submit/],
  ['long private metadata', { private_metadata: 'x'.repeat(3_001) }, /private_metadata/],
  ['no blocks', { blocks: [] }, /\/view\/blocks/],
  ['too many blocks', { blocks: Array.from({ length: 101 }, () => ({ type: 'divider' })) }, /no more than 100/],
  ['an input without a label', { blocks: [{ ...input, label: undefined }] }, /\/label/],
  [
    'an input of more than Slack takes',
    { blocks: [{ ...input, element: { ...input.element, max_length: 3_001 } }] },
    /from 1 to 3000/,
  ],
  ['something that a modal has not', { colour: 'red' }, /invalid additional property: colour/],
  ['another type', { type: 'window' }, /\/view\/type/],
];
test.each(refusals)('a modal with %s is refused', async (_, change, message) => {
  wanted = { ...modal, ...change };
  const { code, messages } = await press();
  expect(code).toBe('invalid_arguments');
  expect(messages.join('\n')).toMatch(message);
});

test.each([
  ['no options', { ...menu, options: [] }],
  ['a formatted option', { ...menu, options: [{ text: { type: 'mrkdwn', text: '*x*' }, value: 'x' }] }],
  ['a long option', { ...menu, options: [{ text: words('x'.repeat(76)), value: 'x' }] }],
  ['a long value', { ...menu, options: [{ text: words('x'), value: 'x'.repeat(151) }] }],
  ['a long placeholder', { ...menu, placeholder: words('x'.repeat(151)) }],
])('a menu with %s is refused', async (_, element) => {
  const blocks = [{ type: 'actions', elements: [element] }];
  const posting = echo.app.client.chat.postMessage({
    ...{ token: 'xoxb-local-0123456789', channel: echo.slack.users[0]!.id, text: 'a', blocks: blocks as never },
  });
  await expect(posting).rejects.toMatchObject({ data: { error: 'invalid_blocks' } });
});

test('what is chosen from a menu reaches the app with its option', async () => {
  const { channel, ts } = card;
  await control().click({ channel, ts, text: 'It is …', option: 'not now' });
  expect(picked).toMatchObject([
    [{ type: 'static_select', action_id: 'pick', block_id: 'reply', selected_option: menu.options[1] }, echo.slack.users[0]!.id],
  ]);
  await expect(control().click({ channel, ts, text: 'It is …', option: 'maybe' })).rejects.toThrow('no_such_option');
});

test('the page shows a menu and a modal, keeps what is typed, and says what is wrong', async () => {
  const { page } = open;
  await page.selectOption('select[data-press="pick"]', '7:interested');
  await expect.poll(() => picked).toMatchObject([[{ selected_option: { value: '7:interested' } }, {}]]);
  expect(await page.locator('select[data-press="pick"] option').allTextContents()).toEqual([
    'It is …',
    '<b>interested</b>',
    'not now',
  ]);

  await page.click('button[data-press="open"]');
  const dialog = page.locator('dialog#modal[open]');
  await dialog.waitFor();
  expect(await dialog.locator('h3').textContent()).toBe('Answer');
  expect(await dialog.locator('.modal-body').textContent()).toContain('Who are you?');
  await dialog.locator('button[type=submit]').click();
  await dialog.locator('.field.wrong').waitFor();
  expect(await dialog.locator('[data-block=answer].wrong-words').textContent()).toContain('complete this required field');
  expect(submitted).toEqual([]);
  await dialog.locator('textarea').fill('bad');
  await dialog.locator('button[type=submit]').click();
  await page.waitForFunction(() => document.querySelector('[data-block=answer].wrong-words')?.textContent === 'Not that.');
  expect(await dialog.locator('textarea').inputValue()).toBe('bad');
  await open.shoot('modal');
  await dialog.locator('textarea').fill('I am Ada.\nThursday?');
  await dialog.locator('button[type=submit]').click();
  await page.locator('dialog#modal[open]').waitFor({ state: 'detached' });
  expect(submitted.slice(1)).toEqual([
    { values: { answer: { text: { type: 'plain_text_input', value: 'I am Ada.\nThursday?' } } }, metadata: '7' },
  ]);

  await page.click('button[data-press="open"]:not([aria-busy="true"])');
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog#modal[open]').waitFor({ state: 'detached' });
  expect(control().modal()).toBeUndefined();
  expect(open.complaints).toEqual([]);
});
