/** The box that messages are written in: grows with its text, sends on Enter, offers commands after '/' and people after '@'. */
export function startComposer({ config, act, refresh }) {
  const drafts = new Map();
  const keyOf = form => `${form.dataset.as} ${form.dataset.c} ${form.dataset.thread}`;
  const parts = form => ({ box: form.querySelector('textarea'), popup: form.querySelector('.popup') });

  function fit(box) {
    box.style.height = 'auto';
    box.style.height = `${Math.min(box.scrollHeight, 240)}px`;
    box.form.classList.toggle('has-text', box.value.trim() !== '');
  }

  /** What could follow the words before the caret. */
  function offers(box) {
    const before = box.value.slice(0, box.selectionStart);
    const command = /^\/\S*$/.exec(before);
    if (command && !box.form.dataset.thread)
      return config.commands
        .filter(each => each.command.startsWith(command[0]))
        .map(each => ({
          insert: `${each.command} `,
          label: `${each.command} ${each.usage}`,
          note: each.description,
          length: before.length,
        }));
    const mention = /(?:^|\s)@(\w*)$/.exec(before);
    if (!mention) return [];
    return config.people
      .filter(
        each =>
          each.name.startsWith(mention[1].toLowerCase()) || each.realName.toLowerCase().startsWith(mention[1].toLowerCase()),
      )
      .map(each => ({ insert: `@${each.name} `, label: each.realName, note: `@${each.name}`, length: mention[1].length + 1 }));
  }

  function offer(form) {
    const { box, popup } = parts(form);
    const found = offers(box);
    popup.hidden = !found.length;
    popup.replaceChildren(
      ...found.map((each, index) => {
        const option = document.createElement('button');
        option.type = 'button';
        option.setAttribute('role', 'option');
        option.setAttribute('aria-selected', String(index === 0));
        option.tabIndex = -1;
        option.append(
          Object.assign(document.createElement('b'), { textContent: each.label }),
          Object.assign(document.createElement('span'), { textContent: each.note }),
        );
        option.addEventListener('mousedown', event => {
          event.preventDefault();
          take(form, each);
        });
        option.offered = each;
        return option;
      }),
    );
  }

  function take(form, { insert, length }) {
    const { box, popup } = parts(form);
    const caret = box.selectionStart;
    box.setRangeText(insert, caret - length, caret, 'end');
    popup.hidden = true;
    box.focus();
    fit(box);
  }

  function choose(popup, by) {
    const options = [...popup.children];
    const here = options.findIndex(option => option.getAttribute('aria-selected') === 'true');
    const next = (here + by + options.length) % options.length;
    options.forEach((option, index) => {
      option.setAttribute('aria-selected', String(index === next));
    });
  }

  async function send(form) {
    const { box, popup } = parts(form);
    const text = box.value.trim();
    if (!text) return;
    const { as, c, thread } = form.dataset;
    box.value = '';
    popup.hidden = true;
    drafts.delete(keyOf(form));
    fit(box);
    const list = form.closest('main, aside').querySelector('.list');
    list.scrollTop = list.scrollHeight;
    const answer = await act('/page/say', { as, c, thread, text });
    if (answer.ok) return void refresh();
    // What was not sent is not lost.
    if (!box.value) box.value = text;
    fit(box);
  }

  document.addEventListener('keydown', event => {
    const box = event.target;
    if (!(box instanceof HTMLTextAreaElement) || !box.form?.matches('.composer')) return;
    const { popup } = parts(box.form);
    const isOffering = !popup.hidden && popup.children.length > 0;
    if (isOffering && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      choose(popup, event.key === 'ArrowDown' ? 1 : -1);
    } else if (isOffering && (event.key === 'Tab' || (event.key === 'Enter' && !isComplete(box, popup)))) {
      event.preventDefault();
      take(box.form, popup.querySelector('[aria-selected="true"]').offered);
    } else if (isOffering && event.key === 'Escape') {
      event.preventDefault();
      popup.hidden = true;
    } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void send(box.form);
    } else if (event.key === 'ArrowUp' && !box.value) {
      event.preventDefault();
      [...box.closest('main, aside').querySelectorAll('.msg')].at(-1)?.focus();
    }
  });

  /** Whether the offered word already stands there, so that Enter means: send. */
  const isComplete = (box, popup) => {
    const { insert } = popup.querySelector('[aria-selected="true"]').offered;
    return box.value.slice(0, box.selectionStart).endsWith(insert.trim());
  };

  document.addEventListener('input', event => {
    const box = event.target;
    if (!(box instanceof HTMLTextAreaElement) || !box.form?.matches('.composer')) return;
    drafts.set(keyOf(box.form), box.value);
    fit(box);
    offer(box.form);
  });

  document.addEventListener('focusin', event => {
    const box = event.target;
    if (!(box instanceof HTMLTextAreaElement) || !box.form?.matches('.composer')) return;
    if (!box.value) box.value = drafts.get(keyOf(box.form)) ?? '';
    fit(box);
  });

  document.addEventListener('focusout', event => {
    const form = event.target.closest?.('.composer');
    if (form && !form.contains(event.relatedTarget)) parts(form).popup.hidden = true;
  });

  document.addEventListener('submit', event => {
    if (!event.target.matches('.composer')) return;
    event.preventDefault();
    void send(event.target);
  });

  document.addEventListener('click', event => {
    const insert = event.target.closest('[data-insert]');
    if (!insert) return;
    const { box } = parts(insert.form);
    box.focus();
    const mark = insert.dataset.insert;
    if (mark === '/') box.value = '/';
    else
      box.setRangeText(`${box.value && !box.value.endsWith(' ') ? ' ' : ''}${mark}`, box.selectionStart, box.selectionEnd, 'end');
    fit(box);
    offer(insert.form);
  });
}
