import { AssignTag, Liquid, type Template } from 'liquidjs';
import { type Refusal, refuse } from '../../errors.ts';
import { nearest } from '../../nearest.ts';

/**
 * Templates of steps (S8): Liquid with few words. Values are data: they are never parsed again, and nothing in them can reach a tag.
 * Known variables are the ones below, and `fields.NAME` for a further column of an imported file.
 */
export const variables = [
  'first_name',
  'last_name',
  'full_name',
  'title',
  'company',
  'industry',
  'location',
  'company_location',
  'sender_name',
] as const;

/** What a template is filled with: only what is not empty. */
export type Values = Partial<Record<(typeof variables)[number], string>> & { fields?: Record<string, string> };

/** Whom a template is filled for, as the lead's row has it. */
export interface Person {
  full_name: string;
  first_name: string | null;
  last_name: string | null;
  title: string | null;
  company: string | null;
  industry: string | null;
  location: string | null;
  company_location: string | null;
  fields: Record<string, string>;
}

export function valuesOf(person: Person, senderName: string): Values {
  const { full_name, first_name, last_name, title, company, industry, location, company_location, fields } = person;
  const given = { full_name, first_name, last_name, title, company, industry, location, company_location };
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)),
    sender_name: senderName,
    fields,
  };
}

const tags = ['if', 'unless', 'case', 'assign', 'capture', 'comment', 'raw', '#'];
const filters = [
  ...['default', 'capitalize', 'upcase', 'downcase', 'strip', 'squish', 'truncate', 'truncatewords'],
  ...['append', 'prepend', 'replace', 'remove', 'split', 'first', 'last', 'size'],
];

/** Only what is listed: no files, no loops, no filter that reads the machine's clock or rolls dice. */
const options = {
  strictVariables: true,
  strictFilters: true,
  lenientIf: true,
  ownPropertyOnly: true,
  parseLimit: 100_000,
  renderLimit: 1_000,
  memoryLimit: 1_000_000,
};
const engine = new Liquid(options);
const strict = new Liquid({ ...options, lenientIf: false });

/** The library forgives `assign` what it forgives `if`: an empty variable left as a hole under its new name. */
engine.registerTag(
  'assign',
  class extends AssignTag {
    constructor(...given: ConstructorParameters<typeof AssignTag>) {
      super(...given);
      this.liquid = strict;
    }
  },
);
for (const tag of Object.keys(engine.tags)) if (!tags.includes(tag)) delete engine.tags[tag];
for (const filter of Object.keys(engine.filters)) if (!filters.includes(filter)) delete engine.filters[filter];

/** What is wrong with a template, as sentences; none when it may be saved (S8). */
export function faultsOf(template: string): string[] {
  let parsed: Template[];
  try {
    parsed = engine.parse(template);
  } catch (error) {
    return [parseFault(error as Error)];
  }
  const unknown = engine.globalVariableSegmentsSync(parsed).filter(segments => !isKnown(segments));
  if (unknown.length) return [...new Set(unknown.map(segments => variableFault(segments.map(String).join('.'))))];
  const fault = fillingFault(template);
  return fault ? [fault] : [];
}

/** Some faults show only when a template is filled: tried for a lead who has everything, and for one who has no more than it takes. */
function fillingFault(template: string): string | undefined {
  const names = variablesIn(template);
  const full = render(template, sampleOf(names));
  if ('missing' in full) return `{{ ${full.missing} }} is used where it is not set`;
  if ('broken' in full) return brokenFault(full.broken);
  for (const needed = new Set<string>(); ; ) {
    const spare = render(template, sampleOf([...needed]));
    if ('broken' in spare) return brokenFault(spare.broken);
    if (!('missing' in spare) || needed.has(spare.missing) || !names.includes(spare.missing)) return undefined;
    needed.add(spare.missing);
  }
}

const sampleOf = (names: readonly string[]): Values => {
  const [own, fields] = [names.filter(name => !name.startsWith('fields.')), names.filter(name => name.startsWith('fields.'))];
  return {
    ...Object.fromEntries(own.map(name => [name, 'Sample'])),
    fields: Object.fromEntries(fields.map(name => [name.slice('fields.'.length), 'Sample'])),
  };
};

const brokenFault = (words: string): string => `it cannot be filled (${words})`;

const isKnown = (segments: readonly unknown[]): boolean =>
  segments[0] === 'fields'
    ? segments.length === 2 && typeof segments[1] === 'string'
    : segments.length === 1 && (variables as readonly unknown[]).includes(segments[0]);

const or = (names: readonly string[]): string => (names.length ? `, did you mean ${names.join(', ')}?` : '');

function variableFault(name: string): string {
  const near = nearest(name.replace(/([a-z])([A-Z])/g, '$1 $2'), variables);
  return `{{ ${name} }} is not a variable${near.length ? or(near) : `: there are ${variables.join(', ')} and fields.NAME`}`;
}

function parseFault(error: Error): string {
  const message = wordsOf(error);
  const filter = /undefined filter: (\S+?),/.exec(message)?.[1];
  if (filter) return `"${filter}" is not a filter${or(nearest(filter, filters))}`;
  const tag = /tag "?([^" ]+)"? not found/.exec(message)?.[1];
  if (tag) return `{% ${tag} %} is not a tag${or(nearest(tag, tags))}`;
  return `it cannot be read as a template (${message})`;
}

/** 'append expect 2 arguments, line 1, column 4' */
const wordsOf = (error: Error): string =>
  error.message.split('\n')[0]!.replace(/, line:(\d+), col:(\d+)$/, ', line $1, column $2');

/** Checks the steps that somebody wants to save; the refusal lists every fault of every step at once. */
export function check(steps: readonly { subject?: string | null; title?: string | null; body: string }[]): Refusal | null {
  const faults = steps.flatMap((step, index) =>
    [step.subject ?? '', step.title ?? '', step.body].flatMap(faultsOf).map(fault => `step ${index + 1}: ${fault}`),
  );
  return faults.length ? refuse('bad_template', `These steps cannot be saved. ${faults.join('; ')}.`) : null;
}

/**
 * A template filled with one lead's values; or the variable that is empty and has no default; or the engine's own words on why it cannot
 * be filled with them. Never half of a message, and never an exception: whoever sends holds this message and goes on with the others (S8).
 */
export type Rendered = { text: string } | { missing: string } | { broken: string };

export function render(template: string, values: Values): Rendered {
  try {
    return { text: engine.parseAndRenderSync(template, present(values)) };
  } catch (error) {
    const missing = /undefined variable: ([\w.-]+)/.exec((error as Error).message)?.[1];
    return missing ? { missing } : { broken: wordsOf(error as Error) };
  }
}

/** Why a message or a task cannot be written for a lead, as the gate stores it: the reason, and the empty variable or the engine's words. */
export interface Unwritable {
  refused: 'missing_variable' | 'template_error' | 'empty_message';
  detail?: string;
}

/** What goes out: its head (a subject, or a task's title) and its body, both with words in them, or why there is nothing to send (S8). */
export function fill(
  { head, body }: { head: string; body: string },
  values: Values,
): { head: string; body: string } | Unwritable {
  const filled = [render(head, values), render(body, values)] as const;
  for (const each of filled) {
    if ('missing' in each) return { refused: 'missing_variable', detail: each.missing };
    if ('broken' in each) return { refused: 'template_error', detail: each.broken };
  }
  const [{ text: first }, { text: second }] = filled as readonly [{ text: string }, { text: string }];
  if (!first.trim() || !second.trim()) return { refused: 'empty_message' };
  return { head: first, body: second };
}

const isFilled = ([, value]: [string, unknown]): boolean => typeof value === 'string' && value.trim() !== '';

/** Empty is absent, so that the engine's strictness sees it. */
const present = ({ fields = {}, ...rest }: Values): object => ({
  ...Object.fromEntries(Object.entries(rest).filter(isFilled)),
  fields: Object.fromEntries(Object.entries(fields).filter(isFilled)),
});

/** The variables that a template names: 'first_name', 'fields.plan'. Only of one that was saved, and so can be read. */
export const variablesIn = (template: string): string[] => [
  ...new Set(engine.globalVariableSegmentsSync(engine.parse(template)).map(segments => segments.map(String).join('.'))),
];

/** Does it depend on values, and not only on which of them are empty? Only what has tags can. */
export const hasTags = (template: string): boolean => template.includes('{%');
