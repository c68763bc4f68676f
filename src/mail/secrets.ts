import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { SecretBox } from '../domain/ports.ts';
import { Refused, Unavailable } from '../errors.ts';

const cipher = 'aes-256-gcm';
const [nonceBytes, tagBytes] = [12, 16];

/**
 * Keeps senders' secrets with AES-256-GCM. `keys`: 32 random bytes in base64, several with commas; the first seals, each opens what it
 * sealed, so that a key is changed by putting the new one first and sealing everything again. A sealed text is
 * `KEY-ID.NONCE.TAG.CIPHERTEXT`; the id tells which key it was, and nothing about it.
 *
 * @throws Refused `bad_configuration` where a key is not 32 bytes; never names it
 */
export function createSecretBox(keys: string): SecretBox {
  const byId = new Map(keys.split(',').map(text => keyed(text.trim())));
  const [first] = byId;
  return {
    seal(secret) {
      const [id, key] = first!;
      const nonce = randomBytes(nonceBytes);
      const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(id));
      const sealed = Buffer.concat([sealing.update(secret, 'utf8'), sealing.final()]);
      return [id, ...[nonce, sealing.getAuthTag(), sealed].map(part => part.toString('base64url'))].join('.');
    },
    open(text) {
      const [id = '', ...parts] = text.split('.');
      const key = byId.get(id);
      const [nonce, tag, sealed] = parts.map(part => Buffer.from(part, 'base64url'));
      if (!key || nonce?.length !== nonceBytes || tag?.length !== tagBytes || !sealed) throw unreadable();
      try {
        const opening = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(id)).setAuthTag(tag);
        return Buffer.concat([opening.update(sealed), opening.final()]).toString('utf8');
      } catch (cause) {
        throw unreadable(cause);
      }
    },
  };
}

function keyed(text: string): [id: string, key: Buffer] {
  const key = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text) || key.length !== 32)
    throw new Refused(
      'bad_configuration',
      'DROVER_SECRET_KEY must be 32 random bytes in base64, as `openssl rand -base64 32` prints them.',
    );
  return [createHash('sha256').update(key).digest('hex').slice(0, 8), key];
}

const unreadable = (cause?: unknown): Unavailable =>
  new Unavailable(
    'secret_unreadable',
    'The password of this sender was sealed with a key that DROVER_SECRET_KEY does not hold.',
    {
      cause,
    },
  );
