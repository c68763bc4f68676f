import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { Endpoint, MailAccount } from '../domain/ports.ts';
import { Refused } from '../errors.ts';
import { redact } from '../log.ts';

/** What SMTP and IMAP have in common: whom a connection trusts, and what of its failures may be said. */

/** Ways in which something between us and a mail server fails that only a person can put right, or that time may. */
export type Trouble = 'auth_failed' | 'bad_certificate' | 'unreachable';

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);

/** @throws Refused `bad_certificate` where mail and password would cross a network unencrypted */
export function assertPrivate({ host, security }: Endpoint): void {
  if (security === 'none' && !isLoopback(host))
    throw new Refused('bad_certificate', `${host} would be reached without TLS, which only this machine's own servers may be.`);
}

/** The system's certificate authorities and those of `ca` (PEM); made once, since reading them takes longer than a handshake. */
export const trusting = (ca: string | undefined): SecureContext | undefined =>
  ca === undefined ? undefined : createSecureContext({ ca: [...getCACertificates('default'), ca], minVersion: 'TLSv1.2' });

/** Certificates are verified, whatever the environment says. */
export const tlsOptions = (secureContext: SecureContext | undefined) => ({
  rejectUnauthorized: true,
  minVersion: 'TLSv1.2' as const,
  ...(secureContext && { secureContext }),
});

/** Codes of OpenSSL and Node for a certificate that does not verify, or is another's. */
const certificateCodes =
  /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|CRL_)/;

const codesOf = (error: unknown): string[] => {
  const { code, originalCode, cause } = (error ?? {}) as { code?: unknown; originalCode?: unknown; cause?: unknown };
  return [code, originalCode].filter(value => typeof value === 'string').concat(cause ? codesOf(cause) : []);
};

export const isCertificateError = (error: unknown): boolean =>
  codesOf(error).some(code => certificateCodes.test(code)) || /certificate/i.test((error as Error | undefined)?.message ?? '');

/** A server's or a library's words on one line, without the credentials that some of them quote. */
export function sayable(words: string, { user, secret }: Pick<MailAccount, 'user' | 'secret'>): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const hidden = [secret, base64(secret), base64(`\0${user}\0${secret}`)].filter(text => text.length > 3);
  return redact(hidden.reduce((left, each) => left.replaceAll(each, '[secret]'), words))
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 500);
}
