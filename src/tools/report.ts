/**
 * What a tool has to show, free of any surface: `slack/blocks` turns it into blocks, the command line into text, the agent into a
 * summary for the model. All strings are plain text; each surface escapes them where they land (A3, A4).
 */
export interface Report {
  tone: 'good' | 'neutral' | 'warning' | 'refused';
  /** One sentence: what happened, or what is so. */
  title: string;
  /** What a person should act on, most urgent first; shown before everything else. */
  urgent?: string[];
  facts?: Fact[];
  /** Two at most are drawn in a message of Slack's. */
  charts?: Chart[];
  tables?: Table[];
  /** What the reader should know: dropped filters, shortages, caveats. */
  notes?: string[];
  /** Phrases that work as typed. */
  next?: string[];
  /** Small print. */
  footer?: string;
}

export interface Fact {
  label: string;
  value: string;
}

export interface Table {
  title?: string;
  columns: { label: string; align?: 'left' | 'right' }[];
  /** One string a cell; empty cells are '–'. */
  rows: string[][];
  /** Rows that were left out. */
  more?: number;
}

/** Numbers over days or over names. Surfaces that cannot draw show the numbers. */
export interface Chart {
  title: string;
  kind: 'bar' | 'line';
  /** What stands along the axis: days, lists. */
  labels: string[];
  /** One value a label. */
  series: { name: string; values: number[] }[];
}

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;

/** 'Mon 23 Nov, 06:00': an instant as people of a zone read it. */
export const when = (instant: Temporal.Instant | string, zone: string): string =>
  Temporal.Instant.from(instant.toString()).toZonedDateTimeISO(zone).toLocaleString('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });

/** 'Mon 23 Nov': a local date as people read it. */
export const day = (date: Temporal.PlainDate | string): string =>
  Temporal.PlainDate.from(date.toString()).toLocaleString('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });

/** 'already on the list': reason codes as people read them. A code without words here reads as its own words. */
const wording: Record<string, string> = {
  already_on_list: 'already on the list',
  removed_before: 'removed from the list before',
  excluded_person: 'excluded',
  excluded_company: 'at an excluded company',
  no_email: 'no e-mail address',
  invalid_email: 'invalid e-mail address',
  erased: 'erased',
  in_other_sequence: 'in another sequence',
  already_enrolled: 'already contacted here',
  cooling_down: 'contacted recently',
  replied_before: 'replied before',
  bad_address: 'address bounced',
  excluded: 'excluded',
  missing_variable: 'a template variable is empty',
  template_error: 'a template cannot be filled',
  empty_message: 'nothing would be left to read',
  no_opt_out_url: 'nobody could follow the opt-out link',
  no_postal_address: 'the workspace has no postal address',
};
export const reason = (code: string): string => wording[code] ?? code.replaceAll('_', ' ');

/** '3 already on the list, 2 no e-mail address', most first; '' when nothing is counted. */
export const reasons = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .filter(([, n]) => n > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([code, n]) => `${n.toLocaleString('en-US')} ${reason(code)}`)
    .join(', ');
