import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test as base, expect } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { type LocalSlack, startLocalSlack } from '../../src/local-slack/index.ts';
import { silentLog } from '../../src/log.ts';
import { everyday, modelKey, sightings } from '../support/canary.ts';
import { createServerDatabase, serverUrl } from '../support/database.ts';
import { type OpenAiServer, type Reply, startOpenAi } from '../support/openai-server.ts';
import { type Running, startDrover } from '../support/process.ts';
import { type DatabaseProxy, startProxy } from '../support/proxy.ts';
import { appToken, botToken, signingSecret, type Transport } from '../support/slack.ts';

/** Slack, a model and a database, to which a test starts the processes of a Drover. */
interface Site {
  slack: LocalSlack;
  ai: OpenAiServer;
  /** Only with a server: the way to it. */
  proxy: DatabaseProxy;
  start(
    command: 'start' | 'web' | 'worker',
    how?: { model?: string; transport?: Transport },
  ): Promise<Running & { origin: string }>;
  /** What the bot has written to the first person. */
  answers(): string[];
}

/** A test with a site of its own. */
export const test = base.extend<{ site: Site }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern to know what a fixture needs
  site: async ({}, use) => {
    const home = await mkdtemp(path.join(tmpdir(), 'drover-recovery-'));
    const proxy = serverUrl ? await startProxy(await createServerDatabase(`drover_recovery_${process.pid}`)) : undefined;
    const slack = await startLocalSlack({
      port: 0,
      home: null,
      appUrl: null,
      signingSecret,
      botToken,
      appToken,
      log: silentLog,
      clock: systemClock,
      zone: 'Europe/London',
      teamName: 'Acme',
      delivery: { ackWithinMs: 5000, retryDelaysMs: [] },
    });
    const ai = await startOpenAi();
    const started: Running[] = [];
    await use({
      slack,
      ai,
      proxy: proxy!,
      async start(command, { model = 'planner', transport = 'http' } = {}) {
        const running = await startDrover(
          {
            LOG_LEVEL: 'info',
            DROVER_HOME: home,
            ...(proxy ? { DATABASE_URL: proxy.url } : {}),
            SLACK_BOT_TOKEN: botToken,
            ...(transport === 'http' ? { SLACK_SIGNING_SECRET: signingSecret } : { SLACK_APP_TOKEN: appToken }),
            SLACK_API_URL: slack.apiUrl,
            OPENAI_API_KEY: modelKey,
            OPENAI_BASE_URL: ai.url,
            OPENAI_MODEL: model,
          },
          command,
        );
        started.push(running);
        const { origin } = new URL(/"url":"(http[^"]+)"/.exec(running.printed())![1]!);
        if (command !== 'worker' && transport === 'http') slack.connectApp(`${origin}/slack/events`);
        return { ...running, origin };
      },
      answers: () =>
        [...slack.channels]
          .filter(({ kind }) => kind === 'im')
          .flatMap(({ id }) => slack.control.messages(id))
          .filter(({ byApp }) => byApp)
          .map(({ text }) => text),
    });
    expect(
      started.flatMap(running => sightings('printed', running.printed(), everyday)),
      'A5 secrets of the suite',
    ).toEqual([]);
    for (const { child, stop } of started) if (child.exitCode === null && child.signalCode === null) await stop('SIGKILL');
    await Promise.all([ai.close(), slack.close(), proxy?.close()]);
    await rm(home, { recursive: true, force: true });
  },
});

/** An answer that waits until the test lets it go, and says which model was asked. */
export function held(answer: string): { reply: Reply; asked: Promise<string>; go: () => void } {
  const asked = Promise.withResolvers<string>();
  const go = Promise.withResolvers<void>();
  const reply: Reply = async ({ model }) => {
    asked.resolve(model);
    await go.promise;
    return { say: answer };
  };
  return { reply, asked: asked.promise, go: go.resolve };
}

/** Asks until the port of a process answers so. */
export async function until(url: string, status: number | 'closed'): Promise<void> {
  for (;;) {
    const now = await fetch(url).then(
      response => response.status,
      () => 'closed' as const,
    );
    if (now === status) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
