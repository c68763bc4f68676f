import { z } from 'zod';
import { isZone } from './calendar.ts';
import { Refused } from './errors.ts';

const flag = z.enum(['true', 'false', '1', '0', ''], 'must be true or false').transform(v => v === 'true' || v === '1');
const blankIsUnset = (v: unknown) => (v === '' ? undefined : v);
const url = () => z.url('must be a URL, like https://api.example/v1');
const portRange = 'must be a whole number from 0 to 65535, like 3000';
const optional = <T extends z.ZodType>(type: T) => z.preprocess(blankIsUnset, type.optional());

/** The environment, name by name. The README's table is checked against this. */
export const environment = z.object({
  DATABASE_URL: optional(z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')).describe(
    'Postgres 14 or newer. Without it Drover keeps an embedded Postgres in DROVER_HOME.',
  ),
  DROVER_HOME: z
    .preprocess(blankIsUnset, z.string().default('.drover'))
    .describe('Directory of the embedded database and the local socket.'),
  PORT: z
    .preprocess(blankIsUnset, z.coerce.number(portRange).int(portRange).min(0, portRange).max(65535, portRange).default(3000))
    .describe('Port that Slack reaches. With local Slack its page is on the next port.'),
  HOST: z.preprocess(blankIsUnset, z.string().default('127.0.0.1')).describe('Address that the port for Slack binds to.'),
  LOG_LEVEL: z
    .preprocess(
      blankIsUnset,
      z.enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent').default('info'),
    )
    .describe('How much is logged.'),
  SLACK_BOT_TOKEN: optional(z.string().startsWith('xoxb-', 'must be a bot token (xoxb-…)')).describe(
    'Bot token of your Slack app.',
  ),
  SLACK_SIGNING_SECRET: optional(z.string().min(8, 'must be the whole secret, which is longer')).describe(
    'Signing secret of your Slack app. Not needed in Socket Mode.',
  ),
  SLACK_APP_TOKEN: optional(z.string().startsWith('xapp-', 'must be an app-level token (xapp-…)')).describe(
    'App-level token with connections:write. Slack is then reached in Socket Mode, without a public URL.',
  ),
  SLACK_API_URL: optional(url()).describe('Another base URL for the Slack Web API.'),
  OPENAI_API_KEY: optional(z.string()).describe('Key for the model. Without it the phrasebook answers.'),
  OPENAI_BASE_URL: optional(url()).describe('Any OpenAI-compatible endpoint.'),
  OPENAI_MODEL: z.preprocess(blankIsUnset, z.string().default('gpt-5-mini')).describe('The model that plans the turn.'),
  OPENAI_FALLBACK_MODEL: optional(z.string()).describe('Tried when the first model fails.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(url()).describe(
    'OpenTelemetry collector (OTLP over HTTP) that gets traces. Without it there are none.',
  ),
  DROVER_PUBLIC_URL: optional(z.url()).describe(
    'Where the port for Slack is reached from outside (https://…): opt-out links begin with it. Real senders need it.',
  ),
  DROVER_SECRET_KEY: optional(z.string()).describe(
    "Seals senders' passwords: 32 random bytes in base64. Several, with commas, to change it: the first seals.",
  ),
  DROVER_MAIL_CA: optional(z.string()).describe('PEM file of further certificate authorities of your mail servers.'),
  DROVER_ZONE: optional(z.string().refine(isZone, 'must be a time zone like Europe/Berlin')).describe(
    "Zone of a new workspace. Without it the machine's.",
  ),
  DROVER_SEED: z
    .preprocess(v => (v === '' ? undefined : v), flag.default(true))
    .describe('Whether an embedded start seeds a workspace to try things in.'),
});

export type Config = z.infer<typeof environment> & { usesLocalSlack: boolean; isEmbedded: boolean; usesPhrasebook: boolean };

/** Reads the environment. @throws Refused naming every variable that is wrong, never its value. */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const read = environment.safeParse(env);
  if (!read.success) {
    const wrong = new Set(read.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`));
    throw new Refused('bad_configuration', `The environment is not right: ${[...wrong].join('; ')}.`);
  }
  const config = read.data;
  if (Boolean(config.SLACK_BOT_TOKEN) !== Boolean(config.SLACK_SIGNING_SECRET || config.SLACK_APP_TOKEN))
    throw new Refused(
      'bad_configuration',
      'SLACK_BOT_TOKEN belongs together with SLACK_SIGNING_SECRET (or SLACK_APP_TOKEN for Socket Mode): set both, or neither for local Slack.',
    );
  return {
    ...config,
    usesLocalSlack: !config.SLACK_BOT_TOKEN,
    isEmbedded: !config.DATABASE_URL,
    usesPhrasebook: !config.OPENAI_API_KEY,
  };
}
