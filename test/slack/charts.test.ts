import type { KnownBlock } from '@slack/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reportText } from '../../src/cli/text.ts';
import { systemClock } from '../../src/clock.ts';
import { drover, enter } from '../../src/domain/context.ts';
import { drawMessage } from '../../src/local-slack/blocks.ts';
import { objectionToBlocks } from '../../src/local-slack/limits.ts';
import { Workspace } from '../../src/local-slack/workspace.ts';
import { chart, withoutCharts } from '../../src/slack/blocks/charts.ts';
import { reportMessages } from '../../src/slack/blocks/report.ts';
import { post } from '../../src/slack/outbox.ts';
import type { Chart, Report } from '../../src/tools/report.ts';
import { transports } from '../support/slack.ts';
import { testOver } from '../support/slack-test.ts';

const contacted: Chart = {
  title: 'Contacted a day',
  kind: 'bar',
  labels: ['1 Mar', '2 Mar', '3 Mar'],
  series: [
    { name: 'Contacted', values: [3, 20, 7] },
    { name: 'Cap', values: [20, 20, 20] },
  ],
};
const digest = (charts: Chart[]): Report => ({ tone: 'neutral', title: 'Your Drover digest', charts });
const typesOf = (blocks: readonly { type: string }[]): string[] => blocks.map(({ type }) => type);

describe('charts in Slack', () => {
  test('whatever it is called and however long it is, a chart is one that Slack draws', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 60 });
    const anyChart: fc.Arbitrary<Chart> = fc
      .record({
        title: word,
        kind: fc.constantFrom('bar' as const, 'line' as const),
        labels: fc.array(word, { minLength: 1, maxLength: 40 }),
        names: fc.array(word, { minLength: 1, maxLength: 9 }),
      })
      .map(({ names, ...rest }) => ({ ...rest, series: names.map(name => ({ name, values: rest.labels.map((_, i) => i) })) }));
    fc.assert(
      fc.property(anyChart, one => {
        expect(objectionToBlocks([chart(one)])).toBeUndefined();
        expect(objectionToBlocks(withoutCharts([chart(one)]))).toBeUndefined();
      }),
      { numRuns: 150, seed: 5 },
    );
  });

  test('what Slack would refuse, local Slack refuses', () => {
    const block = chart(contacted) as unknown as { chart: { series: { data: { label: string }[]; name: string }[] } };
    const with_ = (change: (copy: typeof block) => void) => {
      const copy = structuredClone(block);
      change(copy);
      return objectionToBlocks([copy])?.error;
    };
    expect(with_(() => {})).toBeUndefined();
    expect(with_(copy => Object.assign(copy, { title: 'x'.repeat(51) }))).toBe('invalid_blocks');
    expect(with_(copy => copy.chart.series[0]!.data.pop())).toBe('invalid_blocks');
    expect(with_(copy => Object.assign(copy.chart.series[1]!, { name: 'Contacted' }))).toBe('invalid_blocks');
    expect(with_(copy => Object.assign(copy.chart, { type: 'donut' }))).toBe('invalid_blocks');
    expect(objectionToBlocks([block, block, block])?.error).toBe('invalid_blocks');
  });

  test('two are in a message, more go on in the next; of many days the last are drawn', () => {
    const pages = reportMessages(digest([contacted, contacted, contacted]));
    expect(pages.map(({ blocks }) => typesOf(blocks).filter(type => type === 'data_visualization').length)).toEqual([2, 1]);
    const labels = Array.from({ length: 30 }, (_, i) => `day ${i + 1}`);
    const long = chart({ ...contacted, labels, series: [{ name: 'n', values: labels.map((_, i) => i + 1) }] });
    const { series } = (long as unknown as { chart: { series: { data: object[] }[] } }).chart;
    expect([series[0]!.data[0], series[0]!.data.at(-1)]).toEqual([
      { label: 'day 11', value: 11 },
      { label: 'day 30', value: 30 },
    ]);
  });

  test('without drawing, the numbers are said', () => {
    const blocks = withoutCharts([chart(contacted)]);
    expect(typesOf(blocks)).not.toContain('data_visualization');
    expect(JSON.stringify(blocks)).toMatch(/1 Mar +3 +20/);
    expect(reportText(digest([contacted]))).toMatch(/2 Mar +█{24} +20 +20/);
  });

  test('local Slack draws it, and what it is called stays words', () => {
    const workspace = new Workspace({ name: 'Chart', clock: systemClock, zone: 'UTC' });
    const blocks = [chart({ ...contacted, title: '<img src=x onerror=alert(1)> & co' })] as never;
    const html = drawMessage(workspace, {
      channel: 'C',
      ts: '3.1',
      user: 'U',
      text: '',
      blocks,
      byApp: true,
      reactions: [],
      revision: 1,
    });
    expect(html).toContain('<svg');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt; &amp; co');
    expect(html).not.toMatch(/<img|style=|data_visualization_action/);
    expect(html.match(/class="swatch"/g)).toHaveLength(2);
  });
});

describe.each(transports)('charts over %s', transport => {
  testOver(transport)('G1 a Slack that refuses charts gets their numbers, once, in the same place', async ({ world, slack }) => {
    const { control, channels } = slack.slack;
    const channel = channels.find(({ name }) => name === 'sales')!.id;
    const inside = <R>(work: Parameters<typeof enter<R>>[3]) => enter(world.services, slack.workspaceId, drover, work);
    const rows = () =>
      inside(ctx => ctx.tx.selectFrom('slack_post').select(['state', 'error', 'attempts']).orderBy('id').execute());
    const put = (key: string) => inside(ctx => post(ctx, key, { channel }, reportMessages(digest([contacted]))));
    await put('drawn');
    await world.drain();
    control.fail('chat.postMessage', { error: 'invalid_blocks' });
    await put('refused');
    await world.drain();
    const shown = control.messages('sales').filter(({ byApp }) => byApp);
    expect(shown.map(({ blocks }) => typesOf(blocks as KnownBlock[]).includes('data_visualization'))).toEqual([true, false]);
    expect(JSON.stringify(shown[1]!.blocks)).toMatch(/2 Mar +20 +20/);
    expect(await rows()).toMatchObject([{ state: 'posted' }, { state: 'posted', error: null, attempts: 2 }]);

    control.fail('chat.postMessage', { error: 'invalid_blocks', times: 2 });
    await put('never');
    await world.drain();
    expect((await rows()).at(-1)).toMatchObject({ state: 'failed', error: 'invalid_blocks', attempts: 2 });
  });
});
