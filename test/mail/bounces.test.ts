import { expect, test } from 'vitest';
import { readIncoming } from '../../src/mail/incoming.ts';

const bounceOf = async (...source: string[]) =>
  (
    await readIncoming({
      uid: 1,
      source: Buffer.from(source.join('\r\n')),
      receivedAt: Temporal.Instant.fromEpochMilliseconds(0),
    })
  ).bounce;

/** A notification in form (RFC 3464), around a status of its own. */
const report = (
  status: string[],
  {
    original = ['Message-ID: <1@drover.example>', 'Subject: Hello'],
    from = 'MAILER-DAEMON@mx.acme.example',
    headers = [] as string[],
  } = {},
) => [
  `From: Mail Delivery System <${from}>`,
  'To: ada@drover.example',
  'Subject: Undelivered Mail Returned to Sender',
  'Message-ID: <dsn@mx.acme.example>',
  ...headers,
  'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'Your message could not be delivered.',
  '',
  '--b',
  'Content-Type: message/delivery-status',
  '',
  'Reporting-MTA: dns; mx.acme.example',
  '',
  ...status,
  '',
  '--b',
  'Content-Type: text/rfc822-headers',
  '',
  ...original,
  '',
  '--b--',
];

test('D4 a hard bounce in form names the message, the recipient and the reason', async () => {
  expect(
    await bounceOf(
      ...report([
        'Final-Recipient: rfc822; pat@acme.example',
        'Original-Recipient: rfc822;Pat@acme.example',
        'Action: failed',
        'Status: 5.1.1',
        'Remote-MTA: dns; mx.acme.example',
        'Diagnostic-Code: smtp; 550 5.1.1 <pat@acme.example>:',
        '    Recipient address rejected: User unknown',
      ]),
    ),
  ).toEqual({
    mailId: '<1@drover.example>',
    recipient: 'pat@acme.example',
    action: 'failed',
    status: '5.1.1',
    diagnostic: '550 5.1.1 <pat@acme.example>: Recipient address rejected: User unknown',
  });
});

test('D4 of several recipients the one that failed counts; a delay is a delay', async () => {
  const delayed = ['Final-Recipient: rfc822; pat@acme.example', 'Action: delayed', 'Status: 4.4.1'];
  const failed = ['Final-Recipient: rfc822; sam@acme.example', 'Action: failed (gone)', 'Status: 5.0.0'];
  expect(await bounceOf(...report([...delayed, '', ...failed]))).toMatchObject({
    recipient: 'sam@acme.example',
    action: 'failed',
  });
  expect(await bounceOf(...report(delayed))).toMatchObject({
    recipient: 'pat@acme.example',
    action: 'delayed',
    status: '4.4.1',
    diagnostic: null,
  });
  expect(
    await bounceOf(...report(['Final-Recipient: rfc822; pat@acme.example', 'Action: delivered', 'Status: 2.0.0'])),
  ).toMatchObject({ action: 'delivered', status: '2.0.0' });
});

test('D4 without the quoted message, what it answers names the message (Gmail, Exchange)', async () => {
  const status = ['Final-Recipient: rfc822; pat@acme.example', 'Action: failed', 'Status: 5.1.1'];
  expect(
    await bounceOf(
      ...report(status, {
        original: ['Subject: Hello'],
        headers: ['In-Reply-To: <1@drover.example>', 'References: <0@drover.example>', ' <1@drover.example>'],
      }),
    ),
  ).toMatchObject({ mailId: '<1@drover.example>' });
  expect(await bounceOf(...report(status, { original: [], headers: ['References: <1@drover.example>'] }))).toMatchObject({
    mailId: '<1@drover.example>',
  });
  expect(await bounceOf(...report(status, { original: ['Message-ID:', ' <long@drover.example>'] }))).toMatchObject({
    mailId: '<long@drover.example>',
  });
  expect(await bounceOf(...report(status, { original: [] }))).toMatchObject({ mailId: null });
});

test('D4 Exchange, with the whole message quoted', async () => {
  expect(
    await bounceOf(
      'From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@acme.example>',
      'To: ada@drover.example',
      'Subject: Undeliverable: Hello',
      'Message-ID: <x@acme.example>',
      'In-Reply-To: <1@drover.example>',
      'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
      '',
      '--b',
      'Content-Type: text/html',
      '',
      "<p>Your message to pat@acme.example couldn't be delivered.</p>",
      '--b',
      'Content-Type: message/delivery-status',
      '',
      'Reporting-MTA: dns;AM0PR01MB0001.eurprd01.prod.exchangelabs.com',
      '',
      'Final-Recipient: rfc822;pat@acme.example',
      'Action: failed',
      'Status: 5.1.10',
      'Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found',
      '',
      '--b',
      'Content-Type: message/rfc822',
      '',
      'From: ada@drover.example',
      'Message-ID: <1@drover.example>',
      '',
      'Dear Pat',
      '--b--',
    ),
  ).toMatchObject({ mailId: '<1@drover.example>', recipient: 'pat@acme.example', status: '5.1.10' });
});

test('D4 qmail writes in its own words', async () => {
  expect(
    await bounceOf(
      'From: MAILER-DAEMON@mx.acme.example',
      'To: ada@drover.example',
      'Subject: failure notice',
      '',
      'Hi. This is the qmail-send program at mx.acme.example.',
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
      "This is a permanent error; I've given up. Sorry it didn't work out.",
      '',
      '<pat@acme.example>:',
      '192.0.2.1 does not like recipient.',
      'Remote host said: 550 5.1.1 User unknown',
      '',
      '--- Below this line is a copy of the message.',
      '',
      'Return-Path: <ada@drover.example>',
      'Message-ID: <1@drover.example>',
      'Subject: Hello',
    ),
  ).toEqual({
    mailId: '<1@drover.example>',
    recipient: 'pat@acme.example',
    action: 'failed',
    status: '5.1.1',
    diagnostic: 'Remote host said: 550 5.1.1 User unknown',
  });
});

test('D4 old Exim, Gmail and Exchange without a status part', async () => {
  const [exim, gmail, exchange] = await Promise.all([
    bounceOf(
      'From: Mail Delivery System <Mailer-Daemon@mx.acme.example>',
      'X-Failed-Recipients: pat@acme.example',
      'Subject: Mail delivery failed: returning message to sender',
      '',
      'This message was created automatically by mail delivery software.',
      '',
      '  pat@acme.example',
      '    Unrouteable address',
      '',
      '------ This is a copy of the message, including all the headers. ------',
      '',
      'Message-ID: <1@drover.example>',
    ),
    bounceOf(
      'From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
      'X-Failed-Recipients: pat@acme.example',
      'In-Reply-To: <1@drover.example>',
      'Subject: Delivery Status Notification (Failure)',
      '',
      'The response from the remote server was:',
      '550 No such user',
    ),
    bounceOf(
      'From: postmaster@acme.example',
      'Subject: Undeliverable: Hello',
      'References: <1@drover.example>',
      '',
      'Delivery has failed to these recipients or distribution lists:',
      '',
      'pat@acme.example',
      'Status 4.4.7, delayed',
    ),
  ]);
  expect(exim).toEqual({
    mailId: '<1@drover.example>',
    recipient: 'pat@acme.example',
    action: 'failed',
    status: null,
    diagnostic: null,
  });
  expect(gmail).toEqual({
    mailId: '<1@drover.example>',
    recipient: 'pat@acme.example',
    action: 'failed',
    status: '5.0.0',
    diagnostic: '550 No such user',
  });
  expect(exchange).toMatchObject({
    mailId: '<1@drover.example>',
    recipient: 'pat@acme.example',
    action: 'delayed',
    status: '4.4.7',
  });
});

test('D4 an out-of-office, a person who writes of a bounce, and a status that a person attaches are none', async () => {
  expect(
    await bounceOf(
      'From: pat@acme.example',
      'Return-Path: <>',
      'Auto-Submitted: auto-replied',
      'Subject: Out of office',
      '',
      'I am away until Monday.',
    ),
  ).toBeNull();
  expect(
    await bounceOf(
      'From: pat@acme.example',
      'Subject: Re: Hello',
      '',
      'Your last message was returned: mail delivery failed, 550 5.1.1.',
    ),
  ).toBeNull();
  expect(
    await bounceOf(
      'From: postmaster@acme.example',
      'Subject: Re: Hello',
      '',
      'I am a person, and I run the mail here. Let us talk.',
    ),
  ).toBeNull();
  expect(
    await bounceOf(
      'From: pat@acme.example',
      'Return-Path: <pat@acme.example>',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: message/delivery-status',
      '',
      'Final-Recipient: rfc822; sam@acme.example',
      'Action: failed',
      '',
      '--b--',
    ),
  ).toBeNull();
});

test('A4 a notification that is broken or huge is read as far as it goes', async () => {
  expect(await bounceOf(...report(['Nonsense']))).toMatchObject({
    mailId: '<1@drover.example>',
    recipient: null,
    action: 'failed',
    status: null,
  });
  const endless = await bounceOf(
    ...report([
      'Final-Recipient: rfc822; pat@acme.example',
      'Action: failed',
      `Diagnostic-Code: smtp; ${'5.1.1 '.repeat(20_000)}`,
    ]),
  );
  expect(endless?.diagnostic).toHaveLength(1_000);
});
