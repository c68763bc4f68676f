/**
 * Phrasings as data: `link <list> (to|with) <sequence> [please]`. Words match folded words, `(a|b c)` is a choice, `[a|b]` may be left
 * out, `{leads}` is a named choice of the vocabulary, `<slot>` or `<slot:field>` takes what the slot understands.
 */
export type Node =
  | { kind: 'word'; word: string }
  | { kind: 'slot'; slot: string; field: string }
  | { kind: 'choice'; options: Node[][] };

/** What a slot takes at a place: up to where, what it means, how many words of it are certain. */
export interface Taken {
  end: number;
  value: unknown;
  weight: number;
}

/** Where a pattern is tried: words by place, and what each slot could take there, likeliest first. */
export interface Readable {
  length: number;
  wordAt(at: number): string;
  /** Skips what patterns do not see: commas, colons and the like. */
  skip(at: number): number;
  take(slot: string, at: number): readonly Taken[];
}

/** Which places a slot took. */
export interface Span {
  slot: string;
  field: string;
  from: number;
  end: number;
}

export interface Match {
  fields: Record<string, unknown>;
  spans: readonly Span[];
  /** Words explained: literal ones and what slots are certain of. The greater, the better the phrasing fits. */
  weight: number;
}

export function parsePattern(source: string, macros: Record<string, readonly string[]>): Node[] {
  const parts = source.match(/[()[\]|]|\{\w+\}|<[\w:]+>|[^\s()[\]|{}<>]+/g) ?? [];
  let at = 0;
  const choice = (closer: string): Node[][] => {
    const options: Node[][] = [[]];
    for (; at < parts.length && parts[at] !== closer; at++) {
      const part = parts[at]!;
      if (part === '|') options.push([]);
      else options.at(-1)!.push(node(part));
    }
    return options;
  };
  const node = (part: string): Node => {
    if (part === '(' || part === '[') {
      at++;
      const options = choice(part === '(' ? ')' : ']');
      return longestFirst(part === '[' ? [...options, []] : options);
    }
    if (part.startsWith('{')) {
      const words = macros[part.slice(1, -1)];
      if (!words) throw new Error(`no words for ${part} in "${source}"`);
      return longestFirst(words.map(each => parsePattern(each, macros)));
    }
    if (part.startsWith('<')) {
      const [slot, field] = part.slice(1, -1).split(':');
      return { kind: 'slot', slot: slot!, field: field ?? slot! };
    }
    return { kind: 'word', word: part.replace(/['’]/g, '').toLowerCase() };
  };
  const [sequence] = choice('');
  return sequence!;
}

/** `show me` is tried before `show`, so that what follows does not begin with "me". */
const longestFirst = (options: Node[][]): Node => ({ kind: 'choice', options: options.sort((a, b) => b.length - a.length) });

interface State {
  edges: { word?: string; slot?: { slot: string; field: string }; to: State }[];
}
export interface Compiled {
  start: State;
  accept: State;
}

/** A graph of states without loops: matching one (state, place) twice gives the same, so failures are remembered and none is retried. */
export function compile(nodes: readonly Node[]): Compiled {
  const accept: State = { edges: [] };
  const build = (rest: readonly Node[], to: State): State =>
    rest.reduceRight<State>((next, node) => {
      if (node.kind === 'word') return { edges: [{ word: node.word, to: next }] };
      if (node.kind === 'slot') return { edges: [{ slot: node, to: next }] };
      return { edges: node.options.map(option => ({ to: build(option, next) })) };
    }, to);
  return { start: build(nodes, accept), accept };
}

export function match({ start, accept }: Compiled, text: Readable): Match | undefined {
  const failed = new Map<State, Set<number>>();
  const from = (state: State, at: number): Match | undefined => {
    const place = text.skip(at);
    if (state === accept) return place >= text.length ? { fields: {}, spans: [], weight: 0 } : undefined;
    if (failed.get(state)?.has(place)) return undefined;
    for (const edge of state.edges) {
      const rest = follow(edge, place);
      if (rest) return rest;
    }
    if (!failed.has(state)) failed.set(state, new Set());
    failed.get(state)!.add(place);
    return undefined;
  };
  const follow = ({ word, slot, to }: State['edges'][number], at: number): Match | undefined => {
    if (!slot && word === undefined) return from(to, at);
    if (at >= text.length) return undefined;
    if (word !== undefined) {
      const rest = text.wordAt(at) === word ? from(to, at + 1) : undefined;
      return rest && { ...rest, weight: rest.weight + 1 };
    }
    for (const { end, value, weight } of text.take(slot!.slot, at)) {
      const rest = from(to, end);
      if (rest)
        return {
          fields: { [slot!.field]: value, ...rest.fields },
          spans: [{ ...slot!, from: at, end }, ...rest.spans],
          weight: rest.weight + weight,
        };
    }
    return undefined;
  };
  return from(start, 0);
}
