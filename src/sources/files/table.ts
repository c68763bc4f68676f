/** A file as rows, whatever its format. */

/** In characters. No row of people is longer; a quote that never closes would otherwise take the rest of a file into memory. */
export const longestRow = 1_000_000;

export interface Row {
  /** From 1, as an editor or a spreadsheet counts. */
  line: number;
  cells: string[];
  /** A quote opens here and never closes. */
  broken?: boolean;
}

/** The next rows, and how far into the file they reach. */
export interface Stretch {
  rows: Row[];
  read: number;
}

export interface Table {
  /** What `read` counts up to. */
  total: number;
  /** What the reader of the file should know, a sentence each. */
  notes: string[];
  /** Are rows shorter or longer than the header without anything being wrong? */
  isRagged: boolean;
  /** The rows, the header's first. */
  rows(): AsyncIterable<Stretch>;
}
