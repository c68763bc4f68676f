import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** A mail server of its own process that takes every message, and so many milliseconds to say so. Prints its port; ends with its standard input. */
const delay = Number(process.argv[2]);
const server = new SMTPServer({
  disabledCommands: ['STARTTLS'],
  allowInsecureAuth: true,
  disableReverseLookup: true,
  onAuth: (_auth, _session, done) => done(null, { user: 'bench' }),
  onData(stream, _session, done) {
    stream.resume();
    stream.on('end', () => setTimeout(done, delay));
  },
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.server.address() as AddressInfo).port}\n`));
process.stdin.on('end', () => process.exit(0)).resume();
