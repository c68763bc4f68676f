import type { Token } from './text.ts';
import words from './words.json' with { type: 'json' };

const units: Record<string, number> = words.numbers;
const magnitudes: Record<string, number> = words.magnitudes;
const digits = /^(\d{1,3}(?:[.,]\d{3})+|\d+(?:[.]\d+)?)(k|m)?(\+)?$/i;

export interface Numeral {
  value: number;
  end: number;
  /** '1k+': that many or more. */
  orMore: boolean;
}

/** The number that begins at `at`: `1,000`, `50k`, `1k+`, `two hundred and fifty`, `a dozen`, `a couple of hundred`. */
export function numeralAt(tokens: readonly Token[], at: number): Numeral | undefined {
  const first = tokens[at];
  if (!first || first.kind === 'quote') return undefined;
  const written = digits.exec(first.text);
  if (written) return inDigits(tokens, at, written);
  return inWords(tokens, at);
}

function inDigits(tokens: readonly Token[], at: number, written: RegExpExecArray): Numeral | undefined {
  const plainly = /[.,]\d{3}(?:\D|$)/.test(written[1]!) ? written[1]!.replace(/[.,]/g, '') : written[1]!;
  const scale = { k: 1000, m: 1_000_000 }[written[2]?.toLowerCase() ?? ''] ?? 1;
  let value = Number(plainly) * scale;
  let end = at + 1;
  if (/^\d{1,3}$/.test(plainly) && scale === 1)
    while (/^\d{3}$/.test(tokens[end]?.text ?? '') && touching(tokens, end)) value = value * 1000 + Number(tokens[end++]!.text);
  const more = magnitudes[tokens[end]?.fold ?? ''];
  if (more && value < 1000) {
    value *= more;
    end++;
  }
  return Number.isInteger(value) && value < 1e9 ? { value, end, orMore: Boolean(written[3]) } : undefined;
}

/** `20 000` is one number where exactly one space stands between. */
const touching = (tokens: readonly Token[], at: number): boolean => tokens[at]!.start - tokens[at - 1]!.end === 1;

function inWords(tokens: readonly Token[], start: number): Numeral | undefined {
  let at = start;
  let total = 0;
  let group: number | undefined;
  const word = (offset = 0): string => tokens[at + offset]?.fold ?? '';
  if (word() === 'half' && word(1) === 'a' && word(2) === 'dozen') return { value: 6, end: at + 3, orMore: false };
  if (word() === 'a' || word() === 'an' || word() === 'another') {
    if (word(1) === 'couple') {
      const scaleAt = word(2) === 'of' ? 3 : 2;
      const scale = magnitudes[word(scaleAt)];
      return scale ? { value: 2 * scale, end: at + scaleAt + 1, orMore: false } : { value: 2, end: at + 2, orMore: false };
    }
    if (!magnitudes[word(1)]) return undefined;
    group = 1;
    at++;
  }
  for (; at < tokens.length && at - start < 12; at++) {
    const unit = unitOf(word());
    const scale = magnitudes[word()];
    if (unit !== undefined) group = (group ?? 0) + unit;
    else if (scale === 1000 && group !== undefined) {
      total += group * 1000;
      group = undefined;
    } else if (scale && group !== undefined) group *= scale;
    else if (word() === 'and' && (group ?? total) >= 100 && unitOf(word(1)) !== undefined && !magnitudes[word(2)]) continue;
    else break;
  }
  const value = total + (group ?? 0);
  return value > 0 ? { value, end: at, orMore: false } : undefined;
}

/** 'twenty-five' and 'twenty' alike. */
function unitOf(word: string): number | undefined {
  if (Object.hasOwn(units, word)) return units[word];
  const [tens, ones, more] = word.split('-');
  if (more !== undefined || !ones || !Object.hasOwn(units, tens!) || !Object.hasOwn(units, ones)) return undefined;
  return units[tens!]! + units[ones]!;
}
