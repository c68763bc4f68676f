import type { Services } from '../domain/context.ts';
import type { Handlers } from './boss.ts';

/** What the jobs need beyond services; bound in `main.ts`. */
export type JobPorts = {};

/** One handler a queue. */
export const createHandlers = (_services: Services, _ports: JobPorts): Handlers => ({});
