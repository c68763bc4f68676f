import type { SignIn } from '../login.ts';
import { type Folder, folders, type Store, type StoredMail } from '../store.ts';
import { fetchItem, itemsOf } from './fetch.ts';
import { readSearch } from './search.ts';
import { BadCommand, readSet, readWords, textOf, type Word } from './words.ts';

const capabilities = 'IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN ID IDLE NAMESPACE SPECIAL-USE UNSELECT';

/** What a command comes to: the end of its tagged answer. */
type Done = `OK ${string}` | `NO ${string}` | `BAD ${string}`;

/** The session waits for a line that is not a command: the rest of a sign-in, or the end of IDLE. */
type Awaited = { tag: string; take: (line: string) => Done };

interface SessionInput {
  store: Store;
  signIn: SignIn;
  /** Writes one byte a character. */
  write: (text: string) => void;
  end: () => void;
}

/**
 * One connection of the IMAP server: RFC 3501 as far as a client goes that reads mail and never changes it. Mailboxes have an INBOX
 * and a Sent folder, keep no flags and lose no message; what would change them is answered with NO.
 */
export class Session {
  readonly #store: Store;
  readonly #signIn: SignIn;
  readonly #write: (text: string) => void;
  readonly #end: () => void;
  readonly #unfollow: () => void;
  #user: string | undefined;
  #selected: Folder | undefined;
  /** How many messages of the selected folder the client knows of. */
  #known = 0;
  #awaited: Awaited | undefined;
  #isIdle = false;

  constructor({ store, signIn, write, end }: SessionInput) {
    this.#store = store;
    this.#signIn = signIn;
    this.#write = write;
    this.#end = end;
    this.#unfollow = store.onFiled(() => this.#isIdle && this.#tellNews());
    write(`* OK [CAPABILITY ${capabilities}] Drover's own mail server; nothing leaves this machine\r\n`);
  }

  close(): void {
    this.#unfollow();
  }

  /** Takes one command, its literals included, or the line that was waited for. */
  take(command: string): void {
    const awaited = this.#awaited;
    if (awaited) {
      this.#awaited = undefined;
      this.#answer(awaited.tag, awaited.take(command));
      return;
    }
    const [, tag, name, rest = ''] =
      /^([^\s(){%*"\\+]+) ([A-Za-z]+(?:(?<=^\S+ UID) [A-Za-z]+)?)(?: ([\s\S]*))?$/i.exec(command) ?? [];
    if (!tag || !name) {
      this.#write('* BAD This is not a command.\r\n');
      return;
    }
    try {
      const done = this.#run(tag, name.toUpperCase(), rest);
      if (done) this.#answer(tag, done);
    } catch (error) {
      if (!(error instanceof BadCommand)) throw error;
      this.#answer(tag, `BAD ${error.message}`);
    }
  }

  #answer(tag: string, done: Done): void {
    this.#tellNews();
    this.#write(`${tag} ${done}\r\n`);
  }

  /** Tells of messages that came since the client last heard. */
  #tellNews(): void {
    if (!this.#selected) return;
    const { length } = this.#mails();
    if (length === this.#known) return;
    this.#known = length;
    this.#write(`* ${length} EXISTS\r\n`);
  }

  #mails(): readonly StoredMail[] {
    return this.#store.mails(this.#user!, this.#selected!);
  }

  /** @returns undefined where the answer comes after a further line */
  #run(tag: string, name: string, rest: string): Done | undefined {
    switch (name) {
      case 'CAPABILITY':
        this.#write(`* CAPABILITY ${capabilities}\r\n`);
        return 'OK That is all.';
      case 'NOOP':
        return 'OK Nothing done.';
      case 'ID':
        this.#write('* ID ("name" "Drover")\r\n');
        return 'OK Pleased to meet you.';
      case 'LOGOUT':
        this.#write(`* BYE See you.\r\n${tag} OK Signed out.\r\n`);
        this.#end();
        return undefined;
    }
    if (!this.#user) return this.#identify(tag, name, readWords(rest));
    switch (name) {
      case 'NAMESPACE':
        this.#write('* NAMESPACE (("" "/")) NIL NIL\r\n');
        return 'OK That is all.';
      case 'LIST':
      case 'LSUB':
        return this.#list(name, readWords(rest));
      case 'STATUS':
        return this.#status(readWords(rest));
      case 'SELECT':
      case 'EXAMINE':
        return this.#select(readWords(rest));
      case 'IDLE':
        this.#isIdle = true;
        this.#awaited = { tag, take: line => this.#wake(line) };
        this.#write('+ Waiting for news.\r\n');
        this.#tellNews();
        return undefined;
      case 'CREATE':
      case 'DELETE':
      case 'RENAME':
      case 'SUBSCRIBE':
      case 'UNSUBSCRIBE':
      case 'APPEND':
        return 'NO [CANNOT] The folders of this server are as they are.';
    }
    if (!this.#selected) return 'BAD No folder is selected, or there is no such command.';
    switch (name) {
      case 'CHECK':
      case 'EXPUNGE':
        return 'OK Nothing to do.';
      case 'CLOSE':
      case 'UNSELECT':
        this.#selected = undefined;
        return 'OK No folder is selected.';
      case 'FETCH':
      case 'UID FETCH':
        return this.#fetch(readWords(rest), name === 'UID FETCH');
      case 'SEARCH':
      case 'UID SEARCH':
        return this.#search(readWords(rest), name === 'UID SEARCH');
      case 'STORE':
      case 'UID STORE':
      case 'COPY':
      case 'UID COPY':
        return 'NO [CANNOT] This server keeps no flags and moves no messages.';
      default:
        return 'BAD There is no such command here.';
    }
  }

  #identify(tag: string, name: string, words: Word[]): Done | undefined {
    if (name === 'LOGIN') return this.#enter(textOf(words[0], 'The user'), textOf(words[1], 'The password'));
    if (name !== 'AUTHENTICATE') return 'BAD Sign in first.';
    if (String(words[0]).toUpperCase() !== 'PLAIN') return 'NO [CANNOT] Only PLAIN is known here.';
    const take = (line: string): Done => {
      const [, user = '', password = ''] = Buffer.from(line, 'base64').toString('utf8').split('\0');
      return this.#enter(user, password);
    };
    if (words[1] !== undefined) return take(textOf(words[1], 'The answer'));
    this.#awaited = { tag, take };
    this.#write('+ \r\n');
    return undefined;
  }

  #enter(user: string, password: string): Done {
    this.#user = this.#signIn(user, password);
    if (!this.#user) return 'NO [AUTHENTICATIONFAILED] The user or the password is not right.';
    this.#store.open(this.#user);
    return `OK [CAPABILITY ${capabilities}] Signed in.`;
  }

  /** Flags of a folder, by RFC 6154. */
  #list(name: string, words: Word[]): Done {
    const [reference, ...patterns] = words.filter((word): word is string => typeof word === 'string');
    const pattern = `${reference ?? ''}${patterns[0] ?? ''}`;
    if (!pattern) {
      this.#write(`* ${name} (\\Noselect) "/" ""\r\n`);
      return 'OK That is all.';
    }
    const matches = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/[*%]/g, '.*')}$`, 'i');
    for (const folder of folders)
      if (matches.test(folder)) this.#write(`* ${name} (\\HasNoChildren${folder === 'Sent' ? ' \\Sent' : ''}) "/" ${folder}\r\n`);
    return 'OK That is all.';
  }

  #folder(word: Word | undefined): Folder | undefined {
    const name = textOf(word, 'The folder').toLowerCase();
    return folders.find(folder => folder.toLowerCase() === name);
  }

  #status([name, items]: Word[]): Done {
    const folder = this.#folder(name);
    if (!folder) return 'NO [NONEXISTENT] There is no such folder.';
    const { length } = this.#store.mails(this.#user!, folder);
    const values: Record<string, number> = {
      ...{ MESSAGES: length, RECENT: 0, UNSEEN: length },
      ...{ UIDNEXT: this.#store.uidNext, UIDVALIDITY: this.#store.uidValidity },
    };
    const wanted = (Array.isArray(items) ? items : []).map(item => textOf(item, 'An item').toUpperCase());
    const unknown = wanted.find(item => values[item] === undefined);
    if (unknown || !wanted.length) throw new BadCommand('STATUS knows MESSAGES, RECENT, UNSEEN, UIDNEXT and UIDVALIDITY.');
    this.#write(`* STATUS ${folder} (${wanted.map(item => `${item} ${values[item]}`).join(' ')})\r\n`);
    return 'OK That is all.';
  }

  #select([name]: Word[]): Done {
    this.#selected = this.#folder(name);
    if (!this.#selected) return 'NO [NONEXISTENT] There is no such folder.';
    this.#known = this.#mails().length;
    const lines = [
      'FLAGS ()',
      `${this.#known} EXISTS`,
      '0 RECENT',
      'OK [PERMANENTFLAGS ()] No flags are kept.',
      `OK [UIDVALIDITY ${this.#store.uidValidity}] The uids are of this.`,
      `OK [UIDNEXT ${this.#store.uidNext}] The next one.`,
    ];
    this.#write(lines.map(line => `* ${line}\r\n`).join(''));
    return 'OK [READ-ONLY] It is selected.';
  }

  #wake(line: string): Done {
    this.#isIdle = false;
    return line.toUpperCase() === 'DONE' ? 'OK That was it.' : 'BAD IDLE ends with DONE.';
  }

  #fetch([set, what]: Word[], byUid: boolean): Done {
    const mails = this.#mails().slice(0, this.#known);
    const has = readSet(textOf(set, 'Which messages'), byUid ? (mails.at(-1)?.uid ?? 0) : mails.length);
    const items = itemsOf(what, { withUid: byUid });
    mails.forEach((mail, index) => {
      if (has(byUid ? mail.uid : index + 1))
        this.#write(`* ${index + 1} FETCH (${items.map(item => fetchItem(mail, item)).join(' ')})\r\n`);
    });
    return 'OK That is all.';
  }

  #search(words: Word[], byUid: boolean): Done {
    const mails = this.#mails().slice(0, this.#known);
    const test = readSearch(words, { sequence: mails.length, uid: mails.at(-1)?.uid ?? 0 });
    const found = mails.flatMap((mail, index) => (test(mail, index + 1) ? [byUid ? mail.uid : index + 1] : []));
    this.#write(`* SEARCH${found.map(n => ` ${n}`).join('')}\r\n`);
    return 'OK That is all.';
  }
}
