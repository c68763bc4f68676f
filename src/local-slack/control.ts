import type { Attempt, Courier, Delivery } from './delivery.ts';
import type { People, Press } from './people.ts';
import type { Sockets } from './sockets.ts';
import type { OpenView, Values, Views } from './views.ts';
import type { ApiCall, Fault, WebApi } from './web-api.ts';
import type { Message, Workspace } from './workspace.ts';

/** What a test does and sees, without a browser. Every act resolves when the app has answered, or not answered, for the first time. */
export interface Control {
  /** A person's message as typed: `@drover` and `#sales` become mentions, addresses and links are marked up as Slack does. */
  say(input: { user?: string; channel: string; text: string; threadTs?: string }): Promise<Message>;
  /** The same in #sales, beginning with a mention of the bot. */
  mention(input: { user?: string; channel?: string; text: string; threadTs?: string }): Promise<Message>;
  /** The same to the bot alone. */
  dm(input: { user?: string; text: string; threadTs?: string }): Promise<Message>;
  slash(user: string, command: string, text: string, channel?: string): Promise<Attempt | undefined>;
  click(press: Omit<Press, 'user'> & { user?: string }): Promise<Attempt>;
  /** The modal in front of a person, the admin unless said. */
  modal(user?: string): OpenView | undefined;
  /** Sends it off with these values, by `action_id`; undefined where Slack's client does not let it. */
  submit(values: Values, user?: string): Promise<Attempt | undefined>;
  /** Deactivates somebody's account. */
  deactivate(user: string): Promise<Attempt>;
  thread(channel: string, ts: string): Message[];
  /** All messages of a channel that everyone sees, oldest first, replies included. */
  messages(channel: string): Message[];
  ephemerals(user: string, channel?: string): Message[];
  readonly apiCalls: ApiCall[];
  readonly deliveries: Delivery[];
  /** Resolves with the first answer of `look` that is neither empty nor false; looks again after every change, call and delivery. */
  waitFor<T>(look: () => T, options?: { withinMs?: number; what?: string }): Promise<NonNullable<T>>;
  fail(method: string, fault: Fault): void;
  pace(method: string, pace: { calls: number; perMs: number } | null): void;
  loseAcks(n: number): void;
  /** Delivers an event as it is given, for what no person and no button brings about. */
  deliver(payload: Record<string, unknown>): Promise<Attempt>;
  /** The app's connections in Socket Mode. */
  sockets: Pick<Sockets, 'count' | 'faults' | 'refresh' | 'drop'>;
  /** Delivers an event once more, by default the last. */
  redeliver(delivery?: Delivery): Promise<Attempt>;
}

export function createControl(parts: {
  workspace: Workspace;
  people: People;
  views: Views;
  courier: Courier;
  sockets: Sockets;
  api: WebApi;
}): Control {
  const { workspace, people, views, courier, sockets, api } = parts;
  const admin = workspace.people[0]!.id;
  const idOf = (channel: string) => workspace.channel(channel)?.id ?? channel;
  const watchers = new Set<() => void>();
  const look = () => {
    for (const watch of [...watchers]) watch();
  };
  workspace.onChange(look);
  views.onChange(look);
  api.onCall = look;
  courier.onAttempt = look;
  sockets.onChange = look;

  const say: Control['say'] = async ({ user = admin, ...rest }) => {
    const { message, deliveries } = people.say({ user, ...rest });
    await Promise.all(deliveries.map(delivery => delivery.first));
    return message;
  };

  return {
    say,
    mention: ({ channel = 'sales', text, ...rest }) => say({ channel, text: `<@${workspace.bot.id}> ${text}`, ...rest }),
    dm: ({ user = admin, ...rest }) => say({ user, channel: user, ...rest }),
    slash: (user, command, text, channel = 'sales') => people.slash({ user, channel, line: `${command} ${text}` }),
    click: press => people.press({ user: admin, ...press }),
    modal: (user = admin) => views.before(user),
    submit: (values, user = admin) => people.submit({ user, values }),
    deactivate: user => people.leave(user).first,
    thread: (channel, ts) => workspace.thread(idOf(channel), ts),
    messages: channel => workspace.messages(idOf(channel)),
    ephemerals: (user, channel) =>
      [...workspace.channels.keys()]
        .filter(id => !channel || id === idOf(channel))
        .flatMap(id => workspace.messages(id, { seenBy: user }))
        .filter(message => message.ephemeralTo === user),
    apiCalls: api.calls,
    deliveries: courier.deliveries,
    waitFor(predicate, { withinMs = 10_000, what = 'what was waited for' } = {}) {
      return new Promise((resolve, reject) => {
        const end = () => {
          watchers.delete(watch);
          clearTimeout(timer);
        };
        const watch = () => {
          try {
            const found = predicate();
            if (!found) return;
            end();
            resolve(found);
          } catch (error) {
            end();
            reject(error);
          }
        };
        const timer = setTimeout(() => {
          end();
          reject(new Error(`After ${withinMs} ms there was no ${what}. ${describe(workspace, api, courier)}`));
        }, withinMs);
        watchers.add(watch);
        watch();
      });
    },
    fail: (method, fault) => api.fail(method, fault),
    pace: (method, pace) => api.pace(method, pace),
    loseAcks: n => courier.loseAcks(n),
    deliver: payload => courier.event(String(payload.event_id ?? ''), payload).first,
    sockets,
    redeliver(delivery = courier.deliveries.findLast(({ kind }) => kind === 'event')) {
      if (!delivery) throw new Error('Nothing was delivered yet.');
      return courier.redeliver(delivery);
    },
  };
}

/** The last things that happened, for the message of a test that waited in vain. */
function describe(workspace: Workspace, api: WebApi, courier: Courier): string {
  const messages = [...workspace.channels.keys()].flatMap(id => workspace.messages(id)).slice(-5);
  const calls = api.calls.slice(-5).map(({ method, reply, status }) => `${method} ${reply.ok ? status : reply.error}`);
  const attempts = courier.deliveries
    .slice(-5)
    .map(({ kind, attempts: all }) => `${kind} ${all.map(a => a.reason ?? a.status).join('/')}`);
  return [
    `Messages: ${messages.map(({ user, text }) => `${user}: ${text.slice(0, 80)}`).join(' | ') || 'none'}.`,
    `Calls: ${calls.join(', ') || 'none'}.`,
    `Deliveries: ${attempts.join(', ') || 'none'}.`,
  ].join(' ');
}
