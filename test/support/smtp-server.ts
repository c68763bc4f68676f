import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Endpoint, MailAccount, OutgoingMail } from '../../src/domain/ports.ts';
import { certificate, key } from './certificates.ts';

export interface Received {
  from: string;
  to: string[];
  raw: string;
}

/** A mail server on loopback: what it took, what it was asked, and how a test has it misbehave. */
export interface TestSmtp {
  account: MailAccount;
  received: Received[];
  /** How many connections were opened, and how many are at most open at once. */
  connections: { opened: number; most: number };
  /** Ends every connection at once, as a crash would. */
  drop(): unknown;
  close(): Promise<void>;
}

export interface Faults extends SMTPServerOptions {
  security?: Endpoint['security'];
  /** Before the final answer to a message that it has stored. */
  beforeAnswer?: (mail: Received, server: TestSmtp) => Promise<void> | void;
}

const refusal = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });
/** A refusal that smtp-server passes on as it stands: '550 5.1.1 User unknown'. */
export const refuse = (answer: string) => refusal(Number(answer.slice(0, 3)), answer.slice(4));

export async function startSmtp({ security = 'tls', beforeAnswer, ...options }: Faults = {}): Promise<TestSmtp> {
  const sockets = new Set<Socket>();
  const server = new SMTPServer({
    secure: security === 'tls',
    key,
    cert: certificate,
    disableReverseLookup: true,
    ...(security === 'none' && { disabledCommands: ['STARTTLS'], allowInsecureAuth: true }),
    closeTimeout: 10,
    onAuth: ({ username, password }, _session, done) =>
      username === 'ada' && password === 'pass-word' ? done(null, { user: username }) : done(refuse('535 5.7.8 Bad credentials')),
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', chunk => chunks.push(chunk));
      stream.on('end', async () => {
        const mail = {
          from: envelope.mailFrom ? envelope.mailFrom.address : '',
          to: envelope.rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString(),
        };
        started.received.push(mail);
        try {
          await beforeAnswer?.(mail, started);
          done();
        } catch (error) {
          done(error as Error);
        }
      });
    },
    ...options,
  });
  server.on('error', () => {});
  const started: TestSmtp = {
    account: { smtp: { host: 'localhost', port: 0, security }, imap: null, user: 'ada', secret: 'pass-word' },
    received: [],
    connections: { opened: 0, most: 0 },
    // Through the server's own: a socket that is destroyed below its TLS handshake ends Node 26 with a segmentation fault.
    drop: () => [...server.connections].map(connection => (connection as unknown as { _socket: Socket })._socket.destroy()),
    close: () => new Promise(resolve => server.close(() => resolve())),
  };
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    started.connections.opened++;
    started.connections.most = Math.max(started.connections.most, sockets.size);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  started.account.smtp.host = '127.0.0.1';
  started.account.smtp.port = (server.server.address() as AddressInfo).port;
  return started;
}

/** A message as the ledger would hand it over. */
export const outgoing = (over: Partial<OutgoingMail> = {}): OutgoingMail => ({
  workspaceId: 1,
  messageId: 1,
  senderId: 1,
  mailId: '<1.abc@drover.example>',
  from: { name: 'Ada Lovelace', address: 'ada@drover.example' },
  to: { name: 'Pat Doe', address: 'pat@acme.example' },
  subject: 'Hello',
  text: 'Dear Pat\n\nOpt out: https://drover.example/o/abc\n',
  html: '<p>Dear Pat</p>',
  inReplyTo: null,
  references: [],
  headers: { 'List-Unsubscribe': '<https://drover.example/o/abc>', 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
  ...over,
});
