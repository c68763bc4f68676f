import type { AllMiddlewareArgs, SlackCommandMiddlewareArgs } from '@slack/bolt';
import { type Context, drover, enter } from '../../../domain/context.ts';
import * as lists from '../../../domain/lists/index.ts';
import * as sequences from '../../../domain/sequences/index.ts';
import { isRefusal } from '../../../errors.ts';
import { nearest } from '../../../nearest.ts';
import { count, type Report } from '../../../tools/report.ts';
import { runTool } from '../../../tools/run.ts';
import type { Surface } from '../../app.ts';
import { reportMessages } from '../../blocks/report.ts';
import { showCard } from '../../cards.ts';
import type { Carried } from '../../inbox.ts';
import { type Address, post } from '../../outbox.ts';
import { apologise } from '../apology.ts';

/** What `/drover` can be asked, each answered by a tool and never by the model (A7). */
const subcommands: Record<string, Subcommand> = {
  status: { tool: 'status' },
  lists: { tool: 'list_lists' },
  list: { tool: 'show_list', needs: 'list', see: 'lists' },
  sequences: { tool: 'list_sequences' },
  sequence: { tool: 'show_sequence', needs: 'sequence', see: 'sequences' },
  who: { tool: 'list_people', needs: 'sequence', see: 'sequences' },
  why: { tool: 'why', needs: 'about', see: 'status' },
  forecast: { tool: 'forecast', takes: 'sequence' },
  review: { tool: 'review_leads', takes: 'sequence', with: { decision: 'show' } },
  tasks: { tool: 'list_tasks', takes: 'sequence' },
  replies: { tool: 'list_replies', takes: 'sequence' },
  numbers: { tool: 'show_numbers', takes: 'sequence' },
  senders: { tool: 'list_senders' },
  undo: { tool: 'undo' },
  activity: { tool: 'activity', takes: 'about' },
  help: { tool: 'help', takes: 'about' },
};

interface Subcommand {
  tool: string;
  /** The field that the rest of the line fills: one that must be there, or may. */
  needs?: 'list' | 'sequence' | 'about';
  takes?: 'sequence' | 'about';
  with?: Record<string, string>;
  /** Where to look for a name that is missing. */
  see?: string;
}

export interface CommandCall {
  tool: string;
  input: Record<string, string>;
}

/** A command line as a tool's call, or what to say when it is none. */
export function parseCommand(line: string): CommandCall | Report {
  const [, verb = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line)!;
  const name = rest.replace(/^(["'“”«])(.*)(["'“”»])$/s, '$2').trim();
  const subcommand = subcommands[verb.toLowerCase() || 'help'];
  if (!subcommand) return notUnderstood(verb);
  const { tool, needs, takes = needs, see } = subcommand;
  if (needs && !name) return { tone: 'refused', title: `/drover ${verb} needs a name.`, next: [`/drover ${see}`] };
  return { tool, input: { ...subcommand.with, ...(takes && name ? { [takes]: name } : {}) } };
}

const usage = [
  'status',
  'lists',
  'list NAME',
  'sequences',
  'sequence NAME',
  'who NAME',
  'why NAME',
  'forecast [SEQUENCE]',
  'review [SEQUENCE]',
  'tasks [SEQUENCE]',
  'replies [SEQUENCE]',
  'numbers [SEQUENCE]',
  'senders',
  'undo',
  'activity [NAME]',
  'help [TOPIC]',
].map(line => `/drover ${line}`);

function notUnderstood(verb: string): Report {
  const near = nearest(verb.toLowerCase(), Object.keys(subcommands), 1);
  return {
    tone: 'refused',
    title: `/drover has no "${verb}"${near.length ? `; did you mean "/drover ${near[0]}"?` : '.'}`,
    notes: ['Everything else goes to me as a message: mention me in a channel, or write to me directly.'],
    next: usage,
  };
}

/** Whom to review when no sequence is named: those of the only sequence where somebody waits, else a choice of them. */
async function reviewOfAll(ctx: Context): Promise<CommandCall | Report> {
  const waiting = (await sequences.overviews(ctx)).filter(({ inReview }) => inReview > 0);
  const [only, ...more] = waiting;
  if (!only) return { tone: 'good', title: 'Nobody waits for review.', next: ['/drover sequences'] };
  if (!more.length) return { tool: 'review_leads', input: { sequence: only.name, decision: 'show' } };
  return {
    tone: 'warning',
    title: `${count(
      waiting.reduce((sum, { inReview }) => sum + inReview, 0),
      'lead waits',
      'leads wait',
    )} for review.`,
    tables: [
      {
        columns: [{ label: 'Sequence' }, { label: 'Waiting', align: 'right' }],
        rows: waiting.map(({ name, inReview }) => [name, inReview.toLocaleString('en-US')]),
      },
    ],
    next: waiting.slice(0, 5).map(({ name }) => `/drover review ${name}`),
  };
}

/** Whose people are meant: a list's of that name, unless it is a sequence's. */
async function whose(ctx: Context, call: CommandCall): Promise<CommandCall> {
  const { sequence: name = '' } = call.input;
  if (!isRefusal(await sequences.resolve(ctx, name)) || isRefusal(await lists.resolve(ctx, name))) return call;
  return { ...call, input: { list: name } };
}

/** `/drover …`: looked up and answered to the asker alone, whether or not the model works (A7). A plan that needs a button gets its card. */
export const droverCommand =
  ({ services, member }: Surface) =>
  async ({ command, context }: SlackCommandMiddlewareArgs & Pick<AllMiddlewareArgs, 'context'>): Promise<void> => {
    const { inboxId, workspaceId } = context as unknown as Carried;
    const { user_id: userId, channel_id: channel, response_url: responseUrl } = command;
    const place: Address = { channel, only: { userId, ...(responseUrl ? { responseUrl } : {}) } };
    await apologise(services, { workspaceId, key: `command:${inboxId}:error`, place }, async () => {
      const actor = await member(workspaceId, userId);
      const inside = <R>(work: (ctx: Context) => Promise<R>) => enter(services, workspaceId, drover, work);
      const asked = parseCommand(command.text ?? '');
      const isForAll = 'tool' in asked && asked.tool === 'review_leads' && !asked.input.sequence;
      const isOfPeople = 'tool' in asked && asked.tool === 'list_people';
      const call = isForAll ? await inside(reviewOfAll) : isOfPeople ? await inside(ctx => whose(ctx, asked)) : asked;
      if (!('tool' in call)) return inside(ctx => post(ctx, `command:${inboxId}`, place, reportMessages(call)));
      const where = { surface: 'slack' as const, channel };
      const outcome = await runTool(services, { ...call, workspaceId, actor, door: 'command', place: where });
      await inside(ctx =>
        outcome.outcome === 'needs_approval'
          ? showCard(ctx, { channel }, outcome.approval.id, outcome.report)
          : post(ctx, `command:${inboxId}`, place, reportMessages(outcome.report)),
      );
    });
  };
