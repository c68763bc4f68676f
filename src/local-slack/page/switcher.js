/** Ctrl or Cmd + K: go to a conversation by typing part of its name. */
export function startSwitcher({ go }) {
  let dialog;

  function places(wanted) {
    return [...document.querySelectorAll('#sidebar [data-name]')]
      .map(entry => ({
        name: entry.dataset.name,
        href: entry.getAttribute('href'),
        mark: entry.firstElementChild.cloneNode(true),
      }))
      .filter(place => place.name.toLowerCase().includes(wanted.trim().replace(/^#/, '').toLowerCase()));
  }

  function list(results, input) {
    const found = places(input.value);
    results.replaceChildren(
      ...found.map((place, index) => {
        const link = document.createElement('a');
        link.href = place.href;
        link.setAttribute('role', 'option');
        link.setAttribute('aria-selected', String(index === 0));
        link.append(place.mark, document.createTextNode(place.name));
        link.addEventListener('click', event => {
          event.preventDefault();
          dialog.close();
          void go(place.href);
        });
        return link;
      }),
    );
    if (!found.length) results.append(Object.assign(document.createElement('p'), { textContent: 'Nothing here has that name.' }));
  }

  function move(results, by) {
    const options = [...results.querySelectorAll('a')];
    const here = options.findIndex(option => option.getAttribute('aria-selected') === 'true');
    options.forEach((option, index) => {
      option.setAttribute('aria-selected', String(index === (here + by + options.length) % options.length));
    });
  }

  function show() {
    if (dialog?.open) return dialog.close();
    dialog = document.createElement('dialog');
    dialog.className = 'switcher';
    const input = Object.assign(document.createElement('input'), { type: 'text', placeholder: 'Where to?', autocomplete: 'off' });
    input.setAttribute('aria-label', 'Where to?');
    const results = document.createElement('div');
    results.setAttribute('role', 'listbox');
    results.setAttribute('aria-label', 'Conversations');
    dialog.append(input, results);
    document.body.append(dialog);
    dialog.addEventListener('close', () => dialog.remove());
    dialog.addEventListener('click', event => event.target === dialog && dialog.close());
    input.addEventListener('input', () => list(results, input));
    input.addEventListener('keydown', event => {
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        move(results, event.key === 'ArrowDown' ? 1 : -1);
      } else if (event.key === 'Enter') {
        event.preventDefault();
        results.querySelector('[aria-selected="true"]')?.click();
      }
    });
    list(results, input);
    dialog.showModal();
  }

  document.addEventListener('keydown', event => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      show();
    }
  });
  document.addEventListener('click', event => event.target.closest('[data-switcher]') && show());
}
