import { z } from 'zod';
import * as forecasts from '../domain/forecasts/index.ts';
import { all as allSenders } from '../domain/senders/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import * as life from '../domain/sequences/life.ts';
import { isRefusal, refuse } from '../errors.ts';
import { count } from './report.ts';
import {
  capText,
  holidaysFrom,
  holidaysText,
  paceFacts,
  sequenceRef,
  settings,
  stepsTable,
  windowFrom,
  windowText,
} from './sequence-report.ts';
import { putBackEdit, restoringIsBold, snapshotEdit } from './sequence-undo.ts';
import { previews, previewTables } from './template-preview.ts';
import { defineTool, localDate } from './tool.ts';

/** Changes a sequence. Gated where it makes a running one send more, at more hours, or other texts to people in flight (A1). */
export const editSequence = defineTool({
  name: 'edit_sequence',
  description:
    'Change a sequence: name, steps (a new version; people in it keep theirs unless moveUnsent), daily cap, send days and hours, zone, holidays, senders.',
  examples: [
    'set the daily cap of Fall Intro to 30',
    'send Fall Intro only from 10:00 to 16:00',
    'rename Fall Intro to Autumn Intro',
    'use the public holidays of Germany for Fall Intro',
    'add 31 December to the holidays of Fall Intro',
  ],
  input: z.object({
    sequence: sequenceRef,
    name: z.string().trim().min(1).max(80).optional(),
    ...settings,
    holidays: z
      .object({
        country: z.string().trim().min(1).max(60).nullable().optional().describe('Its public holidays; null: no country'),
        addDates: z.array(localDate).max(200).optional().describe('Dates on which nothing is sent, besides those it has'),
        removeDates: z.array(localDate).max(200).optional().describe('Dates of its own on which messages may leave again'),
        dates: z.array(localDate).max(200).optional().describe('Only to replace all its own dates by these; [] leaves none'),
      })
      .optional(),
    moveUnsent: z.boolean().optional().describe('Unsent messages of people already in it get the new steps too'),
  }),
  plan: async (ctx, { sequence: ref, name, steps, dailyCap, senders, holidays: free, moveUnsent, ...asked }) => {
    const sequence = await sequences.mine(ctx, ref);
    if (isRefusal(sequence)) return sequence;
    if (sequence.status === 'archived')
      return refuse('sequence_archived', `"${sequence.name}" is archived and cannot be changed.`, ['list sequences']);
    const before = sequences.windowOf(sequence);
    const touchesWindow = Object.values(asked).some(value => value !== undefined);
    const window = windowFrom(before, asked);
    if (isRefusal(window)) return window;
    const fault = await sequences.check(ctx, { name, steps, window }, sequence.id);
    if (fault) return fault;
    const senderIds = senders ? await sequences.resolveSenders(ctx, senders) : undefined;
    if (isRefusal(senderIds)) return senderIds;
    const isRunning = sequences.isRunning(sequence.status);
    const others = senderIds ? (await allSenders(ctx)).filter(sender => senderIds.includes(sender.id)) : undefined;
    const missing = others && isRunning ? await sequences.missing(ctx, sequence, others) : [];
    if (missing.length)
      return refuse(
        'not_ready',
        `"${sequence.name}" is ${sequence.status}, and with these senders it would not be ready: ${missing.join('; ')}.`,
        [
          ...(ctx.workspace.postal_address?.trim() ? [] : ['set the postal address to "1 Example Street, London"']),
          ...['list senders', `show sequence "${sequence.name}"`],
        ],
      );
    const closed = sequences.planOf(sequence.holidays);
    const holidays = free && holidaysFrom(sequence.name, closed, free);
    if (isRefusal(holidays)) return holidays;
    const said = [name, steps, dailyCap, senders, holidays, moveUnsent || undefined].filter(value => value !== undefined);
    if (said.length === 0 && !touchesWindow)
      return refuse('nothing_to_change', `What should change in "${sequence.name}"?`, [
        `set the daily cap of "${sequence.name}" to 30`,
        `show sequence "${sequence.name}"`,
      ]);

    const changes = [
      ...(name === undefined ? [] : [`it is called "${name}"`]),
      ...(dailyCap === undefined ? [] : [`daily cap ${sequence.daily_cap} → ${dailyCap}`]),
      ...(touchesWindow ? [`window ${windowText(before)} → ${windowText(window)}`] : []),
      ...(steps ? [`${count(steps.length, 'step')} as version ${sequence.version + 1}`] : []),
      ...(senders ? [`senders ${senders.join(', ')}`] : []),
      ...(holidays ? [`holidays ${holidaysText(closed)} → ${holidaysText(holidays)}`] : []),
      ...(moveUnsent ? ['people already in it get the newest steps'] : []),
    ];
    const isBold =
      (dailyCap ?? 0) > sequence.daily_cap ||
      (touchesWindow && sequences.widens(before, window)) ||
      (holidays && sequences.opensHolidays(closed, holidays)) ||
      moveUnsent ||
      (others && sequences.becomesReal(await sequences.sendersOf(ctx, sequence.id), others));
    const summary = `Change "${sequence.name}": ${changes.join('; ')}.`;
    const [now] = await sequences.overviews(ctx, [sequence.id]);
    const groups = steps || moveUnsent ? await life.groupsAt(ctx, sequence, { steps, moveUnsent }) : null;
    const { holidays: _, ...hours } = window;
    const pace = await forecasts.pace(ctx, {
      ...sequence,
      ...{ daily_cap: dailyCap ?? sequence.daily_cap, zone: hours.zone, send_days: [...hours.days] },
      ...{ send_from: hours.from, send_until: hours.until },
    });
    const data = {
      sequenceId: sequence.id,
      changes: {
        ...{ name, dailyCap, steps, moveUnsent },
        ...(senderIds ? { senderIds } : {}),
        ...(touchesWindow ? { window: hours } : {}),
        ...(holidays ? { holidays } : {}),
      },
    };
    return {
      effect: isRunning && isBold ? ('gated' as const) : ('write' as const),
      data,
      summary,
      objects: [`sequence:${sequence.id}`],
      binds: { status: sequence.status, version: sequence.version, cap: sequence.daily_cap, window: windowText(before), closed },
      reach: groups?.moving ?? 0,
      card: {
        tone: 'warning' as const,
        title: summary,
        facts: [
          { label: 'Status', value: sequence.status },
          { label: 'Daily cap now', value: capText(now!.capacity) },
          ...paceFacts(pace),
          ...(groups
            ? [
                { label: 'Already in it, get the new steps', value: count(groups.moving, 'person', 'people') },
                { label: 'Already in it, keep theirs', value: count(groups.keeping, 'person', 'people') },
              ]
            : []),
          { label: 'Planned for today', value: `${count(now!.plannedToday, 'message')}, planned anew` },
        ],
        tables: steps
          ? stepsTable(
              steps.map((step, i) => ({
                position: i + 1,
                kind: step.kind ?? 'email',
                title: step.title ?? null,
                delay_days: step.delayDays ?? (i ? 3 : 0),
                subject: step.subject ?? null,
                body: step.body,
              })),
            )
          : [],
      },
    };
  },
  before: snapshotEdit,
  run: async (ctx, { sequenceId, changes: { window, ...rest } }) => {
    const edited = await sequences.edit(ctx, sequenceId, {
      ...rest,
      ...(window ? { window: { ...window, holidays: new Set() } } : {}),
    });
    const [overview] = await sequences.overviews(ctx, [sequenceId]);
    const sequence = await sequences.resolve(ctx, `#${sequenceId}`);
    const row = sequence as sequences.SequenceRow;
    const { zone, days, from, until } = sequences.windowOf(row);
    return {
      sequenceId,
      sequence: overview!.name,
      version: overview!.version,
      steps: overview!.steps,
      hasNewSteps: rest.steps !== undefined,
      movesUnsent: rest.moveUnsent === true,
      holidays: sequences.planOf(row.holidays),
      previews: rest.steps ? await previews(ctx, row) : [],
      window: { zone, days, from, until },
      capacity: overview!.capacity,
      pace: overview!.pace,
      ...edited,
    };
  },
  undoIsGated: restoringIsBold,
  undo: putBackEdit,
  present: ({
    sequence,
    version,
    steps,
    hasNewSteps,
    movesUnsent,
    window,
    holidays,
    previews: shown,
    capacity,
    pace,
    replanned,
    moved,
    keptOlder,
  }) => ({
    tone: 'good',
    title: `"${sequence}" is changed.`,
    facts: [
      { label: 'Daily cap', value: capText(capacity) },
      { label: 'Window', value: windowText(window) },
      ...(holidays.country || holidays.dates.length ? [{ label: 'Holidays', value: holidaysText(holidays) }] : []),
      { label: 'Steps', value: `${steps}${hasNewSteps ? ` (version ${version})` : ''}` },
      ...paceFacts(pace),
    ],
    tables: previewTables(shown),
    notes: [
      ...(replanned ? [`${count(replanned, 'unsent message')} of today ${replanned === 1 ? 'is' : 'are'} planned anew.`] : []),
      ...(moved ? [`${count(moved, 'person', 'people')} already in it ${moved === 1 ? 'gets' : 'get'} the newest steps.`] : []),
      ...((hasNewSteps || movesUnsent) && keptOlder
        ? [
            `${count(keptOlder, 'person', 'people')} already in it ${keptOlder === 1 ? 'keeps' : 'keep'} the steps they started with.`,
          ]
        : []),
    ],
    next: [`show sequence "${sequence}"`],
  }),
});
