import { meaningOf } from '../domain/explanations/rules.ts';
import { replyCategories } from '../domain/ports.ts';
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
      ...offersOf(view).map(({ asks }) => asks),
      ...(isElsewhere ? [`It came from ${fromAddress}, in the thread with ${email}.`] : []),
      ...(category === 'bounced' && view.outcome === 'none'
        ? [
            'It names no message of ours, and anybody could have written it, so nothing was done. If it is true, correct it to "bounced".',
          ]
        : []),
    ],
    ...(isPersons && category !== 'unsubscribe'
      ? { footer: 'To answer, press Answer or write here in the thread: answer: your text' }
      : {}),
    next: whole ? [`correct reply ${id} to not interested`, ...(isPersons ? [`answer reply ${id}: …`] : [])] : [],
  };
}

/** Can somebody write back to it? */
const isAnswerable = ({ kind, fromAddress, category }: View): boolean =>
  kind === 'human' && fromAddress !== null && category !== 'unsubscribe';

/** Buttons under a reply: to answer it, and to correct what it was taken for; opting out is nobody's mistake to take back. */
export function replyButtons(view: View): Button[] {
  if (view.category === 'unsubscribe') return [];
  const value = String(view.id);
  const corrections = (Object.keys(correctionOf) as CorrectionAction[])
    .filter(action => correctionOf[action] !== view.category)
    .map(action => ({ label: buttonWords[action], action, value }));
  const offers = offersOf(view).flatMap(({ button }) => (button ? [button] : []));
  return [...answerButton(view), ...offers, ...corrections];
}

type Button = { label: string; action: ReplyAction; value: string };

const answerButton = (view: View): Button[] =>
  isAnswerable(view) ? [{ label: 'Answer', action: 'reply_answer', value: String(view.id) }] : [];

/** An address as people write it into a text. */
const addresses = /[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/gi;

/** What a category asks its owner, since nothing goes to them by itself any more (D4). */
function offersOf({ id, category, until, receivedAt, zone, body, email, fromAddress, sender, remindOn }: View): Offer[] {
  const value = String(id);
  switch (category) {
    case 'bad_timing': {
      if (remindOn !== null) return [{ asks: `You are reminded of them on ${day(remindOn)}.` }];
      const isAhead = until !== null && until > receivedAt.toZonedDateTimeISO(zone).toPlainDate().toString();
      if (!isAhead) return [{ asks: 'Write to them again later? Say when here in the thread: remind me on 1 May of this reply' }];
      const button: Button = { label: `Remind me on ${day(until)}`, action: 'reply_remind', value: `${id}:${until}` };
      return [{ asks: `Write to them again on ${day(until)}? Nothing goes to them by itself.`, button }];
    }
    case 'referral': {
      const known = [email, fromAddress, sender.toLowerCase()];
      const named = [...new Set(body.match(addresses)?.map(each => each.toLowerCase()))].filter(each => !known.includes(each));
      if (!named.length) return [];
      const said = named.slice(0, 3).join(', ');
      return [{ asks: `They name ${said}. Nobody is added by itself: put them into a CSV file and load it with drover import.` }];
    }
    case 'wrong_person':
    case 'left_company':
      if (!email) return [];
      return [
        {
          asks: `Lists may find ${email} again. Exclude the address for good?`,
          button: { label: 'Exclude the address', action: 'reply_exclude', value },
        },
      ];
    default:
      return [];
  }
}

interface Offer {
  asks: string;
  button?: Button;
}

/** The day has come on which somebody wanted to be reminded of a reply. */
export const againReport = (view: View): Report => ({
  tone: 'neutral',
  title: `You wanted to be reminded of ${[who(view), view.company].filter(Boolean).join(', ')}`,
  facts: [
    { label: view.subject || 'They wrote', value: view.body.slice(0, quotedChars).toWellFormed() || '–' },
    { label: 'Received', value: when(view.receivedAt, view.zone) },
  ],
  ...(isAnswerable(view) ? { footer: 'To answer, press Answer or write here in the thread: answer: your text' } : {}),
});

export const againButtons = (view: View): Button[] => [
  ...answerButton(view),
  ...(view.sequence && view.email
    ? [{ label: `Enrol again in ${view.sequence}`, action: 'reply_enroll' as const, value: String(view.id) }]
    : []),
];

/** A menu of everything else that a reply may be. */
export const replyChoice = (view: View): ReplyChoice => ({
  label: 'It is …',
  action: 'reply_correct',
  options: choosable
    .filter(category => category !== view.category)
    .map(category => ({ label: categoryWords[category], value: `${view.id}:${category}` })),
});

/** What a person may say that a reply is: only a mail server says that something bounced. */
const choosable = replyCategories.filter(category => category !== 'bounced');

export interface ReplyChoice {
  label: string;
  action: 'reply_correct';
  options: { label: string; value: string }[];
}

/** What a button corrects a reply to. */
export const correctionOf = {
  reply_interested: 'interested',
  reply_not_interested: 'not_interested',
  reply_out_of_office: 'out_of_office',
  reply_not_a_reply: 'not_a_reply',
  reply_opt_out: 'unsubscribe',
} as const;

export type CorrectionAction = keyof typeof correctionOf;
export type ReplyAction = CorrectionAction | 'reply_answer' | 'reply_remind' | 'reply_exclude' | 'reply_enroll';

const buttonWords: Readonly<Record<CorrectionAction, string>> = {
  reply_interested: 'Interested',
  reply_not_interested: 'Not interested',
  reply_out_of_office: 'Out of office',
  reply_not_a_reply: 'Not a reply',
  reply_opt_out: 'Opt out',
};

/** An answer that did not leave or did not arrive, as its author hears of it. */
export const answerReport = ({ state, reason, detail, to, address }: AnswerEnd): Report => ({
  tone: 'warning',
  title:
    state === 'unknown'
      ? `Nobody knows whether your answer to ${to} left: look into the mailbox before you write again.`
      : reason === 'sent_back'
        ? `Your answer to ${to} came back: it did not reach ${address ?? 'them'}.`
        : `Your answer to ${to} did not leave: ${meaningOf(reason).says}.`,
  ...(detail ? { facts: [{ label: 'The mail server said', value: detail }] } : {}),
});
