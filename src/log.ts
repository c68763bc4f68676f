import { type DestinationStream, pino } from 'pino';
import { currentIds } from './trace.ts';

export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

/** Where secrets and contents could ride along: their values never reach a log line (A5). */
const hidden = ['token', 'secret', 'password', 'apiKey', 'authorization', 'body', 'text', 'prompt', 'answer', 'payload', 'email'];

/** Token shapes of Slack, OpenAI-compatible servers and URLs with credentials. */
const shapes = [
  /\bx(?:ox[a-z]|app)-[\w-]{8,}/g,
  /\bsk-[\w-]{8,}/g,
  /\bBearer\s+[\w.~+/-]+=*/gi,
  /(?<=:\/\/[^\s:@/]+:)[^\s@/]+(?=@)/g,
];

/** Text as it may be logged: anything shaped like a secret is replaced. */
export const redact = (text: string): string => shapes.reduce((left, shape) => left.replace(shape, '[secret]'), text);

/** What of an error may be logged: its name, code and redacted message and stack; not what a driver hangs on it. */
const serializeError = (error: unknown): object => {
  if (!(error instanceof Error)) return { message: redact(String(error)) };
  const { name, message, stack } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    message: redact(message),
    ...(typeof code === 'string' ? { code } : {}),
    stack: redact(stack ?? ''),
    ...(error.cause ? { cause: serializeError(error.cause) } : {}),
  };
};

/**
 * Structured logs on standard error, so that standard output stays the command's own. A line that is written within a job, a turn or a
 * call carries its ids.
 */
export const createLog = (level: string, to: DestinationStream = pino.destination({ fd: 2, sync: true })): Log =>
  pino(
    {
      level,
      base: null,
      mixin: currentIds,
      redact: { paths: hidden.flatMap(key => [key, `*.${key}`, `*.*.${key}`]), censor: '[hidden]' },
      serializers: { err: serializeError, error: serializeError },
    },
    to,
  );

export const silentLog: Log = pino({ level: 'silent' });
