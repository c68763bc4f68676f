import { takeAnswer } from './answers.ts';
import { build } from './build.ts';
import { describe } from './criteria.ts';
import { englishOnly, isForeign } from './languages.ts';
import { askedFor, clausesOf, isContrast, isNegated, lead, type Mood, moodOf, trail } from './moods.ts';
import { clipped, insides, namesIn, type Reference } from './names.ts';
import { type Group, type Reading, readingsOf } from './phrases.ts';
import { Clause } from './slots.ts';
import { takeSteps, type WrittenStep } from './steps.ts';
import { nearestExamples, tryThese } from './suggestions.ts';
import { isLikeAName, swallows } from './swallowed.ts';
import { beginTalk, copyOf, follow, type Outcome, type Talk } from './talk.ts';
import { plain, sentencesOf, type Token, tokenise } from './text.ts';
import { noSuchDay } from './times.ts';
import type { PhraseCall, PhraseContext, Understanding } from './types.ts';

export { createdList, type Focus, type PhraseCall, type PhraseContext, type Understanding } from './types.ts';

/** More words than this in one prompt, step texts left out, are not read: a person is asked to say it in parts. */
const mostTokens = 400;

const corrections = new Set(['$correct', '$swap', '$other', '$again', '$times']);

/**
 * What a prompt asks for, as calls in its order. Pure: the same prompt in the same context means the same. Nothing that is said as a
 * negation, a wish, a report, a condition or a quotation becomes a call that writes; a question becomes one that reads, or an answer.
 * A prompt is understood as a whole: if a part of it is not, none of it is done.
 */
export function understand(text: string, context: PhraseContext): Understanding {
  const answer = takeAnswer(text);
  if (answer) return { kind: 'calls', calls: [answer] };
  const written = plain(text);
  const steps = takeSteps(written);
  const command = steps?.command ?? written;
  const tokens = tokenise(command);
  if (!tokens.some(({ kind }) => kind !== 'punct'))
    return { kind: 'say', text: `Say what to do. ${tryThese(nearestExamples('', context))}` };
  if (tokens.length > mostTokens)
    return { kind: 'say', text: 'That is a lot at once. Say it in shorter messages, one or two things each. Nothing was done.' };

  const talk = beginTalk(context);
  const reader = new Reader(command, talk, steps?.steps);
  const inNames = insides(reader.names(tokens));
  for (let at = 0; at < tokens.length; at++) {
    const missing = inNames.has(at) ? undefined : noSuchDay(tokens, at);
    const written = missing && command.slice(tokens[at]!.start, tokens[missing.end - 1]!.end);
    if (missing)
      return { kind: 'say', text: `There is no ${written}: ${missing.why}. Nothing was done; say it with another date.` };
  }
  const sentences = sentencesOf(tokens, command, inNames);
  const moods = sentences.map(sentence => moodOf(sentence, reader.names(sentence)));
  const reported = moods.includes('report');
  const outcomes = sentences.flatMap((sentence, at) => reader.sentence(sentence, reported ? 'report' : moods[at]!));
  return concluded(outcomes, talk, context);
}

/** @prop inName why it was not understood may be that it is a part of a name. */
type Said = (Outcome | { missed: string }) & { inName?: true };
type Fits = (reading: Reading) => boolean;

class Reader {
  private readonly text: string;
  private readonly talk: Talk;
  private readonly steps: WrittenStep[] | undefined;

  constructor(text: string, talk: Talk, steps: WrittenStep[] | undefined) {
    this.text = text;
    this.talk = talk;
    this.steps = steps;
  }

  names(tokens: readonly Token[]) {
    return namesIn(tokens, this.talk.lists, this.talk.sequences);
  }

  sentence(sentence: readonly Token[], mood: Mood): Said[] {
    if (mood === 'report')
      return [
        { ask: 'You tell me what someone said or wrote, so I did nothing. Say it yourself, without quoting, and I do it.' },
      ];
    if (sentence.every(({ kind }) => kind === 'quote' || kind === 'punct')) return [this.quotation(sentence)];
    if (mood === 'wish')
      return [{ ask: `That sounds like a wish, so I changed nothing. Say it as an order and I do it. ${this.hint(sentence)}` }];

    const outcomes: Said[] = [];
    let negated = false;
    let done: Token[] = [];
    let start = copyOf(this.talk);
    for (const clause of clausesOf(sentence, this.names(sentence))) {
      if (isContrast(clause)) negated = false;
      negated ||= isNegated(clause, this.names(clause));
      const now = copyOf(this.talk);
      const outcome = negated ? this.negation(clause) : this.clause(clause, mood);
      const before = outcomes.at(-1);
      if (before && 'calls' in before && 'calls' in outcome && this.isMaybeName([...done, ...clause], clause))
        return [{ ask: `Is “${this.slice(clause)}” an order, or a part of the name? Put the name in quotation marks.` }];
      const alone = ('calls' in outcome && !(before && 'missed' in before)) || ('remark' in outcome && outcome.small !== true);
      const joined = !alone && before && !negated ? this.together({ start, done, before }, { clause, outcome }, mood) : undefined;
      if (joined) outcomes.splice(-1, 1, joined);
      else outcomes.push(outcome);
      done = joined ? [...done, ...clause] : clause;
      if (!joined) start = now;
    }
    return outcomes;
  }

  /** `Jane works at Link and Search Ltd`: what is written as names are may be an order all the same. */
  private isMaybeName(whole: Token[], clause: Token[]): boolean {
    if (!isLikeAName(clause)) return false;
    return this.best(whole, ({ read }) => !read, takesIn(clause)) !== undefined;
  }

  /**
   * A clause that means nothing alone may belong to the one before: `resume Spring and end the stale ones`. It is not taken into a name or
   * a value all the same, where it may be an order.
   */
  private together(
    { start, done, before }: { start: Talk; done: Token[]; before: Said },
    { clause, outcome }: { clause: Token[]; outcome: Said },
    mood: Mood,
  ): Said | undefined {
    if ('remark' in before) return undefined;
    const apart = copyOf(this.talk);
    const whole = [...done, ...clause];
    const isMissed = 'missed' in outcome;
    Object.assign(this.talk, copyOf(start));
    const joined = this.clause(whole, mood, reading => !swallows(reading, clause, isMissed));
    if ('calls' in joined) return joined;
    if (mood === 'do' && 'calls' in before && this.best(whole, group => !group.read, takesIn(clause))) outcome.inName = true;
    Object.assign(this.talk, apart);
    return undefined;
  }

  private clause(clause: readonly Token[], mood: Mood, fits: Fits = () => true): Said {
    if (mood === 'do') return this.order(clause, fits);
    const reading = this.best(clause, ({ read, tool }) => read === true || tool === '$say', fits);
    if (reading && (mood === 'question' || scoreOf(reading) > 0)) return build(reading, this.talk, this.steps);
    if (mood === 'condition')
      return { ask: `I cannot wait for a condition, so I changed nothing. Say what to do when it is time. ${this.hint(clause)}` };
    return this.question(clause, fits);
  }

  private order(clause: readonly Token[], fits: Fits): Said {
    const reading = this.best(clause, () => true, fits);
    if (reading) return build(reading, this.talk, this.steps);
    return this.bareName(clause) ?? { missed: this.slice(clause) };
  }

  /** A question that nothing here answers: what it would take to do it, or what is known about what it names. */
  private question(clause: readonly Token[], fits: Fits): Said {
    const asked = askedFor(lead(clause).rest);
    const reading = this.best(asked ?? clause, ({ tool }) => tool !== '$no' && tool !== '$yes', fits);
    if (reading) {
      const outcome = build(reading, copyOf(this.talk), this.steps);
      const calls = 'calls' in outcome ? outcome.calls : [];
      if (reading.phrasing.group.read && calls.length) return build(reading, this.talk, this.steps);
      const told = 'That is a question, so I changed nothing.';
      const order = trail(lead(asked ?? clause).rest);
      // Said again, a question is no order: only what is one is worth saying.
      const isOrder = moodOf(order, this.names(order)) === 'do';
      if (calls.length && isOrder) {
        const said = `${told} To have it done, say “${clipped(this.slice(order))}”.`;
        return calls.length === 1 ? { ask: said, pending: calls[0]! } : { ask: said };
      }
      if ((asked || isOrder) && 'ask' in outcome)
        return { ask: `${told} ${outcome.ask}`, ...(outcome.pending ? { pending: outcome.pending } : {}) };
      if ((asked || isOrder) && 'remark' in outcome) return { ask: `${told} ${outcome.remark}` };
    }
    const spans = [...this.names(clause).values()].flatMap(([longest]) => (longest ? [longest] : []));
    const [only, second] = spans;
    if (only && !second && !asked) {
      const call: PhraseCall = { tool: `show_${only.kind}`, input: { [only.kind]: only.name } };
      follow(this.talk, call);
      return { calls: [call], note: 'I cannot answer that as such; this is what I know.' };
    }
    if (asked) return { ask: `I cannot answer that yet, and changed nothing. ${this.hint(clause)}` };
    return { missed: this.slice(clause) };
  }

  private negation(clause: readonly Token[]): Said {
    const reading = this.best(clause, ({ negated, tool }) => negated === true || tool === '$no');
    if (reading) return build(reading, this.talk, this.steps);
    return { remark: `I heard “${clipped(this.slice(clause))}” and left that as it is.` };
  }

  private quotation(sentence: readonly Token[]): Said {
    const [only, ...more] = sentence.filter(({ kind }) => kind === 'quote');
    const named = only && !more.length ? this.bareName([only]) : undefined;
    return named ?? { ask: 'That is a quotation, so I did nothing. Say it without quotation marks and I do it.' };
  }

  /** A name and nothing else: the answer to "which one?", or a wish to see it. */
  private bareName(clause: readonly Token[]): Outcome | undefined {
    const words = trail(lead(clause).rest);
    const at = clause.indexOf(words[0]!);
    const span = this.names(clause)
      .get(at)
      ?.find(({ end }) => end === at + words.length);
    if (!span) return undefined;
    const { pendingQuestion } = this.talk.context.focus;
    const open = pendingQuestion?.input[span.kind] === undefined ? undefined : pendingQuestion;
    const call = open
      ? { tool: open.tool, input: { ...open.input, [span.kind]: span.name } }
      : { tool: `show_${span.kind}`, input: { [span.kind]: span.name } };
    follow(this.talk, call);
    return { calls: [call] };
  }

  /** The phrasing that explains most of a clause, with and without what stands around it for politeness. */
  private best(clause: readonly Token[], allowed: (group: Group) => boolean, fits: Fits = () => true): Reading | undefined {
    const bare = lead(clause).rest;
    const variants = [clause, trail(clause), bare, trail(bare)];
    const different = variants.filter(
      (variant, at) =>
        variant.length && !variants.slice(0, at).some(each => each.length === variant.length && each[0] === variant[0]),
    );
    let best: { reading: Reading; score: number } | undefined;
    for (const variant of different)
      for (const reading of readingsOf(
        new Clause(variant, this.text, this.talk),
        group => allowed(group) && this.applies(group),
      )) {
        const score = scoreOf(reading);
        if (fits(reading) && score > (best?.score ?? Number.NEGATIVE_INFINITY)) best = { reading, score };
      }
    return best?.reading;
  }

  /** Corrections need something to correct, and looking elsewhere something that was looked for. */
  private applies({ tool }: Group): boolean {
    const { last, pendingQuestion } = this.talk.context.focus;
    const made = this.talk.calls.at(-1);
    if (tool === '$again' && made && !made.input.criteria) return false;
    return !corrections.has(tool) || Boolean(last ?? pendingQuestion ?? this.talk.calls.length);
  }

  private hint = (tokens: readonly Token[]): string => tryThese(nearestExamples(this.slice(tokens), this.talk.context));

  private slice(tokens: readonly Token[]): string {
    const words = tokens.filter(({ kind }) => kind !== 'punct');
    return words.length ? this.text.slice(words[0]!.start, words.at(-1)!.end) : '';
  }
}

/** Does a name or a text of a reading run to the end of a clause? */
const takesIn =
  (clause: readonly Token[]): Fits =>
  ({ spans, tokens, phrasing }) =>
    !/^\$(say|correct|swap|again)$/.test(phrasing.group.tool) &&
    spans.some(({ slot, end }) => (slot === 'name' || slot === 'text') && tokens[end - 1] === clause.at(-1));

/** What is explained, counting each part of a description that the vocabulary knows; what can stand alone is no correction. */
function scoreOf({ fields, weight, phrasing }: Reading): number {
  const change = fields.change as { people?: Token[] } | undefined;
  const people = (fields.criteria ?? change?.people) as Token[] | undefined;
  const doubt = phrasing.group.tool === '$correct' ? 2 : 0;
  if (phrasing.group.tool === '$again')
    return describe(tokenise(String(fields.who)))?.known ? weight + 2 : Number.NEGATIVE_INFINITY;
  const list = fields.list as Reference | undefined;
  if (phrasing.group.tool === '$likewise' && list?.how === 'written') return Number.NEGATIVE_INFINITY;
  if (!people) return weight - doubt;
  const described = describe(people);
  if (doubt && !described?.known) return Number.NEGATIVE_INFINITY;
  return weight - doubt + (described ? described.known * 1.5 - described.unknown * 2 : -3);
}

const inName = (said: Said): string => (said.inName ? ' If it belongs to a name or a text, put that in quotation marks.' : '');

function concluded(outcomes: readonly Said[], talk: Talk, context: PhraseContext): Understanding {
  const asked = outcomes.find(outcome => 'ask' in outcome);
  if (asked) {
    const none = talk.calls.length && !asked.pending ? ' Nothing was done.' : '';
    return {
      kind: 'say',
      text: asked.ask + none + inName(asked),
      ...(asked.pending && outcomes.length === 1 ? { pendingQuestion: asked.pending } : {}),
    };
  }
  const missed = outcomes.find(outcome => 'missed' in outcome);
  if (missed) {
    if (isForeign(missed.missed)) return { kind: 'say', text: `${englishOnly} ${tryThese(nearestExamples('', context))}` };
    const rest = talk.calls.length ? 'so I did nothing of it' : 'so nothing was done';
    return {
      kind: 'say',
      text: `I did not understand “${clipped(missed.missed)}”, ${rest}.${inName(missed)} ${tryThese(nearestExamples(missed.missed, context))}`,
    };
  }
  const notes = outcomes.flatMap(outcome => ('note' in outcome && outcome.note ? [outcome.note] : []));
  const remarks = outcomes.filter(outcome => 'remark' in outcome);
  if (!talk.calls.length) return { kind: 'say', text: remarks.map(({ remark }) => remark).join(' ') || 'Nothing was done.' };
  const told = [...notes, ...remarks.filter(({ small }) => !small).map(({ remark }) => remark)].join(' ');
  return { kind: 'calls', calls: talk.calls, ...(told ? { say: told } : {}) };
}
