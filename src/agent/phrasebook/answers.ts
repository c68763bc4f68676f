import type { PhraseCall } from './types.ts';

/** `answer: …`, `reply to Ann: …`, `answer reply 12: …`: a letter, to whom where it is said. */
const letter =
  /^\s*(?:please\s+)?(?:answer|reply|respond|write back)(?:\s+(?:to\s+)?(?:(?:the\s+)?reply\s+(?:number\s+|#)?(?<reply>\d{1,12})|(?:the\s+reply\s+(?:of|from|by)\s+)?(?<lead>[^\s:,.?!][^:\n?!,]{0,118}[^\s:,?!])))?\s*:\s*(?<text>\S[\s\S]*)$/i;

/** "Him", "them": the reply that the thread is about. */
const pronouns = /^(?:him|her|them|it|that|this|back|with)$/i;

/** A prompt that is a letter to send: word for word, and nothing in it is understood as anything else. */
export function takeAnswer(prompt: string): PhraseCall | undefined {
  const { reply, lead, text } = letter.exec(prompt)?.groups ?? {};
  if (!text) return undefined;
  return {
    tool: 'answer_reply',
    input: {
      text: text.trim(),
      ...(reply ? { reply: Number(reply) } : {}),
      ...(lead && !pronouns.test(lead.trim()) ? { lead: lead.trim() } : {}),
    },
  };
}
