import { type Logger, LogLevel } from '@slack/bolt';
import { type Log, redact } from '../log.ts';

/**
 * Bolt's and the Web API client's own log, in ours. Only warnings and errors pass: below them the SDK logs request bodies, and those
 * hold what people wrote (A5).
 */
export function boltLog(log: Log): Logger {
  const sentence = (parts: unknown[]) =>
    redact(
      parts
        .map(part => (part instanceof Error ? part.message : typeof part === 'string' ? part : ''))
        .filter(Boolean)
        .join(' '),
    );
  const first = (parts: unknown[]) => parts.find(part => part instanceof Error);
  const nothing = () => {};
  return {
    debug: nothing,
    info: nothing,
    warn: (...parts) => log.warn({ err: first(parts) }, sentence(parts)),
    error: (...parts) => log.error({ err: first(parts) }, sentence(parts)),
    setLevel: nothing,
    getLevel: () => LogLevel.WARN,
    setName: nothing,
  };
}
