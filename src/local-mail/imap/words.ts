/** A value of a command: an atom, a string, or a list of values. */
export type Word = string | Word[];

/** A command that cannot be read or carried out as it stands; answered with BAD. */
export class BadCommand extends Error {}

/**
 * Reads the values of a command: atoms, quoted strings, literals and lists. A section in brackets belongs to its atom, spaces and all
 * (`BODY.PEEK[HEADER.FIELDS (TO)]<0.100>`). One character of `text` is one byte.
 * @throws BadCommand
 */
export function readWords(text: string): Word[] {
  let at = 0;

  function quoted(): string {
    const match = /"((?:[^"\\]|\\["\\])*)"/y;
    match.lastIndex = at;
    const found = match.exec(text);
    if (!found) throw new BadCommand('A quoted string does not end.');
    at = match.lastIndex;
    return found[1]!.replace(/\\(["\\])/g, '$1');
  }

  function literal(): string | undefined {
    const match = /\{(\d+)\+?\}\r\n/y;
    match.lastIndex = at;
    const found = match.exec(text);
    if (!found) return undefined;
    const start = match.lastIndex;
    at = start + Number(found[1]);
    return text.slice(start, at);
  }

  function atom(): string {
    const start = at;
    for (let depth = 0; at < text.length; at++) {
      const char = text[at]!;
      if (char === '[') depth += 1;
      else if (char === ']') depth -= 1;
      else if (depth <= 0 && (char === ' ' || char === '(' || char === ')' || char === '"')) break;
    }
    if (at === start) throw new BadCommand(`Nothing can begin with ${JSON.stringify(text[at])} here.`);
    return text.slice(start, at);
  }

  function list(isInner: boolean): Word[] {
    const words: Word[] = [];
    for (;;) {
      while (text[at] === ' ') at += 1;
      if (at >= text.length) {
        if (isInner) throw new BadCommand('A list does not end.');
        return words;
      }
      if (text[at] === ')') {
        if (!isInner) throw new BadCommand('A list ends that did not begin.');
        at += 1;
        return words;
      }
      if (text[at] === '(') {
        at += 1;
        words.push(list(true));
      } else if (text[at] === '"') words.push(quoted());
      else words.push(literal() ?? atom());
    }
  }

  return list(false);
}

/** The value as the text that it has to be. @throws BadCommand */
export function textOf(word: Word | undefined, what: string): string {
  if (typeof word !== 'string') throw new BadCommand(`${what} is missing.`);
  return word;
}

/** Which numbers a set names ('1:4,7,*'), `last` being what '*' stands for. @throws BadCommand */
export function readSet(set: string, last: number): (n: number) => boolean {
  const ranges = set.split(',').map(part => {
    const match = /^(\d+|\*)(?::(\d+|\*))?$/.exec(part);
    if (!match) throw new BadCommand(`${set.slice(0, 50)} is not a set of numbers.`);
    const number = (text: string) => (text === '*' ? last : Number(text));
    const from = number(match[1]!);
    const to = number(match[2] ?? match[1]!);
    return from <= to ? [from, to] : [to, from];
  });
  return n => ranges.some(([from, to]) => n >= from! && n <= to!);
}

/** A text of ours as a quoted string, or as a literal where it cannot be one. */
export const asString = (value: string): string =>
  /^[\x20-\x7e]*$/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : asLiteral(Buffer.from(value));

/** Bytes as a literal, one byte a character. */
export const asLiteral = (bytes: Buffer): string => `{${bytes.length}}\r\n${bytes.toString('latin1')}`;
