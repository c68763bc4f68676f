import type { KnownBlock } from '@slack/types';
import type { Chart } from '../../tools/report.ts';
import { LIMITS } from './limits.ts';
import { table } from './parts.ts';
import { clip, line } from './text.ts';

/** Slack's chart block (June 2026). Its packages do not know it yet, nor do all its clients: what it shows can also be said in a table. */
interface ChartBlock {
  type: 'data_visualization';
  title: string;
  chart: {
    type: Chart['kind'];
    series: { name: string; data: { label: string; value: number }[] }[];
    axis_config: { categories: string[] };
  };
}

/** A chart within Slack's limits: what there is no room for at its beginning is left out, so that of many days the last are shown. */
export function chart({ title, kind, labels, series }: Chart): KnownBlock {
  const from = Math.max(0, labels.length - LIMITS.chartPoints);
  const categories = distinct(labels.slice(from));
  const shown = series.slice(0, LIMITS.chartSeries);
  const names = distinct(shown.map(({ name }) => name));
  const block: ChartBlock = {
    type: 'data_visualization',
    title: clip(line(title), LIMITS.chartTitle),
    chart: {
      type: kind,
      series: shown.map(({ values }, i) => ({
        name: names[i]!,
        data: categories.map((label, at) => ({ label, value: values[from + at] ?? 0 })),
      })),
      axis_config: { categories },
    },
  };
  return block as unknown as KnownBlock;
}

/** Labels within their length, and no two alike, since Slack finds a point by its label. */
function distinct(texts: readonly string[]): string[] {
  const taken = new Set<string>();
  return texts.map(text => {
    let label = clip(line(text), LIMITS.chartLabel);
    for (let n = 2; taken.has(label); n++) label = `${clip(line(text), LIMITS.chartLabel - 4)} (${n})`;
    taken.add(label);
    return label;
  });
}

export const isChart = (block: KnownBlock): boolean => (block.type as string) === 'data_visualization';

/** The same blocks with every chart as a table in text: for a Slack that refuses charts, and for weighing a message. */
export const withoutCharts = (blocks: readonly KnownBlock[]): KnownBlock[] =>
  blocks.flatMap(block => (isChart(block) ? inText(block as unknown as ChartBlock) : [block]));

const inText = ({ title, chart: { series, axis_config } }: ChartBlock): KnownBlock[] =>
  table(
    {
      title,
      columns: [{ label: ' ' }, ...series.map(({ name }) => ({ label: name, align: 'right' as const }))],
      rows: axis_config.categories.map((label, at) => [
        label,
        ...series.map(({ data }) => data[at]!.value.toLocaleString('en-US')),
      ]),
    },
    false,
  );
