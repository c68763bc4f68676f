import { foldName } from '../../nearest.ts';
import { boundsDate } from './dates.ts';
import phrases from './phrases.json' with { type: 'json' };

/**
 * Does somebody ask never to be written to again (X3)? That is for ever, so what may mean something else, or only holds for a while, is
 * left to whoever reads it. Pure; the phrases are data (phrases.json).
 */

/** Turkish has an i without a dot, which capitals do not tell from the other. */
const fold = (text: string): string => foldName(text).replaceAll('ı', 'i');

const folded = (all: readonly string[]): readonly string[] => [...new Set(all.map(fold))];

/** The longest first: "thank you very much" is more polite than "thank you". */
const longestFirst = (all: readonly string[]): readonly string[] => folded(all).toSorted((a, b) => b.length - a.length);

const { letter, optOut } = phrases;
const polite = longestFirst(letter.polite);
const greetings = longestFirst(letter.greeting);
const signOffs = longestFirst(letter.signOff);
const sentFrom = folded(letter.sentFrom);

/** A wish with all its courtesies is no longer than this. */
const longestWish = 200;

/** Without what is polite around it. */
function bare(text: string): string {
  if (text.length > longestWish) return text;
  for (let rest = text; ; ) {
    const before = polite.find(word => `${rest} `.startsWith(`${word} `));
    if (before) rest = rest.slice(before.length).trim();
    const after = polite.find(word => ` ${rest}`.endsWith(` ${word}`));
    if (after) rest = rest.slice(0, -after.length).trim();
    if (!before && !after) return rest;
  }
}

const bared = (all: readonly string[]): ReadonlySet<string> => new Set(all.map(phrase => bare(fold(phrase))).filter(Boolean));

/** What is a wish where it is all that is said. */
const alone = bared(optOut.alone);
/** Of these, what can also be the beginning of something else: "Stop! This is what we need." */
const alsoElse = bared(optOut.alsoElse);
/** What asks to be left out, wherever it stands. */
const leave = folded(optOut.leave);
/** What asks for silence, unless only for a while: "do not contact me before Tuesday". */
const silence = folded(optOut.silence);
const negations = folded(optOut.not);
/** What offers a way out rather than asks for one: a footer's "if you no longer wish to hear from us". */
const offers = folded(optOut.offer);
const spans = folded(optOut.spans);
const bounds = folded(optOut.bounds);
/** "Do not email me, call me." */
const instead = folded([...optOut.instead, ...phrases.categories.referral]);
const declined = folded(phrases.categories.not_interested);
/** What nobody says who wants to hear no more. */
const contrary = [...instead, ...folded(phrases.categories.interested), ...folded(phrases.categories.meeting)];

/** Lines that are looked at. */
const mostLines = 60;
/** A wish is said at the beginning; what stands far below is rarely meant. Folded characters. */
const opening = 400;

export const says = (text: string, all: readonly string[]): boolean => all.some(phrase => ` ${text} `.includes(` ${phrase} `));

/** Is this, politeness aside, nothing but a wish to be left alone? */
export const isWish = (text: string): boolean => alone.has(bare(fold(text)));

/** Is this reply nothing but such a wish, or does it begin with one: "STOP", and a name below it? */
export function beginsWithWish(body: string): boolean {
  if (isWish(body)) return true;
  const [first, ...rest] = linesOf(body);
  if (first === undefined) return false;
  if (isNothingElse(unsigned([first, ...rest]))) return true;
  if (first.endsWith(':')) return false;
  const said = bare(withoutSignOff(fold(first)));
  if (alone.has(said) && !first.endsWith('?')) return !alsoElse.has(said) || isAllOfIt(rest);
  if (!first.includes('?') && isNothingElse([first]) && isAllOfIt(rest)) return true;
  // "Unsubscribe" of "Unsubscribe, I never asked for this"; a question is no wish.
  const [, clause = '', end = ''] = /^([^,.!?;–—]+)([,.!?;–—]*)/u.exec(first) ?? [];
  return isWish(clause) && !end.includes('?') && !alsoElse.has(bare(fold(clause)));
}

/** Does its opening say such a wish, in one of its sentences? */
export function saysWish(body: string, on: Temporal.PlainDate): boolean {
  let left = opening;
  const isElsewhere = says(fold(body.slice(0, 2 * opening)), instead);
  for (const sentence of sentencesOf(body)) {
    const whole = fold(sentence);
    const text = whole.slice(0, left);
    if (!says(whole, offers)) {
      if (isSaid(sentence, text, leave)) return true;
      if (!isElsewhere && isSaid(sentence, text, silence) && !isBounded(sentence, on)) return true;
    }
    left -= text.length + 1;
    if (left <= 0) return false;
  }
  return false;
}

/** The lines that are its own: without the greeting, and without what a telephone adds. */
function linesOf(body: string): string[] {
  const lines = body
    .split('\n', mostLines)
    .map(line => line.trim())
    .filter(line => fold(line) && !isFromPhone(fold(line)));
  const first = lines[0] && withoutGreeting(lines[0]);
  return first === '' ? lines.slice(1) : [...(first ? [first] : []), ...lines.slice(1)];
}

const isFromPhone = (line: string): boolean => line.length <= 100 && sentFrom.some(phrase => `${line} `.startsWith(`${phrase} `));

/** "Hi Ada, unsubscribe" without "Hi Ada,"; '' where the line is a greeting and no more. */
function withoutGreeting(line: string): string {
  const clause = /^[^,.!;:–—]*/u.exec(line)![0];
  const start = fold(clause);
  const greeting = greetings.find(word => `${start} `.startsWith(`${word} `));
  if (!greeting) return line;
  const after = start.slice(greeting.length).trim();
  if (alone.has(bare(after))) return `${after}${line.slice(clause.length)}`;
  return after.split(' ').length <= 4 ? line.slice(clause.length).replace(/^[,.!;:–—\s]+/u, '') : line;
}

/** A line without "best regards" and a name at its end. */
function withoutSignOff(line: string): string {
  for (const phrase of signOffs) {
    const [before = '', ...after] = ` ${line} `.split(` ${phrase} `);
    if (before.trim() && after.length === 1 && after[0]!.trim().split(' ').length <= 4) return before.trim();
  }
  return line;
}

/** Lines up to the one that signs off. */
function unsigned(lines: readonly string[]): readonly string[] {
  const end = lines.findIndex((line, at) => at > 0 && signOffs.some(phrase => `${fold(line)} `.startsWith(`${phrase} `)));
  return lines.slice(0, end < 0 ? undefined : end);
}

/** "Please remove / me"; "Not interested, unsubscribe". */
function isNothingElse(lines: readonly string[]): boolean {
  if (isWish(lines.join(' '))) return true;
  const parts = lines
    .join('\n')
    .split(/[,.!;:\n–—]+/u)
    .map(fold);
  const others = parts.filter(part => part && !alone.has(bare(part)));
  return others.length < parts.filter(Boolean).length && others.every(part => !bare(part) || says(part, declined));
}

/** Is what stands below a wish no part of it ("Stop", "by our booth"), and does it not say the opposite? */
const isAllOfIt = (below: readonly string[]): boolean =>
  !/^\p{Ll}/u.test(below[0] ?? '') && !says(fold(below.join(' ')), contrary);

/** Sentences, also over lines that a mail program has broken; a blank line ends one. */
const sentencesOf = (body: string): string[] =>
  body
    .slice(0, 4_000)
    .split(/\n\s*\n/)
    .flatMap(paragraph => paragraph.replace(/\s+/g, ' ').split(/(?<=[.!?;…])\s/u));

/** What stands between commas, folded. */
const partsOf = (sentence: string): string[] => sentence.split(/[,:–—]/u).map(fold);

/** Is one of the phrases said, and not its opposite: "please do not remove me from your list"? */
function isSaid(sentence: string, text: string, all: readonly string[]): boolean {
  if (!says(text, all)) return false;
  const clauses = partsOf(sentence);
  return all.some(
    phrase =>
      says(text, [phrase]) &&
      !clauses.some(clause =>
        says(
          clause,
          negations.map(no => `${no} ${phrase}`),
        ),
      ),
  );
}

/** Does it hold for a while only, or only for the telephone or an address? A bound bounds something: "I told you before" does not. */
function isBounded(sentence: string, on: Temporal.PlainDate): boolean {
  if (sentence.includes('@') || says(fold(sentence), spans) || boundsDate(sentence, on, optOut.boundsDates)) return true;
  return partsOf(sentence).some(clause => bounds.some(word => says(clause, [word]) && !` ${clause}`.endsWith(` ${word}`)));
}
