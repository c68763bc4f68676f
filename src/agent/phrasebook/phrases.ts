import words from './macros.json' with { type: 'json' };
import { type Compiled, compile, match, type Node, parsePattern, type Span } from './pattern.ts';
import answers from './phrases-answers.json' with { type: 'json' };
import life from './phrases-life.json' with { type: 'json' };
import lists from './phrases-lists.json' with { type: 'json' };
import members from './phrases-members.json' with { type: 'json' };
import numbers from './phrases-numbers.json' with { type: 'json' };
import office from './phrases-office.json' with { type: 'json' };
import people from './phrases-people.json' with { type: 'json' };
import reminders from './phrases-reminders.json' with { type: 'json' };
import replies from './phrases-replies.json' with { type: 'json' };
import senders from './phrases-senders.json' with { type: 'json' };
import sequences from './phrases-sequences.json' with { type: 'json' };
import talk from './phrases-talk.json' with { type: 'json' };
import who from './phrases-who.json' with { type: 'json' };
import type { Clause } from './slots.ts';
import type { Token } from './text.ts';

/** Phrasings that mean the same: a tool (or, with `$`, something that the phrasebook itself does), and what they set. */
export interface Group {
  tool: string;
  phrases: string[];
  /** Works as typed where the names in it exist. */
  example: string;
  set?: Record<string, unknown>;
  read?: boolean;
  /** Only a human does it, by the command line. */
  human?: boolean;
  /** Says "never" and means to do something. */
  negated?: boolean;
  /** Needs the texts of steps behind it. */
  steps?: boolean;
  /** The tools that a `$` group calls. */
  as?: string[];
  say?: string;
  near?: string[];
}

export interface Phrasing {
  group: Group;
  source: string;
  nodes: readonly Node[];
  compiled: Compiled;
}

const macros: Record<string, readonly string[]> = words.macros;
export const groups: readonly Group[] = [
  ...who,
  ...lists,
  ...sequences,
  ...office,
  ...members,
  ...people,
  ...life,
  ...answers,
  ...replies,
  ...senders,
  ...numbers,
  ...reminders,
  ...talk,
];

/** Every phrasing that the phrasebook knows, in the order in which equals win. */
export const phrasings: readonly Phrasing[] = groups.flatMap(group =>
  group.phrases.map(source => {
    const nodes = parsePattern(source, macros);
    return { group, source, nodes, compiled: compile(nodes) };
  }),
);

/** Words that a clause may begin with: where a prompt may be cut. */
export const openers: ReadonlySet<string> = new Set(phrasings.flatMap(({ nodes }) => [...firstWords(nodes)]));

function* firstWords(nodes: readonly Node[]): Generator<string> {
  for (const node of nodes) {
    if (node.kind === 'word') yield node.word;
    if (node.kind === 'choice') for (const option of node.options) yield* firstWords(option);
    if (node.kind !== 'choice' || node.options.every(option => option.length)) return;
  }
}

export interface Reading {
  phrasing: Phrasing;
  fields: Record<string, unknown>;
  spans: readonly Span[];
  /** What it reads. */
  tokens: readonly Token[];
  weight: number;
}

/** All phrasings that the whole clause fits, as many as there are; who reads them weighs them. */
export const readingsOf = (clause: Clause, allowed: (group: Group) => boolean): Reading[] =>
  phrasings.flatMap(phrasing => {
    const found = allowed(phrasing.group) ? match(phrasing.compiled, clause) : undefined;
    return found ? [{ phrasing, tokens: clause.tokens, ...found }] : [];
  });
