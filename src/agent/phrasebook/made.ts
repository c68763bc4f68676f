import type { NameKind } from './names.ts';
import { createdList, type PhraseCall } from './types.ts';

/** Tools that make a list or a sequence which code may name: what they make is known only when they have run. */
const makes: Readonly<Record<string, NameKind>> = {
  create_list: 'list',
  combine_lists: 'list',
  duplicate_sequence: 'sequence',
};

export const madeBy = ({ tool }: { tool: string }): NameKind | undefined =>
  Object.hasOwn(makes, tool) ? makes[tool] : undefined;

/** The calls of a prompt that make something, in their order. */
export const makersOf = <Call extends { tool: string }>(calls: readonly Call[]): Call[] => calls.filter(madeBy);

/** What stands for the thing that the `n`th making call of a prompt makes, from 1. */
export const standIn = (n: number): string => (n === 1 ? createdList : `${createdList} ${n}`);

const written = /^\$created(?: ([2-9]|[1-9]\d))?$/;

/** Which making call a name stands for; undefined where it is a name. */
export function ordinalOf(name: unknown): number | undefined {
  const found = typeof name === 'string' ? written.exec(name) : null;
  return found ? Number(found[1] ?? 1) : undefined;
}

/** Fields of a call that name the lists and sequences which it is about. */
const naming = ['list', 'sequence', 'what', 'about', 'lists'];

/** The call with other names in the place of those that stand for what is made; undefined leaves one as it is. */
export function withNames(call: PhraseCall, nameOf: (n: number) => string | undefined): PhraseCall {
  const named = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(named);
    const n = ordinalOf(value);
    return n === undefined ? value : (nameOf(n) ?? value);
  };
  const input = Object.entries(call.input).map(([field, value]) => [field, naming.includes(field) ? named(value) : value]);
  return { ...call, input: Object.fromEntries(input) };
}

/** Which making calls a call is about. */
export function madeIn(call: PhraseCall): number[] {
  const found: number[] = [];
  withNames(call, n => {
    found.push(n);
    return undefined;
  });
  return found;
}
