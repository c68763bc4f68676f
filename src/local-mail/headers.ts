/** One header of a message; folded lines are joined. */
export interface Header {
  name: string;
  value: string;
  /** As it stands in the message, with its line ends. */
  lines: string;
}

/** Where the body begins: behind the first empty line. */
export function bodyStart(raw: Buffer): number {
  const end = raw.indexOf('\r\n\r\n');
  return end < 0 ? raw.length : end + 4;
}

/** The headers of a message, one byte a character. */
export function headersOf(raw: Buffer): Header[] {
  const text = raw.subarray(0, bodyStart(raw)).toString('latin1').replace(/\r\n$/, '');
  return [...text.matchAll(/^([!-9;-~]+):[ \t]*(.*(?:\r\n[ \t].*)*)(?:\r\n|$)/gm)].map(([lines, name, value]) => ({
    name: name!,
    value: value!.replace(/\r\n(?=[ \t])/g, '').trim(),
    lines: lines.endsWith('\r\n') ? lines : `${lines}\r\n`,
  }));
}

/** The value of the first header of a name, in whatever case. */
export const headerOf = (headers: readonly Header[], name: string): string | undefined =>
  headers.find(header => header.name.toLowerCase() === name.toLowerCase())?.value;
