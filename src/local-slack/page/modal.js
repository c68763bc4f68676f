/** The modal in front of the page: what is typed in it stays until it is sent, left, or replaced by another. */
export function startModal({ act, refresh, config }) {
  const dialog = document.getElementById('modal');
  const form = () => dialog.querySelector('form');
  const keyOf = shown => (shown ? `${shown.dataset.view} ${shown.dataset.hash}` : '');
  const who = () => new URLSearchParams(location.search).get('as') ?? config.place.split(' ')[0];

  /** Brings the dialog to what the server shows; of the same modal only the words under its inputs change. */
  function draw(markup) {
    const template = document.createElement('template');
    template.innerHTML = markup;
    const next = template.content.firstElementChild;
    if (keyOf(next) !== keyOf(form())) dialog.replaceChildren(...(next ? [next] : []));
    else
      for (const said of next?.querySelectorAll('[data-block].wrong-words') ?? []) {
        const there = form().querySelector(`[data-block="${CSS.escape(said.dataset.block)}"].wrong-words`);
        there.textContent = said.textContent;
        there.closest('.field')?.classList.toggle('wrong', said.textContent !== '');
      }
    if (next && !dialog.open) {
      dialog.showModal();
      dialog.querySelector('textarea,input,select')?.focus();
    }
    if (!next && dialog.open) dialog.close();
  }

  async function submit() {
    const button = form().querySelector('[type="submit"]');
    if (button.getAttribute('aria-busy') === 'true') return;
    button.setAttribute('aria-busy', 'true');
    const values = Object.fromEntries(new FormData(form()));
    await act('/page/submit', { as: who(), view: form().dataset.view, values });
    button.removeAttribute('aria-busy');
    await refresh();
  }

  async function dismiss() {
    await act('/page/dismiss', { as: who(), view: form().dataset.view });
    await refresh();
  }

  dialog.addEventListener('submit', event => {
    event.preventDefault();
    void submit();
  });
  dialog.addEventListener('cancel', event => {
    event.preventDefault();
    void dismiss();
  });
  dialog.addEventListener('click', event => {
    if (event.target.closest('[data-dismiss]')) void dismiss();
  });
  if (form()) dialog.showModal();
  return draw;
}
