import { type Block, type Fields, Inspection, inspectBlock, inspectElement, isObject } from './limits.ts';
import { SlackError } from './methods.ts';
import { team, type Workspace } from './workspace.ts';

/** A modal in front of somebody. */
export interface OpenView {
  id: string;
  hash: string;
  user: string;
  view: Fields & { title: { text: string }; blocks: Block[]; submit?: { text: string }; close?: { text: string } };
  /** What its app objected to, by block. */
  errors: Record<string, string>;
}

/** What stands in its inputs, by `action_id`. */
export type Values = Readonly<Record<string, string>>;

/** Slack's reference of views, and of the input block. */
const limits = {
  blocks: 100,
  title: 24,
  privateMetadata: 3_000,
  id: 255,
  label: 2_000,
  inputChars: 3_000,
  bytes: 250_000,
} as const;

/** So long after what a person did may its trigger open something, in milliseconds. */
const triggerMs = 3_000;
const kept = 1_000;

const viewFields = [
  ...['type', 'title', 'blocks', 'submit', 'close', 'private_metadata', 'callback_id', 'clear_on_close', 'notify_on_close'],
  ...['external_id', 'submit_disabled'],
];

function inspectInput(look: Inspection, at: string, block: Block): void {
  look.only(at, block, ['type', 'block_id', 'label', 'element', 'hint', 'optional', 'dispatch_action']);
  look.text(`${at}/label`, block.label, limits.label, ['plain_text']);
  if (block.hint !== undefined) look.text(`${at}/hint`, block.hint, limits.label, ['plain_text']);
  const { element } = block;
  if (!isObject(element)) return void look.fail(`${at}/element`, 'must provide an object');
  if (element.type === 'plain_text_input') inspectTextInput(look, `${at}/element`, element);
  else inspectElement(look, `${at}/element`, element);
}

function inspectTextInput(look: Inspection, at: string, element: Fields): void {
  const known = ['type', 'action_id', 'initial_value', 'multiline', 'min_length', 'max_length', 'focus_on_load', 'placeholder'];
  look.only(at, element, [...known, 'dispatch_action_config']);
  look.optional(at, element, 'action_id', limits.id);
  look.optional(at, element, 'initial_value', limits.inputChars);
  if (element.placeholder !== undefined) look.text(`${at}/placeholder`, element.placeholder, 150, ['plain_text']);
  for (const [field, least] of [
    ['min_length', 0],
    ['max_length', 1],
  ] as const) {
    const value = element[field];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > limits.inputChars)
      look.fail(`${at}/${field}`, `must be an integer from ${least} to ${limits.inputChars}`);
  }
}

/** What Slack would object to in a modal, as messages of its `response_metadata`. */
function problemsOf(view: Fields): string[] {
  const look = new Inspection();
  look.only('/view', view, viewFields);
  if (view.type !== 'modal') look.fail('/view/type', 'must be modal');
  look.text('/view/title', view.title, limits.title, ['plain_text']);
  for (const field of ['submit', 'close'])
    if (view[field] !== undefined) look.text(`/view/${field}`, view[field], limits.title, ['plain_text']);
  look.optional('/view', view, 'private_metadata', limits.privateMetadata);
  look.optional('/view', view, 'callback_id', limits.id);
  const blocks = look.list('/view/blocks', view.blocks, limits.blocks);
  blocks.forEach((block, index) => {
    inspectBlock(look, `/view/blocks/${index}`, block);
    if (isObject(block) && block.type === 'input') inspectInput(look, `/view/blocks/${index}`, block as Block);
  });
  const asks = blocks.some(block => isObject(block) && block.type === 'input');
  if (asks && view.submit === undefined) look.fail('/view/submit', 'missing required field: submit');
  return look.problems;
}

/** An input's element, with what its block says of it. */
export interface Input {
  block: Block;
  element: Fields;
}

export const inputsOf = ({ view }: OpenView): Input[] =>
  view.blocks.filter(block => block.type === 'input').map(block => ({ block, element: block.element as Fields }));

/** Triggers and the modals that they open: one trigger opens one, within three seconds; a person has one modal at a time. */
export class Views {
  readonly #workspace: Workspace;
  readonly #followers = new Set<() => void>();
  readonly #triggers = new Map<string, { user: string; at: Temporal.Instant; isUsed: boolean }>();
  readonly #open = new Map<string, OpenView>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** Calls `follow` when a modal opens, changes or is gone, until the returned function is called. */
  onChange(follow: () => void): () => void {
    this.#followers.add(follow);
    return () => this.#followers.delete(follow);
  }

  #tell(): void {
    for (const follow of this.#followers) follow();
  }

  /** A trigger for what a person just did. */
  trigger(user: string): string {
    const id = this.#workspace.nextId('trigger.');
    this.#triggers.set(id, { user, at: this.#workspace.clock.now(), isUsed: false });
    if (this.#triggers.size > kept) this.#triggers.delete(this.#triggers.keys().next().value!);
    return id;
  }

  /** `views.open`. @throws SlackError for what Slack refuses */
  open(args: Fields): Fields {
    const { view } = args;
    if (typeof args.trigger_id !== 'string' || !isObject(view)) throw new SlackError('invalid_arguments');
    const trigger = this.#triggers.get(args.trigger_id);
    if (!trigger) throw new SlackError('invalid_trigger_id');
    if (trigger.isUsed) throw new SlackError('exchanged_trigger_id');
    if (this.#workspace.clock.now().since(trigger.at).total('milliseconds') > triggerMs)
      throw new SlackError('expired_trigger_id');
    const problems = problemsOf(view);
    if (problems.length) throw new SlackError('invalid_arguments', problems);
    if (JSON.stringify(view).length > limits.bytes) throw new SlackError('view_too_large');
    trigger.isUsed = true;
    const opened = this.#put(this.#workspace.nextId('V'), trigger.user, view);
    return { view: this.json(opened) };
  }

  /** A modal as Slack's API and its requests show it. */
  json(opened: OpenView, values: Values = {}): Fields {
    const { id, hash, view } = opened;
    const state = inputsOf(opened).map(({ block, element }) => {
      const value = values[String(element.action_id)] ?? element.initial_value ?? null;
      return [block.block_id, { [String(element.action_id)]: { type: element.type, value } }];
    });
    return {
      id,
      team_id: team.id,
      app_id: team.appId,
      app_installed_team_id: team.id,
      bot_id: team.botId,
      hash,
      root_view_id: id,
      previous_view_id: null,
      private_metadata: '',
      callback_id: '',
      clear_on_close: false,
      notify_on_close: false,
      submit: null,
      close: null,
      external_id: '',
      ...view,
      state: { values: Object.fromEntries(state) },
    };
  }

  #put(id: string, user: string, view: Fields): OpenView {
    const blocks = (view.blocks as Block[]).map(block => ({
      ...block,
      block_id: block.block_id ?? this.#workspace.nextId('b'),
      ...(isObject(block.element) ? { element: { action_id: this.#workspace.nextId('a'), ...block.element } } : {}),
    }));
    const opened = { id, user, hash: this.#workspace.nextId('h'), view: { ...view, blocks } as OpenView['view'], errors: {} };
    this.#open.set(user, opened);
    this.#tell();
    return opened;
  }

  /** The modal in front of somebody. */
  before(user: string): OpenView | undefined {
    return this.#open.get(user);
  }

  close(user: string): void {
    if (this.#open.delete(user)) this.#tell();
  }

  /** Shows under its inputs what is wrong with them; they keep what stands in them. */
  object(opened: OpenView, errors: Record<string, string>): void {
    if (this.#open.get(opened.user)?.id === opened.id) this.#open.set(opened.user, { ...opened, errors });
    this.#tell();
  }

  /** What Slack's client does not let through, by block. */
  missing(opened: OpenView, values: Values): Record<string, string> {
    const wrong = inputsOf(opened).flatMap(({ block, element }) => {
      const value = values[String(element.action_id)] ?? '';
      const [least, most] = [Number(element.min_length ?? 0), Number(element.max_length ?? limits.inputChars)];
      const why =
        !value && !block.optional
          ? 'Please complete this required field.'
          : value && value.length < least
            ? `Please use at least ${least} characters.`
            : value.length > most
              ? `Please use at most ${most} characters.`
              : undefined;
      return why ? [[block.block_id, why] as const] : [];
    });
    return Object.fromEntries(wrong);
  }

  /** What the app answers to a submission: nothing closes the modal. */
  answered(opened: OpenView, answer: string): void {
    const said = readAnswer(answer);
    if (said?.response_action === 'update' && isObject(said.view) && !problemsOf(said.view).length)
      this.#put(opened.id, opened.user, said.view);
    else if (said?.response_action === 'errors' && isObject(said.errors))
      this.object(opened, said.errors as Record<string, string>);
    else if (!said) this.object(opened, { '': 'We had some trouble connecting. Try again?' });
    else if (this.#open.get(opened.user)?.id === opened.id) this.close(opened.user);
  }
}

/** The body of an acknowledgement; undefined where it is no JSON. */
function readAnswer(answer: string): Fields | undefined {
  try {
    return answer.trim() ? JSON.parse(answer) : {};
  } catch {
    return undefined;
  }
}
