import { Counter, Histogram, Registry } from 'prom-client';

/**
 * What this process counts, for Prometheus. Each is raised once its transaction has committed. Labels are names out of our own code
 * and configuration: never a workspace, and never what somebody wrote.
 */
export const registry = new Registry();

const registers = [registry];

/** By `outcome`: what the mail server said. */
export const sends = new Counter({
  name: 'drover_sends_total',
  help: 'Hand-overs to a mail server, by its answer.',
  labelNames: ['outcome'],
  registers,
});

/** By `reason`: why the gate let a claimed message not pass (D3). */
export const gateRefusals = new Counter({
  name: 'drover_gate_refusals_total',
  help: 'Messages that the gate before a hand-over refused, by reason.',
  labelNames: ['reason'],
  registers,
});

/** By `status` in which they ended. */
export const turns = new Counter({
  name: 'drover_turns_total',
  help: 'Turns of the agent, by how they ended.',
  labelNames: ['status'],
  registers,
});

/** By `direction` (input, output) and `model`. */
export const tokens = new Counter({
  name: 'drover_model_tokens_total',
  help: 'Tokens as the model server counted them.',
  labelNames: ['direction', 'model'],
  registers,
});

/** By `outcome` of one try: posted, wait, later, unsure, failed. */
export const slackPosts = new Counter({
  name: 'drover_slack_post_attempts_total',
  help: 'Tries to write to Slack, by what they came to.',
  labelNames: ['outcome'],
  registers,
});

/** By `queue` and `outcome`: done, failed. */
export const jobs = new Counter({
  name: 'drover_jobs_total',
  help: 'Jobs that this process ran.',
  labelNames: ['queue', 'outcome'],
  registers,
});

/** By `transport` (http, socket) and `taken` (yes, no). */
export const acks = new Histogram({
  name: 'drover_slack_ack_seconds',
  help: 'From a request of Slack until it was stored and could be acknowledged.',
  labelNames: ['transport', 'taken'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  registers,
});

/** By `state` of the connection that was opened or lost: open, lost. */
export const socketConnections = new Counter({
  name: 'drover_slack_socket_connections_total',
  help: 'Connections to Slack in Socket Mode, opened and lost.',
  labelNames: ['state'],
  registers,
});
