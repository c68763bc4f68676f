/** One line of the table. */
export interface Line {
  what: string;
  measured: string;
  /** The bare statement, in the same run. */
  bare?: string;
  ratio?: string;
  target: string;
  met: boolean;
}

/** Runs `work` and returns how long it took, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** Runs two things in turn, `times` each, and returns the median of each: a machine's drift then meets both. */
export async function inTurn(times: number, a: () => Promise<number>, b: () => Promise<number>): Promise<[number, number]> {
  const [as, bs]: [number[], number[]] = [[], []];
  for (let i = 0; i < times; i++) {
    as.push(await a());
    bs.push(await b());
  }
  return [percentile(as, 50), percentile(bs, 50)];
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((x, y) => x - y);
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export const ms = (value: number): string =>
  `${value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 })} ms`;
export const times = (value: number): string => `${value.toFixed(2)}×`;

/** Without a limit the line shows how a figure grows. */
export const atMost = (what: string, measured: number, limit = Number.POSITIVE_INFINITY): Line => ({
  what,
  measured: ms(measured),
  target: Number.isFinite(limit) ? `≤ ${ms(limit)}` : '–',
  met: measured <= limit,
});

export const whole = (n: number): string => n.toLocaleString('en-US');

export const against = (
  what: string,
  measured: number,
  bare: number,
  limit: number,
  alsoAtMost = Number.POSITIVE_INFINITY,
): Line => ({
  what,
  measured: ms(measured),
  bare: ms(bare),
  ratio: times(measured / bare),
  target: `≤ ${times(limit)}${Number.isFinite(alsoAtMost) ? `, ≤ ${ms(alsoAtMost)}` : ''}`,
  met: measured / bare <= limit && measured <= alsoAtMost,
});

export function table(lines: readonly Line[]): string {
  const head = { what: 'what', measured: 'measured', bare: 'bare', ratio: 'ratio', target: 'target', met: 'met' };
  const rows = [head, ...lines.map(line => ({ bare: '', ratio: '', ...line, met: line.met ? 'yes' : 'NO' }))];
  const keys = ['what', 'measured', 'bare', 'ratio', 'target', 'met'] as const;
  const wide = keys.map(key => Math.max(...rows.map(row => row[key].length)));
  return rows.map(row => `| ${keys.map((key, i) => row[key].padEnd(wide[i]!)).join(' | ')} |`).join('\n');
}
