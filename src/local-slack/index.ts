import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { Unavailable } from '../errors.ts';
import { fileJournal } from '../journal.ts';
import type { Log } from '../log.ts';
import { type Control, createControl } from './control.ts';
import { Courier, type DeliveryOptions } from './delivery.ts';
import { Events } from './events.ts';
import { Methods } from './methods.ts';
import { People, type SlashCommand } from './people.ts';
import { isLoopbackHost, type Panels, Site } from './site.ts';
import { Sockets } from './sockets.ts';
import { Views } from './views.ts';
import { WebApi } from './web-api.ts';
import { type Channel, team, type User, Workspace, type WorkspaceEntry } from './workspace.ts';

export type { Control } from './control.ts';
export type { Attempt, Delivery } from './delivery.ts';
export type { Block } from './limits.ts';
export type { MailItem, MailLine, MailPanel, MailTalk } from './mail.ts';
export type { Panels } from './site.ts';
export type { ApiCall, Fault } from './web-api.ts';
export type { Channel, Message, User } from './workspace.ts';

export interface LocalSlackOptions {
  /** 0: any free port. */
  port: number;
  /** Directory that keeps the conversation; null: only memory does. */
  home: string | null;
  /** Where events, clicks and commands are posted; null until `connectApp`. */
  appUrl: string | null;
  signingSecret: string;
  botToken: string;
  /** Lets the app connect in Socket Mode; without it that is refused. */
  appToken?: string;
  log: Log;
  /** The app's clock: messages are stamped with it. */
  clock: Clock;
  /** In which the page shows times. */
  zone: string;
  teamName: string;
  delivery?: DeliveryOptions;
  panels?: Panels;
  commands?: SlashCommand[];
  /** What an empty direct message offers to say; each works as typed. */
  suggestions?: string[];
}

export interface LocalSlack {
  /** The page, without a slash at its end. */
  url: string;
  /** For `slackApiUrl`. */
  apiUrl: string;
  teamId: string;
  botUserId: string;
  /** The first is an admin of the workspace. */
  users: User[];
  channels: Channel[];
  /** Sets where events go from now on; an app that is connected by socket needs none. */
  connectApp(url: string): void;
  control: Control;
  close(): Promise<void>;
}

const drover: SlashCommand = {
  command: '/drover',
  usage:
    '[status | lists | list NAME | sequences | sequence NAME | who NAME | why NAME | forecast | review | tasks | replies | numbers | senders | undo | activity | help]',
  description: 'Look things up without asking the model',
};

/**
 * Starts a Slack workspace on this machine: Web API, signed deliveries to the app, and a page to chat in. It listens on 127.0.0.1
 * only, and refuses requests that name another host, so that no other page and no other machine can drive the bot.
 * @throws Unavailable when the port is taken.
 */
export async function startLocalSlack(options: LocalSlackOptions): Promise<LocalSlack> {
  const { log, clock, zone } = options;
  const journal = options.home ? { journal: fileJournal<WorkspaceEntry>(path.join(options.home, 'local-slack.jsonl'), log) } : {};
  const workspace = new Workspace({ name: options.teamName, clock, zone, ...journal });
  const sockets = new Sockets(log);
  const courier = new Courier(options.signingSecret, sockets, log, options.delivery);
  courier.connect(options.appUrl);
  const views = new Views(workspace);
  const events = new Events(workspace, courier, views);
  let url = '';
  const methods = new Methods(workspace, events, views, () => url);
  const tokens = { bot: options.botToken, ...(options.appToken ? { app: options.appToken } : {}) };
  const openSocket = () => sockets.address(url);
  const api = new WebApi({ tokens, methods, workspace, events, openSocket, log });
  const people = new People({ workspace, events, views, api, url: () => url, commands: options.commands ?? [drover] });
  const control = createControl({ workspace, people, views, courier, sockets, api });
  const site = new Site({
    workspace,
    people,
    views,
    courier,
    log,
    panels: options.panels ?? {},
    suggestions: options.suggestions ?? [],
  });

  const server = createServer(async (request, response) => {
    try {
      if (!isLoopbackHost(request.headers.host)) return void response.writeHead(421).end('This server answers on loopback only.');
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const method = /^\/api\/([\w.]+)$/.exec(pathname)?.[1];
      const responseId = /^\/response\/\w+\/(\w+)$/.exec(pathname)?.[1];
      if (method) await api.handle(request, response, method, searchParams);
      else if (responseId && request.method === 'POST') await api.respond(request, response, responseId);
      else await site.handle(request, response, pathname, searchParams);
    } catch (error) {
      log.error({ err: error }, 'local Slack could not answer a request');
      if (!response.headersSent) response.writeHead(500);
      response.end('Something went wrong here; the log says what.');
    }
  });
  server.on('upgrade', (request, socket, head) =>
    isLoopbackHost(request.headers.host) ? sockets.upgrade(request, socket, head) : socket.destroy(),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Unavailable(
          error.code ?? 'listen_failed',
          `Local Slack cannot listen on port ${options.port}: ${error.code}. Set PORT to another; its page is on the port after that.`,
          {
            cause: error,
          },
        ),
      ),
    );
    server.listen(options.port, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    apiUrl: `${url}/api/`,
    teamId: team.id,
    botUserId: workspace.bot.id,
    users: workspace.people,
    channels: [...workspace.channels.values()],
    connectApp: appUrl => courier.connect(appUrl),
    control,
    async close() {
      courier.close();
      sockets.close();
      site.close();
      await new Promise(resolve => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}
