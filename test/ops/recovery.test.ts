import { expect } from 'vitest';
import { transports } from '../support/slack.ts';
import { held, test, until } from './site.ts';

test.for(transports)(
  'SIGTERM over %s: the turn that runs ends, nothing more is taken, the exit code is 0; the next process goes on',
  { timeout: 120_000 },
  async (transport, { site }) => {
    const { slack, ai } = site;
    const first = await site.start('start', { transport });
    const turn = held('the only answer');
    ai.add(turn.reply);
    await slack.control.dm({ text: 'think about it' });
    await turn.asked;
    const ready = await fetch(`${first.origin}/readyz`);
    expect([ready.status, Object.keys(((await ready.json()) as { checks: object }).checks)]).toEqual([
      200,
      ['database', 'migrations', 'slack', ...(transport === 'socket' ? ['slack_socket'] : [])],
    ]);
    const ended = first.stop('SIGTERM');
    await until(`${first.origin}/healthz`, 'closed');
    expect(first.child.exitCode).toBe(null);
    expect(slack.control.sockets.count).toBe(0);
    turn.go();
    expect(await ended).toBe(0);
    await site.start('start', { transport });
    await slack.control.waitFor(() => site.answers().length > 0, { withinMs: 30_000, what: 'answer' });
    expect([site.answers(), ai.requests.length]).toEqual([['the only answer'], 1]);
  },
);
