/** Numbers that look random and are the same for the same seed (mulberry32), and the picks made with them. */
export class Random {
  #state: number;

  constructor(seed: string) {
    let hash = 2166136261;
    for (const char of seed) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619);
    this.#state = hash >>> 0;
  }

  /** 0 ≤ n < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** A whole number whose logarithm is spread evenly: there are many small companies and few large ones. */
  size(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.next());
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)]!;
  }

  /** `count` different ones, fewer where there are not as many. */
  some<T>(from: readonly T[], count: number): T[] {
    const chosen = new Set<T>();
    const wanted = Math.min(count, from.length);
    while (chosen.size < wanted) chosen.add(this.pick(from));
    return [...chosen];
  }

  shuffle<T>(items: T[]): T[] {
    for (let at = items.length - 1; at > 0; at--) {
      const other = this.between(0, at);
      [items[at], items[other]] = [items[other]!, items[at]!];
    }
    return items;
  }
}

/** Picks a key in proportion to its weight. */
export function weighted<K extends string>(weights: Partial<Record<K, number>>): (random: Random) => K {
  const entries = Object.entries(weights) as [K, number][];
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  return random => {
    let left = random.next() * total;
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return entries.at(-1)![0];
  };
}
