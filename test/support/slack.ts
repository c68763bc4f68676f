import { drover, enter, type Services } from '../../src/domain/context.ts';
import type { Handlers } from '../../src/jobs/boss.ts';
import { createHandlers } from '../../src/jobs/handlers.ts';
import { type LocalSlack, startLocalSlack } from '../../src/local-slack/index.ts';
import { createSlackApp, type SlackApp } from '../../src/slack/app.ts';
import { notify } from '../../src/slack/notify.ts';
import { Receiver } from '../../src/slack/receiver.ts';
import { SocketReceiver } from '../../src/slack/socket.ts';
import type { RunTurn, TurnAnswer, TurnRequest } from '../../src/tools/turn.ts';
import { everyday } from './canary.ts';

export const signingSecret = `${everyday}0123456789abcdef0123456789`;
export const botToken = `xoxb-1234567890-${everyday}abcdefghijkl`;
export const appToken = `xapp-1-A0123-4567-${everyday}abcdefghijkl`;

/** The two ways in which Slack reaches Drover; what is true over one is true over the other. */
export const transports = ['http', 'socket'] as const;
export type Transport = (typeof transports)[number];

/** A turn that a test scripts: what it is asked is kept, and it answers what `answer` says, the request's own words unless told. */
export class ScriptedTurns {
  readonly asked: TurnRequest[] = [];
  answer: (request: TurnRequest) => Partial<TurnAnswer> | Promise<Partial<TurnAnswer>> = ({ text }) => ({
    text: `You said: ${text}`,
  });
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  readonly run: RunTurn = async (request, deliver) => {
    this.asked.push(request);
    const scripted = await this.answer(request);
    const answer: TurnAnswer = { turnId: request.inboxId, status: 'done', text: '', calls: [], approvals: [], ...scripted };
    await enter(this.#services, request.workspaceId, drover, ctx => deliver(ctx, answer));
    return answer;
  };

  get words(): string[] {
    return this.asked.map(({ text }) => text);
  }
}

/** Slack as Drover sees it in a test: a local Slack server, the real Bolt app, the real HTTP port and the real jobs; only the turn is scripted. */
export interface SlackHarness {
  slack: LocalSlack;
  app: SlackApp;
  turns: ScriptedTurns;
  handlers: Handlers;
  /** Slack's way in, until it is closed. */
  inlet: Inlet;
  workspaceId: number;
  /** Every pause that the outbox took, in milliseconds; the clock moved by it where it can. */
  pauses: number[];
  close(): Promise<void>;
}

export interface Inlet {
  /** Where Slack posts its requests; '' over a socket. */
  url: string;
  close(): Promise<void>;
}

/** Opens a way from `slack` into Drover. */
export async function openInlet(transport: Transport, services: Services, slack: LocalSlack): Promise<Inlet> {
  if (transport === 'socket') {
    const receiver = new SocketReceiver({ services, appToken, apiUrl: slack.apiUrl });
    await receiver.listen();
    return { url: '', close: () => receiver.close() };
  }
  const receiver = new Receiver({ services, signingSecret, host: '127.0.0.1', port: 0 });
  const { url } = await receiver.listen();
  slack.connectApp(url);
  return { url, close: () => receiver.close() };
}

export interface SlackSettings {
  transport?: Transport;
  pause?: (ms: number) => Promise<void>;
  paced?: boolean;
}

export async function startSlack(
  services: Services,
  { transport = 'http', pause = async () => {}, paced = false }: SlackSettings = {},
): Promise<SlackHarness> {
  const slack = await startLocalSlack({
    port: 0,
    home: null,
    appUrl: null,
    signingSecret,
    botToken,
    appToken,
    log: services.log,
    clock: services.clock,
    zone: 'Europe/London',
    teamName: 'Acme',
    delivery: { ackWithinMs: 5000, retryDelaysMs: [] },
  });
  const turns = new ScriptedTurns(services);
  const pauses: number[] = [];
  const app = createSlackApp({
    services,
    botToken,
    apiUrl: slack.apiUrl,
    zone: 'Europe/London',
    runTurn: turns.run,
    paced,
    pause: async ms => {
      pauses.push(ms);
      await pause(ms);
    },
  });
  const inlet = await openInlet(transport, services, slack);
  const { workspaceId } = await app.identity();
  return {
    slack,
    app,
    turns,
    inlet,
    workspaceId,
    pauses,
    handlers: createHandlers(services, {
      notify,
      handleRequest: app.handleRequest,
      answerCli: async () => {},
      deliverPosts: app.deliverPosts,
    }),
    close: async () => {
      await inlet.close();
      await slack.close();
    },
  };
}
