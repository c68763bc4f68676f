/** Slack's limits on one message, from its reference and, where that is silent, from what others saw refused. */
export const LIMITS = {
  blocks: 50,
  /** A whole message is refused as `msg_blocks_too_long` above about 13,200 characters, each block counting 100 more. */
  messageWeight: 12_500,
  blockWeight: 100,
  sectionChars: 3000,
  fields: 10,
  fieldChars: 2000,
  contextElements: 10,
  contextChars: 2000,
  /** A header row counts. A second `table` block in one message is refused. */
  tableRows: 100,
  tableCells: 20,
  tableChars: 10_000,
  tablesAMessage: 1,
  chartsAMessage: 2,
  chartTitle: 50,
  chartSeries: 6,
  /** Points of a series, and so labels of a chart. */
  chartPoints: 20,
  /** Characters of a label and of a series' name. */
  chartLabel: 20,
  /** The fallback `text`: Slack cuts at 40,000 and advises less than 4,000. */
  fallbackChars: 3000,
  buttonChars: 75,
  optionChars: 75,
  /** What a person may type into one input of a modal. */
  inputChars: 3000,
  valueChars: 2000,
} as const;
