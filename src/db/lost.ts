import { setTimeout as pause } from 'node:timers/promises';

/**
 * Codes by which a server or the network says that the database is away, or as good as away: connection exceptions, shutdowns, too many
 * connections, a transaction that the server ended for its silence, a lock that somebody else's silence has kept.
 */
const codes = /^(08\w{3}|57P0[1-5]|53300|25P03|55P03|ECONN\w+|EPIPE|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH)$/;
const answerIsLate = /^Query read timeout/;
/** The driver's own errors, which carry no code. */
const sentences =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|PGlite is closed|Query read timeout)/;

/** Did the driver give a statement up that nobody answered? */
export const isAnswerLate = (error: unknown): boolean => error instanceof Error && answerIsLate.test(error.message);

/** Is the database away, so that the same statement may well succeed later? */
export function isDatabaseLost(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if ((typeof code === 'string' && codes.test(code)) || sentences.test(at.message)) return true;
    if (at instanceof AggregateError && at.errors.some(isDatabaseLost)) return true;
  }
  return false;
}

/** Deadlocks and serialization failures: the transaction is undone, and with nobody in its way the same one succeeds. */
const collisions = /^(40P01|40001)$/;

/** Was nothing done, and may the same work well succeed later: is the database away, or was the transaction the one to give way? */
export function passesByItself(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && collisions.test(code)) return true;
  }
  return isDatabaseLost(error);
}

/** Does `work` again, a second apart, for as long as what stops it passes by itself, `forMs` at most. It is work that may be done twice. */
export async function whileLost<R>(forMs: number, work: () => Promise<R>): Promise<R> {
  for (const until = performance.now() + forMs; ; )
    try {
      return await work();
    } catch (error) {
      if (!passesByItself(error) || performance.now() > until) throw error;
      await pause(1_000);
    }
}
