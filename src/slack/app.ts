import { setTimeout as sleep } from 'node:timers/promises';
import { App } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import { WebAPIPlatformError, WebClient, type WebClientOptions } from '@slack/web-api';
import type { MemberActor, Services } from '../domain/context.ts';
import { Unavailable } from '../errors.ts';
import type { RunTurn } from '../tools/turn.ts';
import { boltLog } from './bolt-log.ts';
import { Pace, unpaced } from './delivery.ts';
import { type Identity, identify, members } from './identity.ts';
import { handleRequest } from './inbox.ts';
import { registerListeners } from './listeners/index.ts';
import { type Delivery, deliverPosts } from './outbox.ts';

export interface SlackOptions {
  services: Services;
  botToken: string;
  /** Another Web API than Slack's own: local Slack's. */
  apiUrl?: string;
  /** Of a workspace that is seen for the first time. */
  zone: string;
  runTurn: RunTurn;
  /** Slack wants about one message a second and channel; local Slack needs none. */
  paced: boolean;
  pause?: Delivery['pause'];
}

/** What listeners work with. */
export interface Surface {
  services: Services;
  runTurn: RunTurn;
  identity: () => Promise<Identity>;
  member: (workspaceId: number, slackUserId: string) => Promise<MemberActor>;
  /** Puts a modal before whoever pressed; false where Slack does not take it any more, three seconds after the press. */
  openModal: (triggerId: string, view: ModalView) => Promise<boolean>;
}

/** Slack, ready for a process to bind: the receiver stores requests, the jobs hand them in here and write what waits. */
export interface SlackApp {
  app: App;
  client: WebClient;
  /** Who the bot is; creates the workspace the first time. @throws Refused, Unavailable */
  identity: () => Promise<Identity>;
  /** Runs the listeners for one stored request (jobs' port). */
  handleRequest: (inboxId: number, signal?: AbortSignal) => Promise<void>;
  /** Writes what waits for a channel to Slack (jobs' port). */
  deliverPosts: (workspaceId: number, channel: string, signal?: AbortSignal) => Promise<void>;
}

const wait: Delivery['pause'] = (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);

/** A job that runs again finds its trigger used, and its modal open. */
const opening =
  ({ log }: Services, client: WebClient): Surface['openModal'] =>
  async (triggerId, view) => {
    try {
      await client.views.open({ trigger_id: triggerId, view });
      return true;
    } catch (error) {
      // No answer: the job runs again, and sees.
      if (!(error instanceof WebAPIPlatformError)) throw new Unavailable('slack', 'Slack does not answer.', { cause: error });
      if (error.data.error === 'exchanged_trigger_id') return true;
      log.warn({ err: error }, 'Slack did not open a modal');
      return false;
    }
  };

/** The Bolt app. It opens no port and calls nobody until a stored request is handed in. */
export function createSlackApp({ services, botToken, apiUrl, zone, runTurn, paced, pause = wait }: SlackOptions): SlackApp {
  const logger = boltLog(services.log);
  const clientOptions: WebClientOptions = {
    // The outbox retries by itself: what the client repeats on its own is posted twice.
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: 10_000,
    logger,
    ...(apiUrl ? { slackApiUrl: apiUrl } : {}),
  };
  const client = new WebClient(botToken, clientOptions);
  const identity = identify(services, client, zone);
  const app = new App({
    authorize: async () => {
      const { teamId, botUserId, botId } = await identity();
      return { botToken, teamId, botUserId, botId };
    },
    // Requests come from the inbox through `processEvent`, never from a port of Bolt's.
    receiver: { init: () => {}, start: async () => undefined, stop: async () => undefined },
    convoStore: false,
    deferInitialization: true,
    clientOptions,
    logger,
  });
  app.error(async error => {
    throw (error as { original?: unknown }).original ?? error;
  });

  const surface: Surface = {
    services,
    runTurn,
    identity,
    member: members(services, client),
    openModal: opening(services, client),
  };
  registerListeners(app, surface);
  const delivery: Delivery = { services, client, pace: paced ? new Pace() : unpaced, pause };
  let ready: Promise<void> | undefined;
  return {
    app,
    client,
    identity,
    handleRequest: async (inboxId, signal) => {
      ready ??= app.init();
      await ready;
      await handleRequest({ services, app, identity }, inboxId, signal);
    },
    deliverPosts: (workspaceId, channel, signal) => deliverPosts(delivery, workspaceId, channel, signal),
  };
}
