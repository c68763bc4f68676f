import { z } from 'zod';
import { type Context, mayChange } from '../domain/context.ts';
import * as enrollments from '../domain/enrollments/index.ts';
import * as left from '../domain/enrollments/left.ts';
import * as forecasts from '../domain/forecasts/index.ts';
import * as links from '../domain/links/index.ts';
import * as lists from '../domain/lists/index.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { listPaceLine, paceLeft, paceOfList } from './list-pace.ts';
import { hasLeft, type Linkage, linkageOf, relink } from './list-undo.ts';
import { heldTable, type Preflight, preflightFacts, preflightNotes, preflightOf } from './preflight-report.ts';
import { count, type Fact, type Report, reasons } from './report.ts';
import { paceFacts } from './sequence-report.ts';
import { defineTool, type Plan } from './tool.ts';

/** What a link would do, as the card and the answer tell it (K3, K7). JSON. */
interface Preview {
  list: string;
  sequence: string;
  mode: 'copilot' | 'autopilot';
  members: number;
  /** Leads that were ordered and have not arrived yet: they enrol as they come (M7). */
  onTheWay: number;
  enrolling: number;
  skipped: Record<string, number>;
  heldBy: { sequence: string; owner: string; people: number }[];
  cap: { set: number; effective: number };
  monitoring: string;
  move: { from: string; owner: string; uncontacted: number; passing: number; contacted: number } | null;
  /** Null where the list is linked to it already. */
  preflight: Preflight | null;
}

interface LinkPlan {
  /** Null: the list is linked to this sequence already. */
  change: { listId: number; sequenceId: number; replaces: number | null } | null;
  preview: Preview;
  progress: Awaited<ReturnType<typeof enrollments.progress>> | null;
  pace: Fact[];
}

type Result = Preview & {
  outcome: 'linked' | 'already_linked';
  progress: LinkPlan['progress'];
  /** Where it was linked already (M9); otherwise the preview tells it. */
  pace: Fact[];
  /** The link that was made. */
  made: { listId: number; linkId: number } | null;
};

/** Links a list to a sequence: its people enrol in the background (K1–K5). */
export const linkList = defineTool({
  name: 'link_list',
  description:
    'Link a list to an active sequence, so that its people, and those that monitoring adds later, are contacted by it. A list that is linked elsewhere moves. Asking again shows how far the enrolment is.',
  examples: ['link "Fintech VPs" to Fall Intro', 'put Fintech VPs in Fall Intro', 'move Fintech VPs to Winter Intro'],
  input: z.object({ list: z.string().trim().min(1), sequence: z.string().trim().min(1) }),
  prepare: preflightOf,
  plan: async (ctx, input, preflight: Preflight | null): Promise<Plan<LinkPlan> | Refusal> => {
    const list = await lists.mine(ctx, input.list);
    if (isRefusal(list)) return list;
    const sequence = await sequences.resolve(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const owner = await ownerName(ctx, sequence.owner_id);
    if (!mayChange(ctx.actor, sequence.owner_id))
      return refuse('not_yours', `"${sequence.name}" belongs to ${owner}. Ask ${owner} or an admin to link lists to it.`, [
        `show sequence ${sequence.name}`,
      ]);
    const current = await links.activeOf(ctx, list.id);
    const objects = [`list:${list.id}`, `sequence:${sequence.id}`];
    if (current?.sequence_id === sequence.id) {
      const progress = await enrollments.progress(ctx, current.id);
      const preview = await previewOf(ctx, list, sequence, { foreseen: [], preflight: null });
      const summary = `"${list.name}" is linked to "${sequence.name}" already.`;
      const pace = paceFacts(await forecasts.pace(ctx, sequence));
      return { effect: 'read', data: { change: null, preview, progress, pace }, summary, objects };
    }
    const refusal = links.linkable(sequence);
    if (refusal) return refusal;

    const foreseen = await enrollments.foresee(ctx, {
      listId: list.id,
      sequenceId: sequence.id,
      leavingLinkId: current?.id ?? null,
    });
    const preview = await previewOf(ctx, list, sequence, { foreseen, preflight }, current);
    const gated = links.isGated({
      mode: sequence.mode,
      reach: reachOf(preview),
      isMonitored: preview.monitoring !== 'off',
      moves: current !== undefined,
    });
    return {
      effect: gated ? 'gated' : 'write',
      data: {
        change: { listId: list.id, sequenceId: sequence.id, replaces: current?.id ?? null },
        preview,
        progress: null,
        pace: [],
      },
      summary: summaryOf(preview),
      reach: reachOf(preview),
      objects,
      binds: [list.id, sequence.id, sequence.status, sequence.mode, current?.id ?? null],
      card: cardOf(preview),
    };
  },
  run: async (ctx, { change, preview, progress, pace }): Promise<Result | Refusal> => {
    if (!change) return { ...preview, outcome: 'already_linked', progress, pace, made: null };
    const linked = await links.link(ctx, change);
    if (isRefusal(linked)) return linked;
    return { ...preview, outcome: 'linked', progress: null, pace: [], made: { listId: change.listId, linkId: linked.linkId } };
  },
  before: async (ctx, { change }): Promise<Linkage | null> => (change ? linkageOf(ctx, change.listId) : null),
  // Moving a list back is a move, and moves ask (K3).
  undoIsGated: async (_ctx, { before }) => before !== null,
  undo: (ctx, { before, result }) => takeBack(ctx, before, result as Result),
  // A refusal never gets here: the one door tells it.
  present: told => {
    const result = told as Result;
    return result.outcome === 'linked' ? linkedReport(result) : progressReport(result);
  },
});

async function takeBack(ctx: Context, before: Linkage | null, { list, sequence, made }: Result) {
  const current = made && (await links.activeOf(ctx, made.listId));
  if (!made || current?.id !== made.linkId)
    return refuse('not_linked', `"${list}" is no longer linked as it was by that.`, [`show list "${list}"`]);
  const contacted = await left.throughLink(ctx, made.linkId);
  if (contacted) return hasLeft(contacted, 'Unlinking it lets the others go; who was contacted finishes.', [`unlink "${list}"`]);
  if (!before) {
    const ended = await links.unlink(ctx, { listId: made.listId });
    return {
      said: `"${list}" is not linked to "${sequence}" any more; ${people(ended?.released.withdrawn ?? 0)} left it.`,
      facts: ended ? await paceLeft(ctx, { listId: made.listId, sequenceId: ended.sequenceId, sequence }) : [],
    };
  }
  const refusal = await relink(ctx, made.listId, before);
  if (refusal) return refusal;
  const facts = listPaceLine(await paceOfList(ctx, made.listId));
  return { said: `"${list}" is back in "${before.sequence}", where its people enrol anew.`, facts };
}

async function previewOf(
  ctx: Context,
  list: lists.ListRow,
  sequence: sequences.SequenceRow,
  { foreseen, preflight }: { foreseen: Awaited<ReturnType<typeof enrollments.foresee>>; preflight: Preflight | null },
  current?: links.LinkRow,
): Promise<Preview> {
  const skipped: Record<string, number> = {};
  for (const { reason, people } of foreseen) if (reason) skipped[reason] = (skipped[reason] ?? 0) + people;
  return {
    list: list.name,
    sequence: sequence.name,
    mode: sequence.mode as Preview['mode'],
    members: foreseen.reduce((sum, { people }) => sum + people, 0),
    onTheWay: await monitoring.onTheWay(ctx, list.id),
    enrolling: foreseen.find(({ reason }) => reason === null)?.people ?? 0,
    skipped,
    heldBy: foreseen.flatMap(({ sequence: name, owner, people }) => (name && owner ? [{ sequence: name, owner, people }] : [])),
    cap: { set: sequence.daily_cap, effective: (await sequences.capacity(ctx, sequence)).effectiveCap },
    monitoring: monitoring.summary(await monitoring.of(ctx, list.id)),
    move: current ? await moveOf(ctx, current) : null,
    preflight,
  };
}

async function moveOf(ctx: Context, current: links.LinkRow): Promise<NonNullable<Preview['move']>> {
  const from = await ctx.tx
    .selectFrom('sequence')
    .select(['name', 'owner_id'])
    .where('id', '=', current.sequence_id)
    .executeTakeFirstOrThrow();
  const leaving = await enrollments.lettingGo(ctx, current.id);
  return { from: from.name, owner: await ownerName(ctx, from.owner_id), ...leaving };
}

const ownerName = async (ctx: Context, id: number): Promise<string> =>
  (await ctx.tx.selectFrom('member').select('name').where('id', '=', id).executeTakeFirst())?.name ?? 'somebody else';

/** Whom the link would reach: those who enrol at once, and those who are on their way to the list (A1, A2). */
const reachOf = ({ enrolling, onTheWay }: Pick<Preview, 'enrolling' | 'onTheWay'>): number => enrolling + onTheWay;

const people = (n: number) => count(n, 'person', 'people');

const summaryOf = ({ list, sequence, move, ...counts }: Preview): string =>
  move
    ? `Move "${list}" from "${move.from}" to "${sequence}": ${people(reachOf(counts))} would enrol there.`
    : `Link "${list}" to "${sequence}": ${people(reachOf(counts))} would enrol.`;

const setAndResulting = ({ set, effective }: Preview['cap']): string =>
  effective < set ? `${effective} / day (set to ${set})` : `${set} / day`;

const skipCount = (skipped: Record<string, number>): number => Object.values(skipped).reduce((sum, n) => sum + n, 0);

const moveWords = ({ from, owner, uncontacted, passing, contacted }: NonNullable<Preview['move']>): string =>
  [
    `${people(uncontacted + contacted)} of this list there ("${from}", ${owner})`,
    `${uncontacted - passing} not contacted yet are withdrawn`,
    `${contacted} contacted finish there`,
    ...(passing ? [`${passing} stay there through another list`] : []),
  ].join('; ');

function facts(preview: Preview): Fact[] {
  const { mode, enrolling, members, onTheWay, skipped, cap, move, preflight } = preview;
  const entering = mode === 'copilot' ? 'who wait for review first' : 'who are contacted without review (autopilot)';
  return [
    ...(move ? [{ label: `Leaves "${move.from}"`, value: moveWords(move) }] : []),
    { label: 'Enrol', value: `${enrolling.toLocaleString('en-US')} of ${people(members)}, ${entering}` },
    ...(onTheWay ? [{ label: 'On the way', value: `${people(onTheWay)} ordered for the list enrol as they are added` }] : []),
    ...(preflight
      ? preflightFacts(preflight)
      : [
          ...(skipCount(skipped) ? [{ label: 'Do not enrol', value: reasons(skipped) }] : []),
          { label: 'Daily cap', value: setAndResulting(cap) },
        ]),
    { label: 'Monitoring', value: preview.monitoring },
  ];
}

const notes = ({ members, onTheWay, monitoring: order, sequence, preflight }: Preview): string[] => [
  ...(preflight ? preflightNotes(preflight) : []),
  ...(members + onTheWay === 0 ? ['The list is empty: people enrol as they are added.'] : []),
  ...(order === 'off' ? [] : [`Whoever monitoring adds (${order}) enrols in "${sequence}" too.`]),
];

function cardOf(preview: Preview): Report {
  const { list, sequence, move } = preview;
  return {
    tone: move ? 'warning' : 'neutral',
    title: move ? `Move "${list}" from "${move.from}" to "${sequence}"?` : `Link "${list}" to "${sequence}"?`,
    facts: facts(preview),
    tables: heldTable(preview.heldBy),
    notes: notes(preview),
  };
}

function linkedReport(result: Result): Report {
  const { list, sequence, move, mode } = result;
  const enrolling = reachOf(result);
  const how = enrolling ? `${people(enrolling)} ${enrolling === 1 ? 'is' : 'are'} being enrolled.` : 'Nobody enrols for now.';
  return {
    tone: 'good',
    title: move
      ? `"${list}" has moved from "${move.from}" to "${sequence}". ${how}`
      : `"${list}" is linked to "${sequence}". ${how}`,
    facts: facts(result),
    tables: heldTable(result.heldBy),
    notes: notes(result),
    next: [
      ...(mode === 'copilot' && enrolling ? [`show reviews of ${sequence}`] : []),
      `show sequence ${sequence}`,
      `unlink ${list}`,
    ],
  };
}

function progressReport({ list, sequence, progress, monitoring: order, cap, pace }: Result): Report {
  const { members, enrolled, byAnotherList, remaining, skipped } = progress!;
  return {
    tone: 'neutral',
    title: `"${list}" is linked to "${sequence}" already; nothing was changed.`,
    facts: [
      { label: 'Enrolled', value: `${enrolled.toLocaleString('en-US')} of ${people(members)}` },
      ...(byAnotherList ? [{ label: 'Enrolled by another list', value: byAnotherList.toLocaleString('en-US') }] : []),
      ...(skipCount(skipped) ? [{ label: 'Not enrolled', value: reasons(skipped) }] : []),
      ...(remaining ? [{ label: 'Still to come', value: remaining.toLocaleString('en-US') }] : []),
      { label: 'Daily cap', value: setAndResulting(cap) },
      { label: 'Monitoring', value: order },
      ...pace,
    ],
    next: [`show sequence ${sequence}`, `unlink ${list}`],
  };
}
