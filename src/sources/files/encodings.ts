/** Which encoding a text has that is not Unicode, by what its letters would be. Pure. */

/**
 * Encodings of several bytes a letter come first: text of others hardly ever obeys their rules. What is left is told by which letters
 * stand inside words.
 */
export function guessEncoding(bytes: Buffer): string {
  const words = highRuns(bytes);
  const areLong = words.filter(word => word.length >= 3).length > words.length / 2;
  // Chinese and Korean letters end in any byte; Cyrillic ones are all of these, most of them small.
  if (areLong && share(words, byte => byte >= 0xc0) > 0.97)
    return share(words, byte => byte >= 0xe0) > 0.5 ? 'win1251' : 'koi8-r';
  // 'générale' would be two Chinese letters, were it not for its single bytes.
  const areAlone = words.filter(word => word.length === 1).length > words.length / 10;
  for (const { encoding, looksRight, inPairs } of wideScripts)
    if (!(inPairs && areAlone) && looksRight.test(decoded(encoding, bytes) ?? '')) return encoding;
  const inner = words.filter(word => word.isInside);
  if (share(inner, byte => byte < 0xa0) > 0.5) return 'macintosh';
  return share(inner, byte => centralEuropean.has(byte)) > 0.25 ? 'win1250' : 'win1252';
}

const wideScripts = [
  { encoding: 'shift_jis', inPairs: false, looksRight: /[\u3041-\u309f\u30a1-\u30fa]{2}/ },
  { encoding: 'euc-kr', inPairs: true, looksRight: /^(?=[\s\S]*[\uac00-\ud7a3]{2})[^\u4e00-\u9fff]*$/ },
  { encoding: 'gb18030', inPairs: true, looksRight: /[\u4e00-\u9fff]{2}/ },
] as const;

function decoded(encoding: string, bytes: Buffer): string | null {
  try {
    // A sample may begin or end within a letter.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes.subarray(0, lastBreak(bytes)));
  } catch {
    return null;
  }
}

const lastBreak = (bytes: Buffer): number => {
  const at = bytes.lastIndexOf(0x0a);
  return at < 0 ? bytes.length : at;
};

/** ł ą ś ź ż ľ ť as Windows-1250 writes them: to Windows-1252 they are signs, which do not stand inside words. */
const centralEuropean = new Set([0xb3, 0xb9, 0x9c, 0x9f, 0xbf, 0xbe, 0x9d, 0xa3, 0xa5, 0xaf, 0xbc]);

interface Run {
  bytes: Buffer;
  length: number;
  /** Does a Latin letter stand next to it? */
  isInside: boolean;
}

const isLetter = (byte: number | undefined): boolean => byte !== undefined && (byte | 32) >= 0x61 && (byte | 32) <= 0x7a;

/** Stretches of bytes beyond ASCII. */
function highRuns(bytes: Buffer): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at]! < 0x80) continue;
    const start = at;
    while (at < bytes.length && bytes[at]! >= 0x80) at++;
    runs.push({
      bytes: bytes.subarray(start, at),
      length: at - start,
      isInside: isLetter(bytes[start - 1]) || isLetter(bytes[at]),
    });
  }
  return runs;
}

function share(runs: readonly Run[], test: (byte: number) => boolean): number {
  let [all, fitting] = [0, 0];
  for (const run of runs)
    for (const byte of run.bytes) {
      all++;
      if (test(byte)) fitting++;
    }
  return all ? fitting / all : 0;
}
