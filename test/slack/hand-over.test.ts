import { test as base, describe, expect } from 'vitest';
import { drover, enter } from '../../src/domain/context.ts';
import * as digests from '../../src/domain/digests/index.ts';
import { hasLeft, read } from '../../src/slack/requests.ts';
import { transports } from '../support/slack.ts';
import { testOver } from '../support/slack-test.ts';

const change = (user: object, event: object = {}) => ({
  type: 'event_callback',
  team_id: 'T1',
  event: { type: 'user_change', user: { id: 'U1', deleted: true, ...user }, event_ts: '100.1', ...event },
});

base('C1 a deactivation is kept once, whatever its event id; other changes of a person are not kept', () => {
  expect(read(change({}))).toMatchObject({ kind: 'store', request: { key: 'event:T1:user_change:U1:100.1', kind: 'event' } });
  expect(read({ ...change({}), event_id: 'Ev2' })).toEqual({
    ...read(change({})),
    request: expect.objectContaining({ key: 'event:T1:user_change:U1:100.1' }),
  });
  expect(read(change({ deleted: false }))).toEqual({ kind: 'ignore' });
  expect(read(change({ is_bot: true }))).toEqual({ kind: 'ignore' });
  expect(hasLeft(change({ id: undefined }))).toBeUndefined();
  expect(hasLeft(change({}, { user: 'U1' }))).toBeUndefined();
});

describe.each(transports)('over %s', transport => {
  const test = testOver(transport);

  test('W3 what a deactivated owner had goes to an admin, once, and the digest says so', async ({ world, slack }) => {
    const inside = <R>(work: Parameters<typeof enter<R>>[3]) => enter(world.services, slack.workspaceId, drover, work);
    const { control, users } = slack.slack;
    const [alex, sam] = users as never as { id: string }[];
    for (const user of [alex!, sam!]) await control.dm({ user: user.id, text: 'hello' });
    await world.drain();
    const ids = await inside(async ctx => {
      const members = await ctx.tx.selectFrom('member').select(['id', 'slack_user_id']).execute();
      const idOf = (slackId: string) => members.find(member => member.slack_user_id === slackId)!.id;
      await ctx.tx
        .insertInto('list')
        .values({
          workspace_id: slack.workspaceId,
          owner_id: idOf(sam!.id),
          name: 'VPs',
          source: 'directory',
          created_at: ctx.now,
        })
        .execute();
      return { alex: idOf(alex!.id), sam: idOf(sam!.id) };
    });
    await control.deactivate(sam!.id);
    await control.redeliver();
    await world.drain();
    const now = await inside(async ctx => ({
      owner: (await ctx.tx.selectFrom('list').select('owner_id').executeTakeFirstOrThrow()).owner_id,
      gone: (await ctx.tx.selectFrom('member').select('deactivated_at').where('id', '=', ids.sam).executeTakeFirstOrThrow())
        .deactivated_at,
      trail: (await ctx.tx.selectFrom('activity').select('id').where('action', '=', 'deactivate_member').execute()).length,
      digest: (await digests.today(ctx)).handedOver,
    }));
    expect(now).toMatchObject({ owner: ids.alex, trail: 1, digest: [{ to: 'Alex Admin', lists: 1, sequences: 0, senders: 0 }] });
    expect(now.gone).not.toBeNull();
  });

  test('W3 who comes back is a member again', async ({ world, slack }) => {
    const { control, users } = slack.slack;
    const [alex, sam] = users as never as { id: string }[];
    for (const user of [alex!, sam!]) await control.dm({ user: user.id, text: 'hello' });
    await world.drain();
    await control.deactivate(sam!.id);
    await world.drain();
    await world.clock.move({ minutes: 10 });
    await control.dm({ user: sam!.id, text: 'I am back' });
    await world.drain();
    const active = await enter(world.services, slack.workspaceId, drover, ctx =>
      ctx.tx.selectFrom('member').select('name').where('deactivated_at', 'is', null).execute(),
    );
    expect(active).toHaveLength(2);
  });
});
