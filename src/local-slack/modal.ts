import { createElement as h, type ReactNode } from 'react';
import { drawBlocks } from './blocks.ts';
import { icon } from './icons.ts';
import type { Fields } from './limits.ts';
import { type Input, inputsOf, type OpenView } from './views.ts';
import type { Workspace } from './workspace.ts';

const words = (text: unknown): string => String((text as { text?: string } | undefined)?.text ?? '');

function control({ element }: Input, id: string): ReactNode {
  const about = { id, name: String(element.action_id), 'aria-describedby': `${id}-wrong` };
  if (element.type === 'static_select')
    return h(
      'select',
      about,
      h('option', { value: '' }, words(element.placeholder) || 'Choose an option'),
      ...(element.options as Fields[]).map(option =>
        h('option', { key: String(option.value), value: String(option.value) }, words(option.text)),
      ),
    );
  const shared = {
    ...about,
    placeholder: words(element.placeholder),
    defaultValue: String(element.initial_value ?? ''),
    maxLength: Number(element.max_length ?? 3_000),
  };
  return element.multiline === true ? h('textarea', { ...shared, rows: 7 }) : h('input', { ...shared, type: 'text' });
}

function input(each: Input, wrong: string | undefined): ReactNode {
  const id = `input-${each.block.block_id}`;
  return h(
    'div',
    { key: id, className: `field${wrong ? ' wrong' : ''}` },
    h('label', { htmlFor: id }, words(each.block.label), each.block.optional ? h('small', null, ' (optional)') : null),
    control(each, id),
    each.block.hint ? h('small', null, words(each.block.hint)) : null,
    h('p', { className: 'wrong-words', id: `${id}-wrong`, role: 'alert', 'data-block': each.block.block_id }, wrong ?? ''),
  );
}

/** A modal as the page shows it: a form in a dialog; what it says under its inputs is filled in as it changes. */
export function modal(workspace: Workspace, opened: OpenView): ReactNode {
  const { view, errors } = opened;
  const inputs = new Map(inputsOf(opened).map(each => [each.block.block_id, each]));
  return h(
    'form',
    { className: 'modal', method: 'dialog', noValidate: true, 'data-view': opened.id, 'data-hash': opened.hash },
    h(
      'header',
      null,
      h('h3', null, words(view.title)),
      h('button', { type: 'button', className: 'icon-button', 'data-dismiss': '', 'aria-label': 'Close' }, icon('close')),
    ),
    h(
      'div',
      { className: 'modal-body' },
      ...view.blocks.map(block => {
        const asked = inputs.get(block.block_id);
        if (asked) return input(asked, errors[block.block_id!]);
        return h('div', { key: block.block_id, dangerouslySetInnerHTML: { __html: drawBlocks(workspace, [block]) } });
      }),
      h('p', { className: 'wrong-words', role: 'alert', 'data-block': '' }, errors[''] ?? ''),
    ),
    h(
      'footer',
      null,
      h('button', { type: 'button', 'data-dismiss': '' }, words(view.close) || 'Cancel'),
      view.submit ? h('button', { type: 'submit', className: 'yes' }, words(view.submit)) : null,
    ),
  );
}
