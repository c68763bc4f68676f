import { z } from 'zod';
import * as senders from '../domain/senders/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { adminsOnly, senderRef } from './sender-ref.ts';
import { defineTool } from './tool.ts';

/** Sets a sender's limits and signature (S5). Its sign-in is set on the command line alone (A1). */
export const setSender = defineTool({
  name: 'set_sender',
  description:
    'Set a sender (mailbox): messages a day, minutes between two, whether it starts small and grows (ramp), its signature, its name. Only an admin. Servers and passwords are set by an operator, never here.',
  examples: [
    'set the limit of ann@acme.example to 40 a day',
    'set the gap of ann@acme.example to 10 minutes',
    'turn off the ramp of ann@acme.example',
  ],
  input: z.object({
    sender: senderRef,
    dailyLimit: z.int().min(1).max(500).optional().describe('Messages a day'),
    gapMinutes: z.int().min(1).max(240).optional().describe('Minutes between two messages'),
    ramp: z.boolean().optional().describe('Start at 5 a day and grow by 5 every second sending day'),
    signature: z.string().max(2000).optional().describe('Under every message; empty for none'),
    name: z.string().trim().min(1).max(100).optional().describe('The name that people see'),
  }),
  plan: async (ctx, { sender: ref, dailyLimit, gapMinutes, ramp, signature, name }) => {
    const refusal = adminsOnly(ctx, 'changes senders');
    if (refusal) return refusal;
    const sender = await senders.resolve(ctx, ref);
    if (isRefusal(sender)) return sender;
    const changes: string[] = [
      ...(dailyLimit === undefined ? [] : [`${dailyLimit} messages a day (was ${sender.daily_limit})`]),
      ...(gapMinutes === undefined ? [] : [`${gapMinutes} minutes between two (was ${sender.min_gap_minutes})`]),
      ...(ramp === undefined ? [] : [ramp ? 'it starts small and grows' : 'no ramp: its whole limit from now on']),
      ...(signature === undefined ? [] : [signature.trim() ? 'a new signature' : 'no signature']),
      ...(name === undefined ? [] : [`the name "${name}"`]),
    ];
    if (!changes.length)
      return refuse('nothing_to_set', `What should change at ${sender.address}?`, [
        `set the limit of ${sender.address} to 40 a day`,
        `set the gap of ${sender.address} to 10 minutes`,
      ]);
    const raises = dailyLimit !== undefined && dailyLimit > sender.daily_limit;
    const isBold = dailyLimit !== undefined && dailyLimit > senders.hardCeiling;
    const data = {
      senderId: sender.id,
      address: sender.address,
      changes,
      limits: {
        ...(dailyLimit === undefined ? {} : { dailyLimit }),
        ...(gapMinutes === undefined ? {} : { minGapMinutes: gapMinutes }),
        ...(ramp === undefined ? {} : { ramp }),
        ...(signature === undefined ? {} : { signature }),
        ...(name === undefined ? {} : { name }),
      },
    };
    const summary = `Set ${sender.address}: ${changes.join(', ')}.`;
    if (!raises && ramp !== false) return { effect: 'write' as const, data, summary, objects: [`sender:${sender.id}`] };
    return {
      effect: 'gated' as const,
      data,
      summary,
      objects: [`sender:${sender.id}`],
      card: {
        tone: 'warning' as const,
        title: summary,
        notes: [
          isBold
            ? `Above ${senders.hardCeiling} a day mailbox providers take a person's mailbox for a machine's: mail lands in spam, for this domain and everybody on it.`
            : 'A mailbox that sends more from one day to the next is watched by mailbox providers. Bounces and complaints count for the whole domain.',
        ],
      },
    };
  },
  before: async (ctx, { senderId }) => {
    const now = await ctx.tx
      .selectFrom('sender')
      .select(['daily_limit', 'min_gap_minutes', 'ramp_start', 'signature', 'name'])
      .where('id', '=', senderId)
      .executeTakeFirstOrThrow();
    return {
      ...{ dailyLimit: now.daily_limit, minGapMinutes: now.min_gap_minutes, ramp: now.ramp_start !== null },
      ...{ signature: now.signature, name: now.name },
    };
  },
  run: async (ctx, { senderId, address, changes, limits }) => {
    await senders.change(ctx, senderId, limits);
    return { senderId, address, changes };
  },
  undo: async (ctx, { before, result: { senderId, address } }) => {
    await senders.change(ctx, senderId, before);
    return { said: `${address} is as it was before.` };
  },
  undoIsGated: async (ctx, { before, result }) => {
    const now = await ctx.tx
      .selectFrom('sender')
      .select(['daily_limit', 'ramp_start'])
      .where('id', '=', result.senderId)
      .executeTakeFirstOrThrow();
    return before.dailyLimit > now.daily_limit || (!before.ramp && now.ramp_start !== null);
  },
  present: ({ address, changes }) => ({
    tone: 'good',
    title: `${address}: ${changes.join(', ')}.`,
    notes: ['What has not left gets new times under it.'],
    next: ['list senders'],
  }),
});
