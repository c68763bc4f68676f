import type { Cadence } from '../../src/calendar.ts';
import { drover, enter } from '../../src/domain/context.ts';
import type { Criteria } from '../../src/domain/lists/criteria.ts';
import * as lists from '../../src/domain/lists/index.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import { isRefusal } from '../../src/errors.ts';
import { PeopleSource, someone } from './people-source.ts';
import type { Office, World } from './world.ts';

export const anybody: Criteria = { titles: ['VP of Sales'] };
/** Everybody of it can be added. */
export const reachable = (count: number, from = 1) =>
  new PeopleSource(Array.from({ length: count }, (_, i) => someone(from + i, { email: `pat${from + i}@firm.example` })));

export async function setUp(
  world: World,
  { source = reachable(300), criteria = anybody as Criteria | null, zone = 'Europe/London' } = {},
) {
  world.services.sources = { directory: source };
  const acme = await world.office('Acme', zone);
  const list = await world.in(acme, ctx =>
    lists.create(ctx, { name: 'VPs', ownerId: acme.admin.id, source: 'directory', criteria }),
  );
  if (isRefusal(list)) throw new Error(list.message);
  return { acme, listId: list.id, source };
}

export const order = (world: World, office: Office, listId: number, asked: number) =>
  world.in(office, async ctx => (await monitoring.order(ctx, { listId, asked, kind: 'order', orderedBy: office.admin.id }))!);
export const receipt = async (world: World, office: Office, refillId: number) =>
  monitoring.receiptOf(
    await world.in(office, ctx => ctx.tx.selectFrom('refill').selectAll().where('id', '=', refillId).executeTakeFirstOrThrow()),
  );
export const fill = async (world: World, office: Office, listId: number, asked: number) => {
  const id = await order(world, office, listId, asked);
  await world.drain();
  return receipt(world, office, id);
};
export const refills = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('refill').select(['period', 'asked', 'added', 'kind']).orderBy('id').execute());
export const set = (
  world: World,
  office: Office,
  listId: number,
  cadence: Cadence | 'off',
  amount = 20,
  weekday: number | null = null,
) =>
  world.in(office, ctx =>
    monitoring.set(ctx, {
      listId,
      to: cadence === 'off' ? null : { cadence, amount, weekday: cadence === 'weekly' ? (weekday ?? 1) : null },
    }),
  );
/** What the tick does for a list. */
export const tick = async (world: World, office: Office, listId: number) => {
  const refillId = await enter(world.services, office.id, drover, ctx => monitoring.runDue(ctx, listId));
  await world.drain();
  return refillId;
};
export const at = (text: string) => Temporal.Instant.from(text);
export const memberCount = async (world: World, office: Office) =>
  (await world.in(office, ctx => ctx.tx.selectFrom('membership').select('lead_id').execute())).length;
