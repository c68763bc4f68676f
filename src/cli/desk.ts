import { randomUUID } from 'node:crypto';
import { receive, request, workspaceIds } from '../db/system.ts';
import { type Context, drover, enter, type MemberActor, type Services } from '../domain/context.ts';
import * as forecasts from '../domain/forecasts/index.ts';
import * as workspaces from '../domain/workspaces/index.ts';
import { NotFound, Unavailable } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { agentTurn } from '../queues.ts';
import { assumptions, dailyTables } from '../tools/forecast-report.ts';
import { type Decision, decide, type Outcome, runTool } from '../tools/run.ts';
import type { Asker, DeskCommand } from './arguments.ts';
import { exportTo } from './export.ts';
import { type MailDesk, senderCommand } from './sender.ts';
import type { Desk, Output } from './socket.ts';
import { outcomeText, reportText, safe } from './text.ts';

/** What a command line message carries through the inbox. */
export interface CliRequest {
  workspaceId: number;
  actor: MemberActor;
  thread: string;
  text: string;
}

/** Imports a file; bound in `main.ts`, since reading files is a source's business. */
export type ImportFile = (
  into: { workspaceId: number; actor: MemberActor; file: string; list: string },
  output: Output,
) => Promise<number>;

/** What the desk needs of others; bound in `main.ts`. */
export interface DeskPorts {
  importFile: ImportFile;
  /** Tells the surface on which a card is shown what became of it. */
  tellCard?: (ctx: Context, decision: Decision) => Promise<void>;
  /** What it takes to reach mail servers. */
  mail?: MailDesk;
}

/** Carries out what the command line asks for, whoever holds the database. */
export const createDesk =
  (services: Services, ports: DeskPorts): Desk =>
  async (command, output) => {
    try {
      const { workspaceId, actor } = await whoAsks(services, command);
      return await carryOut(services, ports, command, { workspaceId, actor }, output);
    } catch (error) {
      const said = error as { kind?: string; message: string };
      if (!said.kind || said.kind === 'broken') throw error;
      output.write(`✗ ${safe(said.message)}\n`);
      return 1;
    }
  };

interface Who {
  workspaceId: number;
  actor: MemberActor;
}

async function carryOut(
  services: Services,
  { importFile, tellCard, mail }: DeskPorts,
  command: DeskCommand,
  who: Who,
  output: Output,
): Promise<number> {
  switch (command.name) {
    case 'ask':
      return ask(services, command, who, output);
    case 'import':
      return importFile({ ...who, file: command.file, list: command.list }, output);
    case 'export':
      return exportTo(services, who, command, output);
    case 'approve':
    case 'cancel': {
      const decision = await decide(services, {
        ...who,
        approvalId: command.id,
        verdict: command.name,
        door: 'cli',
      });
      if (tellCard) await enter(services, who.workspaceId, who.actor, ctx => tellCard(ctx, decision));
      output.write(command.json ? `${JSON.stringify(decision)}\n` : `${decisionText(decision)}\n`);
      return decision.outcome === 'refused' ? 1 : 0;
    }
    case 'simulate': {
      const foreseen = await forecasts.forecast(services, who.workspaceId, { days: command.days });
      const title = `The next ${command.days} days, as the scheduler would plan them now. Nothing was written.`;
      const report = { tone: 'neutral' as const, title, tables: dailyTables(foreseen), notes: assumptions(foreseen) };
      output.write(command.json ? `${JSON.stringify(foreseen)}\n` : `${reportText(report)}\n`);
      return 0;
    }
    case 'autopilot':
      return byHand(services, who, command, 'set_autopilot', { sequence: command.sequence, on: command.on }, output);
    case 'role':
      return byHand(services, who, command, 'set_role', { member: command.member, role: command.role }, output);
    case 'sender':
      if (!mail) throw new Unavailable('no_mail', 'This process reaches no mail servers.');
      return senderCommand(services, mail, who, command.sender, output);
    case 'lift':
      return byHand(services, who, command, 'lift_exclusion', { value: command.value }, output);
  }
}

/** Runs a tool that only a person runs (A1). */
async function byHand(
  services: Services,
  who: Who,
  { json }: { json: boolean },
  tool: string,
  input: object,
  output: Output,
): Promise<number> {
  const outcome = await runTool(services, { tool, input, ...who, door: 'cli', place: { surface: 'cli' } });
  output.write(json ? `${JSON.stringify(outcome)}\n` : `${outcomeText(outcome)}\n`);
  return outcome.outcome === 'refused' ? 1 : 0;
}

async function whoAsks(services: Services, { as, team }: Asker): Promise<Who> {
  const ids = await workspaceIds(services.db);
  const known = await Promise.all(
    ids.map(id =>
      enter(services, id, drover, async ({ workspace }) => ({ id, team: workspace.slack_team_id, name: workspace.name })),
    ),
  );
  const chosen = team ? known.filter(entry => entry.team === team || entry.name === team) : known;
  if (!chosen.length)
    throw new NotFound(
      'no_workspace',
      team ? `There is no workspace ${team}.` : 'There is no workspace yet. Start Drover once first.',
    );
  if (chosen.length > 1)
    throw new NotFound(
      'which_workspace',
      `Which workspace? Add --team with one of ${known.map(entry => entry.team).join(', ')}.`,
    );
  const workspaceId = chosen[0]!.id;
  const actor = await enter(services, workspaceId, drover, async ctx => {
    const rows = await ctx.tx.selectFrom('member').selectAll().where('deactivated_at', 'is', null).orderBy('id').execute();
    const wanted = as?.toLowerCase();
    const row = wanted
      ? rows.find(member => member.slack_user_id.toLowerCase() === wanted || member.name.toLowerCase() === wanted)
      : rows.find(member => member.role === 'admin');
    if (row) return workspaces.memberBySlackId(ctx, row.slack_user_id);
    if (as) {
      const near = nearest(
        as,
        rows.map(member => member.name),
      );
      throw new NotFound('no_member', `Nobody here is called ${as}.${near.length ? ` Did you mean ${near.join(' or ')}?` : ''}`);
    }
    return workspaces.join(ctx, { slackUserId: 'operator', name: 'Operator', isSlackAdmin: true });
  });
  return { workspaceId, actor: actor! };
}

/** Sends one message the way Slack's come: stored once, queued by thread, answered by a worker. */
async function ask(
  services: Services,
  command: Extract<DeskCommand, { name: 'ask' }>,
  { workspaceId, actor }: Who,
  output: Output,
): Promise<number> {
  const request: CliRequest = { workspaceId, actor, thread: command.thread, text: command.text };
  const thread = `cli:${workspaceId}:${command.thread}`;
  const inboxId = await receive(
    services.db,
    services.clock.now(),
    { key: `cli:${randomUUID()}`, kind: 'cli', teamId: 'cli', thread, body: request },
    (tx, id) => services.enqueueIn(tx)(agentTurn, { inboxId: id, thread }),
  );
  const answer = await answered(services, workspaceId, inboxId!);
  if (command.json) output.write(`${JSON.stringify(answer)}\n`);
  else output.write(`${answer.text}\n`);
  return 0;
}

/** How often the turn's row is looked at; the answer itself takes a model's time. */
const lookEveryMs = 50;

interface Answer {
  /** Everything that was answered, as a terminal shows it: what was said, and what each call came to. */
  text: string;
  calls: { tool: string; input: unknown; effect: string | null; outcome: string; result: unknown }[];
  approvals: { id: number; summary: string }[];
}

async function answered(services: Services, workspaceId: number, inboxId: number): Promise<Answer> {
  for (;;) {
    const answer = await enter(services, workspaceId, drover, async ctx => {
      const turn = await ctx.tx
        .selectFrom('turn')
        .selectAll()
        .where('inbox_id', '=', inboxId)
        .where('ended_at', 'is not', null)
        .executeTakeFirst();
      if (!turn) return null;
      const calls = await ctx.tx.selectFrom('tool_call').selectAll().where('turn_id', '=', turn.id).orderBy('ordinal').execute();
      const outcomes = calls.map(call => call.result as Outcome);
      return {
        text: [safe(turn.answer ?? ''), ...outcomes.map(outcomeText)].filter(Boolean).join('\n\n'),
        calls: calls.map((call, i) => ({
          tool: call.tool,
          input: call.input,
          effect: call.effect,
          outcome: call.outcome,
          result: resultOf(outcomes[i]!),
        })),
        approvals: outcomes.flatMap(outcome => (outcome.outcome === 'needs_approval' ? [outcome.approval] : [])),
      };
    });
    if (answer) return answer;
    if ((await request(services.db, inboxId))?.handled_at)
      throw new Unavailable('broke_off', 'That turn broke off. Nothing of it is half done; ask again.');
    await new Promise(resolve => setTimeout(resolve, lookEveryMs));
  }
}

function resultOf(outcome: Outcome): unknown {
  if (outcome.outcome === 'done') return outcome.result;
  if (outcome.outcome === 'needs_approval') return { approvalId: outcome.approval.id };
  return { code: outcome.code, message: outcome.message, next: outcome.next ?? [] };
}

function decisionText(decision: Decision): string {
  switch (decision.outcome) {
    case 'approved':
      return outcomeText(decision.did);
    case 'cancelled':
      return '✓ Cancelled. Nothing was changed.';
    case 'replaced':
      return `! ${decision.why === 'expired' ? 'That card was a day old' : 'Things have changed since that card'}, so nothing ran. A fresh one:\n${outcomeText(decision.fresh)}`;
    case 'refused':
      return reportText({ tone: 'refused', title: decision.message, ...(decision.next ? { next: decision.next } : {}) });
  }
}
