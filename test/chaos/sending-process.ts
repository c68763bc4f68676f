import { MovableClock } from '../../src/clock.ts';
import { connectEmbedded, connectServer } from '../../src/db/connect.ts';
import type { CrashPoint } from '../../src/domain/messages/crash-points.ts';
import { sendDue } from '../../src/domain/messages/index.ts';
import type { MailAccount } from '../../src/domain/ports.ts';
import { silentLog } from '../../src/log.ts';
import { createSmtp } from '../../src/mail/smtp.ts';

/** What a process that sends, and dies at a point on the way, is told on its command line. */
export interface Errand {
  /** A server's URL, or the home of an embedded database. */
  database: { url: string } | { home: string };
  workspaceId: number;
  now: string;
  diesAt: CrashPoint;
  /** Where its mail server is. */
  account: MailAccount;
}

if (import.meta.main) {
  const errand = JSON.parse(process.argv[2]!) as Errand;
  const { db } =
    'url' in errand.database
      ? connectServer(errand.database.url, silentLog, { max: 2 })
      : await connectEmbedded(errand.database.home);
  await sendDue(
    {
      db,
      clock: new MovableClock({ standsAt: Temporal.Instant.from(errand.now) }),
      log: silentLog,
      enqueueIn: () => async () => {},
      sources: {},
      publicUrl: 'https://drover.example',
      transports: { local: createSmtp({ name: 'local', accountOf: async () => errand.account, log: silentLog }) },
      crash: point => {
        if (point === errand.diesAt) {
          process.kill(process.pid, 'SIGKILL');
          return new Promise(() => {});
        }
      },
    },
    errand.workspaceId,
  );
  process.exit(0);
}
