/** Commands that write what was asked for as a file, ready to be typed. */

/** A word of a command line: in quotation marks where a shell would take it apart. */
const word = (text: string): string => {
  if (/^[\p{L}\p{N}@._-]+$/u.test(text)) return text;
  return /["$`\\!]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `"${text}"`;
};

/** The trail, or the part of it that the tool `activity` would show. */
export const exportActivity = ({
  about,
  member,
  days,
}: {
  about?: string | undefined;
  member?: string | undefined;
  days?: number | undefined;
}): string =>
  [
    'drover export activity',
    ...(about === undefined ? [] : [`--about ${word(about)}`]),
    ...(member === undefined ? [] : [`--by ${word(member)}`]),
    ...(days === undefined ? [] : [`--days ${days}`]),
  ].join(' ');

export const exportOf = (kind: 'list' | 'sequence', name: string): string => `drover export ${kind} ${word(name)}`;
