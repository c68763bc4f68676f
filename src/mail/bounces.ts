import type { IncomingMail } from '../domain/ports.ts';

/** What a message that came in says about one that we sent: delivery status notifications (RFC 3464), and what servers send instead. */

export interface Notice {
  from: string | null;
  subject: string;
  text: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Its parts of type message/delivery-status. */
  statuses: readonly string[];
  /** Everything after its own headers, as it came. */
  raw: string;
  inReplyTo: string | null;
  references: readonly string[];
}

type Bounce = NonNullable<IncomingMail['bounce']>;

const daemons =
  /^(mailer-?daemon|mail-?daemon|postmaster|mdaemon|mail\.?delivery|microsoftexchange[0-9a-f]*|bounces?|no-?reply-mailer|maildelivery)/i;
const undelivered =
  /undeliver|delivery (status notification|failure|has failed|incomplete|delayed)|delivery to the following recipients?|(mail|message) delivery (failed|system|delayed)|returned (mail|to sender)|failure notice|(could|can) ?not be delivered|wasn.t able to deliver|couldn.t be delivered|message (was )?not delivered|unzustellbar|nicht zugestellt|non remis|échec de (la )?remise|no se (ha podido|pudo) entregar|non è stato possibile recapitare|mancata consegna|niet (be|af)geleverd/i;
const delayed =
  /delay|still being retried|will (keep|continue) trying|temporary (error|problem)|no action is required|not a permanent/i;

/** Null where it is not one. */
export function readBounce(notice: Notice): Bounce | null {
  const isFromServer =
    notice.from === null ||
    daemons.test(notice.from) ||
    'x-failed-recipients' in notice.headers ||
    notice.headers['return-path'] === '<>';
  if (/multipart\/report/i.test(notice.headers['content-type'] ?? '') || isFromServer) {
    for (const status of notice.statuses) {
      const bounce = readStatus(status);
      if (bounce) return { mailId: mailIdOf(notice), ...bounce };
    }
  }
  const isTold = undelivered.test(notice.subject) || undelivered.test(notice.text.slice(0, 4_000));
  const isServersOwn = 'x-failed-recipients' in notice.headers || (notice.from !== null && daemons.test(notice.from));
  return isServersOwn && isTold ? { mailId: mailIdOf(notice), ...guess(notice) } : null;
}

/** RFC 3464: blocks of fields, the first about the message, each other about a recipient; the worst recipient counts. */
function readStatus(status: string): Omit<Bounce, 'mailId'> | null {
  const blocks = status.split(/(?:\r?\n[ \t]*){2,}/).map(fieldsOf);
  const recipients = blocks.filter(
    block => block.has('final-recipient') || block.has('original-recipient') || block.has('action'),
  );
  const about = recipients.find(block => /^failed/i.test(block.get('action') ?? '')) ?? recipients[0];
  if (!about) return null;
  const code = /[245]\.\d{1,3}\.\d{1,3}/.exec(about.get('status') ?? '')?.[0] ?? null;
  const action = /^[a-z]+/i.exec(about.get('action') ?? '')?.[0].toLowerCase();
  return {
    recipient: addressIn(about.get('original-recipient')) ?? addressIn(about.get('final-recipient')),
    action: action ?? (code?.startsWith('4') ? 'delayed' : 'failed'),
    status: code,
    diagnostic:
      about
        .get('diagnostic-code')
        ?.replace(/^[\w-]+\s*;\s*/, '')
        .slice(0, 1_000) ?? null,
  };
}

const fieldsOf = (block: string): Map<string, string> =>
  new Map(
    block
      .replace(/\r?\n[ \t]+/g, ' ')
      .split(/\r?\n/)
      .map(line => /^([\w-]+)[ \t]*:[ \t]*(.*)$/.exec(line))
      .filter(field => field !== null)
      .map(([, name, value]) => [name!.toLowerCase(), value!.trim()]),
  );

/** `rfc822;pat@acme.example`, `<pat@acme.example>`, or alone. */
const addressIn = (text: string | undefined): string | null =>
  /[^\s<>;,:"()]+@[^\s<>;,:"()]+[^\s<>;,:"().]/.exec(text ?? '')?.[0].toLowerCase() ?? null;

/** What qmail, old Exchange and others write in their own words. */
function guess({ headers, text, from, subject }: Notice): Omit<Bounce, 'mailId'> {
  const own = text
    .split(/^-{3,}.*(?:copy of the message|original message|returned message|message header)/im)[0]!
    .slice(0, 20_000);
  const recipient =
    addressIn(headers['x-failed-recipients']) ??
    own
      .split('\n')
      .map(addressIn)
      .find(address => address !== null && address !== from?.toLowerCase()) ??
    null;
  const enhanced = /(?<![\d.])([45]\.\d{1,2}\.\d{1,3})(?![\d.])/.exec(own)?.[1] ?? null;
  const code = /(?<![\d.])([45])\d\d[ -](?=\S)/.exec(own)?.[1];
  const status = enhanced ?? (code ? `${code}.0.0` : null);
  const line = own.split('\n').find(each => (enhanced && each.includes(enhanced)) || /(?<![\d.])[45]\d\d[ -]\S/.test(each));
  return {
    recipient,
    action: status?.startsWith('4') || (!status?.startsWith('5') && delayed.test(`${subject}\n${own}`)) ? 'delayed' : 'failed',
    status,
    diagnostic: line?.trim().slice(0, 1_000) ?? null,
  };
}

/** From the message that it quotes, whole or by its headers; else what it says that it answers, as Gmail and Exchange do. */
function mailIdOf({ raw, inReplyTo, references }: Notice): string | null {
  const quoted = /^[> \t]*message-id:\s*(<[^<>\s]{1,900}>)/im.exec(raw)?.[1];
  return quoted ?? inReplyTo ?? references.at(-1) ?? null;
}
