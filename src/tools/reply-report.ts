import { meaningOf } from '../domain/explanations/rules.ts';
import type { AnswerEnd } from '../domain/replies/answers.ts';
import { categoryWords, isCategory, type View } from '../domain/replies/index.ts';
import { day, type Report, when } from './report.ts';

/** How replies are told. Everything in them is data, which each surface escapes where it lands (A4). */

/** So much of a reply is quoted where it is announced. */
const quotedChars = 1_500;

export const who = ({ lead, fromName, fromAddress }: Pick<View, 'lead' | 'fromName' | 'fromAddress'>): string =>
  lead ?? fromName ?? fromAddress ?? 'Somebody';

export const categoryOf = (category: string | null): string => (isCategory(category) ? categoryWords[category] : 'not read yet');

const isOver = (state: string): boolean => !['in_review', 'queued', 'active', 'paused', 'waiting_on_task'].includes(state);

/** What was done about a reply, as a sentence. A reply to a run that had ended acts on the live one that its lead has elsewhere. */
export function done({ outcome, sequence, pausedUntil, category, state }: Done): string {
  const where = sequence ? ` in "${sequence}"` : '';
  switch (outcome) {
    case 'replied':
      return `${state === 'replied' ? `The run${where}` : 'Their run in another sequence'} has ended: nothing more is sent.`;
    case 'paused':
      if (state !== null && isOver(state)) return 'Their run in another sequence was paused.';
      return category === null || pausedUntil === null
        ? `The run${where} waits until the reply is read.`
        : `The run${where} is paused until ${day(pausedUntil)}, and then goes on by itself.`;
    case 'stopped':
      return `${state === 'stopped' ? `The run${where}` : 'Their run in another sequence'} is stopped.`;
    case 'unsubscribed':
      return 'They are never contacted again.';
    case 'bounced':
      return `The address is marked as bad${where ? `, and the run${where} has ended` : ''}.`;
    case 'deferred':
      return 'The next step tries again.';
    case 'resumed':
      return `The run${where} goes on.`;
    default:
      return state && isOver(state) ? `Nothing: the run${where} had ended (${state.replaceAll('_', ' ')}).` : 'Nothing.';
  }
}
type Done = Pick<View, 'outcome' | 'sequence' | 'pausedUntil' | 'category' | 'state'>;

const how: Record<string, string> = {
  headers: 'by its headers',
  phrases: 'by its words',
  model: 'read by the model',
  human: 'said by a person',
};

const verb = ({ category, kind }: View): string =>
  category === 'bounced' ? 'The message bounced' : kind === 'automatic' ? 'An automatic reply' : 'A reply';

/** A reply as its owner gets it, and as `show_reply` shows it whole. */
export function replyReport(view: View, { whole = false } = {}): Report {
  const { category, categoryBy, body, subject, sequence, position, company, email, fromAddress, answers, id } = view;
  const isElsewhere = fromAddress !== null && email !== null && fromAddress !== email;
  const text = whole || body.length <= quotedChars ? body : `${body.slice(0, quotedChars).toWellFormed()} …`;
  const isPersons = view.kind === 'human';
  return {
    tone: category === 'interested' || category === 'meeting' ? 'good' : category === 'bounced' ? 'warning' : 'neutral',
    title: `${verb(view)} from ${[who(view), company].filter(Boolean).join(', ')}: ${categoryOf(category)}`,
    facts: [
      ...(text ? [{ label: subject || 'They wrote', value: text }] : subject ? [{ label: 'Subject', value: subject }] : []),
      { label: 'What was done', value: done(view) },
      { label: 'Taken as', value: `${categoryOf(category)}${categoryBy ? `, ${how[categoryBy]}` : ''}` },
      ...(sequence ? [{ label: 'Answers', value: `"${sequence}"${position ? `, step ${position}` : ''}` }] : []),
      { label: 'Received', value: when(view.receivedAt, view.zone) },
      ...(answers ? [{ label: 'Answered', value: answers === 1 ? 'once' : `${answers} times` }] : []),
    ],
    notes: [
      ...(isElsewhere ? [`It came from ${fromAddress}, in the thread with ${email}.`] : []),
      ...(category === 'bounced' && view.outcome === 'none'
        ? [
            'It names no message of ours, and anybody could have written it, so nothing was done. If it is true, correct it to "bounced".',
          ]
        : []),
    ],
    ...(isPersons && category !== 'unsubscribe' ? { footer: `To answer, write here in the thread: answer: your text` } : {}),
    next: whole ? [`correct reply ${id} to not interested`, ...(isPersons ? [`answer reply ${id}: …`] : [])] : [],
  };
}

/** Buttons that correct a reply; opting out is nobody's mistake to take back. */
export const correctionButtons = (view: View): { label: string; action: CorrectionAction; value: string }[] => {
  const value = String(view.id);
  const all = [
    { label: 'Interested', action: 'reply_interested', is: 'interested' },
    { label: 'Not interested', action: 'reply_not_interested', is: 'not_interested' },
    { label: 'Out of office', action: 'reply_out_of_office', is: 'out_of_office' },
    { label: 'Not a reply', action: 'reply_not_a_reply', is: null },
    { label: 'Opt out', action: 'reply_opt_out', is: 'unsubscribe' },
  ] as const;
  if (view.category === 'unsubscribe') return [];
  return all.filter(({ is }) => is === null || is !== view.category).map(({ label, action }) => ({ label, action, value }));
};

export type CorrectionAction =
  | 'reply_interested'
  | 'reply_not_interested'
  | 'reply_out_of_office'
  | 'reply_not_a_reply'
  | 'reply_opt_out';

/** What a button corrects a reply to. */
export const correctionOf: Readonly<Record<CorrectionAction, string>> = {
  reply_interested: 'interested',
  reply_not_interested: 'not_interested',
  reply_out_of_office: 'out_of_office',
  reply_not_a_reply: 'not_a_reply',
  reply_opt_out: 'unsubscribe',
};

/** An answer that did not leave, as its author hears of it. */
export const answerReport = ({ state, reason, detail, to }: AnswerEnd): Report => ({
  tone: 'warning',
  title:
    state === 'unknown'
      ? `Nobody knows whether your answer to ${to} left: look into the mailbox before you write again.`
      : `Your answer to ${to} did not leave: ${meaningOf(reason).says}.`,
  ...(detail ? { facts: [{ label: 'The mail server said', value: detail }] } : {}),
});
