import { expect } from 'vitest';
import { type SlackHarness, type SlackSettings, startSlack, type Transport } from './slack.ts';
import { type World, test as withWorld } from './world.ts';

/** `test('C1 …', async ({ world, slack }) => …)` over one of the transports: a world whose Slack is there and whose jobs answer it. */
export const testOver = (transport: Transport, settings: (world: World) => SlackSettings = () => ({})) =>
  withWorld.extend<{ slack: SlackHarness }>({
    slack: async ({ world }, use) => {
      const harness = await startSlack(world.services, { transport, ...settings(world) });
      world.handlers = harness.handlers;
      await use(harness);
      await harness.close();
      expect(harness.slack.control.sockets.faults).toEqual([]);
    },
  });
