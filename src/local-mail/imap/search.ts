import { bodyStart, headersOf } from '../headers.ts';
import type { StoredMail } from '../store.ts';
import { readDate } from './fetch.ts';
import { BadCommand, readSet, textOf, type Word } from './words.ts';

type Test = (mail: StoredMail, sequence: number) => boolean;

const received = (mail: StoredMail): Temporal.PlainDate => mail.at.toZonedDateTimeISO('UTC').toPlainDate();
const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());

const inHeader =
  (name: string, part: string): Test =>
  ({ raw }) =>
    headersOf(raw).some(header => header.name.toLowerCase() === name.toLowerCase() && contains(header.value, part));

/** No flags are kept: nothing has any. */
const flagless: Record<string, boolean> = {
  ...{ SEEN: false, ANSWERED: false, DELETED: false, DRAFT: false, FLAGGED: false, RECENT: false, NEW: false },
  ...{ UNSEEN: true, UNANSWERED: true, UNDELETED: true, UNDRAFT: true, UNFLAGGED: true, OLD: true },
};

/**
 * What a SEARCH asks for, as a test of one message; everything that it names has to be so.
 * @param last the highest sequence number and UID, for '*'
 * @throws BadCommand
 */
export function readSearch(words: readonly Word[], last: { sequence: number; uid: number }): Test {
  let at = 0;
  const text = () => textOf(words[at++], 'What to search for');
  const date = () => readDate(text());

  function key(): Test {
    const word = words[at++];
    if (Array.isArray(word)) return readSearch(word, last);
    const name = textOf(word, 'What to search for').toUpperCase();
    const isSet = flagless[name];
    if (isSet !== undefined) return () => isSet;
    switch (name) {
      case 'ALL':
        return () => true;
      case 'NOT': {
        const not = key();
        return (mail, sequence) => !not(mail, sequence);
      }
      case 'OR': {
        const [one, other] = [key(), key()];
        return (mail, sequence) => one(mail, sequence) || other(mail, sequence);
      }
      case 'UID': {
        const has = readSet(text(), last.uid);
        return mail => has(mail.uid);
      }
      case 'HEADER':
        return inHeader(text(), text());
      case 'SUBJECT':
      case 'FROM':
      case 'TO':
      case 'CC':
      case 'BCC':
        return inHeader(name, text());
      case 'BODY': {
        const part = text();
        return ({ raw }) => contains(raw.subarray(bodyStart(raw)).toString('latin1'), part);
      }
      case 'TEXT': {
        const part = text();
        return ({ raw }) => contains(raw.toString('latin1'), part);
      }
      case 'LARGER': {
        const size = Number(text());
        return ({ raw }) => raw.length > size;
      }
      case 'SMALLER': {
        const size = Number(text());
        return ({ raw }) => raw.length < size;
      }
      case 'SINCE': {
        const day = date();
        return mail => Temporal.PlainDate.compare(received(mail), day) >= 0;
      }
      case 'BEFORE': {
        const day = date();
        return mail => Temporal.PlainDate.compare(received(mail), day) < 0;
      }
      case 'ON': {
        const day = date();
        return mail => received(mail).equals(day);
      }
      default: {
        if (!/^[\d*:,]+$/.test(name)) throw new BadCommand(`This server cannot search by ${name.slice(0, 50)}.`);
        const has = readSet(name, last.sequence);
        return (_, sequence) => has(sequence);
      }
    }
  }

  if (/^charset$/i.test(String(words[0]))) at = 2;
  if (at >= words.length) throw new BadCommand('What to search for is missing.');
  const tests: Test[] = [];
  while (at < words.length) tests.push(key());
  return (mail, sequence) => tests.every(test => test(mail, sequence));
}
