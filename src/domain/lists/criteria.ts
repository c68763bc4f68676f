import { z } from 'zod';

export const seniorities = [
  'founder',
  'owner',
  'c_level',
  'partner',
  'vp',
  'head',
  'director',
  'manager',
  'senior',
  'entry',
  'intern',
] as const;

export const functions = [
  'sales',
  'marketing',
  'engineering',
  'product',
  'design',
  'data',
  'it',
  'security',
  'finance',
  'hr',
  'operations',
  'legal',
  'support',
  'general_management',
] as const;

const words = z.array(z.string().trim().min(1).max(80)).max(40);
const range = z
  .object({ min: z.int().min(1).optional(), max: z.int().min(1).optional() })
  .refine(r => r.min !== undefined || r.max !== undefined, 'a headcount range needs a least or a most')
  .refine(r => (r.min ?? 1) <= (r.max ?? Number.MAX_SAFE_INTEGER), 'the least headcount is above the most');

const filters = z.object({
  titles: words.optional().describe('Job titles as people write them: "VP of Sales", "Head of Data"'),
  seniorities: z.array(z.enum(seniorities)).optional(),
  functions: z.array(z.enum(functions)).optional(),
  industries: words.optional().describe('Industries by their common names: "fintech", "logistics"'),
  personLocations: words.optional().describe('Where the person is: a country, region or city'),
  companyLocations: words.optional().describe('Where the company is: a country, region or city'),
  technologies: words.optional(),
  keywords: words.optional().describe('Words that describe the company'),
});

/** What a list looks for: one vocabulary for every source. Values of one filter are alternatives, filters must all hold. */
export const criteria = filters.extend({
  headcount: range.optional().describe('Employees of the company'),
  exclude: filters.extend({ headcount: range.optional() }).optional().describe('Matches to leave out'),
});
export type Criteria = z.infer<typeof criteria>;
export type Filters = z.infer<typeof filters>;

/** Does it ask for anything at all? Criteria that only exclude ask for nobody in particular. */
export const isEmpty = (wanted: Criteria): boolean =>
  !wanted.headcount &&
  Object.entries(wanted).every(([key, value]) => key === 'exclude' || !Array.isArray(value) || value.length === 0);
