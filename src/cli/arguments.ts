import path from 'node:path';
import { parseArgs } from 'node:util';
import { Refused } from '../errors.ts';
import { unlikeness } from '../nearest.ts';
import type { SenderCommand } from './sender.ts';
import { readSender, senderOptions } from './sender-arguments.ts';

export const usage = `drover — an outbound agent that sales reps run from Slack

  drover start                        everything in one process (the default)
  drover web                          only what Slack talks to
  drover worker                       only the background jobs
  drover migrate                      bring the database up to date, and stop
  drover import FILE --list NAME      put a file's people (CSV, TSV, XLSX) on a list; again after a break: goes on
  drover export list NAME | sequence NAME [--out FILE] [--bom]
  drover export activity [--about NAME] [--by NAME] [--days N] [--out FILE] [--bom]
  drover export numbers [--days N] [--out FILE] [--bom]
                                      write it as CSV; --bom marks it as UTF-8 for Excel. Of the activity: about one list,
                                      sequence, mailbox, lead or member, what one member did, the last N days
  drover ask "…" [--as USER] [--thread ID] [--json]
                                      say something to Drover, as in Slack
  drover approve ID | cancel ID       press a card's button
  drover simulate [--days N] [--json] what the scheduler will do in the next N days (30): nothing is written
  drover autopilot SEQUENCE on|off    let a sequence contact people without review
  drover role MEMBER admin|rep        what a member may do
  drover lift VALUE                   end an exclusion, also an opt-out
  drover sender add ADDRESS --name NAME --smtp HOST[:PORT] [--imap HOST[:PORT]] [--user USER] [--limit N] [--gap MINUTES]
                    [--signature FILE] [--no-ramp] [--send-message]
                                      add a mailbox that messages leave from; asks for its password, or reads it from stdin
  drover sender list | test ADDRESS [--send-message] | secret ADDRESS | rekey
                                      show them, try a sign-in, give a new password, seal all with the newest key
  drover help

  --as USER      a Slack user id or a name; an admin unless said
  --team ID      which workspace, where there are several

Settings come from the environment; the README has them in one table.`;

/** A command line, understood. */
export type Command =
  | { name: 'start' | 'web' | 'worker' | 'migrate' | 'help' }
  | ({ name: 'import'; file: string; list: string } & Asker)
  | ({ name: 'export'; what: 'list' | 'sequence'; of: string; out?: string; bom: boolean } & Asker)
  | ({ name: 'export'; what: 'numbers'; days?: number; out?: string; bom: boolean } & Asker)
  | ({ name: 'export'; what: 'activity'; about?: string; by?: string; days?: number; out?: string; bom: boolean } & Asker)
  | ({ name: 'ask'; text: string; thread: string; json: boolean } & Asker)
  | ({ name: 'approve' | 'cancel'; id: number; json: boolean } & Asker)
  | ({ name: 'simulate'; days: number; json: boolean } & Asker)
  | ({ name: 'autopilot'; sequence: string; on: boolean; json: boolean } & Asker)
  | ({ name: 'role'; member: string; role: 'admin' | 'rep'; json: boolean } & Asker)
  | ({ name: 'sender'; sender: SenderCommand } & Asker)
  | ({ name: 'lift'; value: string; json: boolean } & Asker);

export interface Asker {
  as?: string;
  team?: string;
}

/** Commands that a running Drover carries out for the command line, over its local socket. */
export type DeskCommand = Extract<Command, Asker>;

const wrong = (message: string): Refused => new Refused('bad_arguments', `${message} \`drover help\` shows how.`);

/** @throws Refused `bad_arguments` with a sentence for the terminal. */
export function readArguments(argv: readonly string[]): Command {
  const { values, positionals } = parse(argv);
  const [name = values.help ? 'help' : 'start', ...rest] = positionals;
  const asker: Asker = { ...(values.as ? { as: values.as } : {}), ...(values.team ? { team: values.team } : {}) };
  const json = values.json ?? false;
  switch (name) {
    case 'start':
    case 'web':
    case 'worker':
    case 'migrate':
    case 'help':
      return { name };
    case 'import': {
      if (!rest[0] || !values.list)
        throw wrong('Which file, and which list? Like: drover import people.csv --list "Trade fair".');
      return { name, file: rest[0], list: values.list, ...asker };
    }
    case 'export':
      return readExport(rest, values, asker);
    case 'ask': {
      const text = rest.join(' ').trim();
      if (!text) throw wrong('Ask what? Like: drover ask "how are we doing?".');
      return { name, text, thread: values.thread ?? 'cli', json, ...asker };
    }
    case 'approve':
    case 'cancel': {
      const id = Number(rest[0]);
      if (!Number.isSafeInteger(id) || id < 1) throw wrong(`Which approval? Like: drover ${name} 7.`);
      return { name, id, json, ...asker };
    }
    case 'simulate': {
      const days = Number(values.days ?? 30);
      if (!Number.isSafeInteger(days) || days < 1 || days > 366)
        throw wrong('Between 1 and 366 days, like: drover simulate --days 60.');
      return { name, days, json, ...asker };
    }
    case 'autopilot': {
      const [sequence, state] = [rest.slice(0, -1).join(' '), rest.at(-1)];
      if (!sequence || (state !== 'on' && state !== 'off')) throw wrong('Like: drover autopilot "Fall Intro" on.');
      return { name, sequence, on: state === 'on', json, ...asker };
    }
    case 'role': {
      const [member, role] = [rest.slice(0, -1).join(' '), rest.at(-1)];
      if (!member || (role !== 'admin' && role !== 'rep')) throw wrong('Like: drover role "Sam Rep" admin.');
      return { name, member, role, json, ...asker };
    }
    case 'lift': {
      if (!rest[0]) throw wrong('Which exclusion? Like: drover lift jane@acme.example.');
      return { name, value: rest.join(' '), json, ...asker };
    }
    case 'sender':
      return { name, sender: readSender(rest, values), ...asker };
    default:
      throw wrong(`There is no command "${name}".`);
  }
}

function readExport([what, ...words]: string[], values: ReturnType<typeof parse>['values'], asker: Asker): Command {
  const of = words.join(' ');
  const how = { ...(values.out ? { out: values.out } : {}), bom: values.bom ?? false, ...asker };
  const isPart = values.about !== undefined || values.by !== undefined || values.days !== undefined;
  if (what === 'activity') {
    if (of) throw wrong(`About "${of}"? Like: drover export activity --about "${of}".`);
    return { name: 'export', what, ...partOf(values), ...how };
  }
  if (what === 'numbers') {
    if (of || values.about !== undefined || values.by !== undefined)
      throw wrong('The numbers are of everything, over so many days. Like: drover export numbers --days 90.');
    return { name: 'export', what, ...partOf(values), ...how };
  }
  if ((what !== 'list' && what !== 'sequence') || !of)
    throw wrong('Export what? Like: drover export list "Trade fair" --out fair.csv.');
  if (isPart)
    throw wrong(
      '--about, --by and --days are of the activity, --days of the numbers too. Like: drover export activity --days 7.',
    );
  return { name: 'export', what, of, ...how };
}

/** Which part of the activity: the filters of the tool that shows it. */
function partOf({ about, by, days: written }: ReturnType<typeof parse>['values']) {
  const days = written === undefined ? undefined : Number(written);
  if (days !== undefined && !(Number.isSafeInteger(days) && days >= 1 && days <= 3650))
    throw wrong('Between 1 and 3650 days, like: drover export activity --days 7.');
  if (about?.trim() === '' || by?.trim() === '')
    throw wrong('About or by whom? Like: drover export activity --about "Fall Intro".');
  return {
    ...(about === undefined ? {} : { about: about.trim() }),
    ...(by === undefined ? {} : { by: by.trim() }),
    ...(days === undefined ? {} : { days }),
  };
}

const options = {
  list: { type: 'string' },
  out: { type: 'string' },
  bom: { type: 'boolean' },
  as: { type: 'string' },
  team: { type: 'string' },
  thread: { type: 'string' },
  days: { type: 'string' },
  about: { type: 'string' },
  by: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  ...senderOptions,
} as const;

function parse(argv: readonly string[]) {
  const how = { args: [...argv], allowPositionals: true, options } as const;
  const objection = parseArgs({ ...how, strict: false, tokens: true })
    .tokens.map(objectionTo)
    .find(Boolean);
  if (objection) throw wrong(objection);
  return parseArgs(how);
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/** What is wrong with an option, in our words: Node's own are for those who write programs. */
function objectionTo(token: Token): string | undefined {
  if (token.kind !== 'option') return undefined;
  const { name, rawName, value, inlineValue } = token;
  const known = Object.entries(options).find(([each]) => each === name)?.[1];
  if (!known) {
    const near = Object.keys(options).find(each => unlikeness(name, each) < 0.4);
    return `There is no option ${rawName}.${near ? ` Did you mean --${near}?` : ''}`;
  }
  if (known.type === 'boolean') return value === undefined ? undefined : `${rawName} is said alone, without "=${value}".`;
  const isGiven = value !== undefined && (inlineValue || !value.startsWith('-'));
  return isGiven ? undefined : `${rawName} needs a value behind it: ${rawName}=…`;
}

/** The process that carries a command out may be in another folder. */
export function withAbsolutePaths(command: DeskCommand): DeskCommand {
  if (command.name === 'import') return { ...command, file: path.resolve(command.file) };
  return command.name === 'export' && command.out ? { ...command, out: path.resolve(command.out) } : command;
}
