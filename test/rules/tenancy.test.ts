import { sql } from 'kysely';
import { expect } from 'vitest';
import { connectServer } from '../../src/db/connect.ts';
import type { Db } from '../../src/db/transaction.ts';
import { drover, enter, type Services } from '../../src/domain/context.ts';
import { silentLog } from '../../src/log.ts';
import { queues } from '../../src/queues.ts';
import { catalogue } from '../../src/tools/catalogue.ts';
import type { Outcome } from '../../src/tools/run.ts';
import type { AnyTool } from '../../src/tools/tool.ts';
import { makeList, makeSequence, putMessage } from '../support/links.ts';
import { PeopleSource } from '../support/people-source.ts';
import { leastInput, schemaOf, textFields } from '../support/tool-inputs.ts';
import { type Office, test, type World } from '../support/world.ts';

/** A mark that the other workspace's rows carry wherever nobody refers to them by it: it must come out nowhere. */
const mark = 'Zyxmark';

/** Tables without a workspace, and why. */
const outside: Record<string, string> = {
  directory_person: 'the built-in source, the same people for everybody',
  inbox: 'requests are stored before their workspace is known; only drover_system reaches them',
};

test('T1 every table of a workspace has forced policies and an index that leads with the workspace', async ({ world }) => {
  const { rows } = await sql<{ name: string; hasWorkspace: boolean; forced: boolean; policies: string[]; leads: boolean }>`
    select c.relname as name,
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and a.attnotnull) as "hasWorkspace",
      c.relrowsecurity and c.relforcerowsecurity as forced,
      coalesce((select array_agg(p.qual || ' / ' || p.with_check) from pg_policies p
        where p.schemaname = 'public' and p.tablename = c.relname and 'drover_app' = any(p.roles)), '{}') as policies,
      exists (select from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where i.indrelid = c.oid and i.indpred is null and a.attname = 'workspace_id') as leads
    from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relname not like 'kysely%'
    order by 1`.execute(world.connection.db);
  const own = '(workspace_id = drover_workspace())';
  const faults = rows
    .filter(({ name }) => name !== 'workspace' && !outside[name])
    .flatMap(({ name, hasWorkspace, forced, policies, leads }) => [
      ...(hasWorkspace ? [] : [`${name} has no workspace_id`]),
      ...(forced ? [] : [`${name} has no forced row-level security`]),
      ...(policies.length === 1 && policies[0] === `${own} / ${own}` ? [] : [`${name} has the policies ${policies.join(', ')}`]),
      ...(leads ? [] : [`${name} has no whole index that leads with workspace_id`]),
    ]);
  expect(faults).toEqual([]);
  expect(rows.length).toBeGreaterThanOrEqual(31);
  expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(['sender', 'mailbox', 'reply', 'answer']));
  const workspace = rows.find(({ name }) => name === 'workspace')!;
  expect([workspace.forced, workspace.policies]).toEqual([true, ['(id = drover_workspace()) / (id = drover_workspace())']]);
});

test('T1 nothing but what db/system needs is granted across workspaces, and nobody outside may touch a table', async ({
  world,
}) => {
  const { rows } = await sql<{ grantee: string; name: string; rights: string }>`
    select grantee, table_name as name, string_agg(privilege_type, ' ' order by privilege_type) as rights
    from information_schema.table_privileges
    where table_schema = 'public' and grantee in ('PUBLIC', 'drover_system') group by 1, 2 order by 2`.execute(
    world.connection.db,
  );
  expect(rows.map(({ grantee, name, rights }) => `${grantee} ${name}: ${rights}`)).toEqual([
    'drover_system inbox: INSERT SELECT UPDATE',
    'drover_system workspace: INSERT SELECT',
  ]);
});

/** Every row of a workspace, table by table, as one hash each. */
async function hashes(db: Db, workspaceId: number): Promise<Record<string, string>> {
  const tables = await sql<{ name: string }>`
    select c.relname as name from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id')`.execute(db);
  const each = tables.rows.map(
    ({
      name,
    }) => sql`select ${name}::text as name, md5(coalesce(string_agg(t::text, '|' order by t::text), '')) || ' ' || count(*) as hash
      from ${sql.table(name)} t where workspace_id = ${workspaceId}`,
  );
  const { rows } = await sql<{ name: string; hash: string }>`${sql.join(each, sql` union all `)}
    union all select 'workspace', t::text from workspace t where id = ${workspaceId}`.execute(db);
  return Object.fromEntries(rows.map(row => [row.name, row.hash]));
}

/** Somebody else's workspace with a row of every kind that people refer to; and what they might be called by from outside. */
async function furnish(world: World, office: Office, word: string) {
  const sequence = await makeSequence(world, office, `${word} Sequence`);
  const list = await makeList(world, office, `${word} List`, { members: 5, monitored: { cadence: 'daily', amount: 3 } });
  const spare = await makeList(world, office, `${word} Spare`, { members: 2 });
  const copilot = await makeSequence(world, office, `${word} Copilot`, { mode: 'copilot' });
  const many = await makeList(world, office, `${word} Many`, { members: 30 });
  await world.call(office, 'link_list', { list: `${word} List`, sequence: `${word} Sequence` }).then(async asked => {
    if (asked.outcome === 'needs_approval') await world.press(office, asked.approval.id);
  });
  await world.call(office, 'link_list', { list: `${word} Spare`, sequence: `${word} Copilot` });
  const pending = await world.call(office, 'link_list', { list: `${word} Many`, sequence: `${word} Sequence` });
  await world.drain();
  const exclusion = `${word.toLowerCase()}-never@excluded.example`;
  await world.call(office, 'exclude', { address: exclusion, reason: `asked ${mark}` });
  await world.call(office, 'set_digest', { channel: `C${word.toUpperCase()}`, cadence: 'daily' });
  await world.in(office, ctx =>
    ctx.tx
      .updateTable('sender')
      .set({ address: `${word.toLowerCase()}@senders.example`, name: `${word} Mailbox` })
      .where('id', '=', sequence.senderId)
      .execute(),
  );
  const replyId = await correspond(world, office, { leadId: list.leads[0]!, senderId: sequence.senderId });
  return world.in(office, async ctx => {
    await ctx.tx.updateTable('lead').set({ title: mark, company: mark }).execute();
    const one = async (table: 'sender' | 'link' | 'digest' | 'refill' | 'message' | 'enrollment') =>
      (await ctx.tx.selectFrom(table).select('id').orderBy('id').limit(1).executeTakeFirst())?.id;
    const lead = await ctx.tx.selectFrom('lead').selectAll().orderBy('id').limit(1).executeTakeFirstOrThrow();
    const sender = await ctx.tx.selectFrom('sender').selectAll().where('id', '=', sequence.senderId).executeTakeFirstOrThrow();
    return {
      list,
      spare,
      many,
      sequence,
      copilot,
      sender,
      replyId,
      approvalId: pending.outcome === 'needs_approval' ? pending.approval.id : 0,
      ids: {
        linkId: await one('link'),
        digestId: await one('digest'),
        sequenceId: sequence.id,
        listId: list.id,
        senderId: sender.id,
        replyId,
      },
      lead,
      names: [
        list.name,
        `#${list.id}`,
        sequence.name,
        `#${sequence.id}`,
        copilot.name,
        lead.full_name,
        lead.email!,
        `#${lead.id}`,
        office.rep.name,
        `<@${office.rep.slackUserId}>`,
        sender.address,
        sender.name,
        exclusion,
      ],
    };
  });
}

/** A mailbox, a reply in it that nobody has read yet, and an answer to it. @returns the reply's id */
const correspond = (world: World, office: Office, { leadId, senderId }: { leadId: number; senderId: number }): Promise<number> =>
  world.in(office, async ctx => {
    const own = { workspace_id: office.id, sender_id: senderId };
    await ctx.tx
      .insertInto('mailbox')
      .values({ ...own, next_read_at: ctx.now })
      .onConflict(conflict => conflict.doNothing())
      .execute();
    const { id } = await ctx.tx
      .insertInto('reply')
      .values({
        ...{ ...own, uid_validity: '1', uid: 1, kind: 'human', lead_id: leadId, outcome: 'none' },
        ...{ subject: mark, body: mark, from_name: mark, received_at: ctx.now, read_at: ctx.now },
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await ctx.tx
      .insertInto('answer')
      .values({
        ...{ ...own, reply_id: id, written_by: office.admin.id, body: mark, mail_id: `<${mark}@${office.id}.example>` },
        written_at: ctx.now,
      })
      .execute();
    return id;
  });

/** A name of the same shape that nobody has. */
const nobodys = (ref: string): string =>
  ref.startsWith('#')
    ? '#999999'
    : ref.startsWith('<@')
      ? '<@UNOBODY>'
      : ref.includes('@')
        ? 'no.one@nowhere.example'
        : 'Nothing So Called';

/** Fields that refer to something there is; others are new names, texts and values of one's own. */
const references = new Set(['list', 'lists', 'sequence', 'lead', 'leads', 'member', 'to', 'what', 'senders', 'sender']);

/** Choices with which a field is looked at, where the first of an enumeration would not do. */
const choices: Record<string, Record<string, unknown>> = {
  review_leads: { decision: 'approve', sequence: 'Home Copilot' },
  remove_member: { list: 'Home Spare' },
  restore_member: { list: 'Home Spare' },
  set_monitoring: { cadence: 'off' },
  edit_lead: { changes: { title: 'CTO' } },
  set_sender: { dailyLimit: 20 },
};

/** What the plan of a call with our own names comes to: the proof that a refusal is due to the name. Plans only read. */
const codeOfPlan = async (world: World, office: Office, tool: AnyTool, input: unknown): Promise<string> => {
  const parsed = tool.input.parse(input);
  const prepared = await tool.prepare?.(world.services, parsed, { workspaceId: office.id, place: { surface: 'cli' } });
  const plan = await world.in(office, ctx => tool.plan(ctx, parsed, prepared));
  return 'code' in plan ? plan.code : plan.effect;
};

test('T1 every tool, with everything of another workspace in every field, finds nothing and changes nothing there', {
  timeout: 240_000,
}, async ({ world }) => {
  world.services.sources = { directory: new PeopleSource(60) };
  const other = await world.office('Other');
  await world.in(other, ctx => ctx.tx.updateTable('member').set({ name: 'Zoe' }).where('id', '=', other.rep.id).execute());
  other.rep.name = 'Zoe';
  const theirs = await furnish(world, other, 'Zulu');
  const acme = await world.office('Acme');
  const ours = await furnish(world, acme, 'Home');
  await world.in(acme, ctx => ctx.tx.updateTable('lead').set({ title: 'CTO', company: 'Home' }).execute());
  const known: Record<string, unknown> = {
    list: ours.list.name,
    lists: [ours.list.name, ours.spare.name],
    sequence: ours.sequence.name,
    lead: ours.lead.full_name,
    leads: ['Home Spare 1'],
    member: acme.rep.name,
    to: acme.rep.name,
    sender: ours.sender.address,
    what: ours.list.name,
    about: ours.list.name,
    criteria: { titles: ['VP of Sales'] },
    zone: 'Europe/London',
  };
  const before = await hashes(world.connection.db, other.id);
  const faults: string[] = [];
  let calls = 0;
  const call = async (tool: string, input: object): Promise<Outcome> => {
    calls++;
    return world.call(acme, tool, input);
  };
  const told = (outcome: Outcome) => (outcome.outcome === 'refused' ? outcome.code : outcome.outcome);
  // Fields that refer to something come first, while everything of our own is still as it was.
  for (const onlyReferences of [true, false])
    for (const tool of catalogue) {
      const least = { ...leastInput(tool, known), ...choices[tool.name] };
      for (const field of textFields(tool)) {
        if (references.has(field.name) !== onlyReferences) continue;
        const withValue = (ref: string) => ({
          ...least,
          [field.name]: field.isArray
            ? [ref, ...((known[field.name] as string[]) ?? [])].slice(0, Math.max(1, field.fewest))
            : ref,
        });
        if (onlyReferences && known[field.name] !== undefined) {
          const found = await codeOfPlan(world, acme, tool, { ...least, [field.name]: known[field.name] });
          const missed = told(await call(tool.name, withValue('Nothing So Called')));
          if (found === missed) faults.push(`${tool.name} ${field.name} answers ${missed} to our own as well`);
        }
        for (const ref of theirs.names) {
          const outcome = await call(tool.name, withValue(ref));
          const text = JSON.stringify(outcome);
          if (text.includes(mark)) faults.push(`${tool.name} ${field.name}=${ref} shows what is theirs: ${text}`);
          if (!onlyReferences) continue;
          if (outcome.outcome !== 'refused') faults.push(`${tool.name} ${field.name}=${ref} is ${outcome.outcome}`);
          const asNobody = told(await call(tool.name, withValue(nobodys(ref))));
          if (told(outcome) !== asNobody)
            faults.push(`${tool.name} ${field.name}=${ref} answers ${told(outcome)}, a name of nobody ${asNobody}`);
        }
      }
      const after = await hashes(world.connection.db, other.id);
      for (const [table, hash] of Object.entries(after))
        if (hash !== before[table]) faults.push(`${tool.name} changed ${table} of the other workspace`);
    }
  // Replies go by their numbers.
  for (const tool of catalogue.filter(each => schemaOf(each).properties?.reply)) {
    const [hit, miss] = await Promise.all(
      [theirs.replyId, 999_999].map(reply => call(tool.name, { ...leastInput(tool, known), reply })),
    );
    if (hit!.outcome !== 'refused' || told(hit!) !== told(miss!) || JSON.stringify(hit).includes(mark))
      faults.push(`${tool.name} reply=${theirs.replyId} is ${JSON.stringify(hit)}`);
    const own = await codeOfPlan(world, acme, tool, { ...leastInput(tool, known), reply: ours.replyId });
    if (own === told(hit!)) faults.push(`${tool.name} answers ${own} to our own as well`);
  }
  await world.drain();
  expect(faults).toEqual([]);
  expect(await hashes(world.connection.db, other.id)).toEqual(before);
  console.log(`tenancy: ${catalogue.length} tools, ${calls} calls with names and ids of another workspace`);
});

test('T1 cards and jobs of another workspace are not there', async ({ world }) => {
  world.services.sources = { directory: new PeopleSource(60) };
  const other = await world.office('Other');
  const theirs = await furnish(world, other, 'Zulu');
  await putMessage(world, other, { leadId: theirs.list.leads[0]!, senderId: theirs.sequence.senderId, state: 'claimed' }).catch(
    () => 0,
  );
  const acme = await world.office('Acme');
  expect(theirs.approvalId).toBeGreaterThan(0);
  const before = await hashes(world.connection.db, other.id);
  for (const verdict of ['approve', 'cancel'] as const)
    expect(await world.press(acme, theirs.approvalId, verdict)).toMatchObject({ outcome: 'refused', code: 'no_approval' });
  const ids = {
    ...{ workspaceId: acme.id, ...theirs.ids, refillId: 1, on: '2026-03-02', channel: 'CZULU', inboxId: 1, thread: 'x' },
    ...{ how: 'union', from: [theirs.list.id, theirs.spare.id], version: 1, above: 0, answerId: 1 },
  };
  for (const queue of queues) {
    const handle = world.handlers[queue.name];
    if (!handle || queue.name === 'tick' || queue.name === 'vacuum') continue;
    const payload = queue.payload.parse(ids) as never;
    await handle(payload, new AbortController().signal).catch(error =>
      expect([queue.name, (error as { kind?: string }).kind], String(error)).toEqual([queue.name, 'not_found']),
    );
  }
  expect(await hashes(world.connection.db, other.id)).toEqual(before);
});

test('T1 500 interleaved transactions of two workspaces over a pool of 2 never see each other', async ({ world }) => {
  const offices = [await world.office('Acme'), await world.office('Other')];
  const { engine } = world.connection;
  const small = engine.kind === 'server' ? connectServer(engine.url, silentLog, { max: 2 }) : null;
  const services: Services = small ? { ...world.services, db: small.db } : world.services;
  const seen: string[] = [];
  const work = (n: number): Promise<void> => {
    const [office, other] = [offices[n % 2]!, offices[1 - (n % 2)]!];
    return enter(services, office.id, drover, async ctx => {
      await sql`insert into activity (workspace_id, at, action, outcome) values (${office.id}, ${ctx.now}, ${`n${n}`}, 'done')`.execute(
        ctx.tx,
      );
      const stranger = await ctx.tx
        .updateTable('member')
        .set({ name: `n${n}` })
        .where('workspace_id', '=', other.id)
        .executeTakeFirst();
      const { rows } = await sql<{ strangers: number; mine: number }>`
        select count(*) filter (where workspace_id <> ${office.id})::int as strangers, count(*) filter (where action = ${`n${n}`})::int as mine
        from activity`.execute(ctx.tx);
      if (stranger.numUpdatedRows || rows[0]!.strangers || rows[0]!.mine !== 1)
        seen.push(`transaction ${n} saw ${JSON.stringify(rows[0])} and wrote ${stranger.numUpdatedRows}`);
      if (n % 5 === 0) throw new Error('rolled back');
    }).catch(error => {
      if (error.message !== 'rolled back') throw error;
    });
  };
  try {
    const all = Array.from({ length: 500 }, (_, n) => n);
    if (small) await Promise.all(all.map(work));
    else for (const n of all) await work(n);
    const left = await sql<{ role: string; workspace: string | null }>`
      select current_setting('role') as role, nullif(current_setting('drover.workspace', true), '') as workspace`.execute(
      services.db,
    );
    expect(left.rows[0]).toEqual({ role: 'none', workspace: null });
  } finally {
    await small?.close();
  }
  expect(seen).toEqual([]);
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from activity group by workspace_id`.execute(
    world.connection.db,
  );
  expect(rows.map(row => row.n)).toEqual([200, 200]);
});
