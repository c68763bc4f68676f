import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import { isRefusal } from '../../src/errors.ts';
import { someone } from '../support/people-source.ts';
import { byState, enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

/** Lets the day's messages leave, each at its time. */
async function send(world: World, office: Office) {
  for (const { state, planned_at } of await ledger(world, office)) {
    if (state !== 'planned') continue;
    await world.clock.set(planned_at);
    await messages.sendDue(world.services, office.id);
  }
}

interface Case {
  body?: string;
  firstName?: string | null;
  /** What the lead's row has not. */
  without?: object;
  /** What there is before the lead. */
  first?: (office: Office) => Promise<unknown>;
}

/** One lead of a running sequence, whose first message was held at the gate. */
async function held(world: World, { body, firstName = 'Pat', without = {}, first }: Case = {}) {
  const office = await world.office();
  await first?.(office);
  const server = mailServer();
  mailThrough(world, server.transport);
  const id = await makeSequence(world, office, { steps: 1, ...(body ? { body } : {}) });
  const [pat] = await enrol(world, office, id, 1, { firstName });
  if (Object.keys(without).length) await world.in(office, ctx => ctx.tx.updateTable('lead').set(without).execute());
  await world.in(office, ctx => messages.planDay(ctx, id));
  await send(world, office);
  expect(server.handed).toEqual([]);
  expect(await byState(world, office)).toEqual({ held: 1 });
  await world.drain();
  return { office, id, pat: pat!, handed: server.handed };
}

/** What waits is planned, and leaves. */
async function goOn(world: World, office: Office) {
  await world.drain();
  await send(world, office);
}
const reasonOf = async (world: World, office: Office, id: number) => (await enrollmentOf(world, office, id)).held_reason;
const edit = (world: World, office: Office, changes: object, lead = 'Pat 1') =>
  world.call(office, 'edit_lead', { lead, changes });

test('S3 S8 a lead whose variable was empty goes on when it is filled: planned anew, and sent', async ({ world }) => {
  const { office, pat, handed } = await held(world, { firstName: null });
  expect(await reasonOf(world, office, pat)).toBe('missing_variable');
  const filled = await edit(world, office, { firstName: 'Pat' });
  expect(filled).toMatchObject({ outcome: 'done', result: { goesOn: ['Fall Intro'] } });
  expect(filled.report.notes![0]).toContain('held in "Fall Intro" goes on');
  expect(await reasonOf(world, office, pat)).toBeNull();
  // Nothing says any more that it was held for what is there now.
  expect(await ledger(world, office)).toEqual([]);
  await goOn(world, office);
  expect(handed).toMatchObject([{ subject: 'Hello Pat' }]);
  expect(await byState(world, office)).toEqual({ sent: 1 });
});

test.for([
  ['industry', { industry: 'fintech' }, { industry: null }],
  ['location', { location: 'Berlin' }, { person_location: null }],
  ['company_location', { companyLocation: 'Berlin' }, { company_location: null }],
  ['fields.plan', { fields: { plan: 'pro' } }, {}],
  ['fields.lead_status', { fields: { 'Lead status': 'warm' } }, {}],
] as const)(
  'S8 {{ %s }} can be filled by hand, and what was held for it goes on',
  async ([name, changes, without], { world }) => {
    const { office, handed } = await held(world, { body: `It is {{ ${name} }}.`, without });
    expect((await edit(world, office, changes)).outcome).toBe('done');
    await goOn(world, office);
    expect(handed.map(mail => mail.text.split('.')[0])).toEqual([
      `It is ${{ industry: 'Fintech', 'fields.plan': 'pro', 'fields.lead_status': 'warm' }[name as string] ?? 'Berlin'}`,
    ]);
  },
);

test('S8 a message that came out empty goes on when the lead has what it is made of', async ({ world }) => {
  const { office, pat, handed } = await held(world, { body: '{% if title %}{{ title }}{% endif %}' });
  expect(await reasonOf(world, office, pat)).toBe('empty_message');
  await edit(world, office, { title: 'CTO' });
  await goOn(world, office);
  expect(handed).toHaveLength(1);
});

test('S8 what lacks another variable still is held for that one, once, and another field sets nobody free', async ({ world }) => {
  const { office, pat, handed } = await held(world, { body: '{{ title }} in {{ location }}' });
  expect(await edit(world, office, { linkedinUrl: 'linkedin.com/in/pat' })).toMatchObject({ result: { goesOn: [] } });
  expect(await reasonOf(world, office, pat)).toBe('missing_variable');
  await edit(world, office, { title: 'CTO' });
  await goOn(world, office);
  expect(await ledger(world, office)).toMatchObject([{ state: 'held', reason: 'missing_variable', detail: 'location' }]);
  await goOn(world, office);
  expect(await byState(world, office)).toEqual({ held: 1 });
  expect(handed).toEqual([]);
});

test.for([
  ['bad_address', { email_status: 'bounced' }],
  ['no_email', { email: null, email_key: null }],
] as const)('D3 L3 a lead that was held for %s goes on with a new address', async ([reason, without], { world }) => {
  const { office, pat, handed } = await held(world, { without });
  expect(await reasonOf(world, office, pat)).toBe(reason);
  expect(await edit(world, office, { title: 'CTO' })).toMatchObject({ result: { goesOn: [] } });
  expect(await edit(world, office, { email: 'pat@new.example' })).toMatchObject({ result: { goesOn: ['Fall Intro'] } });
  await goOn(world, office);
  expect(handed).toMatchObject([{ to: { address: 'pat@new.example' } }]);
});

/** A file with one row is put on a list. */
const importOne = (world: World, office: Office, row: Parameters<typeof someone>[1]) =>
  world.in(office, async ctx => {
    const opened = await monitoring.openImport(ctx, { listName: 'Fair', ownerId: office.admin.id, asked: 1 });
    if (isRefusal(opened)) throw new Error(opened.message);
    const candidates = [{ ...someone(1, row), recordId: null }];
    return monitoring.importRows(ctx, { listId: opened.listId, refillId: opened.refillId, candidates });
  });

test('L3 S3 an import that fills the gap lets the lead go on', async ({ world }) => {
  const { office, pat, handed } = await held(world, { body: '{{ fields.plan }}' });
  await importOne(world, office, { email: 'pat1@acme.example', headcount: 7 });
  expect(await reasonOf(world, office, pat)).toBeNull();
  await goOn(world, office);
  expect(await reasonOf(world, office, pat)).toBe('missing_variable');
  await importOne(world, office, { email: 'pat1@acme.example' });
  expect(await reasonOf(world, office, pat)).toBe('missing_variable');
  await importOne(world, office, { email: 'pat1@acme.example', fields: { plan: 'pro' } });
  await goOn(world, office);
  expect(handed).toHaveLength(1);
});

test('L3 D3 an import that brings another address lets a lead go on whose own bounced', async ({ world }) => {
  const { office, handed } = await held(world, {
    without: { email_status: 'bounced', linkedin_url: 'linkedin.example/in/pat' },
  });
  await importOne(world, office, { email: 'pat@new.example', linkedinUrl: 'linkedin.example/in/pat' });
  await goOn(world, office);
  expect(handed).toMatchObject([{ to: { address: 'pat@new.example' } }]);
});

/** Another lead of the office, who may turn out to be the same person. */
const patricia = (world: World, office: Office) =>
  world.in(office, ctx =>
    ctx.tx
      .insertInto('lead')
      .values({
        ...{ workspace_id: office.id, full_name: 'Patricia One', first_name: 'Patricia', email: 'p@one.example' },
        ...{ email_key: 'p@one.example', company: 'Acme', created_at: ctx.now, updated_at: ctx.now },
      })
      .execute(),
  );

test.for(['older', 'younger'] as const)(
  'L3 S3 two leads that become one: what one was held for, the %s one has',
  async (which, { world }) => {
    const others = which === 'older' ? { first: (office: Office) => patricia(world, office) } : {};
    const { office, pat, handed } = await held(world, { firstName: null, ...others });
    if (which === 'younger') await patricia(world, office);
    const asked = await edit(world, office, { email: 'p@one.example' }, which === 'older' ? 'Pat 2' : 'Pat 1');
    if (asked.outcome !== 'needs_approval') throw new Error(JSON.stringify(asked));
    await world.press(office, asked.approval.id);
    expect(await reasonOf(world, office, pat)).toBeNull();
    await goOn(world, office);
    expect(handed).toMatchObject([{ subject: 'Hello Patricia' }]);
  },
);

test('A6 undoing the change holds the message again, and is refused once it has left because of it', async ({ world }) => {
  const { office, pat, handed } = await held(world, { firstName: null });
  await edit(world, office, { firstName: 'Pat' });
  await world.drain();
  expect((await world.call(office, 'undo', {})).outcome).toBe('done');
  await goOn(world, office);
  expect(handed).toEqual([]);
  expect(await reasonOf(world, office, pat)).toBe('missing_variable');
  await edit(world, office, { firstName: 'Pat' });
  await goOn(world, office);
  expect(handed).toHaveLength(1);
  expect(await world.call(office, 'undo', {})).toMatchObject({ outcome: 'refused', code: 'has_left' });
});

test('L3 a column by the name that people say: its own, a further one, and a slip of one is a question', async ({ world }) => {
  const { office } = await held(world, { firstName: null });
  await edit(world, office, { fields: { 'First name': 'Pat', Plan: 'pro' } });
  const read = () => world.in(office, ctx => ctx.tx.selectFrom('lead').selectAll().executeTakeFirstOrThrow());
  expect(await read()).toMatchObject({ first_name: 'Pat', fields: { plan: 'pro' } });
  const slip = await edit(world, office, { fields: { industy: 'Fintech' } });
  expect(slip).toMatchObject({
    outcome: 'refused',
    code: 'unknown_field',
    next: ['set industry of pat1@acme.example to Fintech'],
  });
  expect((await edit(world, office, { fields: { 'fields.plan': 'team' } })).report.facts).toEqual([
    { label: 'plan', value: 'team' },
  ]);
  expect(await read()).toMatchObject({ fields: { plan: 'team' } });
});
