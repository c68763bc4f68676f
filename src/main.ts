import type { PgBoss } from 'pg-boss';
import type { Agent } from './agent/index.ts';
import { dateIn } from './calendar.ts';
import { answerCli } from './cli/answer.ts';
import { type Command, type DeskCommand, readArguments, usage, withAbsolutePaths } from './cli/arguments.ts';
import { createDesk } from './cli/desk.ts';
import { createImport } from './cli/import.ts';
import { seed } from './cli/seed.ts';
import { askRunning, type Desk, serveDesk } from './cli/socket.ts';
import { terminal } from './cli/text.ts';
import { type Clock, MovableClock, systemClock } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import { type Connection, isTaken } from './db/connect.ts';
import { openDatabase } from './db/open.ts';
import { workspaceOfTeam } from './db/system.ts';
import type { Db } from './db/transaction.ts';
import type { Services } from './domain/context.ts';
import { HttpServer } from './http.ts';
import { enqueueWith, startBoss, work } from './jobs/boss.ts';
import { createHandlers } from './jobs/handlers.ts';
import { movable, settled } from './jobs/play.ts';
import { type LocalMail, readAccess, startLocalMail } from './local-mail/index.ts';
import { type LocalSlack, type MailPanel, startLocalSlack } from './local-slack/index.ts';
import { type AppSecrets, appSecrets } from './local-slack/secrets.ts';
import { people, team } from './local-slack/workspace.ts';
import { createLog, type Log, redact } from './log.ts';
import { openMail, readAuthorities } from './mail/index.ts';
import { leaving, stepsOf } from './mail/known.ts';
import { createOptOut } from './mail/opt-out.ts';
import { createOps } from './ops/routes.ts';
import { tick, vacuum } from './queues.ts';
import { createSlackApp, type SlackApp } from './slack/app.ts';
import { tellCard } from './slack/cards.ts';
import { notify } from './slack/notify.ts';
import { Receiver } from './slack/receiver.ts';
import { SocketReceiver } from './slack/socket.ts';
import { seedDirectory } from './sources/directory/generate.ts';
import { createDirectory } from './sources/directory/index.ts';
import { readPeople } from './sources/files/index.ts';
import type { RunTurn } from './tools/turn.ts';

/** What this process does: everything, what Slack talks to, or the background jobs. */
export type Role = 'all' | 'web' | 'worker';

/** A built Drover. Nothing listens or works until it is told to. */
export interface Drover {
  config: Config;
  connection: Connection;
  clock: Clock;
  services: Services;
  boss: PgBoss;
  slack: SlackApp;
  localSlack: LocalSlack | null;
  localMail: LocalMail | null;
  signingSecret: string;
  desk: Desk;
  /** Fills the built-in directory, and gives an embedded Drover a workspace in which the first prompt works. */
  furnish(): Promise<void>;
  /** Loads the agent, so that the first turn does not have to wait for it. */
  warm(): Promise<void>;
  /** Starts the workers of every queue. */
  work(): Promise<void>;
  /** Has mailboxes read as soon as something comes in. @returns what ends it */
  watch(): Close;
  /** Lets what runs finish, then closes everything; safe to call twice. */
  stop(): Promise<void>;
}

/** How often the command line looks whether a Drover that is starting answers by now, four times a second. */
const startingLooks = 60;

/** How long a stopping process waits for the jobs it runs, in milliseconds. */
const drainMs = 20_000;

const machineZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Builds a Drover from its configuration: the one place where everybody is introduced to everybody. */
export async function build(config: Config, log: Log, { withLocalSlack = false } = {}): Promise<Drover> {
  const connection = await openDatabase(config, log);
  const clock = config.isEmbedded ? await MovableClock.in(config.DROVER_HOME) : systemClock;
  const boss = await startBoss(connection, clock, log);
  const zone = config.DROVER_ZONE ?? machineZone();
  const ca = config.DROVER_MAIL_CA && (await readAuthorities(config.DROVER_MAIL_CA));
  const { transports, readers, verifySender, ...mail } = openMail({
    ...{ db: connection.db, clock, log, ca, keys: config.DROVER_SECRET_KEY },
    localAccess: () => readAccess(config.DROVER_HOME),
  });
  const services: Services = {
    db: connection.db,
    clock,
    log,
    enqueueIn: enqueueWith(boss),
    sources: { directory: createDirectory(connection.db) },
    transports,
    readers,
    verifySender,
    publicUrl: config.DROVER_PUBLIC_URL?.replace(/\/+$/, '') ?? `http://127.0.0.1:${config.PORT}`,
  };
  const secrets = await slackSecrets(config);
  // Whoever holds the embedded database has its mail to send, be it for one command.
  const hasMail = config.usesLocalSlack && (withLocalSlack || config.isEmbedded);
  const localMail = hasMail ? await startLocalMail({ home: config.DROVER_HOME, clock, zone, log }) : null;
  const localSlack = withLocalSlack ? await openLocalSlack(config, { services, boss, zone, localMail, ...secrets }) : null;
  const apiUrl = localSlack?.apiUrl ?? config.SLACK_API_URL ?? (config.usesLocalSlack ? localSlackApi(config) : undefined);
  const agent = agentOf(config, services);
  const runTurn: RunTurn = async (...turn) => (await agent()).runTurn(...turn);
  const slack = createSlackApp({
    services,
    botToken: secrets.botToken,
    ...(apiUrl ? { apiUrl } : {}),
    zone,
    runTurn,
    paced: !config.usesLocalSlack,
  });
  const handlers = createHandlers(services, {
    notify,
    ...(config.usesPhrasebook ? {} : { classify: async text => (await agent()).classify?.(text) ?? null }),
    handleRequest: slack.handleRequest,
    answerCli: answerCli(services, runTurn),
    deliverPosts: slack.deliverPosts,
  });
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    await boss.stop({ graceful: true, timeout: drainMs });
    await mail.close();
    await localSlack?.close();
    await localMail?.close();
    await connection.close();
  };
  return {
    config,
    connection,
    clock,
    services,
    boss,
    slack,
    localSlack,
    localMail,
    signingSecret: secrets.signingSecret,
    desk: createDesk(services, { importFile: createImport(services, readPeople), tellCard, mail }),
    furnish: () => furnish(config, services, zone),
    warm: async () => void (await agent()),
    work: () => work(boss, handlers, log),
    watch: () => mail.watch(services),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** The agent, loaded when it is first asked for: LangChain takes half a second and 100 MB, which most commands can do without. */
function agentOf(config: Config, services: Services): () => Promise<Agent> {
  let opened: Promise<Agent> | undefined;
  return () => {
    opened ??= import('./agent/index.ts').then(({ openAgent }) => openAgent(config, services));
    return opened;
  };
}

async function furnish(config: Config, services: Services, zone: string): Promise<void> {
  const { db, clock } = services;
  await seedDirectory(db, { today: dateIn(clock.now(), zone) });
  if (!config.isEmbedded || !config.usesLocalSlack || !config.DROVER_SEED) return;
  const workspaceId = await workspaceOfTeam(db, clock.now(), { teamId: team.id, name: localTeamName, zone, botUserId: null });
  await seed(services, workspaceId, { slackUserId: people[0]!.id, name: people[0]!.realName });
}

const localTeamName = 'Drover Demo';

const localSlackPort = (config: Config): number => (config.PORT === 0 ? 0 : config.PORT + 1);
const localSlackApi = (config: Config): string => `http://127.0.0.1:${localSlackPort(config)}/api/`;

const slackSecrets = async (config: Config): Promise<AppSecrets> =>
  config.usesLocalSlack
    ? appSecrets(config.DROVER_HOME)
    : { botToken: config.SLACK_BOT_TOKEN!, signingSecret: config.SLACK_SIGNING_SECRET ?? '' };

/** What an empty conversation with the bot offers; the README's tour begins with the first. */
const suggestions = [
  'Find 200 VPs of Sales at German fintechs with 50–500 people, add 20 more every Monday, and put them in Fall Intro',
  'preview CTOs at French healthcare companies',
  'how are we doing?',
  'what can you do?',
];

const openLocalSlack = (
  config: Config,
  {
    services,
    boss,
    zone,
    localMail,
    ...secrets
  }: AppSecrets & { services: Services; boss: PgBoss; zone: string; localMail: LocalMail | null },
): Promise<LocalSlack> => {
  const { db, clock, log } = services;
  return startLocalSlack({
    port: localSlackPort(config),
    home: config.DROVER_HOME,
    appUrl: null,
    ...secrets,
    log,
    clock,
    zone,
    teamName: localTeamName,
    suggestions,
    panels: {
      ...(localMail ? { mail: mailPanel(localMail, db) } : {}),
      ...(clock instanceof MovableClock ? { clock: movable({ db, boss, clock }) } : {}),
    },
  });
};

/** The local mail server as the page shows it, each message with the step that it is. */
function mailPanel({ conversations, onMail }: LocalMail, db: Db): MailPanel {
  return {
    latest: limit => conversations.latest(limit),
    find: async id => {
      const talk = await conversations.find(id);
      const steps = await stepsOf(db, talk?.mails.flatMap(({ mailId }) => mailId ?? []) ?? []);
      return talk && { ...talk, mails: talk.mails.map(mail => ({ ...mail, about: steps.get(mail.mailId ?? '') })) };
    },
    html: id => conversations.html(id),
    act: (id, act) => conversations.act(id, act),
    follow: tell => onMail(tell),
    leaving: () => leaving(db),
  };
}

/** A process that answers at its ports. */
interface Started {
  /** Says where to look, and does the work of its role from then on. */
  begin(): Promise<void>;
  stop(): Promise<void>;
}

/** Opens the role's ports: what comes in is stored until work begins. */
async function start(config: Config, role: Role, log: Log): Promise<Started> {
  const stopTracing = await traces(config);
  const built = await build(config, log, { withLocalSlack: role !== 'worker' && config.usesLocalSlack });
  const closers = await openPorts(config, role, built, log).catch(async error => {
    await built.stop();
    throw error;
  });
  return {
    async begin() {
      process.stdout.write(`Drover is running.${built.localSlack ? ` Open ${built.localSlack.url} to talk to it.` : ''}\n`);
      await built.furnish();
      if (role !== 'web') {
        await built.work();
        closers.push(built.watch());
        await built.boss.schedule(tick.name, '* * * * *', {}, { singletonKey: 'tick' });
        if (config.isEmbedded) await built.boss.schedule(vacuum.name, '17 * * * *', {}, { singletonKey: 'vacuum' });
        await built.boss.send(tick.name, {}, { singletonKey: 'tick' });
      }
      if (config.isEmbedded) {
        const served = await serveDesk(config.DROVER_HOME, built.desk, log);
        closers.push(() => served.close());
      }
      if (role !== 'web') await built.warm();
    },
    async stop() {
      for (const close of closers) await close();
      await built.stop();
      await stopTracing();
    },
  };
}

/** Sends traces where a collector is named. @returns what sends the last ones. */
async function traces({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }: Config): Promise<() => Promise<void>> {
  if (!endpoint) return async () => {};
  const { startTracing } = await import('./ops/tracing.ts');
  return startTracing(endpoint);
}

type Close = () => Promise<void>;

/** Opens Slack's way in, where the role has one, and a port for health and metrics. @returns what closes them, in order. */
async function openPorts(config: Config, role: Role, built: Drover, log: Log): Promise<Close[]> {
  const { services, slack, signingSecret, localSlack, localMail } = built;
  const { HOST: host, PORT: port, SLACK_APP_TOKEN: appToken, SLACK_API_URL: apiUrl } = config;
  const serves = role !== 'worker';
  const socket = serves && appToken ? new SocketReceiver({ services, appToken, ...(apiUrl ? { apiUrl } : {}) }) : undefined;
  const ops = createOps(services, { identity: slack.identity, ...(socket ? { isConnected: () => socket.isConnected } : {}) });
  const routes = serves ? [...ops.routes, createOptOut(services)] : ops.routes;
  if (serves && !socket) {
    const receiver = new Receiver({ services, signingSecret, host, port, routes });
    const { url } = await receiver.listen();
    localSlack?.connectApp(url);
    const { origin } = new URL(url);
    localMail?.connectApp(origin);
    if (!config.DROVER_PUBLIC_URL) services.publicUrl = origin;
    log.info({ url }, 'listening for Slack');
    return [() => receiver.close(), async () => ops.close()];
  }
  const server = new HttpServer({ host, port, routes, log, nothingHere: 'There are /healthz, /readyz and /metrics here.' });
  await server.listen().then(
    ({ url }) => log.info({ url }, 'answering health and metrics'),
    error => {
      // A second worker of one machine is as useful without a port; what Slack talks to is not.
      if (serves) throw error;
      log.warn({ err: error }, 'health and metrics of this worker are not answered');
    },
  );
  await socket?.listen();
  if (socket) log.info({ isConnected: socket.isConnected }, 'listening for Slack in Socket Mode');
  return [async () => socket?.close(), () => server.close(), async () => ops.close()];
}

/** Runs one command of the command line: in the Drover that holds the embedded database, or in this process. */
async function atTheDesk(config: Config, command: DeskCommand, log: Log): Promise<number> {
  const output = terminal(process.stdout, process.stderr);
  const absolute = withAbsolutePaths(command);
  for (let look = 0; config.isEmbedded; look++) {
    const exit = await askRunning(config.DROVER_HOME, absolute, output);
    if (exit !== null) return exit;
    // A Drover that is starting holds the database before it answers at its socket.
    if (look === startingLooks || !(await isTaken(config.DROVER_HOME))) break;
    await new Promise(resolve => setTimeout(resolve, 250));
  }
  const built = await build(config, log);
  try {
    await built.furnish();
    await built.work();
    const exit = await built.desk(absolute, output);
    // Nobody else works on an embedded database: what the command caused is carried out before this process ends.
    if (config.isEmbedded) await settled(built.connection.db);
    return exit;
  } finally {
    await built.stop();
  }
}

async function run(command: Command, config: Config, log: Log): Promise<number | null> {
  switch (command.name) {
    case 'help':
      process.stdout.write(`${usage}\n`);
      return 0;
    case 'migrate': {
      const connection = await openDatabase(config, log);
      await connection.close();
      process.stdout.write('The database is up to date.\n');
      return 0;
    }
    case 'start':
    case 'web':
    case 'worker': {
      const { begin, stop } = await start(config, command.name === 'start' ? 'all' : command.name, log);
      let isStopping = false;
      for (const signal of ['SIGTERM', 'SIGINT'] as const)
        process.once(signal, () => {
          log.info({ signal }, 'stopping: what runs is finished first');
          isStopping = true;
          stop().then(
            () => process.exit(0),
            error => {
              log.error({ err: error }, 'stopping went wrong');
              process.exit(1);
            },
          );
        });
      await begin().catch(async error => {
        if (isStopping) return;
        await stop();
        throw error;
      });
      return null;
    }
    default:
      return atTheDesk(config, command, log);
  }
}

if (import.meta.main) {
  try {
    const config = readConfig();
    const command = readArguments(process.argv.slice(2));
    const isServer = command.name === 'start' || command.name === 'web' || command.name === 'worker';
    const log = createLog(isServer || config.LOG_LEVEL === 'debug' ? config.LOG_LEVEL : 'error');
    const exit = await run(command, config, log);
    if (exit !== null) process.exit(exit);
  } catch (error) {
    const said = error as { kind?: string; message: string };
    if (said.kind) process.stderr.write(`drover: ${redact(said.message)}\n`);
    else createLog('error').error({ err: error }, 'Drover cannot go on');
    process.exit(1);
  }
}
