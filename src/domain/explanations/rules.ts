/** What each stored reason means, and what to do about it. Every code that E5, L5 and D3 store has its sentence here. */

export interface Meaning {
  says: string;
  /** What to do next, where there is something to do. */
  next?: string;
}

export const meanings: Readonly<Record<string, Meaning>> = {
  // Not put on a list (L5)
  already_on_list: { says: 'was on the list already; nobody is added twice' },
  removed_before: { says: 'was removed from the list before', next: 'A person may put the lead back by name.' },
  excluded_person: { says: 'is excluded', next: 'Lift the exclusion if it no longer holds; an opt-out only an admin may lift.' },
  excluded_company: { says: 'works at an excluded company', next: 'Lift the exclusion of the domain if it no longer holds.' },
  invalid_email: { says: 'had an address that mail cannot reach', next: 'Correct the address.' },
  erased: { says: 'was erased at their own wish, and is never brought back' },
  // Not enrolled (E5)
  in_this_sequence: { says: 'is in this sequence already, through another list' },
  in_other_sequence: {
    says: 'is live in another sequence',
    next: 'It is tried again daily while that one has not contacted them; or stop the lead there.',
  },
  already_enrolled: { says: 'was contacted or refused here before' },
  cooling_down: { says: 'was contacted within the cooling-down days', next: 'It holds for the life of the link.' },
  replied_before: { says: 'has replied before', next: 'A person may enrol them again by name.' },
  bad_address: { says: 'has an address that bounced or is invalid', next: 'Correct the address; then they are tried again.' },
  excluded: {
    says: 'is excluded',
    next: 'Lift the exclusion if it no longer holds, then link the list anew or enrol them by name; an opt-out only an admin may lift.',
  },
  no_email: { says: 'has no e-mail address', next: 'Add an address; it is tried again daily.' },
  // Not planned or not sent yet (D3)
  window_closed: { says: 'the send window was closed when its time came', next: 'It gets another time by itself.' },
  sequence_not_sending: { says: 'the sequence is not running', next: 'Resume or activate the sequence.' },
  sender_not_healthy: {
    says: 'its sender does not send',
    next: 'See why the sender stopped; follow-ups leave from the same one.',
  },
  cap_reached: { says: 'the daily cap was reached', next: 'It gets a place on another day; raise the cap if that is too slow.' },
  sender_limit: {
    says: "the sender's daily limit was reached",
    next: 'It gets a place on another day; add a sender if that is too slow.',
  },
  company_limit: { says: 'the company had its first contacts of the day', next: 'It gets a place on another day by itself.' },
  missing_variable: {
    says: 'a template variable is empty for this lead',
    next: 'Fill the field of the lead, and it goes on; or give the variable a default.',
  },
  template_error: {
    says: 'its template cannot be filled with what is known of this lead',
    next: 'Edit the step, and move unsent people to the new steps.',
  },
  empty_message: {
    says: 'its subject or its text comes out empty for this lead',
    next: 'Fill the field of the lead, or edit the step and move unsent people to the new steps.',
  },
  no_opt_out_url: {
    says: 'nobody could follow its opt-out link',
    next: 'An operator sets DROVER_PUBLIC_URL to the https address of this Drover and restarts it; then it goes on by itself.',
  },
  no_postal_address: {
    says: 'the workspace has no postal address, which every message carries',
    next: 'Set the postal address; then it goes on by itself.',
  },
  replied: { says: 'the lead has replied' },
  step_is_gone: { says: 'its step no longer exists', next: 'Move unsent people to the newest steps.' },
  deferred: { says: 'the mail server asked to try later', next: 'It is tried again by itself.' },
  resend: { says: 'somebody asked to send it again', next: 'It is planned again by itself.' },
  handed_before: { says: 'was tried before and lost its time', next: 'It is planned again by itself.' },
  quota: { says: "the sender's mail server said that its quota is used up", next: 'The sender rests until tomorrow.' },
  blocked: { says: 'the mail server blocked the sender', next: 'Settle it with the mail provider; the sender waits until then.' },
  unreachable: {
    says: "the sender's mail server could not be reached",
    next: 'It is tried again by itself; if it lasts, the sender stops.',
  },
  bad_certificate: {
    says: "the certificate of the sender's mail server does not verify",
    next: 'Mend the certificate, or name its authority in DROVER_MAIL_CA.',
  },
  bounce_rate: {
    says: 'too many of its messages came back',
    next: 'Check where these addresses come from, then let it go on.',
  },
  mailbox_unread: {
    says: 'its replies could not be read, and nothing leaves before they are',
    next: 'Mend its sign-in or its server, then let it go on.',
  },
  mailbox_unreachable: {
    says: "the sender's mailbox could not be reached, and nothing leaves before its replies are read",
    next: 'It goes on by itself when it can be reached again.',
  },
  replies_unread: { says: 'its replies are read first', next: 'It leaves as soon as they have been.' },
  deferred_too_often: { says: 'the mail server put it off for days' },
  undeliverable: { says: 'it could not be delivered, however often it was tried' },
  sender_removed: { says: 'its sender was removed, and all steps of a run leave from one sender' },
  by_hand: { says: 'a person decided so' },
  auth_failed: { says: "the sender's mail server refused its sign-in", next: "Give the sender's sign-in anew." },
  lease_ran_out: {
    says: 'Drover stopped while handing it over, so nobody knows whether it left',
    next: 'Mark it as sent, or send it again.',
  },
  no_answer: {
    says: 'the mail server did not answer, so nobody knows whether it left',
    next: 'Mark it as sent, or send it again.',
  },
  // Ended or paused
  opt_out_link: { says: 'they opted out by the link in a message' },
  opt_out_reply: { says: 'they asked not to be written to' },
  opt_out_by_hand: { says: 'they asked not to be written to' },
  review: { says: 'was refused in review' },
  taken_back: { says: 'a person took that back' },
  review_expired: { says: 'nobody reviewed it for 30 days', next: 'A person may enrol them again by name.' },
  relinked: { says: 'the list moved to another sequence before any contact' },
  unlinked: { says: 'the list was unlinked before any contact' },
  removed: { says: 'was removed from the list before any contact' },
  merged: { says: 'turned out to be a person who was live already' },
  stale: { says: 'the last message was older than 21 days when the sequence was resumed' },
  human_reply: { says: 'a person replied' },
  reply_being_read: {
    says: 'a reply came, and nothing is sent before it is read',
    next: 'It takes a moment; a person may say what it means.',
  },
  out_of_office: { says: 'an automatic reply said that they are away', next: 'It goes on by itself when they are back.' },
  left_company: { says: 'they have left the company', next: 'Correct the address if they are somewhere else now.' },
  colleague_replied: { says: 'a colleague at the same company replied', next: 'It goes on by itself when the pause ends.' },
  sequence_finishing: { says: 'the sequence takes nobody new' },
  sequence_archived: { says: 'the sequence was archived' },
  skipped: { says: 'the task was skipped' },
  settled_by_hand: { says: 'a person said that it left' },
  found_in_sent: { says: "it was found in the sender's Sent folder, so it left" },
};

/** The meaning of a code; one without a sentence reads as its own words. */
export function meaningOf(code: string): Meaning {
  const known = meanings[code];
  if (known) return known;
  const state = /^enrollment_(.+)$/.exec(code)?.[1];
  return { says: state ? `the run had become ${state.replaceAll('_', ' ')}` : code.replaceAll('_', ' ') };
}

/** 'a template variable is empty for this lead. Fill the field …' */
export function sentence(code: string): string {
  const { says, next } = meaningOf(code);
  return next ? `${says}. ${next}` : says;
}

export interface LiveRun {
  state: string;
  heldReason: string | null;
  heldDetail: string | null;
  sequence: string;
  sequenceStatus: string;
  plannedAt: string | null;
  /** Why it has not left though its time has come, or why it has another time now. */
  waitsFor: string | null;
  position: number;
  dueOn: string | null;
  pausedUntil: string | null;
  /** Why it is paused. */
  pausedFor: string | null;
  /** In line of its list, 1 first. */
  place: number | null;
  unknown: boolean;
}

/** One sentence on where a run stands, and what it waits for. */
export function standing(run: LiveRun, at: (instant: string) => string): string {
  const { sequence, position } = run;
  const asleep = run.sequenceStatus !== 'active' && run.sequenceStatus !== 'finishing';
  if (run.state === 'in_review') return `It waits in "${sequence}" for somebody to approve it.`;
  if (run.unknown) return `Nobody knows whether step ${position} of "${sequence}" left; a person has to settle it.`;
  if (run.heldReason)
    return `Step ${position} of "${sequence}" is held: ${sentence(run.heldReason)}${run.heldDetail ? ` (${run.heldDetail})` : ''}`;
  if (run.state === 'paused')
    return `It is paused in "${sequence}"${run.pausedUntil ? ` until ${run.pausedUntil}` : ''}${run.pausedFor ? `: ${meaningOf(run.pausedFor).says}` : ''}.`;
  if (run.state === 'waiting_on_task') return `Step ${position} of "${sequence}" is a task that somebody has to finish or skip.`;
  if (asleep) return `"${sequence}" is ${run.sequenceStatus}, so nothing leaves.`;
  if (run.plannedAt)
    return `Step ${position} of "${sequence}" is planned for ${at(run.plannedAt)}${run.waitsFor ? `; ${sentence(run.waitsFor)}` : '.'}`;
  if (run.state === 'queued')
    return `It is number ${(run.place ?? 1).toLocaleString('en-US')} of its list in the line of "${sequence}", and waits for a place under the cap.`;
  return `Step ${position} of "${sequence}" is due on ${run.dueOn ?? 'no date'}; it gets a time when that day is planned.`;
}
