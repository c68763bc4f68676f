import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { chooseModel } from '../../src/agent/model.ts';
import { createAgentTurn } from '../../src/agent/turn.ts';
import { receive } from '../../src/db/system.ts';
import { Broken } from '../../src/errors.ts';
import { createHandlers } from '../../src/jobs/handlers.ts';
import { createLog } from '../../src/log.ts';
import { agentTurn } from '../../src/queues.ts';
import { modelKey } from '../support/canary.ts';
import { startOpenAi } from '../support/openai-server.ts';
import { test as withWorld } from '../support/world.ts';

type Line = Record<string, unknown> & { msg: string };

/** A log that keeps its lines. */
function keep() {
  const lines: Line[] = [];
  return { lines, log: createLog('debug', { write: line => void lines.push(JSON.parse(line)) }) };
}

withWorld('A5 a line from within a job, a turn or a call carries their ids, wherever it is written', async ({ world }) => {
  const office = await world.office();
  const { lines, log } = keep();
  const services = { ...world.services, log };
  const ai = await startOpenAi({ status: 400 });
  const model = chooseModel({
    OPENAI_API_KEY: modelKey,
    OPENAI_BASE_URL: ai.url,
    OPENAI_MODEL: 'planner',
    OPENAI_FALLBACK_MODEL: undefined,
  });
  const turns = createAgentTurn({ services, model, log });
  const answer = async (inboxId: number) => {
    await turns(
      { workspaceId: office.id, inboxId, asker: office.admin, surface: 'cli', channel: 'cli', root: 'r', text: 'hello' },
      async () => {
        log.info('delivered');
        throw new Broken('test', 'and then it broke');
      },
    );
  };
  world.handlers = createHandlers(services, { notify: async () => {}, handleRequest: answer, answerCli: answer });
  await receive(services.db, world.now, { key: 'k', kind: 'cli', teamId: 'TAcme', thread: 't', body: {} }, (tx, inboxId) =>
    services.enqueueIn(tx)(agentTurn, { inboxId, thread: 't' }),
  );
  await world.drain();
  await ai.close();

  const within = { queue: 'agent-turn', job: expect.any(String), inbox: 1 };
  const turn = { ...within, workspace: office.id, turn: 1, surface: 'cli' };
  expect(lines).toMatchObject([
    { msg: 'a turn was stopped', ...turn },
    { msg: 'delivered', ...turn },
    { msg: 'a turn broke off', ...within },
  ]);
});

const root = path.join(import.meta.dirname, '../../src');

/** Ids in log lines are called as in spans and in `idsIn`: `workspace`, not `workspaceId`. */
const misnamed = (source: string): string[] =>
  [...source.matchAll(/\blog\.(?:debug|info|warn|error)\(\s*\{([^}]*)\}/g)].flatMap(([, keys]) =>
    [...keys!.matchAll(/(?:^|,)\s*(\w+Id)s?\b/g)].map(([, key]) => key!),
  );

test('every log line calls an id by the same name', () => {
  expect(misnamed("services.log.warn({ err: error, workspaceId }, 'x')")).toEqual(['workspaceId']);
  const found = globSync('**/*.ts', { cwd: root }).flatMap(file =>
    misnamed(readFileSync(path.join(root, file), 'utf8')).map(key => `${file}: ${key}`),
  );
  expect(found).toEqual([]);
});
