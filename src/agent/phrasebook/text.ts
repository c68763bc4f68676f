/** Words with their places in the text. Everything else in the phrasebook works on these, never on the raw text again. */

export interface Token {
  /** `quote`: everything between two quotation marks is one token, so that a quoted command can fill a slot but never be one. */
  kind: 'word' | 'number' | 'quote' | 'channel' | 'member' | 'punct';
  /** As written; of a quote, what is inside. */
  text: string;
  /** Lower case without accents and apostrophes: what patterns compare. '' for quotes, which no pattern's word may match. */
  fold: string;
  start: number;
  end: number;
}

export const foldWord = (word: string): string =>
  word
    .normalize('NFKD')
    .replace(/[\p{M}'’]/gu, '')
    .toLowerCase();

const closers: Record<string, string> = { '"': '"', '“': '”', '„': '“', '«': '»', '`': '`', '‘': '’', "'": "'" };
const letter = /[\p{L}\p{N}]/u;

/** Each alternative is sticky and free of nested repetition, so that cutting up a text takes linear time. */
const shapes: [Token['kind'], RegExp][] = [
  ['number', /\d{4}-\d{2}-\d{2}(?![\d-])/y],
  ['word', /https?:\/\/[^\s<>"”|]+/y],
  ['word', /[\p{L}\p{N}][\p{L}\p{N}._%+-]{0,80}@[\p{L}\p{N}][\p{L}\p{N}-]{0,80}(?:\.[\p{L}\p{N}-]{1,80}){0,6}/uy],
  ['word', /(?:[\p{L}\p{N}-]{1,63}\.){1,6}\p{L}{2,24}(?![\p{L}\p{N}])(?:\/[^\s,;<>"]*)?/uy],
  ['word', /(?:\p{L}\.){2,6}(?!\p{L})/uy],
  ['number', /\d{1,3}(?:[.,]\d{3}){1,5}(?!\d)[kKmM]?\+?/y],
  ['number', /\d+(?:[:.]\d+)?[\p{L}]*\+?/uy],
  ['word', /[\p{L}\p{N}#$@_](?:[\p{L}\p{M}\p{N}_&+#'’-]|\.(?=\p{L}))*/uy],
];

/** What Slack wraps: `<mailto:a@b.example|a@b.example>`, `<https://…|acme.example>`; `<#C1|sales>` stays, tools take it as it is. */
const unwrapped = (text: string): string =>
  text
    .replace(/<(?:mailto:|https?:)[^<>|]{0,2000}\|([^<>|]{0,2000})>/g, '$1')
    .replace(/<(https?:[^<>|\s]{1,2000})>/g, '$1')
    .replace(/&(amp|lt|gt);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>' })[name]!);

/** A prompt as one line of plain text, and per quoted line (`> …`) the quotation marks that it lacks. */
export const plain = (text: string): string =>
  unwrapped(text)
    .replace(/^[ \t]*>[ \t]?(.*)$/gm, (_, said: string) => `«${said.replaceAll('»', '')}»`)
    .replace(/```/g, '`')
    .replace(/^[ \t]*[•*-][ \t]+/gm, '')
    .replaceAll('\u00a0', ' ');

export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at);
    if (token) tokens.push(token);
    at = token?.end ?? at + 1;
  }
  return tokens;
}

function tokenAt(text: string, at: number): Token | undefined {
  const char = text[at]!;
  if (/\s/.test(char) && char !== '\n') return undefined;
  if (char === '<') {
    const channel = stickily(/<#[A-Z0-9]+(?:\|[^<>|]{0,80})?>|#[\p{L}\p{N}_-]+/uy, text, at);
    if (channel) return token('channel', channel, at, at + channel.length);
    const member = stickily(/<@[UW][A-Z0-9]+(?:\|[^<>|]{0,80})?>/y, text, at);
    if (member) return token('member', member.replace(/\|.*/, '>'), at, at + member.length);
  }
  const quoted = quoteAt(text, at);
  if (quoted) return quoted;
  for (const [kind, shape] of shapes) {
    const found = stickily(shape, text, at)?.replace(/[.'’&-]+$/u, end => (/^\.$/.test(end) && kind === 'word' ? end : ''));
    if (!found) continue;
    const abbreviation = /^(?:\p{L}\.){2,}$/u.test(found);
    const kept = abbreviation ? found : found.replace(/\.+$/, '');
    return token(kind, kept, at, at + kept.length);
  }
  return token('punct', char, at, at + 1);
}

function stickily(shape: RegExp, text: string, at: number): string | undefined {
  shape.lastIndex = at;
  return shape.exec(text)?.[0];
}

const token = (kind: Token['kind'], text: string, start: number, end: number): Token => ({
  kind,
  text,
  fold: kind === 'quote' ? '' : foldWord(text),
  start,
  end,
});

/** An apostrophe opens a quotation only where no word stands before it, and closes one only where none follows. */
function quoteAt(text: string, at: number): Token | undefined {
  const closer = closers[text[at]!];
  if (!closer) return undefined;
  const single = closer === "'" || closer === '’';
  if (single && at > 0 && letter.test(text[at - 1]!)) return undefined;
  for (let end = text.indexOf(closer, at + 1), tries = 0; end > 0 && tries < 20; end = text.indexOf(closer, end + 1), tries++) {
    if (single && letter.test(text[end + 1] ?? ' ')) continue;
    const inside = text.slice(at + 1, end).trim();
    return inside ? token('quote', inside, at, end + 1) : undefined;
  }
  return undefined;
}

const isEnd = (token: Token, text: string): boolean =>
  token.text === '\n' || (token.kind === 'punct' && /[.!?…]/.test(token.text) && /^$|\s/.test(text[token.end] ?? ''));

/** Sentences: runs of tokens up to a full stop, a question or exclamation mark, or a line's end; the mark comes along. */
export function sentencesOf(tokens: readonly Token[], text: string, inside: ReadonlySet<number>): Token[][] {
  const sentences: Token[][] = [[]];
  for (const [at, token] of tokens.entries()) {
    if (token.text !== '\n') sentences.at(-1)!.push(token);
    if (!inside.has(at) && isEnd(token, text)) sentences.push([]);
  }
  return sentences.filter(sentence => sentence.some(({ kind }) => kind !== 'punct'));
}
