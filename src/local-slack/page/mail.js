/** The mailbox page: what the one who was written to does, by the form below a conversation. */
export function startMail({ act, refresh }) {
  async function send(form, did) {
    const box = form.querySelector('textarea');
    const text = box.value;
    if (did === 'reply' && !text.trim()) return box.focus();
    const buttons = form.querySelectorAll('button');
    for (const button of buttons) button.disabled = true;
    const answer = await act('/page/mail', { id: form.dataset.mail, did, text });
    for (const button of buttons) button.disabled = false;
    if (answer.ok && did === 'reply' && box.value === text) box.value = '';
    if (answer.ok) await refresh();
  }

  document.addEventListener('submit', event => {
    if (!event.target.matches('.mail-acts')) return;
    event.preventDefault();
    void send(event.target, 'reply');
  });

  document.addEventListener('click', event => {
    const button = event.target.closest('[data-mail-act]');
    if (button) void send(button.form, button.dataset.mailAct);
  });

  document.addEventListener('keydown', event => {
    const form = event.target.form;
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || !form?.matches('.mail-acts')) return;
    event.preventDefault();
    void send(form, 'reply');
  });
}
