/** A call that the phrasebook would make: a tool of the catalogue and its input, as the model would give it. */
export interface PhraseCall {
  tool: string;
  input: Record<string, unknown>;
}

/** What a conversation is about. The agent carries it from turn to turn. */
export interface Focus {
  /** The list and the sequence that were named last: what "it", "that list" and "this sequence" mean. */
  list?: string;
  sequence?: string;
  /** The people who were named last, as they were named: "her", "them". */
  leads?: string[];
  /** The last call that was made, whatever became of it: what "make it 30" and "no, weekly" change. */
  last?: PhraseCall;
  /** Nothing came of `last` (it was refused): a correction then repeats it whole, instead of ordering only what is missing. */
  lastRefused?: boolean;
  /** Approvals that wait in this thread, oldest first. */
  approvals?: number[];
  /** A call that a tool answered with a question ("only 40 exist; save it all the same?"): "yes" repeats it with `confirmed: true`. */
  pendingQuestion?: PhraseCall;
}

/** What a prompt is understood against. */
export interface PhraseContext {
  /** Names of the lists and sequences that exist, archived ones left out. */
  lists: string[];
  sequences: string[];
  focus: Focus;
  /** The local date, YYYY-MM-DD: what "tomorrow" and "in three weeks" count from. */
  today: string;
}

/**
 * The name that stands for the list which an earlier `create_list` of the same prompt creates: code names lists, so the phrasebook
 * cannot know it. Whoever carries the calls out puts the created list's name in its place (and stops if none was created).
 */
export const createdList = '$created';

/**
 * What a prompt came to. `calls`: carried out in order; the first that fails or waits ends the rest. `say`: nothing is called; a question
 * back, or what was not understood and the nearest things that would be. A question always quotes phrases that work as typed.
 */
export type Understanding =
  | { kind: 'calls'; calls: PhraseCall[]; say?: string }
  | { kind: 'say'; text: string; pendingQuestion?: PhraseCall };
