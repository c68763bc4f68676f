import { startComposer } from './composer.js';
import { startMail } from './mail.js';
import { startModal } from './modal.js';
import { startSwitcher } from './switcher.js';

const config = JSON.parse(document.body.dataset.config);
const at = id => document.getElementById(id);
const panes = { honest: at('honest'), sidebar: at('sidebar'), head: at('head'), list: at('list'), composer: at('composer') };
const threadPanes = { list: at('thread-list'), composer: at('thread-composer') };

let place = config.place;
let threadPlace = config.threadPlace;
let isRefreshing = false;
let isStale = false;

/** Whether the mailbox is shown, which is read from the top. */
const isMail = () => place.endsWith(' mail');

// ── Talking to the server ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Shows one sentence at the bottom of the page for a while. */
let noticeTimer;
export function notify(text) {
  const notice = at('notice');
  notice.textContent = text;
  notice.hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => {
    notice.hidden = true;
  }, 6000);
}

export async function act(path, body) {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-page-token': config.token },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!answer.ok) notify(answer.error);
    return answer;
  } catch {
    notify('Local Slack does not answer. Is it still running?');
    return { ok: false };
  }
}

// ── Drawing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What each child was drawn from, so that what did not change keeps its focus, its open parts and its working buttons. */
const drawnFrom = new WeakMap();

function parse(markup) {
  const template = document.createElement('template');
  template.innerHTML = markup;
  return template.content;
}

/** Brings the children of `container` to the new ones, by key. */
function reconcile(container, markup) {
  const fresh = [...(parse(markup).firstElementChild?.children ?? [])];
  let root = container.firstElementChild;
  if (!root) {
    root = document.createElement('div');
    container.replaceChildren(root);
  }
  const present = new Map([...root.children].map(child => [child.dataset.key, child]));
  const next = fresh.map(child => {
    const old = present.get(child.dataset.key);
    const markup = child.outerHTML;
    if (old && drawnFrom.get(old) === markup) return old;
    if (old?.tagName === 'DETAILS' && old.open) child.open = true;
    drawnFrom.set(child, markup);
    return child;
  });
  next.forEach((child, index) => {
    const there = root.children[index];
    if (there === child) return;
    const held = present.get(child.dataset.key);
    const hadFocus = held && held !== child && held.contains(document.activeElement);
    root.insertBefore(child, there ?? null);
    if (held && held !== child) held.remove();
    if (hadFocus) child.focus({ preventScroll: true });
  });
  while (root.children.length > next.length) root.lastElementChild.remove();
}

const isAtEnd = list => list.scrollHeight - list.scrollTop - list.clientHeight < 80;
const toEnd = list => {
  list.scrollTop = list.scrollHeight;
};

function redraw(list, markup, { isNew, followEnd }) {
  const stays = !isNew && !isAtEnd(list);
  if (isNew) list.replaceChildren();
  reconcile(list, markup);
  if (followEnd && !stays) toEnd(list);
  else if (isNew) list.scrollTop = 0;
}

function replace(container, markup) {
  if (container.dataset.drawn === markup) return;
  const focused = document.activeElement;
  const index = container.contains(focused) ? [...container.querySelectorAll('a,button')].indexOf(focused) : -1;
  container.innerHTML = markup;
  container.dataset.drawn = markup;
  if (index >= 0) container.querySelectorAll('a,button')[index]?.focus();
}

function draw(parts) {
  const isNew = parts.place !== place;
  const isNewThread = parts.threadPlace !== threadPlace;
  place = parts.place;
  threadPlace = parts.threadPlace;
  document.title = parts.title;
  replace(panes.honest, parts.honest);
  replace(panes.sidebar, parts.sidebar);
  replace(panes.head, parts.head);
  redraw(panes.list, parts.list, { isNew, followEnd: !isMail() });
  if (isNew) panes.composer.innerHTML = parts.composer;
  at('thread-where').textContent = parts.threadWhere;
  at('thread').hidden = !threadPlace;
  document.body.classList.toggle('has-thread', Boolean(threadPlace));
  // The form first: a taller one leaves the list less room, and its end would be out of sight.
  if (isNewThread) threadPanes.composer.innerHTML = parts.threadComposer;
  redraw(threadPanes.list, parts.threadList, { isNew: isNewThread, followEnd: true });
  if (isNewThread && threadPlace) threadPanes.composer.querySelector('textarea')?.focus();
  else if (isNew) panes.composer.querySelector('textarea')?.focus();
  markUnread();
  drawModal(parts.modal);
}

/** Fetches the parts of this address and draws them; many changes at once are one redraw. */
export async function refresh() {
  isStale = true;
  if (isRefreshing) return;
  isRefreshing = true;
  try {
    while (isStale) {
      isStale = false;
      const address = location.search;
      const response = await fetch(`/page/view${address || '?'}`);
      const parts = await response.json();
      if (address === location.search) draw(parts);
    }
  } catch {
    // The stream tells when the server is back, and then draws.
  } finally {
    isRefreshing = false;
  }
}

// ── What was read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function markUnread() {
  const user = place.split(' ')[0];
  for (const entry of panes.sidebar.querySelectorAll('[data-channel]')) {
    const key = `read ${user} ${entry.dataset.channel}`;
    const latest = entry.dataset.latest;
    const isHere = entry.getAttribute('aria-current') === 'page' && document.visibilityState === 'visible';
    if (isHere || localStorage.getItem(key) === null) localStorage.setItem(key, latest);
    entry.classList.toggle('unread', latest > (localStorage.getItem(key) ?? ''));
  }
}

// ── Going somewhere ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

export function go(href) {
  history.pushState(null, '', href);
  document.body.classList.remove('shows-menu');
  return refresh();
}

function closeThread() {
  const address = new URLSearchParams(location.search);
  if (!address.has('thread')) return false;
  const ts = address.get('thread');
  address.delete('thread');
  void go(`/?${address}`).then(() => (at(`m-${ts}`) ?? panes.composer.querySelector('textarea'))?.focus());
  return true;
}

document.addEventListener('click', event => {
  const target = event.target.closest('a,button');
  if (!target) return;
  const isPlain = !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0;
  if (target.matches('[data-nav]') && isPlain) {
    event.preventDefault();
    void go(target.getAttribute('href'));
  } else if (target.matches('[data-close-thread]')) {
    event.preventDefault();
    closeThread();
  } else if (target.matches('button[data-press]')) void press(target);
  else if (target.matches('[data-say]')) void sayFrom(target);
  else if (target.matches('[data-move]')) void move(target);
  else if (target.matches('[data-menu]')) document.body.classList.toggle('shows-menu');
  else if (target.matches('[data-theme-toggle]')) {
    const theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    localStorage.setItem('theme', theme);
    document.documentElement.dataset.theme = theme;
  }
});

document.addEventListener('change', event => {
  const menu = event.target.closest('select[data-press]');
  if (menu?.value) void press(menu);
});

// ── Buttons ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const words = text => text?.text ?? '';

/** A dialog that asks before a button acts, when its maker wanted that. */
function confirmed(asked) {
  const dialog = document.createElement('dialog');
  dialog.className = 'confirm';
  const title = Object.assign(document.createElement('h3'), { textContent: words(asked.title) });
  const text = Object.assign(document.createElement('p'), { textContent: words(asked.text) });
  const form = Object.assign(document.createElement('form'), { method: 'dialog' });
  const no = Object.assign(document.createElement('button'), { value: 'no', textContent: words(asked.deny) || 'Cancel' });
  const yes = Object.assign(document.createElement('button'), { value: 'yes', textContent: words(asked.confirm) || 'Yes' });
  yes.className = 'yes';
  form.append(no, yes);
  dialog.append(title, text, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}

async function press(button) {
  if (button.getAttribute('aria-busy') === 'true') return;
  if (button.dataset.confirm && !(await confirmed(JSON.parse(button.dataset.confirm)))) return;
  const message = button.closest('[data-ts]');
  const form = panes.composer.querySelector('form') ?? threadPanes.composer.querySelector('form');
  button.setAttribute('aria-busy', 'true');
  message.querySelector('.press-error')?.remove();
  const { as, c } = form.dataset;
  const answer = await act('/page/press', {
    as,
    c,
    ts: message.dataset.ts,
    action: button.dataset.press,
    block: button.dataset.block,
    ...(button.tagName === 'SELECT' ? { option: button.value } : {}),
  });
  if (button.tagName === 'SELECT') button.value = '';
  if (answer.ok && button.dataset.url) open(button.dataset.url, '_blank', 'noreferrer');
  // A button whose message was redrawn is gone by now; one that stays may be pressed again.
  setTimeout(() => button.removeAttribute('aria-busy'), answer.ok ? 1500 : 0);
  if (answer.ok) return;
  const error = Object.assign(document.createElement('span'), { className: 'press-error', textContent: `⚠ ${answer.error}` });
  button.after(error);
}

async function sayFrom(button) {
  const form = panes.composer.querySelector('form');
  button.setAttribute('aria-busy', 'true');
  const { as, c } = form.dataset;
  await act('/page/say', { as, c, text: button.dataset.say });
  form.querySelector('textarea').focus();
  void refresh();
}

async function move(button) {
  const buttons = panes.sidebar.querySelectorAll('[data-move]');
  for (const each of buttons) each.disabled = true;
  button.setAttribute('aria-busy', 'true');
  await act('/page/clock', { by: button.dataset.move });
  panes.sidebar.dataset.drawn = '';
  await refresh();
}

// ── Keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function step(list, by) {
  const messages = [...list.querySelectorAll('.msg')];
  if (!messages.length) return;
  const here = messages.indexOf(document.activeElement?.closest('.msg'));
  const next = here < 0 ? messages.length - 1 : Math.min(Math.max(here + by, 0), messages.length - 1);
  messages[next].focus();
  messages[next].scrollIntoView({ block: 'nearest' });
}

document.addEventListener('keydown', event => {
  if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape') {
    if (document.body.classList.contains('shows-menu')) document.body.classList.remove('shows-menu');
    else if (!closeThread()) panes.composer.querySelector('textarea')?.focus();
    return;
  }
  const list = document.activeElement?.closest('.list');
  if (!list || document.activeElement.closest('textarea,button,summary') || event.ctrlKey || event.metaKey) return;
  const by = { ArrowDown: 1, j: 1, J: 1, ArrowUp: -1, k: -1, K: -1 }[event.key];
  if (by) {
    event.preventDefault();
    step(list, by);
  } else if (event.key === 'Enter' || event.key === 't') {
    const thread = document.activeElement.closest('.msg')?.querySelector('[data-thread]');
    if (thread && !event.target.closest('a')) {
      event.preventDefault();
      thread.click();
    }
  }
});

// ── Start ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

startComposer({ config, act, refresh });
startMail({ act, refresh });
const drawModal = startModal({ config, act, refresh });
startSwitcher({ go });
addEventListener('popstate', refresh);
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && refresh());

const stream = new EventSource('/page/stream');
for (const name of ['hello', 'change', 'beat']) stream.addEventListener(name, refresh);

for (const list of [panes.list, threadPanes.list]) {
  for (const child of list.firstElementChild?.children ?? []) drawnFrom.set(child, child.outerHTML);
  if (list === threadPanes.list || !isMail()) toEnd(list);
}
document.body.classList.toggle('has-thread', Boolean(threadPlace));
markUnread();
if (location.hash.startsWith('#m-')) at(location.hash.slice(1))?.scrollIntoView({ block: 'center' });
(threadPlace ? threadPanes : panes).composer.querySelector('textarea')?.focus();
document.body.dataset.ready = 'true';
