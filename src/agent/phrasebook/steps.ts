/** A step as a prompt tells it: a message, or something that a person does by hand. */
export type WrittenStep =
  | { subject?: string; body: string; delayDays?: number }
  | { kind: 'task'; title: string; body?: string; delayDays?: number };

const numbers = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const heading =
  /(?<![\p{L}\p{N}])(?:step|e?-?mail|message)[ \t]{0,3}(\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten)(?=[ \t]*[:(]|[ \t]?[.–-]\s|[ \t]+(?:after|in|subject|body|text|task|on day|\d)|[ \t]*\n)/giu;

/**
 * Takes the texts of steps off a prompt: `… step 1: subject: Hello body: Hi {{first_name}} step 2 (after 3 days): body: …`. What they say
 * is text to send, and nothing in it is understood as anything else.
 */
export function takeSteps(text: string): { command: string; steps: WrittenStep[] } | undefined {
  const marks = [...text.matchAll(heading)].filter(({ 1: number }, at) => ordinal(number!) === at + 1);
  if (!marks.length) return undefined;
  const steps = marks.map((mark, at) => step(text.slice(mark.index + mark[0].length, marks[at + 1]?.index ?? text.length)));
  if (steps.some(each => ('title' in each ? !each.title : !each.body))) return undefined;
  return {
    command: text
      .slice(0, marks[0]!.index)
      .replace(/[\s,:;–—-]+$/u, '')
      .replace(/\s(?:with|and|as follows|using)$/i, ''),
    steps,
  };
}

const ordinal = (written: string): number =>
  /^an?$/i.test(written) ? 1 : numbers.indexOf(written.toLowerCase()) + 1 || Number(written);

const delay =
  /^[\s,:(–—-]*(?:after|wait|in|\+)?\s{0,3}(\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|an?)\s{0,3}(day|week)s?(?:\s{1,3}(?:later|after))?[\s):,–—-]*/i;

const task = /^[\s:(,–—-]*(?:an?\s)?(?:manual\s{1,3})?task\b[\s:,–—-]*/i;

function step(written: string): WrittenStep {
  const isTask = task.test(written) || task.test(written.replace(delay, ''));
  return isTask ? manual(written) : message(written);
}

/** `task after 3 days: call them`, `after 3 days: task: call them body: ask for a date`. */
function manual(written: string): WrittenStep {
  let rest = written;
  let days: number | undefined;
  for (let more = true; more; ) {
    const waited = delay.exec(rest);
    if (waited && days === undefined) days = daysOf(waited);
    const shorter = (waited ? rest.slice(waited[0].length) : rest).replace(task, '');
    more = shorter !== rest;
    rest = shorter;
  }
  const [title = '', ...body] = rest
    .replace(/^[\s:.,)–—-]+/u, '')
    .split(/(?:^|[\s,;.])(?:body|text|note|notes)\s{0,3}:\s{0,3}|\n/i);
  const told = unquoted(body.join('\n'));
  return {
    kind: 'task',
    title: unquoted(title),
    ...(told ? { body: told } : {}),
    ...(days === undefined ? {} : { delayDays: days }),
  };
}

const daysOf = (waited: RegExpExecArray): number => ordinal(waited[1]!) * (/week/i.test(waited[2]!) ? 7 : 1);

function message(written: string): WrittenStep {
  const waited = delay.exec(written);
  const rest = (waited ? written.slice(waited[0].length) : written).replace(/^[\s:.,)–—-]+/u, '');
  const days = waited ? daysOf(waited) : undefined;
  const subjectAt = /^subject\s{0,3}:?\s{0,3}/i.exec(rest);
  const bodyAt = /(?:^|[\s,;.])(?:body|text)\s{0,3}(?::|(?=["“]))\s{0,3}|(?:^|[\s,;])(?:body|text)\s{1,3}/i.exec(rest);
  const lineAt = rest.indexOf('\n');
  const subjectEnd = bodyAt?.index ?? (lineAt > 0 ? lineAt : rest.length);
  const subject = subjectAt ? unquoted(rest.slice(subjectAt[0].length, subjectEnd)) : undefined;
  const body = bodyAt ? rest.slice(bodyAt.index + bodyAt[0].length) : subjectAt ? rest.slice(subjectEnd) : rest;
  return { ...(subject ? { subject } : {}), body: unquoted(body), ...(days === undefined ? {} : { delayDays: days }) };
}

const unquoted = (text: string): string => {
  const trimmed = text.trim().replace(/^[\s,;]+|[\s,;]+$/g, '');
  return /^["“](?:[^"“”]*)["”][.,;]?$/.test(trimmed) ? trimmed.replace(/^["“]|["”][.,;]?$/g, '') : trimmed;
};
