import { expect } from 'vitest';
import { crashPoints } from '../../src/domain/messages/crash-points.ts';
import { test } from '../support/world.ts';
import { across, deeds, expected } from './others.ts';

// Two transactions are open at once, which only a server has.
for (const [name, deed] of Object.entries(deeds))
  test(`${name} begun before a message and committed at any of its points: nothing leaves once it is committed`, async ({
    world,
  }) => {
    for (const point of crashPoints.slice(0, crashPoints.indexOf('handing') + 1)) {
      const { course, ended } = await across(world, deed, point);
      expect(ended, `at ${point}`).toEqual(expected(deed, course.isHanding));
      expect(course.isHanding && course.isInTime, `at ${point} it left, though`).toBe(false);
    }
  });
