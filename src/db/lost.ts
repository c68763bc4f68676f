/** Codes by which a server or the network says that the database is away: connection exceptions, shutdowns, too many connections. */
const codes = /^(08\w{3}|57P0[1-5]|53300|ECONN\w+|EPIPE|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH)$/;
/** The driver's own errors, which carry no code. */
const sentences =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|PGlite is closed)/;

/** Is the database away, so that the same statement may well succeed later? */
export function isDatabaseLost(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if ((typeof code === 'string' && codes.test(code)) || sentences.test(at.message)) return true;
    if (at instanceof AggregateError && at.errors.some(isDatabaseLost)) return true;
  }
  return false;
}
