import { expect, test } from 'vitest';
import { classify, type Phase, type Refusal, readReply } from '../../src/mail/smtp-answers.ts';

/** Answers as mail servers give them. */
const answers: [server: string, Phase, string, Refusal][] = [
  // Gmail
  [
    'Gmail',
    'auth',
    '535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials',
    'auth_failed',
  ],
  [
    'Gmail',
    'auth',
    '534-5.7.9 Application-specific password required. Learn more at\n534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor',
    'auth_failed',
  ],
  ['Gmail', 'auth', '454 4.7.0 Too many login attempts, please try again later.', 'deferred'],
  [
    'Gmail',
    'mail',
    '530-5.7.0 Authentication Required. Learn more at\n530 5.7.0  https://support.google.com/mail/?p=WantAuthError',
    'auth_failed',
  ],
  [
    'Gmail',
    'rcpt',
    "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos\n550 5.1.1  https://support.google.com/mail/?p=NoSuchUser",
    'bad_address',
  ],
  [
    'Gmail',
    'rcpt',
    '550 5.2.1 The email account that you tried to reach is disabled. Learn more at https://support.google.com/mail/?p=DisabledUser',
    'bad_address',
  ],
  [
    'Gmail',
    'rcpt',
    '550-5.2.1 The user you are trying to contact is receiving mail at a rate that\n550 5.2.1 prevents additional messages from being delivered.',
    'deferred',
  ],
  ['Gmail', 'rcpt', '450-4.2.1 The user you are trying to contact is receiving mail too quickly.', 'deferred'],
  [
    'Gmail',
    'rcpt',
    '452-4.2.2 The recipient’s inbox is out of storage space. Please direct the\n452 4.2.2 recipient to https://support.google.com/mail/?p=OverQuotaTemp',
    'deferred',
  ],
  [
    'Gmail',
    'rcpt',
    '552-5.2.2 The email account that you tried to reach is over quota. Please direct\n552 5.2.2 the recipient to https://support.google.com/mail/?p=OverQuotaPerm',
    'deferred',
  ],
  ['Gmail', 'rcpt', '553-5.1.3 The recipient address <pat@> is not a valid RFC 5321 address.', 'bad_address'],
  [
    'Gmail',
    'data',
    '550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\n550 5.4.5 sending limits go to https://support.google.com/a/answer/166852',
    'quota',
  ],
  ['Gmail', 'data', '550-5.4.5 Daily SMTP relay limit exceeded for customer.', 'quota'],
  [
    'Gmail',
    'content',
    '421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating\n421 4.7.28 from your IP address.',
    'quota',
  ],
  [
    'Gmail',
    'content',
    '421-4.7.32 Your email has been rate limited because the From: header (RFC5322)\n421 4.7.32 in this message isn’t aligned with either the authenticated SPF or DKIM',
    'blocked',
  ],
  ['Gmail', 'content', '421-4.7.26 Your email has been rate limited because it is unauthenticated.', 'blocked'],
  [
    'Gmail',
    'content',
    '550-5.7.26 Your email has been blocked because the sender is unauthenticated.\n550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.',
    'blocked',
  ],
  [
    'Gmail',
    'content',
    '550-5.7.1 [192.0.2.1] Our system has detected that this message is\n550-5.7.1 likely unsolicited mail.',
    'blocked',
  ],
  [
    'Gmail',
    'content',
    '552-5.7.0 This message was blocked because its content presents a potential\n552 5.7.0 security issue.',
    'blocked',
  ],
  ['Gmail', 'content', '552 5.3.4 Your message exceeded Google’s message size limits.', 'blocked'],
  ['Gmail', 'rcpt', '451 4.3.0 Mail server temporarily rejected message.', 'deferred'],
  // Outlook.com, Exchange
  [
    'Exchange',
    'auth',
    '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.',
    'auth_failed',
  ],
  ['Exchange', 'auth', '535 5.7.3 Authentication unsuccessful [AM0PR01CA0001.eurprd01.prod.exchangelabs.com]', 'auth_failed'],
  ['Exchange', 'mail', '530 5.7.57 Client not authenticated to send mail. [AM0PR01CA0001]', 'auth_failed'],
  ['Exchange', 'mail', '550 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM', 'auth_failed'],
  ['Exchange', 'content', '554 5.2.252 SendAsDenied; ada@drover.example not allowed to send as info@drover.example', 'blocked'],
  ['Exchange', 'content', '550 5.7.60 SMTP; Client does not have permissions to send as this sender', 'blocked'],
  ['Exchange', 'content', '432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending', 'deferred'],
  ['Exchange', 'content', '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded', 'deferred'],
  [
    'Exchange',
    'rcpt',
    '550 5.1.90 Your message can’t be sent because you’ve reached your daily limit for message recipients',
    'quota',
  ],
  [
    'Exchange',
    'content',
    '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Submission quota exceeded',
    'quota',
  ],
  [
    'Exchange',
    'content',
    '550 5.7.232 Your message can’t be sent because your trial tenant has exceeded its daily limit for sending email to external recipients',
    'quota',
  ],
  [
    'Exchange',
    'rcpt',
    '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient pat@acme.example not found by SMTP address lookup',
    'bad_address',
  ],
  [
    'Exchange',
    'rcpt',
    '550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [AM0EUR02FT000.eop-EUR02.prod.protection.outlook.com]',
    'bad_address',
  ],
  ['Exchange', 'rcpt', '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).', 'bad_address'],
  ['Exchange', 'rcpt', '554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException', 'deferred'],
  ['Exchange', 'rcpt', '451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)', 'deferred'],
  ['Exchange', 'content', '550 5.1.8 Access denied, bad outbound sender AS(42003)', 'blocked'],
  ['Exchange', 'content', '550 5.7.501 Service unavailable. Spam abuse detected from IP range.', 'blocked'],
  ['Exchange', 'greeting', '550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.', 'blocked'],
  [
    'Exchange',
    'rcpt',
    '550 5.7.1 Unfortunately, messages from [192.0.2.1] weren’t sent. Please contact your Internet service provider since part of their network is on our block list (S3150).',
    'blocked',
  ],
  [
    'Exchange',
    'content',
    '550 5.7.515 Access denied, sending domain drover.example does not meet the required authentication level.',
    'blocked',
  ],
  // Yahoo
  [
    'Yahoo',
    'content',
    "554 delivery error: dd This user doesn't have a yahoo.com account (pat@yahoo.example) [0]",
    'bad_address',
  ],
  ['Yahoo', 'rcpt', '552 1 Requested mail action aborted, mailbox not found', 'bad_address'],
  [
    'Yahoo',
    'mail',
    '421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints',
    'deferred',
  ],
  [
    'Yahoo',
    'mail',
    '553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus’s list',
    'blocked',
  ],
  // Postfix
  ['Postfix', 'auth', '535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6', 'auth_failed'],
  [
    'Postfix',
    'rcpt',
    '550 5.1.1 <pat@acme.example>: Recipient address rejected: User unknown in local recipient table',
    'bad_address',
  ],
  [
    'Postfix',
    'rcpt',
    '550 5.1.1 <pat@acme.example>: Recipient address rejected: undeliverable address: host mx.acme.example said: 552 mailbox full',
    'bad_address',
  ],
  ['Postfix', 'rcpt', '450 4.1.2 <pat@acme.example>: Recipient address rejected: Domain not found', 'deferred'],
  ['Postfix', 'rcpt', '550 5.1.2 <pat@acme.example>: Recipient address rejected: Domain not found', 'bad_address'],
  [
    'Postfix',
    'rcpt',
    '450 4.2.0 <pat@acme.example>: Recipient address rejected: Greylisted, see http://postgrey.example',
    'deferred',
  ],
  ['Postfix', 'rcpt', '554 5.7.1 <pat@acme.example>: Relay access denied', 'blocked'],
  [
    'Postfix',
    'rcpt',
    '553 5.7.1 <info@drover.example>: Sender address rejected: not owned by user ada@drover.example',
    'blocked',
  ],
  ['Postfix', 'rcpt', '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org', 'blocked'],
  [
    'Postfix',
    'rcpt',
    '550 5.7.23 <pat@acme.example>: Recipient address rejected: Message rejected due to: SPF fail - not authorized',
    'blocked',
  ],
  [
    'Postfix',
    'rcpt',
    '552 5.2.2 <pat@acme.example>: Recipient address rejected: Mailbox is full / Blocks limit exceeded',
    'deferred',
  ],
  ['Postfix', 'mail', '452 4.3.1 Insufficient system storage', 'deferred'],
  ['Postfix', 'mail', '552 5.3.4 Message size exceeds fixed limit', 'blocked'],
  ['Postfix', 'greeting', '421 4.7.0 mx.acme.example Error: too many connections from 192.0.2.1', 'deferred'],
  ['Postfix', 'mail', '450 4.7.1 Error: too much mail from 192.0.2.1', 'deferred'],
  // Exim
  ['Exim', 'rcpt', '550 Unrouteable address', 'bad_address'],
  ['Exim', 'rcpt', '550 No Such User Here', 'bad_address'],
  ['Exim', 'rcpt', '550 <pat@acme.example> unknown user account', 'bad_address'],
  ['Exim', 'rcpt', '550 relay not permitted', 'blocked'],
  ['Exim', 'rcpt', '550 Administrative prohibition', 'blocked'],
  [
    'Exim',
    'content',
    '550 Domain drover.example has exceeded the max emails per hour (50/50 (100%)) allowed. Message discarded.',
    'quota',
  ],
  ['Exim', 'rcpt', '451 Temporary local problem - please try later', 'deferred'],
  ['Exim', 'auth', '535 Incorrect authentication data', 'auth_failed'],
  // Others
  ['qmail', 'rcpt', "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", 'blocked'],
  ['qmail', 'rcpt', '550 sorry, no mailbox here by that name. (#5.7.17)', 'bad_address'],
  ['Proofpoint', 'content', '554 5.7.1 Message rejected due to content restrictions', 'blocked'],
  ['Mimecast', 'rcpt', '550 Invalid Recipient - https://community.mimecast.example/docs/DOC-1369#550', 'bad_address'],
  ['iCloud', 'content', '550 5.7.1 Your message was rejected due to drover.example’s DMARC policy.', 'blocked'],
  ['Zoho', 'content', '550 5.4.6 Unusual sending activity detected. Please try after sometime', 'blocked'],
  ['GMX', 'rcpt', '550 Requested action not taken: mailbox unavailable', 'bad_address'],
  ['Any', 'content', '554 Transaction failed', 'blocked'],
  ['Any', 'mail', '501 Syntax error', 'blocked'],
  ['Any', 'rcpt', '501 5.1.3 Bad recipient address syntax', 'bad_address'],
];

test.each(answers)('D5 %s at %s: %s', (_server, phase, response, expected) => {
  expect(classify(phase, readReply(response)!)).toBe(expected);
});

test('D5 what accepts, asks for more or is no reply is no refusal', () => {
  for (const said of ['250 2.0.0 OK', '354 go on', '', 'hello', '55', '5500 x']) expect(readReply(said)).toBeNull();
  expect(readReply('550-5.1.1 no\n550 5.1.1 such user')).toEqual({ code: 550, enhanced: '5.1.1', text: 'no such user' });
  expect(readReply('550 gone (#5.1.1)')).toMatchObject({ enhanced: '5.1.1' });
});
