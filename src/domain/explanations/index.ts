import { dateIn } from '../../calendar.ts';
import { isRefusal, type Refusal, refuse } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { Context } from '../context.ts';
import { findLeads, namesLike } from '../exclusions/queries.ts';
import * as forecasts from '../forecasts/index.ts';
import { emailKey, linkedinKey } from '../leads/rules.ts';
import * as links from '../links/index.ts';
import * as lists from '../lists/index.ts';
import * as monitoring from '../monitoring/index.ts';
import * as sequences from '../sequences/index.ts';
import * as queries from './queries.ts';
import { sentence, standing } from './rules.ts';

export type { Event, Reasons } from './queries.ts';
export { meaningOf, sentence } from './rules.ts';

/** What somebody asks about. */
export interface Subject {
  kind: 'lead' | 'list' | 'sequence' | 'sender';
  id: number;
  name: string;
}

/** Why something is or is not moving. JSON. `because` holds whole sentences, the most telling first. */
export interface Explanation extends Subject {
  isMoving: boolean;
  because: string[];
  facts: { label: string; value: string }[];
  /** Only of a lead: its whole life, oldest first. */
  events: queries.Event[];
  /** Of others: how many are held, skipped or ended, by stored reason. */
  reasons: queries.Reasons[];
  zone: string;
  next: string[];
}

const kinds = ['lead', 'list', 'sequence', 'sender'] as const;

/** Finds what a name means; where it means several things, or several people, it asks. A kind may be said first: `list Fintech`. */
export async function resolve(ctx: Context, about: string): Promise<Subject | Refusal> {
  const said = new RegExp(`^(?:the )?(${kinds.join('|')})\\s+(.+)$`, 'i').exec(about.trim());
  const wanted = (said?.[2] ?? about).trim().replace(/^["“”'«]+|["“”'»]+$/g, '');
  const only = said?.[1]?.toLowerCase() as Subject['kind'] | undefined;
  const found = await candidates(ctx, wanted, only);
  // A list may itself be called "List of …".
  if (found.length === 0 && said) return resolve(ctx, `"${about.trim()}"`);
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    const asks = found.slice(0, 5).map(each => `why ${each.kind} ${each.kind === 'lead' ? each.asks : `"${each.name}"`}`);
    const what = found
      .slice(0, 5)
      .map(each => `the ${each.kind} ${each.kind === 'lead' ? `${each.name} (${each.asks})` : `"${each.name}"`}`);
    return refuse('ambiguous_subject', `Which do you mean: ${what.join(', or ')}?`, asks);
  }
  const names = [
    ...(await ctx.tx.selectFrom('list').select('name').where('archived_at', 'is', null).execute()).map(row => row.name),
    ...(await ctx.tx.selectFrom('sequence').select('name').execute()).map(row => row.name),
    ...(await namesLike(ctx.tx, wanted.toLowerCase().split(/\s+/))),
  ];
  const near = nearest(wanted, names);
  const hint = near.length ? ` The nearest: ${near.map(name => `"${name}"`).join(', ')}.` : '';
  const next = near.length ? near.map(name => `why "${name}"`) : ['status'];
  return refuse('unknown_subject', `I know no lead, list, sequence or sender called "${wanted}".${hint}`, next);
}

type Candidate = Subject & { asks: string };

async function candidates(ctx: Context, wanted: string, only: Subject['kind'] | undefined): Promise<Candidate[]> {
  const found: Candidate[] = [];
  const asks = (kind: Subject['kind']) => only === undefined || only === kind;
  const add = (kind: Subject['kind'], row: { id: number; name: string } | Refusal, by = wanted) => {
    if (!isRefusal(row)) found.push({ kind, id: row.id, name: row.name, asks: by });
  };
  if (asks('list')) add('list', await lists.resolve(ctx, wanted));
  if (asks('sequence')) add('sequence', await sequences.resolve(ctx, wanted));
  if (asks('sender'))
    for (const sender of await queries.senders(ctx.tx))
      if ([sender.name, sender.address].some(name => name.toLowerCase() === wanted.toLowerCase()))
        add('sender', { id: sender.id, name: sender.address });
  if (asks('lead'))
    for (const lead of await findLeads(ctx.tx, { email: emailKey(wanted), linkedin: linkedinKey(wanted), name: wanted }))
      add('lead', lead, lead.email ?? lead.linkedin ?? lead.name);
  return found;
}

/** Answers from what is stored, never from a guess: the codes of E5, L5 and D3, over the whole life. */
export function explain(ctx: Context, subject: Subject): Promise<Explanation> {
  if (subject.kind === 'lead') return explainLead(ctx, subject);
  if (subject.kind === 'sender') return explainSender(ctx, subject);
  return subject.kind === 'list' ? explainList(ctx, subject) : explainSequence(ctx, subject);
}

const at =
  (zone: string) =>
  (instant: string): string =>
    Temporal.Instant.from(instant)
      .toZonedDateTimeISO(zone)
      .toPlainDateTime()
      .toString({ smallestUnit: 'minute' })
      .replace('T', ' ');

async function explainLead(ctx: Context, subject: Subject): Promise<Explanation> {
  const { tx, workspace } = ctx;
  const events = await queries.eventsOf(tx, subject.id);
  const run = await queries.liveRun(tx, subject.id);
  const facts = (await queries.leadFacts(tx, subject.id, dateIn(ctx.now, workspace.zone)))!;
  const last = events.findLast(event => event.kind === 'skipped' || event.kind === 'ended');
  const skipped = events.filter(event => event.kind === 'skipped');
  const because = [
    ...(facts.exclusion ? [`${subject.name} ${sentence(facts.exclusion)}`] : []),
    ...(run ? [standing(run, at(run.zone))] : []),
    ...(run
      ? []
      : skipped.map(
          event =>
            `Not enrolled in "${event.sequence}": ${sentence(event.reason!)}${event.detail ? ` (held by "${event.detail}", ${event.by})` : ''}`,
        )),
    ...(!run && last?.kind === 'ended' ? [`The run in "${last.sequence}" ended: ${sentence(last.reason!)}`] : []),
    ...(!run && facts.links.length === 0 ? ['No list that holds this lead is linked to a sequence.'] : []),
  ];
  const isMoving = Boolean(run && !run.heldReason && !run.unknown && (run.state === 'queued' || run.state === 'active'));
  return {
    ...subject,
    isMoving: isMoving && !facts.exclusion && run!.sequenceStatus !== 'inactive',
    because: because.length ? because : ['Its list is linked, and it enrols with the next day of the sequence.'],
    facts: [
      {
        label: 'E-mail',
        value: facts.email ? `${facts.email}${facts.emailStatus === 'unknown' ? '' : ` (${facts.emailStatus})`}` : 'none',
      },
      ...(facts.company ? [{ label: 'Company', value: facts.company }] : []),
    ],
    events,
    reasons: [],
    zone: run?.zone ?? workspace.zone,
    next: run
      ? [...(run.state === 'paused' ? [`resume ${facts.email ?? subject.name}`] : []), `show sequence "${run.sequence}"`]
      : facts.exclusion
        ? []
        : againByHand(events).map(sequence => `enrol ${facts.email ?? subject.name} in ${sequence}`),
  };
}

/** The sequences into which only a person lets a lead again, by name (E4, E5). */
const againByHand = (events: readonly queries.Event[]): string[] => [
  ...new Set(
    events.flatMap(({ kind, reason, sequence }) =>
      sequence && (reason === 'review_expired' || (kind === 'skipped' && reason === 'replied_before')) ? [sequence] : [],
    ),
  ),
];

/** What keeps a sequence, or whoever feeds it, from moving. */
async function obstacles(ctx: Context, sequence: sequences.SequenceRow): Promise<string[]> {
  const { name, status } = sequence;
  const capacity = await sequences.capacity(ctx, sequence);
  const [overview] = await sequences.overviews(ctx, [sequence.id]);
  const missing = status === 'setup' ? await sequences.missing(ctx, sequence) : [];
  const senders = await sequences.sendersOf(ctx, sequence.id);
  const withheld = senders.map(sender => sequences.withheldFor(sender, ctx)).find(reason => reason !== null);
  return [
    ...(status === 'setup'
      ? [`"${name}" is still being set up${missing.length ? `: ${missing.join('; ')}` : '. Activate it'}.`]
      : []),
    ...(status === 'inactive' ? [`"${name}" is paused: nothing is sent at all. Resume it.`] : []),
    ...(status === 'finishing' ? [`"${name}" is finishing: it takes nobody new.`] : []),
    ...(status === 'archived' ? [`"${name}" is archived for good.`] : []),
    ...(withheld && sequences.isRunning(status) ? [`Nothing of "${name}" leaves: ${sentence(withheld)}`] : []),
    ...(capacity.limitedBy === 'no_sender' ? [`"${name}" has no healthy sender. See why the sender stopped, or add one.`] : []),
    ...(overview!.inReview ? [`${overview!.inReview} people wait for somebody to approve them.`] : []),
    ...(capacity.effectiveCap < capacity.cap && capacity.limitedBy !== 'no_sender'
      ? [`Of its cap of ${capacity.cap} a day, ${capacity.effectiveCap} result from its senders and its window.`]
      : []),
    ...(overview!.plannedToday ? [`${overview!.plannedToday} people are planned for the rest of today.`] : []),
  ];
}

const pausing = (reasons: readonly queries.Reasons[]): string[] =>
  reasons
    .filter(each => each.kind === 'held' || each.kind === 'late')
    .map(each => `${each.people} held: ${sentence(each.reason)}`);

async function explainSequence(ctx: Context, subject: Subject): Promise<Explanation> {
  const sequence = await ctx.tx.selectFrom('sequence').selectAll().where('id', '=', subject.id).executeTakeFirstOrThrow();
  const reasons = await queries.reasonsOf(ctx.tx, { sequenceId: subject.id, listId: null });
  const [overview] = await sequences.overviews(ctx, [subject.id]);
  const feeds = await links.of(ctx, subject.id);
  const pace = overview!.pace;
  const isMoving = sequences.isRunning(sequence.status) && overview!.capacity.effectiveCap > 0;
  const because = [
    ...(await obstacles(ctx, sequence)),
    ...(sequence.status === 'active' && feeds.length === 0 ? ['No list is linked to it, so nobody new comes.'] : []),
    ...pausing(reasons),
  ];
  return {
    ...subject,
    isMoving,
    because: because.length ? because : ['It runs, and nothing stands in its way.'],
    facts: [
      { label: 'Contacted today', value: `${overview!.contactedToday} of ${overview!.capacity.effectiveCap}` },
      { label: 'Next send', value: overview!.nextSendAt ? at(sequence.zone)(overview!.nextSendAt) : 'none is planned' },
      ...paceLines(pace),
    ],
    events: [],
    reasons,
    zone: sequence.zone,
    next: [`show sequence "${sequence.name}"`, `forecast of "${sequence.name}"`],
  };
}

const paceLines = ({ inflowPerWeek, roomPerWeek, backlog, drainsOn }: forecasts.Pace) => [
  { label: 'Coming in, room for new leads', value: `${inflowPerWeek}, ${roomPerWeek} a week` },
  {
    label: 'Backlog',
    value: backlog ? `${backlog}, ${drainsOn ? `drained around ${drainsOn}` : 'never drained as things are'}` : 'nobody waits',
  },
];

async function explainList(ctx: Context, subject: Subject): Promise<Explanation> {
  const list = (await lists.byId(ctx, subject.id))!;
  const link = await links.activeOf(ctx, list.id);
  const order = await monitoring.of(ctx, list.id);
  const [last] = await ctx.tx
    .selectFrom('refill')
    .selectAll()
    .where('list_id', '=', list.id)
    .orderBy('id', 'desc')
    .limit(1)
    .execute();
  const sequence = link
    ? await ctx.tx.selectFrom('sequence').selectAll().where('id', '=', link.sequence_id).executeTakeFirstOrThrow()
    : undefined;
  const reasons = await queries.reasonsOf(ctx.tx, { sequenceId: null, listId: list.id });
  const skipped = Object.entries((last?.skipped ?? {}) as Record<string, number>).filter(([, people]) => people > 0);
  const because = [
    ...(order ? [] : ['Monitoring is off, so it gets nobody by itself.']),
    ...(last?.status === 'queued' || last?.status === 'running'
      ? [`${last.asked - last.added} ordered leads are on the way.`]
      : []),
    ...(last?.error ? [last.error] : []),
    ...(last?.ended === 'exhausted' && last.added < last.asked
      ? [`The last refill added ${last.added} of ${last.asked}: the source has nobody else now. Wider criteria would help.`]
      : []),
    ...skipped.map(([code, people]) => `The last refill passed over ${people}: each ${sentence(code)}`),
    ...(sequence ? await obstacles(ctx, sequence) : ['It is not linked to a sequence, so nobody on it is contacted. Link it.']),
    ...reasons.filter(each => each.kind === 'skipped').map(each => `${each.people} not enrolled: each ${sentence(each.reason)}`),
    ...pausing(reasons),
  ];
  return {
    ...subject,
    isMoving: sequence ? sequences.isRunning(sequence.status) : order !== undefined,
    because,
    facts: [
      { label: 'Monitoring', value: monitoring.summary(order) },
      { label: 'Sequence', value: sequence ? `${sequence.name} (${sequence.status})` : 'not linked' },
      ...(sequence ? paceLines(await forecasts.pace(ctx, sequence)) : []),
    ],
    events: [],
    reasons,
    zone: ctx.workspace.zone,
    next: [`show list "${list.name}"`, ...(sequence ? [`why "${sequence.name}"`] : ['list sequences'])],
  };
}

async function explainSender(ctx: Context, subject: Subject): Promise<Explanation> {
  const sender = (await queries.senders(ctx.tx)).find(each => each.id === subject.id)!;
  const { zone } = ctx.workspace;
  const today = await queries.senderToday(ctx.tx, sender.id, dateIn(ctx.now, zone));
  const stops: Record<string, string> = {
    resting: `It rests${sender.restsUntil ? ` through ${sender.restsUntil}` : ''}: ${sentence(sender.code ?? 'quota')}`,
    failing: `It fails: ${sentence(sender.code ?? 'auth_failed')}`,
    paused: `It is stopped: ${sentence(sender.code ?? 'blocked')}`,
  };
  const isFull = today.sent >= sender.limit;
  return {
    ...subject,
    isMoving: sender.status === 'healthy',
    because: [
      ...(stops[sender.status] ? [`${stops[sender.status]}${sender.reason ? ` (${sender.reason})` : ''}`] : []),
      ...(isFull ? ['Its daily limit is reached; it goes on tomorrow.'] : []),
      ...(sender.sequences.length ? [] : ['No sequence sends from it.']),
      ...(sender.status === 'healthy' && !isFull && today.nextAt
        ? [`Its next message leaves at ${at(zone)(today.nextAt)}.`]
        : []),
      ...(sender.status === 'healthy' && !isFull && !today.nextAt && sender.sequences.length
        ? ['Nothing is planned for it today.']
        : []),
    ],
    facts: [
      { label: 'Status', value: sender.status },
      { label: 'Today', value: `${today.sent} sent, ${today.planned} planned, of ${sender.limit} a day` },
      { label: 'Gap', value: `${sender.gapMinutes} minutes` },
      { label: 'Sequences', value: sender.sequences.join(', ') || 'none' },
    ],
    events: [],
    reasons: [],
    zone,
    next: sender.sequences.slice(0, 2).map(name => `why "${name}"`),
  };
}
