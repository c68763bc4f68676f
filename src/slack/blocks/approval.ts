import type { KnownBlock } from '@slack/types';
import type { Report } from '../../tools/report.ts';
import type { Decision } from '../../tools/run.ts';
import { type Message, paginate } from './message.ts';
import { buttons, context, sections } from './parts.ts';
import { fallback, reportBlocks } from './report.ts';
import { inert } from './text.ts';

/** What a click on a card's buttons is known by. The value is the approval's id and nothing else: what it does is stored. */
export const approvalActions = { approve: 'approval_approve', cancel: 'approval_cancel' } as const;

/** A plan that waits for a human's button (A1, A2): its full effect, and two buttons. */
export function approvalMessages(approval: { id: number; summary: string }, card: Report, askedBy?: string): Message[] {
  const value = String(approval.id);
  const small = [
    'Nothing happens until somebody approves. Works once, for 24 hours.',
    ...(askedBy ? [`Asked by ${inert(askedBy)}.`] : []),
  ];
  return paginate(`Needs your approval: ${inert(approval.summary)}`, [
    [
      ...reportBlocks(card),
      buttons(`approval_${value}`, [
        { label: 'Approve', actionId: approvalActions.approve, value, style: 'primary' },
        { label: 'Cancel', actionId: approvalActions.cancel, value },
      ]),
      ...context([small.join(' ')]),
    ],
  ]);
}

/** What became of a card, without buttons: who, when, and what it did. */
export function decidedMessages(summary: string, decision: Decision, at: string): Message[] {
  const { title, line, report } = told(decision, at);
  const heading = `${title} ${inert(summary)}`;
  const blocks: KnownBlock[] = [...sections(heading), ...(report ? reportBlocks(report) : []), ...context([line])];
  return paginate(report ? `${heading} · ${fallback(report)}` : heading, [blocks]);
}

function told(decision: Decision, at: string): { title: string; line: string; report?: Report } {
  switch (decision.outcome) {
    case 'approved':
      return { title: '*Approved:*', line: `Approved by ${inert(decision.by)} · ${inert(at)}`, report: decision.did.report };
    case 'cancelled':
      return { title: '*Cancelled:*', line: `Cancelled by ${inert(decision.by)} · ${inert(at)}. Nothing was changed.` };
    case 'replaced':
      return {
        title: '*Out of date:*',
        line:
          decision.why === 'expired'
            ? 'This card was older than 24 hours, so nothing ran. A fresh one is below.'
            : 'Things have changed since this card was made, so nothing ran. A fresh one is below.',
      };
    case 'refused':
      return { title: '*No longer open:*', line: inert(decision.message) };
  }
}

/** A card that a newer one has replaced (A2). */
export const supersededMessages = (summary: string): Message[] =>
  paginate(`*Replaced:* ${inert(summary)}`, [
    [...sections(`*Replaced:* ${inert(summary)}`), ...context(['A newer card has replaced this one. Use that one.'])],
  ]);
