import { expect, test } from 'vitest';
import { holidaysOf, publicHolidays } from '../../src/domain/sequences/holidays.ts';

test('S4 a country’s calendar holds its public holidays of every year, the longer ones with all their days', () => {
  expect([...publicHolidays('DE', 2026)].sort()).toEqual([
    '2026-01-01',
    '2026-04-03',
    '2026-04-06',
    '2026-05-01',
    '2026-05-14',
    '2026-05-25',
    '2026-10-03',
    '2026-12-25',
    '2026-12-26',
  ]);
  // Ramazan Bayramı lasts three days.
  for (const date of ['2026-03-20', '2026-03-21', '2026-03-22']) expect(publicHolidays('TR', 2026).has(date)).toBe(true);
  expect(publicHolidays('TR', 2026).has('2026-03-23')).toBe(false);
});

test('S4 own dates and the country’s together; none by default', () => {
  const both = holidaysOf({ country: 'DE', dates: ['2026-12-24'] });
  expect(['2026-12-24', '2026-12-25', '2031-01-01', '2026-12-23'].map(date => both.has(date))).toEqual([true, true, true, false]);
  expect(both.size).toBeGreaterThan(0);
  const none = holidaysOf({ country: null, dates: [] });
  expect([none.size, none.has('2026-12-25')]).toEqual([0, false]);
});
