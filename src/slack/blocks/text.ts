/**
 * Text on its way into Slack's mrkdwn. Whatever a lead, a source, a person or the model wrote is data here: it can neither mention
 * anybody, nor link, nor format (A4). Objects built from it carry `verbatim`, so that Slack links nothing by itself either.
 */

/** Cuts to `max` characters, never through a surrogate pair, with an ellipsis where something is missing. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  const cut = text.slice(0, max - 1);
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

/** Control characters, and the ones that turn the reading direction of what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unseen = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\uFEFF]/g;

/** Printable text; line breaks stay. */
export const printable = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\r\n?|\u2028|\u2029/g, '\n')
    .replace(unseen, ' ');

/** Printable text on one line, never empty: Slack refuses empty cells and fields. */
export const line = (text: string): string => printable(text).replace(/\s+/g, ' ').trim() || '–';

/** The three characters with which mentions, links and channel calls are written. */
export const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const lookalikes: Record<string, string> = { '*': '∗', _: 'ˍ', '~': '∼', '`': 'ˋ' };

/**
 * Replaces what would format by characters that look like it. A formatting character between two letters or digits formats nothing and
 * stays, so that first_last@acme.example can still be copied.
 */
const unformatted = (text: string): string =>
  text.replace(/(?<![\p{L}\p{N}])[*_~]|[*_~](?![\p{L}\p{N}])|`/gu, character => lookalikes[character] ?? character);

/** An emoji code would turn into a picture; a zero-width space after its first colon keeps it text. */
const withoutEmoji = (text: string): string => text.replace(/(?<!\d):(?=[\w+-]+:)/g, ':\u200b');

/** Data on one line, inert. */
export const inert = (text: string): string => escaped(withoutEmoji(unformatted(line(text))));

/** Data that may have several lines, inert. */
export const inertLines = (text: string): string => escaped(withoutEmoji(unformatted(printable(text).trim()))) || '–';

/** A phrase to type, as code; it holds no backtick that would end it. */
export const code = (text: string): string => `\`${escaped(line(text).replaceAll('`', 'ˋ'))}\``;

/**
 * The model's markdown as mrkdwn. Headings, bold, lists and code survive; links become their text with the address beside it, so that
 * nothing that a lead wrote hides behind a label. Mentions and channel calls are escaped like everything else.
 */
export function fromMarkdown(markdown: string): string {
  const parts = escaped(withoutEmoji(printable(markdown).trim())).split(/(```[\s\S]*?(?:```|$)|`[^`\n]+`)/);
  return parts.map((part, i) => (i % 2 ? closed(part) : prose(part))).join('');
}

/** A fence that the model left open is closed; its language tag goes. */
const closed = (fence: string): string => {
  if (!fence.startsWith('```')) return fence;
  const inside = fence
    .slice(3)
    .replace(/```$/, '')
    .replace(/^[\w-]*\n/, '');
  return `\`\`\`\n${inside.trimEnd()}\n\`\`\``;
};

const prose = (text: string): string =>
  text
    .replace(/!?\[([^\]\n]*)\]\(([^)\s]+)(?:\s+"[^"\n]*")?\)/g, (_, label: string, url: string) =>
      !label || label === url ? url : `${label} (${url})`,
    )
    .replace(/^[ \t]*#{1,6}[ \t]+(.+?)[ \t#]*$/gm, (_, heading: string) => `**${heading.replaceAll('**', '')}**`)
    .replace(/^([ \t]*)[*+-][ \t]+/gm, '$1• ')
    .replace(/~~(?=\S)(.+?)(?<=\S)~~/g, '~$1~')
    .replace(/(?<![*\w])\*(?![*\s])([^*\n]+?)(?<![*\s])\*(?![*\w])/g, '_$1_')
    .replace(/(\*\*|__)(?=\S)(.+?)(?<=\S)\1/g, '*$2*');

/** Cuts long text into pieces of at most `max`, at a blank line, else a line, else a word; an open code fence is closed and opened again. */
export function pieces(text: string, max: number): string[] {
  const room = max - 10; // for a fence closed here and opened there
  const cut: string[] = [];
  let rest = text;
  while (rest.length > max) {
    const head = rest.slice(0, room);
    const at = [head.lastIndexOf('\n\n'), head.lastIndexOf('\n'), head.lastIndexOf(' ')].find(i => i > room / 2) ?? safeEnd(head);
    const piece = rest.slice(0, at);
    rest = rest.slice(at).replace(/^\s+/, '');
    if ((piece.split('```').length - 1) % 2) {
      cut.push(`${piece}\n\`\`\``);
      rest = `\`\`\`\n${rest}`;
    } else cut.push(piece);
  }
  return rest ? [...cut, rest] : cut;
}

/** Where a cut through a word does not go through a surrogate pair or an entity like `&amp;`. */
const safeEnd = (head: string): number => {
  const entity = /&[a-z]{0,4}$/.exec(head);
  if (entity) return entity.index;
  return /[\uD800-\uDBFF]$/.test(head) ? head.length - 1 : head.length;
};
