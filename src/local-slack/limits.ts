/**
 * What Slack refuses to draw, with its own error codes. Numbers are of Slack's Block Kit reference; where the reference is silent,
 * of the issue named beside them. Stricter than Slack is fine, laxer is a bug: a message that passes here must pass there.
 */

export interface Block {
  type: string;
  block_id?: string;
  [field: string]: unknown;
}

/** Slack's code, and what is wrong where, in the form of its `response_metadata.messages`. */
export interface Objection {
  error: string;
  messages: string[];
}

export const limits = {
  blocks: 50,
  text: 40_000,
  /** `chat.update` refuses earlier than `chat.postMessage` (seratch/ChatGPT-in-Slack#102). */
  updatedText: 4_000,
  markdown: 12_000,
  /** All text of a message's blocks, a container counting 100 (slackapi/bolt-js#2509, #2867). */
  messageBudget: 13_200,
  container: 100,
  section: 3_000,
  fields: 10,
  field: 2_000,
  header: 150,
  buttonText: 75,
  value: 2_000,
  id: 255,
  actions: 25,
  contextElements: 10,
  contextActions: 5,
  options: 100,
  optionText: 75,
  optionValue: 150,
  placeholder: 150,
  altText: 2_000,
  url: 3_000,
  tableRows: 100,
  tableCells: 20,
  /** Over all tables of a message (getnao/nao#1141). */
  tableText: 10_000,
  /** Slack's reference of the block, and slack-messaging (docs.rs), which checks by it. */
  charts: 2,
  chartTitle: 50,
  chartSeries: 6,
  chartPoints: 20,
  chartLabel: 20,
  axisLabel: 50,
  metadata: 8_000,
} as const;

export type Fields = Record<string, unknown>;
export const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

export class Inspection {
  readonly problems: string[] = [];
  readonly blockIds = new Set<string>();
  tableText = 0;

  fail(at: string, what: string): void {
    this.problems.push(`[ERROR] ${what} [json-pointer:${at}]`);
  }

  only(at: string, value: Fields, known: readonly string[]): void {
    for (const field of Object.keys(value)) if (!known.includes(field)) this.fail(at, `invalid additional property: ${field}`);
  }

  string(at: string, value: unknown, max: number, { min = 1 } = {}): value is string {
    if (typeof value !== 'string') this.fail(at, 'must provide a string');
    else if (value.length < min) this.fail(at, `must be more than ${min - 1} characters`);
    else if (value.length > max) this.fail(at, `must be less than ${max + 1} characters`);
    else return true;
    return false;
  }

  optional(at: string, value: Fields, field: string, max: number): void {
    if (value[field] !== undefined) this.string(`${at}/${field}`, value[field], max);
  }

  list(at: string, value: unknown, max: number): unknown[] {
    if (!Array.isArray(value)) this.fail(at, 'must be an array');
    else if (!value.length) this.fail(at, 'no fewer than 1 items allowed');
    else if (value.length > max) this.fail(at, `no more than ${max} items allowed`);
    else return value;
    return [];
  }

  text(at: string, value: unknown, max: number, kinds: readonly string[] = ['mrkdwn', 'plain_text']): void {
    if (!isObject(value)) return void this.fail(at, 'must provide an object');
    if (!kinds.includes(String(value.type))) return void this.fail(`${at}/type`, `must be one of ${kinds.join(', ')}`);
    this.only(at, value, value.type === 'mrkdwn' ? ['type', 'text', 'verbatim'] : ['type', 'text', 'emoji']);
    this.string(`${at}/text`, value.text, max);
  }
}

const elementKinds = new Set([
  ...['button', 'image', 'overflow', 'datepicker', 'timepicker', 'datetimepicker', 'checkboxes', 'radio_buttons'],
  ...['static_select', 'external_select', 'users_select', 'conversations_select', 'channels_select', 'workflow_button'],
  ...[
    'multi_static_select',
    'multi_external_select',
    'multi_users_select',
    'multi_conversations_select',
    'multi_channels_select',
  ],
]);

function inspectConfirm(look: Inspection, at: string, value: unknown): void {
  if (!isObject(value)) return void look.fail(at, 'must provide an object');
  look.text(`${at}/title`, value.title, 100, ['plain_text']);
  look.text(`${at}/text`, value.text, 300);
  if (value.confirm !== undefined) look.text(`${at}/confirm`, value.confirm, 30, ['plain_text']);
  if (value.deny !== undefined) look.text(`${at}/deny`, value.deny, 30, ['plain_text']);
}

function inspectButton(look: Inspection, at: string, button: Fields): void {
  look.only(at, button, ['type', 'text', 'action_id', 'url', 'value', 'style', 'confirm', 'accessibility_label']);
  look.text(`${at}/text`, button.text, limits.buttonText, ['plain_text']);
  look.optional(at, button, 'value', limits.value);
  look.optional(at, button, 'url', limits.url);
  look.optional(at, button, 'accessibility_label', limits.buttonText);
  if (button.style !== undefined && !['primary', 'danger'].includes(String(button.style)))
    look.fail(`${at}/style`, 'must be one of primary, danger');
  if (button.confirm !== undefined) inspectConfirm(look, `${at}/confirm`, button.confirm);
}

export function inspectElement(look: Inspection, at: string, element: unknown): void {
  if (!isObject(element)) return void look.fail(at, 'must provide an object');
  const type = String(element.type);
  if (!elementKinds.has(type)) return void look.fail(`${at}/type`, `unsupported element type: ${type}`);
  look.optional(at, element, 'action_id', limits.id);
  if (type === 'button') inspectButton(look, at, element);
  if (type === 'image') inspectImage(look, at, element);
  if (type === 'static_select' && !Array.isArray(element.option_groups))
    look.list(`${at}/options`, element.options, limits.options);
  if (element.placeholder !== undefined) look.text(`${at}/placeholder`, element.placeholder, limits.placeholder, ['plain_text']);
  if (element.confirm !== undefined && type !== 'button') inspectConfirm(look, `${at}/confirm`, element.confirm);
  if (Array.isArray(element.options))
    look.list(`${at}/options`, element.options, limits.options).forEach((option, index) => {
      inspectOption(look, `${at}/options/${index}`, option, type.endsWith('select') ? ['plain_text'] : undefined);
    });
}

function inspectOption(look: Inspection, at: string, option: unknown, kinds?: readonly string[]): void {
  if (!isObject(option)) return void look.fail(at, 'must provide an object');
  look.text(`${at}/text`, option.text, limits.optionText, kinds);
  look.string(`${at}/value`, option.value, limits.optionValue);
}

function inspectImage(look: Inspection, at: string, image: Fields): void {
  if (image.slack_file === undefined) look.string(`${at}/image_url`, image.image_url, limits.url);
  look.string(`${at}/alt_text`, image.alt_text, limits.altText);
}

function inspectCell(look: Inspection, at: string, cell: unknown): void {
  if (!isObject(cell)) return void look.fail(at, 'must provide an object');
  if (cell.type === 'rich_text') {
    look.list(`${at}/elements`, cell.elements, 1_000);
    look.tableText += textOf(cell);
  } else if (cell.type === 'raw_text' || cell.type === 'raw_number') {
    if (cell.type === 'raw_number' && typeof cell.value !== 'number') look.fail(`${at}/value`, 'must provide a number');
    if (cell.type === 'raw_number' && cell.text === undefined) look.tableText += String(cell.value).length;
    else if (look.string(`${at}/text`, cell.text, limits.tableText)) look.tableText += cell.text.length;
  } else look.fail(`${at}/type`, 'must be one of raw_text, raw_number, rich_text');
}

function inspectTable(look: Inspection, at: string, table: Block): void {
  look.only(at, table, ['type', 'block_id', 'rows', 'column_settings']);
  look.list(`${at}/rows`, table.rows, limits.tableRows).forEach((row, index) => {
    const cells = look.list(`${at}/rows/${index}`, row, limits.tableCells);
    cells.forEach((cell, column) => {
      inspectCell(look, `${at}/rows/${index}/${column}`, cell);
    });
  });
  if (table.column_settings === undefined) return;
  look.list(`${at}/column_settings`, table.column_settings, limits.tableCells).forEach((column, index) => {
    if (column !== null) inspectColumn(look, `${at}/column_settings/${index}`, column);
  });
}

function inspectColumn(look: Inspection, at: string, column: unknown): void {
  if (!isObject(column)) return void look.fail(at, 'must provide an object');
  look.only(at, column, ['align', 'is_wrapped']);
  if (column.align !== undefined && !['left', 'center', 'right'].includes(String(column.align)))
    look.fail(`${at}/align`, 'must be one of left, center, right');
}

function inspectSection(look: Inspection, at: string, section: Block): void {
  look.only(at, section, ['type', 'block_id', 'text', 'fields', 'accessory', 'expand']);
  if (section.text === undefined && section.fields === undefined) look.fail(at, 'missing required field: text or fields');
  if (section.text !== undefined) look.text(`${at}/text`, section.text, limits.section);
  if (section.fields !== undefined)
    look.list(`${at}/fields`, section.fields, limits.fields).forEach((field, index) => {
      look.text(`${at}/fields/${index}`, field, limits.field);
    });
  if (section.accessory !== undefined) inspectElement(look, `${at}/accessory`, section.accessory);
}

const chartKinds = new Set(['bar', 'line', 'area']);

function inspectChart(look: Inspection, at: string, block: Block): void {
  look.only(at, block, ['type', 'block_id', 'title', 'chart']);
  look.string(`${at}/title`, block.title, limits.chartTitle);
  const { chart } = block;
  if (!isObject(chart)) return void look.fail(`${at}/chart`, 'must provide an object');
  if (chart.type === 'pie') return void inspectPie(look, `${at}/chart`, chart);
  if (!chartKinds.has(String(chart.type))) return void look.fail(`${at}/chart/type`, 'must be one of pie, bar, area, line');
  look.only(`${at}/chart`, chart, ['type', 'series', 'axis_config']);
  const axis = isObject(chart.axis_config) ? chart.axis_config : {};
  look.only(`${at}/chart/axis_config`, axis, ['categories', 'x_label', 'y_label']);
  for (const field of ['x_label', 'y_label']) look.optional(`${at}/chart/axis_config`, axis, field, limits.axisLabel);
  const labels = look.list(`${at}/chart/axis_config/categories`, axis.categories, limits.chartPoints);
  for (const [index, label] of labels.entries())
    look.string(`${at}/chart/axis_config/categories/${index}`, label, limits.chartLabel);
  if (new Set(labels).size < labels.length) look.fail(`${at}/chart/axis_config/categories`, 'must be unique');
  const names = look.list(`${at}/chart/series`, chart.series, limits.chartSeries).map((series, index) => {
    inspectSeries(look, `${at}/chart/series/${index}`, series, labels);
    return isObject(series) ? series.name : undefined;
  });
  if (new Set(names).size < names.length) look.fail(`${at}/chart/series`, 'names must be unique');
}

function inspectSeries(look: Inspection, at: string, series: unknown, labels: readonly unknown[]): void {
  if (!isObject(series)) return void look.fail(at, 'must provide an object');
  look.only(at, series, ['name', 'data']);
  look.string(`${at}/name`, series.name, limits.chartLabel);
  const points = look.list(`${at}/data`, series.data, limits.chartPoints);
  const told = points.map((point, index) => inspectPoint(look, `${at}/data/${index}`, point));
  if (told.length !== labels.length || told.some(label => !labels.includes(label)))
    look.fail(`${at}/data`, 'must have one point for each category');
}

function inspectPoint(look: Inspection, at: string, point: unknown): unknown {
  if (!isObject(point)) return void look.fail(at, 'must provide an object');
  look.string(`${at}/label`, point.label, limits.chartLabel);
  if (typeof point.value !== 'number' || !Number.isFinite(point.value)) look.fail(`${at}/value`, 'must provide a number');
  return point.label;
}

function inspectPie(look: Inspection, at: string, chart: Fields): void {
  look.only(at, chart, ['type', 'segments']);
  look.list(`${at}/segments`, chart.segments, limits.chartSeries).forEach((segment, index) => {
    inspectPoint(look, `${at}/segments/${index}`, segment);
  });
}

function inspectActions(look: Inspection, at: string, actions: Block): void {
  look.only(at, actions, ['type', 'block_id', 'elements']);
  const seen = new Set<string>();
  look.list(`${at}/elements`, actions.elements, limits.actions).forEach((element, index) => {
    inspectElement(look, `${at}/elements/${index}`, element);
    const id = isObject(element) ? element.action_id : undefined;
    if (typeof id !== 'string') return;
    if (seen.has(id)) look.fail(`${at}/elements/${index}/action_id`, `\`action_id\` "${id}" already exists for this block`);
    seen.add(id);
  });
}

function inspectContext(look: Inspection, at: string, context: Block): void {
  look.only(at, context, ['type', 'block_id', 'elements']);
  look.list(`${at}/elements`, context.elements, limits.contextElements).forEach((element, index) => {
    const here = `${at}/elements/${index}`;
    if (isObject(element) && element.type === 'image') inspectImage(look, here, element);
    else look.text(here, element, limits.section);
  });
}

/** Every block Slack knows in a message. Those with `null` are taken as they are; their inside is not looked at here. */
const inspectors: Record<string, ((look: Inspection, at: string, block: Block) => void) | null> = {
  section: inspectSection,
  actions: inspectActions,
  context: inspectContext,
  table: inspectTable,
  data_visualization: inspectChart,
  header: (look, at, block) => {
    look.only(at, block, ['type', 'block_id', 'text', 'level']);
    look.text(`${at}/text`, block.text, limits.header, ['plain_text']);
  },
  divider: (look, at, block) => look.only(at, block, ['type', 'block_id']),
  image: (look, at, block) => inspectImage(look, at, block),
  markdown: (look, at, block) => {
    look.only(at, block, ['type', 'block_id', 'text']);
    look.string(`${at}/text`, block.text, limits.markdown);
  },
  rich_text: (look, at, block) => void look.list(`${at}/elements`, block.elements, 1_000),
  context_actions: (look, at, block) => void look.list(`${at}/elements`, block.elements, limits.contextActions),
  ...Object.fromEntries(
    ['alert', 'card', 'carousel', 'container', 'data_table', 'file', 'input', 'plan', 'task_card', 'video'].map(type => [
      type,
      null,
    ]),
  ),
};

/** Characters of every `text` inside, which is how Slack weighs a message's blocks. */
function textOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + textOf(item), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [field, inner]) => sum + (field === 'text' && typeof inner === 'string' ? inner.length : textOf(inner)),
    0,
  );
}

export function inspectBlock(look: Inspection, at: string, block: unknown): void {
  if (!isObject(block)) return void look.fail(at, 'must provide an object');
  const type = String(block.type);
  if (!Object.hasOwn(inspectors, type)) return void look.fail(`${at}/type`, `unsupported type: ${type}`);
  look.optional(at, block, 'block_id', limits.id);
  if (typeof block.block_id === 'string') {
    if (look.blockIds.has(block.block_id)) look.fail(`${at}/block_id`, `"block_id" must be unique: ${block.block_id}`);
    look.blockIds.add(block.block_id);
  }
  inspectors[type]?.(look, at, block as Block);
}

/** What Slack would object to in these blocks; undefined when it would draw them. */
export function objectionToBlocks(blocks: unknown): Objection | undefined {
  if (!Array.isArray(blocks)) return { error: 'invalid_blocks_format', messages: ['[ERROR] blocks must be an array'] };
  const look = new Inspection();
  if (blocks.length > limits.blocks) look.fail('/blocks', `no more than ${limits.blocks} items allowed`);
  blocks.forEach((block: unknown, index) => {
    inspectBlock(look, `/blocks/${index}`, block);
  });
  if (look.tableText > limits.tableText)
    look.fail('/blocks', `tables must be less than ${limits.tableText + 1} characters together`);
  if (blocks.filter(block => block?.type === 'data_visualization').length > limits.charts)
    look.fail('/blocks', `no more than ${limits.charts} data_visualization blocks allowed`);
  if (look.problems.length) return { error: 'invalid_blocks', messages: look.problems };

  const markdown = blocks.filter(block => block.type === 'markdown').reduce((sum, block) => sum + textOf(block), 0);
  const weight = textOf(blocks) + blocks.length * limits.container;
  if (markdown > limits.markdown || weight > limits.messageBudget) return { error: 'msg_blocks_too_long', messages: [] };
  return undefined;
}

/** What Slack would object to in a message's metadata. */
export function objectionToMetadata(metadata: unknown): Objection | undefined {
  if (!isObject(metadata)) return { error: 'invalid_metadata_format', messages: [] };
  const { event_type: type, event_payload: payload } = metadata;
  if (typeof type !== 'string' || !/^[\w.-]{1,255}$/.test(type) || !isObject(payload))
    return { error: 'invalid_metadata_schema', messages: [] };
  return JSON.stringify(metadata).length > limits.metadata ? { error: 'metadata_too_large', messages: [] } : undefined;
}
