import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compose } from '../../src/mail/compose.ts';
import { readIncoming, sourceLimit } from '../../src/mail/incoming.ts';
import { outgoing } from '../support/smtp-server.ts';

const receivedAt = Temporal.Instant.from('2026-03-02T10:00:00Z');
const read = (source: string | Buffer) => readIncoming({ uid: 7, source: Buffer.from(source as string), receivedAt });
const lines = (...each: string[]) => each.join('\r\n');

test('D4 a reply is read: who, what it answers, its words, its headers', async () => {
  const mail = await read(
    lines(
      'From: =?utf-8?q?Z=C3=B6e_Pat?= <Pat@Acme.example>',
      'To: "Ada" <ADA@drover.example>, eve@drover.example',
      'Cc: ada@drover.example',
      'Subject: =?utf-8?q?Re=3A_Gr=C3=BC=C3=9Fe?=',
      'Message-ID: <9@acme.example>',
      'In-Reply-To: <1@drover.example>',
      'References: <0@drover.example>',
      '\t<1@drover.example>',
      'Auto-Submitted: no',
      'X-Twice: one',
      'X-Twice: two',
      'Content-Type: text/plain; charset=iso-8859-1',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'Gr=FC=DFe',
      '',
      '> Dear Pat',
    ),
  );
  expect(mail).toEqual({
    uid: 7,
    mailId: '<9@acme.example>',
    from: { name: 'Zöe Pat', address: 'Pat@Acme.example' },
    to: ['ada@drover.example', 'eve@drover.example'],
    subject: 'Re: Grüße',
    text: 'Grüße\n\n> Dear Pat',
    inReplyTo: '<1@drover.example>',
    references: ['<0@drover.example>', '<1@drover.example>'],
    receivedAt,
    headers: expect.objectContaining({ 'auto-submitted': 'no', 'x-twice': 'one', 'in-reply-to': '<1@drover.example>' }),
    bounce: null,
  });
});

test('D4 of HTML alone the words are kept, and nothing that would run', async () => {
  const mail = await read(
    lines(
      'From: pat@acme.example',
      'Content-Type: text/html',
      '',
      '<style>p{}</style><script>alert(1)</script><p>Yes, <b>please</b></p><p>Call me</p>',
    ),
  );
  expect(mail.text).toMatch(/Yes, please\s+Call me/);
  expect(mail.text).not.toContain('alert');
});

test('S6 our own message is read back as it was written', async () => {
  const mail = await read(
    await compose(outgoing({ inReplyTo: '<0@drover.example>', references: ['<0@drover.example>'] }), receivedAt),
  );
  expect(mail).toMatchObject({
    mailId: '<1.abc@drover.example>',
    inReplyTo: '<0@drover.example>',
    to: ['pat@acme.example'],
    text: expect.stringContaining('Dear Pat'),
  });
});

test('A4 a mail of 30 MB is looked at up to its bound', async () => {
  const head = lines(
    'From: pat@acme.example',
    'Message-ID: <big@acme.example>',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'Short words',
    '--b',
    'Content-Type: application/pdf',
    'Content-Transfer-Encoding: base64',
    '',
    '',
  );
  const mail = await read(Buffer.concat([Buffer.from(head), Buffer.alloc(30 * 1024 * 1024, 'QUFB')]));
  expect(mail).toMatchObject({ mailId: '<big@acme.example>', text: expect.stringContaining('Short words') });
  const endless = await read(
    Buffer.concat([Buffer.from('From: pat@acme.example\r\n\r\n'), Buffer.alloc(30 * 1024 * 1024, 'words ')]),
  );
  expect(endless.text).toHaveLength(100_000);
});

test('A4 neither NUL, nor control characters, nor halves of characters get through to the database', async () => {
  const mail = await read(
    Buffer.concat([
      Buffer.from(
        'From: "P\0at" <pat@acme.example>\r\nSubject: a\0b\x1b[31m =?utf-16le?b?ANg=?=\r\nX-Odd: \0\x07\r\nContent-Type: text/plain; charset=utf-16le\r\n\r\n',
      ),
      Buffer.from([0x41, 0x00, 0x00, 0x00, 0x00, 0xd8, 0x42, 0x00]),
    ]),
  );
  expect(JSON.stringify({ ...mail, text: mail.text.replaceAll('\n', '') })).not.toMatch(/\\u0000|\\u001b|\\u0007|\\ud8/i);
});

test.each([
  ['nothing', ''],
  ['no headers', 'just words\r\nand more'],
  ['no end of headers', 'From: pat@acme.example\r\nSubject: half'],
  ['a boundary that never comes', lines('Content-Type: multipart/mixed; boundary="x"', '', 'text')],
  [
    'a boundary that never ends',
    lines('Content-Type: multipart/mixed; boundary="x"', '', '--x', 'Content-Type: text/plain', '', 'text'),
  ],
  [
    'parts within parts',
    `From: a@b.example\r\n${Array.from({ length: 3_000 }, (_, i) => `Content-Type: multipart/mixed; boundary="b${i}"\r\n\r\n--b${i}\r\n`).join('')}`,
  ],
  ['messages within messages', 'Content-Type: message/rfc822\r\n\r\n'.repeat(5_000)],
  ['tags within tags', `Content-Type: text/html\r\n\r\n${'<div>'.repeat(20_000)}deep`],
  ['a charset that is none', lines('Content-Type: text/plain; charset="x-\u0001nothing"', '', 'text')],
  ['an encoding that is none', lines('Content-Type: text/plain', 'Content-Transfer-Encoding: rot13', '', 'text')],
  ['broken base64', lines('Content-Type: text/plain', 'Content-Transfer-Encoding: base64', '', '%%%%====AAAA')],
  ['a header of a megabyte', `Subject: ${'x'.repeat(1_000_000)}\r\n\r\ntext`],
  ['100,000 headers', `${Array.from({ length: 100_000 }, (_, i) => `X-${i}: y`).join('\r\n')}\r\n\r\ntext`],
  ['an encoded word that never ends', `Subject: =?utf-8?q?${'=41'.repeat(10_000)}\r\n\r\ntext`],
  ['addresses that are none', 'From: <<<>>>@@@,,,;;;:::\r\nTo: ,,,,\r\nCc: undisclosed-recipients:;\r\n\r\ntext'],
  ['names of a prototype', lines('__proto__: x', 'constructor: y', 'From: pat@acme.example', '', 'text')],
])('A4 malformed mail is read as far as it goes: %s', async (_what, source) => {
  const mail = await read(source);
  expect(mail).toMatchObject({ uid: 7, receivedAt, bounce: null });
  expect(mail.text.length).toBeLessThanOrEqual(100_000);
  expect(JSON.stringify(mail).length).toBeLessThan(700_000);
});

test('A4 whatever bytes come, a mail comes out', async () => {
  const words = fc.constantFrom(
    'From: ',
    'Content-Type: ',
    'multipart/mixed; boundary=b',
    'multipart/report; report-type=delivery-status',
    'message/delivery-status',
    'message/rfc822',
    'text/html',
    '\r\n',
    '\r\n\r\n',
    '--b',
    '--b--',
    '=?utf-8?b?',
    '?=',
    '<',
    '>',
    'a@b.example',
    'Message-ID: ',
    'charset=',
    '\0',
    'Final-Recipient: rfc822;',
    'Status: 5.1.1',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(words, fc.string({ unit: 'binary', maxLength: 20 })), { maxLength: 60 }), async pieces => {
      const mail = await read(pieces.join(''));
      expect(mail.uid).toBe(7);
      expect(JSON.stringify(mail).isWellFormed()).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('A4 the bound is what a reader fetches', () => {
  expect(sourceLimit).toBe(256 * 1024);
});
