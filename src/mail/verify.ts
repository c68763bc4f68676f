import type { MailAccount, MailVerifier, Verified } from '../domain/ports.ts';
import { assertPrivate, isCertificateError, type Trouble, trusting } from './endpoints.ts';
import * as imap from './imap.ts';
import * as smtp from './smtp.ts';

/** Signs in at both servers of an account and leaves again; nothing is sent, read or kept. */
export function createVerifier({ ca }: { ca?: string } = {}): MailVerifier {
  const trust = trusting(ca);
  const attempt = async (work: () => Promise<void>, troubleOf: (error: unknown) => { trouble: Trouble; detail: string }) => {
    try {
      await work();
      return { ok: true } satisfies Verified;
    } catch (error) {
      const { trouble, detail } = troubleOf(error);
      return { ok: false, code: trouble, detail } satisfies Verified;
    }
  };
  return {
    async verify(account) {
      const [sending, reading] = await Promise.all([
        attempt(
          async () => {
            assertPrivate(account.smtp);
            (await smtp.open(account, undefined, trust)).quit();
          },
          error => smtpTrouble(error, account),
        ),
        account.imap &&
          attempt(
            async () => (await imap.open(account, undefined, trust)).logout(),
            error => imap.troubleOf(error, account),
          ),
      ]);
      return { smtp: sending, imap: reading };
    },
  };
}

function smtpTrouble(error: unknown, account: MailAccount): { trouble: Trouble; detail: string } {
  const answer = smtp.outcomeOf({ error, isGiven: false }, account);
  const detail = 'detail' in answer ? answer.detail : '';
  const isBad = isCertificateError(error) || (error as { code?: string }).code === 'bad_certificate';
  if (isBad || answer.outcome === 'bad_certificate') return { trouble: 'bad_certificate', detail };
  return { trouble: answer.outcome === 'auth_failed' ? 'auth_failed' : 'unreachable', detail };
}
