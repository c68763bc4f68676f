import { collectDefaultMetrics, Gauge } from 'prom-client';
import type { Clock } from '../clock.ts';
import { type Pulse, pulse } from '../db/pulse.ts';
import type { Db } from '../db/transaction.ts';
import { registry } from '../metrics.ts';

const gauge = (name: string, help: string, labelNames: string[] = []) =>
  new Gauge({ name, help, labelNames, registers: [registry] });

const up = gauge('drover_database_up', 'Whether the database answered when this was read.');
const jobs = gauge('drover_jobs', 'Jobs by queue and state; those that are done are not counted.', ['queue', 'state']);
const jobAge = gauge('drover_job_oldest_seconds', 'How long the oldest due job of a queue has been waiting.', ['queue']);
const requests = gauge('drover_slack_requests_waiting', 'Stored requests that are not handled yet.');
const requestAge = gauge('drover_slack_request_oldest_seconds', 'Age of the oldest of them.');
const messages = gauge('drover_messages', 'Messages that are due, being handed over, or of unknown outcome.', ['state']);
const messageAge = gauge('drover_message_overdue_seconds', 'How long the oldest due message has been waiting.');
const posts = gauge('drover_slack_posts', 'Messages for Slack that are not written yet, by state.', ['state']);

let collects = false;

/** Begins to measure the process: event loop lag, memory, CPU, garbage. Once a process. */
export function measureProcess(): void {
  if (collects) return;
  collects = true;
  collectDefaultMetrics({ register: registry });
}

/** Everything in Prometheus' text form. While the database is away the counters are told all the same, and `drover_database_up` is 0. */
export function exposition({ db, clock }: { db: Db; clock: Clock }): () => Promise<{ type: string; text: string }> {
  let reading: Promise<void> | undefined;
  const look = async () => {
    const seen = await pulse(db, clock.now()).catch(() => undefined);
    up.set(seen ? 1 : 0);
    for (const one of [jobs, jobAge, requests, requestAge, messages, messageAge, posts]) one.reset();
    if (seen) show(seen);
  };
  return async () => {
    // Scrapers that come at once share one reading.
    reading ??= look().finally(() => {
      reading = undefined;
    });
    await reading;
    return { type: registry.contentType, text: await registry.metrics() };
  };
}

function show(seen: Pulse): void {
  for (const { queue, oldestSeconds, ...states } of seen.jobs) {
    for (const [state, n] of Object.entries(states)) jobs.set({ queue, state }, n);
    jobAge.set({ queue }, Math.max(0, oldestSeconds));
  }
  requests.set(seen.requests.waiting);
  requestAge.set(Math.max(0, seen.requests.oldestSeconds));
  for (const state of ['due', 'handing', 'unknown'] as const) messages.set({ state }, seen.messages[state]);
  messageAge.set(Math.max(0, seen.messages.oldestSeconds));
  for (const { state, n } of seen.posts) posts.set({ state }, n);
}
