import type { ModalView } from '@slack/types';
import { letterhead } from '../../tools/answer-reply.ts';
import { LIMITS } from './limits.ts';
import { fields, sections } from './parts.ts';
import { clip, inert, inertLines } from './text.ts';

/** What a press on Answer, and on the modal's own button, is known by. */
export const answerActions = { open: 'reply_answer', send: 'answer_reply', block: 'answer', text: 'text' } as const;

/** So much of the reply is quoted above what is typed. */
const quotedChars = 1_500;

/** Which reply a modal answers, and the note that it was opened from. It comes back with what was typed. */
export interface Answered {
  reply: number;
  channel: string;
  threadTs?: string;
}

/**
 * The window in which a reply is answered: the letter's head, what they wrote, and room for the text. It shows the whole letter, so that
 * its button is the approval (A1).
 */
export const answerModal = (view: Parameters<typeof letterhead>[0] & { body: string }, about: Answered): ModalView => ({
  type: 'modal',
  callback_id: answerActions.send,
  private_metadata: JSON.stringify(about),
  title: { type: 'plain_text', text: 'Answer', emoji: false },
  submit: { type: 'plain_text', text: 'Send', emoji: false },
  close: { type: 'plain_text', text: 'Cancel', emoji: false },
  blocks: [
    ...fields(letterhead(view).map(({ label, value }) => `*${inert(label)}*\n${inertLines(value)}`)),
    ...(view.body ? sections(quoted(view.body)) : []),
    {
      type: 'input',
      block_id: answerActions.block,
      label: { type: 'plain_text', text: 'Your answer', emoji: false },
      hint: { type: 'plain_text', text: 'It leaves at once, word for word, with your signature under it.', emoji: false },
      element: {
        type: 'plain_text_input',
        action_id: answerActions.text,
        multiline: true,
        focus_on_load: true,
        max_length: LIMITS.inputChars,
      },
    },
  ],
});

const quoted = (body: string): string =>
  inertLines(clip(body, quotedChars))
    .split('\n')
    .map(line => `> ${line}`)
    .join('\n');
