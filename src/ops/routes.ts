import type { ServerResponse } from 'node:http';
import type { Services } from '../domain/context.ts';
import type { Route } from '../http.ts';
import { type Health, Heartbeat, health, type Readiness, readiness } from './health.ts';
import { exposition, measureProcess } from './metrics.ts';

export interface Ops {
  routes: Route[];
  close(): void;
}

/**
 * What whoever runs Drover asks it: `/healthz` (should it be restarted?), `/readyz` (may it be given work?), `/metrics` (how is it?).
 * They tell counts and the names of checks, no workspace and no contents, and are meant for the inside of a network.
 */
export function createOps(services: Pick<Services, 'db' | 'clock'>, asks: Omit<Readiness, 'db'>): Ops {
  const heartbeat = new Heartbeat();
  const metrics = exposition(services);
  measureProcess();
  const answers: Route[] = [
    { path: '/healthz', handle: (_, response) => tell(response, health({ event_loop: heartbeat.check() })) },
    { path: '/readyz', handle: async (_, response) => tell(response, await readiness({ db: services.db, ...asks })) },
    {
      path: '/metrics',
      handle: async (_, response) => {
        const { type, text } = await metrics();
        response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
      },
    },
  ];
  const routes = answers.flatMap(route => ['GET', 'HEAD'].map(method => ({ method, ...route })));
  return { routes, close: () => heartbeat.stop() };
}

const tell = (response: ServerResponse, told: Health): void =>
  void response
    .writeHead(told.status === 'ok' ? 200 : 503, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(`${JSON.stringify(told)}\n`);
