import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { type Letter, type Person, readLetter, writeAbsence, writeBounce, writeReply } from './letters.ts';
import type { Store, StoredMail } from './store.ts';

/** How a recipient behaves. */
export type Act = { did: 'reply'; text: string } | { did: 'absence' } | { did: 'bounce' } | { did: 'unsubscribe' };

/** Everything between one mailbox and one other address, in a line. */
export interface Conversation {
  id: string;
  name: string;
  address: string;
  /** The address of the mailbox here. */
  mailbox: string;
  subject: string;
  /** How the latest message begins. */
  start: string;
  /** When the latest came or left, as an ISO instant. */
  at: string;
  sent: number;
  received: number;
}

export interface Mail {
  id: string;
  at: string;
  isSent: boolean;
  from: string;
  to: string;
  subject: string;
  text: string;
  hasHtml: boolean;
  mailId: string | null;
}

/** How many messages are kept in the form that a person reads. */
const keptLetters = 2_000;

const idOf = ({ owner, other }: StoredMail): string =>
  createHash('sha256').update(`${owner}\n${other}`).digest('base64url').slice(0, 16);

const nameOf = ({ name, address }: Person): string => name || address;

/** The store as people see it, and people as the store sees them: those who were written to answer from here. */
export class Conversations {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #zone: string;
  readonly #appUrl: () => string | null;
  readonly #byId = new Map<string, StoredMail[]>();
  readonly #letters = new Map<number, Promise<Letter>>();

  constructor({ store, clock, zone, appUrl }: { store: Store; clock: Clock; zone: string; appUrl: () => string | null }) {
    this.#store = store;
    this.#clock = clock;
    this.#zone = zone;
    this.#appUrl = appUrl;
    for (const mail of store.all()) this.#keep(mail);
    store.onFiled(mail => this.#keep(mail));
  }

  #keep(mail: StoredMail): void {
    const id = idOf(mail);
    const mails = this.#byId.get(id) ?? [];
    mails.push(mail);
    // The latest conversation is the last of the map.
    this.#byId.delete(id);
    this.#byId.set(id, mails);
  }

  #letter(mail: StoredMail): Promise<Letter> {
    const kept = this.#letters.get(mail.uid) ?? readLetter(mail);
    this.#letters.delete(mail.uid);
    this.#letters.set(mail.uid, kept);
    if (this.#letters.size > keptLetters) this.#letters.delete(this.#letters.keys().next().value!);
    return kept;
  }

  /** The latest `limit` conversations, latest first, and how many there are. */
  async latest(limit: number): Promise<{ lines: Conversation[]; count: number }> {
    const ids = [...this.#byId.keys()].slice(-limit).reverse();
    return { lines: await Promise.all(ids.map(id => this.#line(id))), count: this.#byId.size };
  }

  async find(id: string): Promise<{ line: Conversation; mails: Mail[]; canOptOut: boolean } | undefined> {
    const mails = this.#byId.get(id);
    if (!mails) return undefined;
    const letters = await Promise.all(mails.map(mail => this.#letter(mail)));
    return {
      line: await this.#line(id),
      mails: mails.map((mail, index) => {
        const { from, to, subject, text, html, mailId } = letters[index]!;
        const [at, isSent, hasHtml] = [mail.at.toString(), mail.folder === 'Sent', html !== null];
        return { id: String(mail.uid), at, isSent, from: nameOf(from), to: nameOf(to), subject, text, hasHtml, mailId };
      }),
      canOptOut: letters.some(letter => letter.optOutUrl !== null),
    };
  }

  async #line(id: string): Promise<Conversation> {
    const mails = this.#byId.get(id)!;
    const latest = mails.at(-1)!;
    const letter = await this.#letter(latest);
    const sent = mails.findLast(mail => mail.folder === 'Sent');
    const named = sent ? (await this.#letter(sent)).to : letter.from;
    return {
      id,
      mailbox: latest.owner,
      name: named.name,
      address: latest.other,
      subject: letter.subject,
      start: letter.text.replace(/\s+/g, ' ').slice(0, 140),
      at: latest.at.toString(),
      sent: mails.filter(mail => mail.folder === 'Sent').length,
      received: mails.filter(mail => mail.folder === 'INBOX').length,
    };
  }

  /** The HTML of a message, as it was written. */
  async html(id: string): Promise<string | null> {
    const mail = this.#store.mail(Number(id));
    return mail ? (await this.#letter(mail)).html : null;
  }

  /** Does what the recipient of the latest message sent does. @returns what is in the way, as a sentence; null when it is done */
  async act(id: string, act: Act): Promise<string | null> {
    const mail = this.#byId.get(id)?.findLast(({ folder }) => folder === 'Sent');
    if (!mail) return 'Nothing was sent to them yet.';
    const letter = await this.#letter(mail);
    if (act.did === 'unsubscribe') return this.#optOut(letter);
    if (act.did === 'reply' && !act.text.trim()) return 'There is nothing to send.';
    // Whoever was written to answers, whatever name or case the header gave them.
    const to = { ...letter, to: { ...letter.to, address: mail.other } };
    const writing = { to, sentAt: mail.at, now: this.#clock.now(), zone: this.#zone };
    const raw =
      act.did === 'reply'
        ? await writeReply(writing, act.text)
        : act.did === 'absence'
          ? await writeAbsence(writing)
          : writeBounce(writing, mail);
    this.#store.file({ owner: mail.owner, folder: 'INBOX', other: mail.other, raw });
    return null;
  }

  /** Presses unsubscribe as mail programs do (RFC 8058): at the address of the header, but always on this machine. */
  async #optOut({ optOutUrl }: Letter): Promise<string | null> {
    const appUrl = this.#appUrl();
    if (!optOutUrl) return 'The message names no address for opting out.';
    if (!appUrl) return 'Drover does not answer yet.';
    const { pathname, search } = new URL(optOutUrl);
    const answer = await fetch(new URL(pathname + search, appUrl), {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'List-Unsubscribe=One-Click',
      signal: AbortSignal.timeout(10_000),
    }).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok ? null : `Drover did not take the opt-out${answer ? `: it answered ${answer.status}` : ''}.`;
  }
}
