import type { JobPorts } from '../../src/jobs/handlers.ts';

/** What a job shows somebody. */
export type Note = Parameters<JobPorts['notify']>[1];
