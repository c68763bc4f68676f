import { either, type Reference } from './names.ts';
import type { Reading } from './phrases.ts';
import { find, findAny, type Outcome, severalOf, type Talk } from './talk.ts';

/** One order about several lists or sequences. */

const plural = /^(them|they|these|those|all of them|both|both of them)$/i;

/** `pause Fall Intro and Partner Launch and resume them`: what "them" means is put in its place. */
export function spread(reading: Reading, talk: Talk): Reading {
  const fields = Object.entries(reading.fields).map(([field, value]) => {
    if (!isReference(value) || value.how !== 'pronoun' || !plural.test(value.text)) return [field, value];
    const [kind] = value.kinds.length === 1 ? value.kinds : [talk.focus.latest ?? 'list'];
    const [text, ...also] = severalOf(talk, kind!);
    return [field, also.length ? { how: 'known', text, kinds: [kind], also } : value];
  });
  return { ...reading, fields: Object.fromEntries(fields) };
}

const isReference = (value: unknown): value is Reference => typeof value === 'object' && value !== null && 'kinds' in value;

/** `pause Fall Intro and Partner Launch`: the same call for each of the names. */
export function forEach({ fields }: Reading, outcome: Outcome, talk: Talk): Outcome {
  if (!('calls' in outcome)) return outcome;
  const calls = [...outcome.calls];
  for (const field of ['list', 'sequence', 'what', 'about'] as const) {
    const { also = [] } = (fields[field] ?? {}) as Partial<Reference>;
    const made = [...calls];
    for (const text of also) {
      const found =
        field === 'list' || field === 'sequence'
          ? find(talk, field, { how: 'known', text, kinds: [field] })
          : findAny(talk, { how: 'known', text, kinds: ['list', 'sequence'] });
      if ('name' in found) calls.push(...made.map(call => ({ ...call, input: { ...call.input, [field]: found.name } })));
    }
  }
  return { ...outcome, calls };
}

/** What works on one at a time does not quietly leave out the others that were named. */
export function unlessDropped({ fields }: Reading, outcome: Outcome, talk: Talk): Outcome {
  if (!('calls' in outcome)) return outcome;
  const done = new Set(outcome.calls.flatMap(({ input }) => Object.values(input).flat()));
  const references = Object.values(fields)
    .filter(isReference)
    .filter(({ also }) => also?.length);
  for (const { text, also = [], kinds } of references) {
    const isDone = (name: string): boolean => {
      const found = find(talk, kinds[0]!, { how: 'known', text: name, kinds });
      return done.has(name) || ('name' in found && done.has(found.name));
    };
    if (!also.every(isDone)) return { ask: `That works on one at a time. Which one: ${either([text, ...also])}?` };
  }
  return outcome;
}
