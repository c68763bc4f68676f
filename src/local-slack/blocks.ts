import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { Message as SlackMessage } from 'slack-blocks-to-jsx';
import type { Block } from './limits.ts';
import type { Message, Workspace } from './workspace.ts';

type Fields = Record<string, unknown>;
const drawn = new Map<string, string>();
const kept = 2_000;

export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Plain words of a message, for screen readers and for what cannot be drawn. */
export const plain = (text: string): string =>
  text
    .replace(/<(?:[^<>|]*\|)?([^<>|]+)>/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

/** A message's blocks as HTML: drawn by a Block Kit renderer, from text that it escapes. Buttons and menus carry what a press sends. */
export function drawMessage(workspace: Workspace, message: Message): string {
  const key = `${message.channel} ${message.ts} ${message.revision} ${workspace.name}`;
  const known = drawn.get(key);
  if (known !== undefined) return known;
  const html = draw(workspace, message);
  drawn.set(key, html);
  if (drawn.size > kept) drawn.delete(drawn.keys().next().value!);
  return html;
}

/** Blocks that are no message's, as those of a modal. */
export const drawBlocks = (workspace: Workspace, blocks: Block[]): string => draw(workspace, { blocks, text: '' });

function draw(workspace: Workspace, message: Pick<Message, 'blocks' | 'text'>): string {
  const blocks: Block[] = message.blocks.length
    ? message.blocks
    : [{ type: 'section', text: { type: 'mrkdwn', text: message.text || ' ' } }];
  const buttons: { block: string; button: Fields }[] = [];
  const data = {
    users: [...workspace.users.values()].map(user => ({ id: user.id, name: user.isBot ? user.realName : user.name })),
    channels: [...workspace.channels.values()].map(({ id, name }) => ({ id, name })),
  };
  const props = {
    blocks: blocks.map(block => forRenderer(block, buttons)),
    data,
    name: '',
    logo: '',
    theme: 'light',
    withoutWrapper: true,
  };
  try {
    return unshield(tidy(renderToStaticMarkup(createElement(SlackMessage, props as never)), buttons));
  } catch {
    // The renderer does not draw everything Slack takes; the words are then better than nothing.
    return `<div class="undrawn">${escapeHtml(plain(message.text) || 'This message has blocks that cannot be drawn here.')}</div>`;
  }
}

/** Slack's entities are unescaped once, by Slack's client; the renderer would read mark-up in what they stand for. */
const entities = { '&lt;': '\ue000', '&gt;': '\ue001', '&amp;': '\ue002' } as const;
const shield = (text: string) =>
  text
    .replace(/[\ue000-\ue002]/g, '')
    .replace(/^&gt;/gm, '>')
    .replace(/&(?:lt|gt|amp);/g, entity => entities[entity as keyof typeof entities]);
const unshield = (html: string) =>
  html.replaceAll(entities['&lt;'], '&lt;').replaceAll(entities['&gt;'], '&gt;').replaceAll(entities['&amp;'], '&amp;');

/**
 * The same value with every text object's words shielded. `verbatim` goes: to Slack it means that nothing is linked by itself, the
 * renderer would show the formatting marks with it.
 */
function shielded<T>(value: T): T {
  if (Array.isArray(value)) return value.map(shielded) as T;
  if (typeof value !== 'object' || value === null) return value;
  const isText = ['mrkdwn', 'plain_text'].includes(String((value as Fields).type));
  const shown = Object.entries(value).filter(([name]) => !(isText && name === 'verbatim'));
  const fields = shown.map(([name, inner]) => [
    name,
    isText && name === 'text' && typeof inner === 'string' ? shield(inner) : shielded(inner),
  ]);
  return Object.fromEntries(fields);
}

/** Block ids would become ids of the page; a button's id becomes its place, so that the press can be attached afterwards. */
function forRenderer(block: Block, buttons: { block: string; button: Fields }[]): Fields {
  const { block_id: id, ...rest } = shielded(block);
  const place = (element: Fields): Fields => {
    if (element?.type !== 'button' && element?.type !== 'static_select') return element;
    buttons.push({ block: String(id ?? ''), button: element });
    const { confirm: _, ...bare } = element;
    const place = { action_id: `press-${buttons.length - 1}` };
    // The renderer draws no menu that works; a button stands where it will be.
    return element.type === 'button'
      ? { ...bare, ...place }
      : { type: 'button', text: element.placeholder ?? ellipsis, ...place };
  };
  return {
    ...rest,
    ...(Array.isArray(rest.elements) && block.type === 'actions' ? { elements: rest.elements.map(place) } : {}),
    ...(rest.accessory ? { accessory: place(rest.accessory as Fields) } : {}),
    ...(block.type === 'table' ? { rows: (block.rows as Fields[][]).map(row => row.map(cell)) } : {}),
  };
}

const ellipsis = { type: 'plain_text', text: '…' };

/** A menu of a message, in place of the button that stood for it. */
function menu(block: string, select: Fields): string {
  const options = (select.options as { text: { text: string }; value: string }[]).map(
    ({ text, value }) => `<option value="${escapeHtml(value)}">${escapeHtml(text.text)}</option>`,
  );
  const label = escapeHtml(String((select.placeholder as { text?: string } | undefined)?.text ?? 'Choose'));
  return `<select data-press="${escapeHtml(String(select.action_id))}" data-block="${escapeHtml(block)}" aria-label="${label}"><option value="" selected="">${label}</option>${options.join('')}</select>`;
}

/** Raw cells are literal text in Slack; the renderer reads mark-up in them, except in rich text. */
const cell = (value: Fields): Fields =>
  value.type === 'rich_text'
    ? value
    : {
        type: 'rich_text',
        elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: String(value.text ?? value.value) }] }],
      };

/** A chart's buttons need the renderer's own script, which this page does not have. */
const chartButtons =
  /<div class="[^"]*" role="group">(?:<button [^>]*slack_blocks_to_jsx__data_visualization_action.*?<\/button>)+<\/div>/g;
/** Styles go; a legend's colours are drawn instead. */
const swatch = /<span class="[^"]*data_visualization_swatch[^"]*" style="background-color:(rgb\([\d, ]+\))"><\/span>/g;
/** The line breaks next to the fences of a block of code are not in it. */
const fenceBreaks = /(?<=<code class="slack_code block [^>]*>)\n|\n+(?=<\/code>)/g;

function tidy(html: string, buttons: { block: string; button: Fields }[]): string {
  return html
    .replace(/<link rel="preload"[^>]*>/g, '')
    .replace('id="slack_blocks_to_jsx" data-theme="light" class="', 'class="blockkit ')
    .replace(/<button type="button" id="press-(\d+)".*?<\/button>/g, (whole, index: string) => {
      const { block, button } = buttons[Number(index)]!;
      return button.type === 'static_select' ? menu(block, button) : whole;
    })
    .replace(/<button type="button" id="press-(\d+)"/g, (_, index: string) => {
      const { block, button } = buttons[Number(index)]!;
      const confirm = button.confirm ? ` data-confirm="${escapeHtml(JSON.stringify(button.confirm))}"` : '';
      const link = typeof button.url === 'string' && /^https?:/.test(button.url) ? ` data-url="${escapeHtml(button.url)}"` : '';
      const style = typeof button.style === 'string' ? ` data-style="${escapeHtml(button.style)}"` : '';
      const label = button.accessibility_label ? ` aria-label="${escapeHtml(String(button.accessibility_label))}"` : '';
      return `<button type="button" data-press="${escapeHtml(String(button.action_id))}" data-block="${escapeHtml(block)}"${style}${confirm}${link}${label}`;
    })
    .replace(chartButtons, '')
    .replace(fenceBreaks, '')
    .replace(
      swatch,
      '<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" rx="2" fill="$1"/></svg>',
    )
    .replace(/ style="[^"]*"/g, '')
    .replace(/ href="\s*(?!https?:|mailto:)[^"]*"/gi, '')
    .replace(/<a href="(?!mailto:)/g, '<a target="_blank" rel="noreferrer noopener" href="');
}
