import { sql } from 'kysely';
import { expect } from 'vitest';
import { texts } from '../../src/db/codecs.ts';
import { test } from '../support/world.ts';

test('many texts arrive as they were, whatever is in them, without what Postgres cannot hold', async ({ world }) => {
  const through = async (values: (string | null)[]) => {
    const { rows } = await sql<{ all: (string | null)[] }>`select ${texts(values)}::text[] as all`.execute(world.services.db);
    return rows[0]!.all;
  };
  const plain = ['Ann', 'null', 'NULL', '', ' ', '{a,b}', '"quoted"', 'back\\slash', '\\n', '\\"', 'ü 😀', null];
  expect(await through(plain)).toEqual(plain);
  const odd = [...plain, 'two\nlines', 'a\ttab'];
  expect(await through(odd)).toEqual(odd);
  expect(await through(['a\u0000b', 'half \ud800 of'])).toEqual(['ab', 'half \ufffd of']);
  expect(await through([])).toEqual([]);
});
