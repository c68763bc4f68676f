import { sql } from 'kysely';
import { expect } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import { standings } from '../../src/domain/enrollments/standings.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { enrolledBefore, makeList, makeSequence, putMessage, settle } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

/** What the report's table says, a line a person; without the time. */
const told = (outcome: Outcome): string[] =>
  (outcome.report.tables?.[0]?.rows ?? []).map(([name, company, state, why]) => [name, company, state, why].join(' | '));
const names = (outcome: Outcome): string[] => (outcome.report.tables?.[0]?.rows ?? []).map(([name]) => name!);
const columns = (outcome: Outcome): string[] => (outcome.report.tables?.[0]?.columns ?? []).map(({ label }) => label);

const who = (world: World, office: Office, input: object) => world.call(office, 'list_people', input);
const runOf = (world: World, office: Office, leadId: number, change: string) =>
  world.in(office, ctx => sql`update enrollment set ${sql.raw(change)} where lead_id = ${leadId}`.execute(ctx.tx));

/** Fall with people of VPs 1 to 7 in seven ways, two of nine skipped; and Winter, which holds one of these. */
async function fall(world: World) {
  const office = await world.office();
  const vps = await makeList(world, office, 'VPs', { members: 9 });
  const winter = await makeSequence(world, office, 'Winter');
  await enrolledBefore(world, office, { sequenceId: winter.id, leadId: vps.leads[7]!, state: 'queued' });
  await world.in(office, ctx =>
    ctx.tx.updateTable('lead').set({ email: null, email_key: null }).where('id', '=', vps.leads[8]!).execute(),
  );
  const sequence = await makeSequence(world, office, 'Fall', { mode: 'copilot' });
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  const [, two, three, four, five, six, seven] = vps.leads as number[];
  for (const lead of vps.leads.slice(1, 7)) await runOf(world, office, lead, `state = 'queued'`);
  await runOf(world, office, three!, `held_reason = 'missing_variable'`);
  const held = await putMessage(world, office, { leadId: three!, senderId: sequence.senderId, state: 'held' });
  await world.in(office, ctx =>
    ctx.tx.updateTable('message').set({ reason: 'missing_variable', detail: 'first_name' }).where('id', '=', held).execute(),
  );
  for (const lead of [four, five, six, seven]) await runOf(world, office, lead!, `state = 'active', contacted_at = enrolled_at`);
  const unknown = await putMessage(world, office, { leadId: four!, senderId: sequence.senderId, state: 'unknown' });
  await world.in(office, ctx =>
    ctx.tx.updateTable('message').set({ reason: 'no_answer', handing_at: ctx.now }).where('id', '=', unknown).execute(),
  );
  await runOf(world, office, five!, `state = 'replied', reason = 'human_reply', ended_at = enrolled_at + interval '1 hour'`);
  await runOf(world, office, six!, `state = 'paused', reason = 'out_of_office', paused_until = '2026-03-09'`);
  return { office, vps, sequence, winter, two, seven };
}

test('E3 E5 D3 who is held, skipped, unknown, paused and gone in a sequence, each by name, with the reason in words', async ({
  world,
}) => {
  const { office } = await fall(world);
  const of = async (state: string) => told(await who(world, office, { sequence: 'fall', state }));
  expect(await of('in_review')).toEqual(['VPs 1 | Company 1 | in review | –']);
  expect(await of('queued')).toEqual(['VPs 2 | Company 2 | queued | –']);
  expect(await of('held')).toEqual(['VPs 3 | Company 3 | held | a template variable is empty for this lead (first_name)']);
  expect(await of('unknown')).toEqual([
    'VPs 4 | Company 4 | unknown | the mail server did not answer, so nobody knows whether it left',
  ]);
  expect(await of('replied')).toEqual(['VPs 5 | Company 5 | replied | a person replied']);
  expect(await of('paused')).toEqual([
    'VPs 6 | Company 6 | paused | an automatic reply said that they are away, until Mon 9 Mar',
  ]);
  expect(await of('active')).toEqual(['VPs 7 | Company 7 | active | –']);
  expect(await of('skipped')).toEqual([
    'VPs 8 | Company 8 | skipped | is live in another sequence (Winter, Ada)',
    'VPs 9 | Company 9 | skipped | has no e-mail address',
  ]);
  expect(await of('bounced')).toEqual([]);
  const everybody = await who(world, office, { sequence: 'Fall' });
  expect(everybody.report.title).toBe('9 people are or were in "Fall".');
  expect(Object.fromEntries(everybody.report.facts!.map(({ label, value }) => [label, value]))).toEqual({
    ...{ 'In review': '1', Queued: '1', Held: '1', Unknown: '1', Replied: '1', Paused: '1', Active: '1', Skipped: '2' },
  });
  // Whoever is under way comes first; each is told once, where the counts have them.
  expect(names(everybody)).toHaveLength(9);
  expect(names(everybody).slice(0, 6).sort()).toEqual(['VPs 1', 'VPs 2', 'VPs 3', 'VPs 4', 'VPs 6', 'VPs 7']);
});

test('E5 D3 people are found by their stored reason, in one sequence or in all; an unheard-of one finds nobody', async ({
  world,
}) => {
  const { office } = await fall(world);
  const skipped = await who(world, office, { sequence: 'Fall', state: 'skipped', reason: 'no email' });
  expect(skipped.report.title).toBe('1 person was skipped in "Fall": each has no e-mail address.');
  expect(names(skipped)).toEqual(['VPs 9']);
  const held = await who(world, office, { reason: 'missing_variable' });
  expect([names(held), columns(held)]).toEqual([['VPs 3'], ['Name', 'Company', 'State', 'Why', 'Since', 'Sequence', 'List']]);
  const none = await who(world, office, { sequence: 'Fall', state: 'held', reason: 'nonesuch' });
  expect([none.outcome, none.report.title]).toEqual(['done', 'Nobody is held in "Fall".']);
});

test('L1 who is on a list: the newest first, with the run that is live wherever it is, or why the link skipped them', async ({
  world,
}) => {
  const { office, vps } = await fall(world);
  const on = await who(world, office, { list: 'VPs' });
  expect(on.report.title).toBe('9 people are on "VPs".');
  expect(columns(on)).toEqual(['Name', 'Company', 'State', 'Why', 'Since', 'Sequence']);
  expect(names(on)).toEqual(['VPs 9', 'VPs 8', 'VPs 7', 'VPs 6', 'VPs 5', 'VPs 4', 'VPs 3', 'VPs 2', 'VPs 1']);
  expect(told(on)[1]).toBe('VPs 8 | Company 8 | skipped | is live in another sequence (Winter, Ada)');
  expect(names(await who(world, office, { list: 'VPs', state: 'held' }))).toEqual(['VPs 3']);
  expect(names(await who(world, office, { list: 'VPs', sequence: 'Fall', state: 'paused' }))).toEqual(['VPs 6']);
  await makeList(world, office, 'Loose', { members: 1, leads: [vps.leads[7]!] });
  await world.call(office, 'remove_member', { list: 'VPs', leads: ['VPs 1'] });
  expect(told(await who(world, office, { list: 'Loose' })).sort()).toEqual([
    'Loose 1 | Company 1 | not enrolled | –',
    'VPs 8 | Company 8 | queued | –',
  ]);
  expect((await who(world, office, { list: 'VPs' })).report.title).toBe('8 people are on "VPs".');
});

test('pages hold everybody once, in order; the phrase that is offered comes to the next page, and there is none after the last', async ({
  world,
}) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 45 });
  await makeSequence(world, office, 'Fall Intro', { mode: 'copilot' });
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall Intro' });
  await settle(world);
  const context = { lists: ['VPs'], sequences: ['Fall Intro'], focus: {}, today: '2026-03-02' };
  for (const input of [{ sequence: 'Fall Intro', state: 'in_review' }, { sequence: 'Fall Intro' }, { list: 'VPs' }]) {
    const seen: string[] = [];
    for (let page = 1; page <= 3; page++) {
      const outcome = await who(world, office, { ...input, page });
      seen.push(...names(outcome));
      expect(outcome.report.footer).toBe(`Page ${page} of 3`);
      const next = outcome.report.next!.filter(phrase => phrase.includes('page'));
      if (page === 3) expect(next).toEqual([]);
      else
        expect(understand(next[0]!, context)).toEqual({
          kind: 'calls',
          calls: [{ tool: 'list_people', input: { ...input, page: page + 1 } }],
        });
    }
    expect(new Set(seen).size).toBe(45);
    expect(seen).toHaveLength(45);
    expect(await who(world, office, { ...input, page: 4 })).toMatchObject({ outcome: 'refused', code: 'no_such_page' });
  }
});

test('every state has a phrase of its own, which the page that follows is asked for by', async ({ world }) => {
  const { office } = await fall(world);
  const context = { lists: ['VPs'], sequences: ['Fall', 'Winter'], focus: {}, today: '2026-03-02' };
  for (const state of standings) {
    const beyond = await who(world, office, {
      ...(state === 'not_enrolled' ? { list: 'VPs' } : { sequence: 'Fall' }),
      state,
      page: 7,
    });
    if (beyond.outcome !== 'refused') throw new Error(JSON.stringify(beyond));
    expect([state, understand(`${beyond.next![0]}, page 2`, context)]).toEqual([
      state,
      {
        kind: 'calls',
        calls: [
          {
            tool: 'list_people',
            input: { ...(state === 'not_enrolled' ? { list: 'VPs' } : { sequence: 'Fall' }), page: 2, state },
          },
        ],
      },
    ]);
  }
});

test('D2 the unknown messages offer both ways to settle them, and both phrases come to the card', async ({ world }) => {
  const { office } = await fall(world);
  const shown = await who(world, office, { sequence: 'Fall', state: 'unknown' });
  const context = { lists: [], sequences: ['Fall', 'Winter'], focus: {}, today: '2026-03-02' };
  expect(shown.report.next).toHaveLength(2);
  for (const [at, as] of ['sent', 'resend'].entries()) {
    const understood = understand(shown.report.next![at]!, context);
    expect(understood).toEqual({ kind: 'calls', calls: [{ tool: 'settle_unknown', input: { sequence: 'Fall', as } }] });
    expect((await world.call(office, 'settle_unknown', { sequence: 'Fall', as })).outcome).toBe('needs_approval');
  }
});

test('a name that is no list or sequence is refused with what is near', async ({ world }) => {
  const { office } = await fall(world);
  expect(await who(world, office, { list: 'VPz' })).toMatchObject({ outcome: 'refused', code: 'unknown_list' });
  expect(await who(world, office, { sequence: 'Fell' })).toMatchObject({ outcome: 'refused', code: 'unknown_sequence' });
});
