import { expect } from 'vitest';
import { follow } from '../../src/jobs/boss.ts';
import { test } from '../support/world.ts';

test('a moved clock waits for years without a timer that overflows, which would go off at once and again and again', async ({
  world,
}) => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  const clock = follow(world.services.db, world.clock);
  let fired = 0;
  const timer = clock.setTimeout(() => fired++, 1000 * 60 * 60 * 24 * 365);
  const soon = new Promise<void>(resolve => clock.setTimeout(resolve, 5));
  await soon;
  clock.clearTimeout(timer);
  process.off('warning', listen);
  expect({ fired, warnings: warnings.map(warning => warning.name) }).toEqual({ fired: 0, warnings: [] });
});
