import { z } from 'zod';
import { dateIn } from '../calendar.ts';
import { type Context, mayChange } from '../domain/context.ts';
import { chunkSize } from '../domain/enrollments/index.ts';
import * as review from '../domain/enrollments/review.ts';
import { wordsFor } from '../domain/lists/rules.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { count, day, type Report, type Table } from './report.ts';
import { decidedOn, takeBackDecision } from './review-undo.ts';
import { defineTool, type Plan } from './tool.ts';

/** How many are shown at once. */
const batch = 20;

interface Shown {
  name: string;
  title: string | null;
  company: string | null;
  list: string | null;
  chosen: string;
  since: string;
}

interface Review {
  sequence: string;
  sequenceId: number;
  decision: 'show' | 'approve' | 'refuse';
  waiting: number;
  ids: number[];
  leads: Shown[];
  because: string | null;
}

interface Reviewed extends Omit<Review, 'ids'> {
  decided: number;
}

/** Shows who waits for review in a sequence, or decides on them (E4). */
export const reviewLeads = defineTool({
  name: 'review_leads',
  description:
    'Show the leads that wait for review in a copilot sequence, why each was chosen and since when it waits; or approve (they will be contacted) or refuse them: by name or address, the oldest few by count, or all.',
  examples: [
    'show reviews of Fall Intro',
    'approve the first 20 in Fall Intro',
    'approve all in Fall Intro',
    'refuse ann@company.example in Fall Intro because she is a customer',
  ],
  input: z.object({
    sequence: z.string().trim().min(1),
    decision: z.enum(['show', 'approve', 'refuse']),
    leads: z.array(z.string().trim().min(1)).max(100).optional().describe('Names or e-mail addresses'),
    count: z.int().min(1).max(chunkSize).optional().describe('That many, those who have waited longest'),
    all: z.boolean().optional(),
    reason: z.string().trim().min(1).max(300).optional().describe('Why they are refused'),
  }),
  plan: async (ctx, input): Promise<Plan<Review> | Refusal> => {
    const sequence = await sequences.resolve(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const { id, name } = sequence;
    const waiting = await review.countWaiting(ctx, id);
    const objects = [`sequence:${id}`];
    const told = (leads: review.Waiting[]) => ({
      sequence: name,
      sequenceId: id,
      waiting,
      leads: leads.slice(0, batch).map(shown),
      because: input.decision === 'refuse' ? (input.reason ?? null) : null,
    });
    if (input.decision === 'show') {
      const leads = await review.waiting(ctx, id, batch);
      const data: Review = { ...told(leads), decision: 'show', ids: [] };
      return { effect: 'read', data, summary: `Show who waits for review in "${name}".`, objects };
    }
    if (!mayChange(ctx.actor, sequence.owner_id))
      return refuse('not_yours', `Only the owner of "${name}" or an admin reviews its leads.`, [`show reviews of ${name}`]);
    if (!waiting) return refuse('nobody_waits', `Nobody waits for review in "${name}".`, [`show sequence ${name}`]);
    const chosen = await choose(ctx, sequence, input);
    if (isRefusal(chosen)) return chosen;
    const data: Review = { ...told(chosen), decision: input.decision, ids: chosen.map(lead => lead.enrollmentId) };
    const why = data.because ? `: ${data.because}` : '.';
    const summary = `${input.decision === 'approve' ? 'Approve' : 'Refuse'} ${count(chosen.length, 'lead')} in "${name}"${why}`;
    return {
      effect: chosen.length > 1 ? 'gated' : 'write',
      data,
      summary,
      reach: chosen.length,
      objects,
      // "All" may have grown or shrunk a little at the press; people chosen by name or by count must be the ones on the card.
      binds: [id, sequence.status, input.decision, input.all ? 'all' : data.ids],
      card: cardOf(data, chosen.length, ctx.workspace.zone, ctx.now),
    };
  },
  run: async (ctx, { ids, ...told }): Promise<Reviewed> => {
    const { sequenceId, decision, because } = told;
    if (decision === 'show') return { ...told, decided: 0 };
    return { ...told, decided: await review.decide(ctx, { sequenceId, enrollmentIds: ids, decision, because }) };
  },
  before: decidedOn,
  undo: takeBackDecision,
  present: (result, { zone, now }): Report =>
    result.decision === 'show' ? shownReport(result, zone, now) : decidedReport(result),
});

async function choose(
  ctx: Context,
  sequence: sequences.SequenceRow,
  { leads, count: wanted, all }: { leads?: string[] | undefined; count?: number | undefined; all?: boolean | undefined },
): Promise<review.Waiting[] | Refusal> {
  if (leads?.length) return review.named(ctx, sequence, leads);
  if (all || wanted) return review.waiting(ctx, sequence.id, all ? chunkSize : wanted!);
  return refuse('who', `Whom in "${sequence.name}"? Name them, say how many, or all.`, [
    `show reviews of ${sequence.name}`,
    `approve the first 20 in ${sequence.name}`,
    `approve all in ${sequence.name}`,
  ]);
}

const shown = ({ name, title, company, list, since, ...from }: review.Waiting): Shown => ({
  ...{ name, title, company, list, chosen: chosenFor(from), since: since.toString() },
});

/** Why the lead is here: what its list looked for, or the file that it came in. */
const chosenFor = ({ criteria, file, source }: Pick<review.Waiting, 'criteria' | 'file' | 'source'>): string =>
  criteria ? wordsFor(criteria) : file ? `in the file ${file}` : source ? `from ${source}` : 'by hand';

/** Who they are, why they were chosen and how long they have waited, the longest first. */
function waitingTable(leads: Shown[], total: number, zone: string, now: Temporal.Instant): Table {
  const today = dateIn(now, zone);
  const age = (since: string): string => {
    const date = dateIn(Temporal.Instant.from(since), zone);
    const days = date.until(today).days;
    return `${day(date)} (${days === 0 ? 'today' : count(days, 'day')})`;
  };
  return {
    columns: ['Name', 'Title', 'Company', 'List', 'Chosen for', 'Waiting since'].map(label => ({ label })),
    rows: leads.map(({ name, title, company, list, chosen, since }) => [
      ...[name, title ?? '–', company ?? '–', list ?? '–', chosen, age(since)],
    ]),
    ...(total > leads.length ? { more: total - leads.length } : {}),
  };
}

function cardOf({ decision, sequence, leads, because }: Review, chosen: number, zone: string, now: Temporal.Instant): Report {
  return {
    tone: decision === 'approve' ? 'neutral' : 'warning',
    title: `${decision === 'approve' ? 'Approve' : 'Refuse'} ${count(chosen, 'lead')} in "${sequence}"?`,
    ...(because ? { facts: [{ label: 'Because', value: because }] } : {}),
    tables: [waitingTable(leads, chosen, zone, now)],
    notes: [decision === 'approve' ? 'They are contacted as the daily cap allows.' : 'They are not contacted by this sequence.'],
  };
}

function shownReport({ sequence, waiting, leads }: Reviewed, zone: string, now: Temporal.Instant): Report {
  if (!waiting) return { tone: 'good', title: `Nobody waits for review in "${sequence}".`, next: [`show sequence ${sequence}`] };
  return {
    tone: 'neutral',
    title: `${count(waiting, 'lead waits', 'leads wait')} for review in "${sequence}".`,
    tables: [waitingTable(leads, waiting, zone, now)],
    next: [
      `approve ${leads[0]!.name} in ${sequence}`,
      ...(waiting > batch ? [`approve the first ${batch} in ${sequence}`] : []),
      `approve all in ${sequence}`,
    ],
  };
}

function decidedReport({ sequence, decision, decided, waiting, because }: Reviewed): Report {
  const left = Math.max(0, waiting - decided);
  return {
    tone: 'good',
    title: `${count(decided, 'lead is', 'leads are')} ${decision === 'approve' ? 'approved' : 'refused'} in "${sequence}".`,
    facts: [
      ...(because ? [{ label: 'Because', value: because }] : []),
      { label: 'Still waiting', value: left.toLocaleString('en-US') },
    ],
    next: [...(left ? [`show reviews of ${sequence}`] : []), `show sequence ${sequence}`],
  };
}
