import { Liquid, type Template } from 'liquidjs';
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
const engine = new Liquid({
  strictVariables: true,
  strictFilters: true,
  lenientIf: true,
  ownPropertyOnly: true,
  parseLimit: 100_000,
  renderLimit: 1_000,
  memoryLimit: 1_000_000,
});
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
  return [...new Set(unknown.map(segments => variableFault(segments.map(String).join('.'))))];
}

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
  const message = error.message.split('\n')[0]!;
  const filter = /undefined filter: (\S+?),/.exec(message)?.[1];
  if (filter) return `"${filter}" is not a filter${or(nearest(filter, filters))}`;
  const tag = /tag "?([^" ]+)"? not found/.exec(message)?.[1];
  if (tag) return `{% ${tag} %} is not a tag${or(nearest(tag, tags))}`;
  return `it cannot be read as a template (${message.replace(/, line:(\d+), col:(\d+)$/, ', line $1, column $2')})`;
}

/** Checks the steps that somebody wants to save; the refusal lists every fault of every step at once. */
export function check(steps: readonly { subject?: string | null; title?: string | null; body: string }[]): Refusal | null {
  const faults = steps.flatMap((step, index) =>
    [step.subject ?? '', step.title ?? '', step.body].flatMap(faultsOf).map(fault => `step ${index + 1}: ${fault}`),
  );
  return faults.length ? refuse('bad_template', `These steps cannot be saved. ${faults.join('; ')}.`) : null;
}

/** A template filled with one lead's values, or the variable that is empty and has no default. Never half of a message (S8). */
export type Rendered = { text: string } | { missing: string };

export function render(template: string, values: Values): Rendered {
  try {
    return { text: engine.parseAndRenderSync(template, present(values)) };
  } catch (error) {
    const missing = /undefined variable: ([\w.-]+)/.exec((error as Error).message)?.[1];
    if (missing) return { missing };
    throw error;
  }
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
