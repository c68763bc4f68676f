import { onTestFinished } from 'vitest';
import { chooseModel, type ModelChoice } from '../../src/agent/model.ts';
import { type AgentDeps, createAgentTurn } from '../../src/agent/turn.ts';
import { readData } from '../../src/agent/untrusted.ts';
import type { Context } from '../../src/domain/context.ts';
import type { Candidate, LeadSource } from '../../src/domain/ports.ts';
import type { TurnAnswer, TurnRequest } from '../../src/tools/turn.ts';
import { type ChatMessage, type OpenAiServer, type Reply, startOpenAi } from '../support/openai-server.ts';
import { type Office, World } from '../support/world.ts';

/** A company's lead source that knows `total` people, all of the same name. */
export const directoryOf = (total: number, fullName = 'Ana Example'): LeadSource => {
  const person = (n: number): Candidate => ({
    recordId: `p${n}`,
    fullName,
    firstName: fullName.split(' ')[0]!,
    lastName: 'Example',
    email: `p${n}@acme.example`,
    linkedinUrl: null,
    title: 'VP of Sales',
    seniority: 'vp',
    function: 'sales',
    company: 'Acme',
    companyDomain: 'acme.example',
    industry: 'fintech',
    headcount: 100,
    personLocation: 'Berlin, Germany',
    companyLocation: 'Berlin, Germany',
    technologies: [],
    fields: {},
  });
  const people = (from: number, limit: number) =>
    Array.from({ length: Math.max(0, Math.min(limit, total - from)) }, (_, i) => person(from + i));
  return {
    name: 'directory',
    check: () => [],
    preview: async () => ({ total, withEmail: total, samples: people(0, 5), notes: [] }),
    next: async (_criteria, { cursor, limit }) => {
      const from = Number(cursor ?? 0);
      const candidates = people(from, limit);
      return { candidates, cursor: String(from + candidates.length), exhausted: from + candidates.length >= total };
    },
  };
};

/** A thread in which an office's admin (or another member) writes to the agent. */
export interface Talk {
  says(text: string, how?: Partial<TurnRequest>): Promise<TurnAnswer>;
  /** What was delivered, in order. */
  delivered: TurnAnswer[];
  server: OpenAiServer;
  /** Sends the last message again, as a job that is tried again does. */
  again(how?: Partial<TurnRequest>): Promise<TurnAnswer>;
}

interface How extends Partial<AgentDeps> {
  script?: Reply[];
  fallback?: boolean;
  root?: string;
}

let inboxes = 0;

/** Talks to the agent over the scripted server; without a script, to the phrasebook. */
export async function talk(
  world: World,
  office: Office,
  { script, fallback = false, root = '1.1', ...deps }: How = {},
): Promise<Talk> {
  const server = await startOpenAi(...(script ?? []));
  onTestFinished(() => server.close());
  const model: ModelChoice = chooseModel(
    {
      OPENAI_MODEL: 'scripted',
      ...(script ? { OPENAI_API_KEY: 'test', OPENAI_BASE_URL: server.url } : {}),
      ...(fallback ? { OPENAI_FALLBACK_MODEL: 'spare' } : {}),
    },
    { startMs: 2_000, idleMs: 2_000 },
  );
  const runTurn = createAgentTurn({ services: world.services, model, log: world.services.log, retryAfterMs: 1, ...deps });
  const delivered: TurnAnswer[] = [];
  const deliver = async (_ctx: Context, answer: TurnAnswer) => void delivered.push(answer);
  let last: TurnRequest;
  const send = (request: TurnRequest) => {
    last = request;
    return runTurn(request, deliver);
  };
  return {
    server,
    delivered,
    says: (text, how) =>
      send({
        workspaceId: office.id,
        inboxId: ++inboxes,
        asker: office.admin,
        surface: 'slack',
        channel: 'D1',
        root,
        text,
        ...how,
      }),
    again: how => send({ ...last, ...how }),
  };
}

/** An active sequence with one step and a sender: what lists are linked to. */
export const activeSequence = (world: World, office: Office, name: string, mode: 'copilot' | 'autopilot' = 'autopilot') =>
  world.in(office, async ctx => {
    const sequence = await ctx.tx
      .insertInto('sequence')
      .values({
        workspace_id: office.id,
        owner_id: office.admin.id,
        name,
        status: 'active',
        mode,
        zone: 'Europe/London',
        send_days: [1, 2, 3, 4, 5],
        send_from: '09:00',
        send_until: '17:00',
        created_at: ctx.now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    const sender = await ctx.tx
      .insertInto('sender')
      .values({
        workspace_id: office.id,
        owner_id: office.admin.id,
        name: `Ada of ${name}`,
        address: `ada.${sequence.id}@drover.example`,
        transport: 'local',
        created_at: ctx.now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await ctx.tx
      .insertInto('step')
      .values({
        workspace_id: office.id,
        sequence_id: sequence.id,
        version: 1,
        position: 1,
        delay_days: 0,
        subject: 'Hello',
        body: 'Hello',
      })
      .execute();
    await ctx.tx
      .insertInto('sequence_sender')
      .values({ workspace_id: office.id, sequence_id: sequence.id, sender_id: sender.id })
      .execute();
    return sequence;
  });

/** Rows of an office, for what a test looks at afterwards. */
export const stored = (world: World, office: Office) =>
  world.in(office, async ctx => ({
    turns: await ctx.tx.selectFrom('turn').selectAll().orderBy('id').execute(),
    calls: await ctx.tx.selectFrom('tool_call').selectAll().orderBy('turn_id').orderBy('ordinal').execute(),
    lists: (await ctx.tx.selectFrom('list').select('name').orderBy('id').execute()).map(({ name }) => name),
    links: await ctx.tx.selectFrom('link').selectAll().where('ended_at', 'is', null).execute(),
    threads: await ctx.tx.selectFrom('thread').selectAll().orderBy('id').execute(),
    trail: await ctx.tx.selectFrom('activity').selectAll().orderBy('id').execute(),
  }));

export const criteria = { titles: ['VP of Sales'], industries: ['fintech'] };
export const createList = (name: string) => ({ name: 'create_list', args: { name, criteria } });
export const weekly = (list: string, amount: number) => ({
  name: 'set_monitoring',
  args: { list, cadence: 'weekly', amount, weekday: 1 },
});

/** A workspace whose directory knows 600 people, and a thread whose model follows a script. */
export async function begin(world: World, script: Reply[], { people, ...how }: How & { people?: string } = {}) {
  const there = new World(world, { sources: { directory: directoryOf(600, people) } });
  const office = await there.office();
  return { there, office, thread: await talk(there, office, { script, ...how }) };
}

/** What the model was sent last. */
export const lastOf = (thread: Talk): ChatMessage[] => thread.server.requests.at(-1)!.messages;

/** The context, as the model was told it. */
export const contextOf = (messages: ChatMessage[]) =>
  messages.map(({ content }) => readData(content ?? '', 'context')).find(data => data !== undefined) as Record<string, unknown>;
