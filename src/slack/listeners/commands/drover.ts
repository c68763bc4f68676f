import type { AllMiddlewareArgs, SlackCommandMiddlewareArgs } from '@slack/bolt';
import { drover, enter } from '../../../domain/context.ts';
import { nearest } from '../../../nearest.ts';
import type { Report } from '../../../tools/report.ts';
import { runTool } from '../../../tools/run.ts';
import type { Surface } from '../../app.ts';
import { reportMessages } from '../../blocks/report.ts';
import type { Carried } from '../../inbox.ts';
import { type Address, post } from '../../outbox.ts';
import { apologise } from '../apology.ts';

/** What `/drover` can be asked, each answered by a tool and never by the model (A7). */
const subcommands: Record<string, { tool: string; takes?: 'list' | 'sequence' | 'about' }> = {
  status: { tool: 'status' },
  lists: { tool: 'list_lists' },
  list: { tool: 'show_list', takes: 'list' },
  sequences: { tool: 'list_sequences' },
  sequence: { tool: 'show_sequence', takes: 'sequence' },
  help: { tool: 'help' },
};

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
  if (!subcommand.takes) return { tool: subcommand.tool, input: {} };
  if (!name)
    return {
      tone: 'refused',
      title: `/drover ${verb} needs a name.`,
      next: [`/drover ${verb.toLowerCase()}s`],
    };
  return { tool: subcommand.tool, input: { [subcommand.takes]: name } };
}

const usage = ['status', 'lists', 'list NAME', 'sequences', 'sequence NAME', 'help'].map(line => `/drover ${line}`);

function notUnderstood(verb: string): Report {
  const near = nearest(verb.toLowerCase(), Object.keys(subcommands), 1);
  return {
    tone: 'refused',
    title: `/drover has no "${verb}"${near.length ? `; did you mean "/drover ${near[0]}"?` : '.'}`,
    notes: ['Everything else goes to me as a message: mention me in a channel, or write to me directly.'],
    next: usage,
  };
}

/** `/drover …`: looked up and answered to the asker alone, whether or not the model works (A7). */
export const droverCommand =
  ({ services, member }: Surface) =>
  async ({ command, context }: SlackCommandMiddlewareArgs & Pick<AllMiddlewareArgs, 'context'>): Promise<void> => {
    const { inboxId, workspaceId } = context as unknown as Carried;
    const { user_id: userId, channel_id: channel, response_url: responseUrl } = command;
    const place: Address = { channel, only: { userId, ...(responseUrl ? { responseUrl } : {}) } };
    await apologise(services, { workspaceId, key: `command:${inboxId}:error`, place }, async () => {
      const actor = await member(workspaceId, userId);
      const call = parseCommand(command.text ?? '');
      const report =
        'tool' in call
          ? (await runTool(services, { ...call, workspaceId, actor, door: 'command', place: { surface: 'slack', channel } }))
              .report
          : call;
      await enter(services, workspaceId, drover, ctx => post(ctx, `command:${inboxId}`, place, reportMessages(report)));
    });
  };
