import type { Clock } from '../clock.ts';
import { type Journal, memoryJournal } from '../journal.ts';

/** What a mailbox is made of. */
export const folders = ['INBOX', 'Sent'] as const;
export type Folder = (typeof folders)[number];

/** One message in one folder of one mailbox. */
export interface StoredMail {
  uid: number;
  /** The address whose mailbox it is in, lower case. */
  owner: string;
  folder: Folder;
  /** When this server took it in, by the app's clock. */
  at: Temporal.Instant;
  /** Whom the owner wrote to, or who is behind what came in, lower case: a bounce is told of the lead that it is about. */
  other: string;
  /** As it was handed over: headers, an empty line, the body. */
  raw: Buffer;
}

/** A line of the journal. A message is kept as one byte a character. */
type Entry =
  | { did: 'opened'; uidValidity: number }
  | { did: 'filed'; uid: number; owner: string; folder: Folder; at: string; other: string; raw: string };

export type StoreEntry = Entry;

/** The mailboxes of this machine, one an address, made when somebody signs in. Messages are only ever added. */
export class Store {
  readonly uidValidity: number;
  readonly #clock: Clock;
  readonly #journal: Journal<Entry>;
  readonly #byUid = new Map<number, StoredMail>();
  readonly #mailboxes = new Map<string, Record<Folder, StoredMail[]>>();
  readonly #followers = new Set<(mail: StoredMail) => void>();
  #lastUid = 0;

  constructor({ clock, journal = memoryJournal() }: { clock: Clock; journal?: Journal<Entry> }) {
    this.#clock = clock;
    this.#journal = journal;
    let uidValidity: number | undefined;
    for (const entry of journal.read()) {
      if (entry.did === 'opened') uidValidity ??= entry.uidValidity;
      else this.#keep({ ...entry, at: Temporal.Instant.from(entry.at), raw: Buffer.from(entry.raw, 'latin1') });
    }
    this.uidValidity = uidValidity ?? Math.floor(clock.now().epochMilliseconds / 1000);
    if (uidValidity === undefined) journal.append({ did: 'opened', uidValidity: this.uidValidity });
  }

  get uidNext(): number {
    return this.#lastUid + 1;
  }

  /** Makes the mailbox of an address where there is none yet. */
  open(owner: string): void {
    if (!this.#mailboxes.has(owner)) this.#mailboxes.set(owner, { INBOX: [], Sent: [] });
  }

  has(owner: string): boolean {
    return this.#mailboxes.has(owner);
  }

  /** The messages of a folder, oldest first. */
  mails(owner: string, folder: Folder): readonly StoredMail[] {
    return this.#mailboxes.get(owner)?.[folder] ?? [];
  }

  /** Every message of every mailbox, oldest first. */
  all(): StoredMail[] {
    return [...this.#byUid.values()];
  }

  mail(uid: number): StoredMail | undefined {
    return this.#byUid.get(uid);
  }

  file(mail: Omit<StoredMail, 'uid' | 'at'>): StoredMail {
    const stored = { ...mail, uid: this.uidNext, at: this.#clock.now() };
    this.#journal.append({ did: 'filed', ...stored, at: stored.at.toString(), raw: stored.raw.toString('latin1') });
    this.#keep(stored);
    for (const follow of this.#followers) follow(stored);
    return stored;
  }

  /** Calls `follow` after every new message, until the returned function is called. */
  onFiled(follow: (mail: StoredMail) => void): () => void {
    this.#followers.add(follow);
    return () => this.#followers.delete(follow);
  }

  #keep(mail: StoredMail): void {
    this.open(mail.owner);
    this.#mailboxes.get(mail.owner)![mail.folder].push(mail);
    this.#byUid.set(mail.uid, mail);
    this.#lastUid = Math.max(this.#lastUid, mail.uid);
  }
}
