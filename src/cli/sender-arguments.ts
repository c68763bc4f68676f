import { readFileSync } from 'node:fs';
import type { Endpoint } from '../domain/ports.ts';
import { Refused } from '../errors.ts';
import type { SenderCommand } from './sender.ts';

/** Options that only `drover sender` takes. */
export const senderOptions = {
  name: { type: 'string' },
  smtp: { type: 'string' },
  imap: { type: 'string' },
  user: { type: 'string' },
  signature: { type: 'string' },
  limit: { type: 'string' },
  gap: { type: 'string' },
  'no-ramp': { type: 'boolean' },
  'send-message': { type: 'boolean' },
} as const;

export type SenderValues = { [name in keyof typeof senderOptions]?: string | boolean | undefined };

const wrong = (message: string): Refused => new Refused('bad_arguments', `${message} \`drover help\` shows how.`);

/** Ports on which a server speaks TLS from the first byte. */
const tlsPorts = [465, 993];

/** `host:port`, or `host:port/starttls`; `host:port/none` for a server on this machine. @throws Refused `bad_arguments` */
export function readEndpoint(option: string, written: string, usualPort: number): Endpoint {
  const [, host, port, security] = /^(\[[^\]]+\]|[^:/\s]+)(?::(\d{1,5}))?(?:\/(tls|starttls|none))?$/.exec(written) ?? [];
  const at = port === undefined ? usualPort : Number(port);
  if (!host || at < 1 || at > 65_535) throw wrong(`--${option} is a host and a port, like mail.acme.example:${usualPort}.`);
  return {
    host: host.replace(/^\[|\]$/g, ''),
    port: at,
    security: (security as Endpoint['security'] | undefined) ?? (tlsPorts.includes(at) ? 'tls' : 'starttls'),
  };
}

const whole = (option: string, written: string | undefined, most: number): number | undefined => {
  if (written === undefined) return undefined;
  const n = Number(written);
  if (!Number.isSafeInteger(n) || n < 1 || n > most) throw wrong(`--${option} is a whole number from 1 to ${most}.`);
  return n;
};

/** What stands behind `drover sender`; a password is read later, where it is typed. @throws Refused `bad_arguments` */
export function readSender([action, address, ...rest]: readonly string[], values: SenderValues): SenderCommand {
  if (rest.length) throw wrong(`"${rest[0]}" is too much: a password is asked for, and never an argument.`);
  if (action === 'list' || action === 'rekey') return { action };
  if (!['add', 'secret', 'test'].includes(action ?? '') || !address)
    throw wrong(
      'Like: drover sender add ann@acme.example --name "Ann Example" --smtp mail.acme.example --imap mail.acme.example.',
    );
  const text = (name: keyof SenderValues) => values[name] as string | undefined;
  const message = values['send-message'] === true;
  if (action === 'secret') return { action, address, secret: '' };
  if (action === 'test') return { action, address, message };
  const smtp = text('smtp');
  const senderName = text('name')?.trim();
  if (!smtp || !senderName)
    throw wrong(
      `What is its name, and where is its SMTP server? Like: drover sender add ${address} --name "Ann Example" --smtp mail.acme.example --imap mail.acme.example.`,
    );
  const imap = text('imap');
  const file = text('signature');
  const [limit, gap] = [whole('limit', text('limit'), 500), whole('gap', text('gap'), 240)];
  return {
    action: 'add',
    address,
    senderName,
    smtp: readEndpoint('smtp', smtp, 465),
    imap: imap === undefined ? null : readEndpoint('imap', imap, 993),
    user: text('user') ?? address,
    secret: '',
    signature: file === undefined ? null : signatureIn(file),
    ...(limit === undefined ? {} : { limit }),
    ...(gap === undefined ? {} : { gap }),
    ramp: values['no-ramp'] !== true,
    message,
  };
}

function signatureIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, 2000);
  } catch {
    throw wrong(`There is no file ${file} with a signature.`);
  }
}
