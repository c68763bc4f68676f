import { randomUUID } from 'node:crypto';
import * as activity from '../domain/activity/index.ts';
import { type Context, enter, type MemberActor, type Services } from '../domain/context.ts';
import { sentence } from '../domain/explanations/index.ts';
import { emailKey } from '../domain/leads/rules.ts';
import type { Endpoint, MailAccount, MailVerifier, SecretBox, Verified } from '../domain/ports.ts';
import * as senders from '../domain/senders/index.ts';
import { isRefusal, Refused } from '../errors.ts';
import { runTool } from '../tools/run.ts';
import type { Output } from './socket.ts';
import { outcomeText, safe } from './text.ts';

/** `drover sender …`, understood. The secret is asked for where the command is typed, and travels over the desk's own socket. */
export type SenderCommand =
  | {
      action: 'add';
      address: string;
      senderName: string;
      smtp: Endpoint;
      imap: Endpoint | null;
      user: string;
      secret: string;
      signature: string | null;
      limit?: number;
      gap?: number;
      ramp: boolean;
      message: boolean;
    }
  | { action: 'secret'; address: string; secret: string }
  | { action: 'test'; address: string; message: boolean }
  | { action: 'list' | 'rekey' };

/** What it takes to reach mail servers; bound in `main.ts`. */
export interface MailDesk {
  /** Null where no key is set: then no secret can be kept. */
  box: SecretBox | null;
  verify: MailVerifier['verify'];
}

interface Who {
  workspaceId: number;
  actor: MemberActor;
}

const noKey =
  'DROVER_SECRET_KEY is not set, so a password cannot be kept. Make a key with `openssl rand -base64 32`, set it wherever Drover runs, and keep a copy: without it the passwords are lost.';

/** Carries out `drover sender …`. Only an admin does; a password is in no answer, log or trail. */
export async function senderCommand(
  services: Services,
  desk: MailDesk,
  who: Who,
  command: SenderCommand,
  output: Output,
): Promise<number> {
  if (who.actor.role !== 'admin') throw new Refused('admins_only', `Senders are an admin's, and ${who.actor.name} is none.`);
  const tool = (name: string, input: object) =>
    runTool(services, { tool: name, input, ...who, door: 'cli', place: { surface: 'cli' } });
  const say = (...lines: string[]) => output.write(`${lines.map(safe).join('\n')}\n`);
  switch (command.action) {
    case 'list': {
      output.write(`${outcomeText(await tool('list_senders', {}))}\n`);
      return 0;
    }
    case 'test': {
      const outcome = await tool('test_sender', { sender: command.address });
      output.write(`${outcomeText(outcome)}\n`);
      if (outcome.outcome !== 'done') return 1;
      return command.message ? messageToItself(services, who, command.address, say) : 0;
    }
    case 'rekey': {
      const box = desk.box ?? refuseKey();
      const sealed = await resealed(services, who, box);
      say(`✓ ${sealed} ${sealed === 1 ? 'password is' : 'passwords are'} sealed with the first key of DROVER_SECRET_KEY now.`);
      return 0;
    }
    case 'secret': {
      const box = desk.box ?? refuseKey();
      return changeSecret(services, desk.verify, box, who, command, say);
    }
    case 'add':
      return add(services, desk, who, command, say);
  }
}

const refuseKey = (): never => {
  throw new Refused('no_secret_key', noKey);
};

type Say = (...lines: string[]) => void;

/** Signs in at both servers; nothing is stored of a sender that cannot. */
async function add(
  services: Services,
  { box, verify }: MailDesk,
  who: Who,
  command: Extract<SenderCommand, { action: 'add' }>,
  say: Say,
): Promise<number> {
  const { address, senderName, smtp, imap, user, secret, signature, limit, gap, ramp } = command;
  if (!box) return refuseKey();
  if (!emailKey(address)) throw new Refused('invalid_email', `${address} is not an e-mail address.`);
  if (limit !== undefined && limit > senders.hardCeiling)
    throw new Refused(
      'limit_too_high',
      `A new sender starts with at most ${senders.hardCeiling} messages a day. An admin may raise it later: "set the limit of ${address} to ${limit} a day".`,
    );
  const account: MailAccount = { smtp, imap, user, secret };
  if (!(await works(verify, account, say))) {
    say('✗ Nothing was added.');
    return 1;
  }
  const added = await enter(services, who.workspaceId, who.actor, async ctx => {
    const id = await senders.add(ctx, {
      ...{ ownerId: who.actor.id, name: senderName, address, transport: 'smtp', signature, ramp },
      reach: { smtp, imap, user, sealedSecret: box.seal(secret) },
      ...(limit === undefined ? {} : { dailyLimit: limit }),
      ...(gap === undefined ? {} : { minGapMinutes: gap }),
    });
    if (!isRefusal(id)) await recordAs(ctx, 'add_sender', id);
    return id;
  });
  if (isRefusal(added)) {
    say(`✗ ${added.message}`);
    return 1;
  }
  say(
    `✓ ${senderName} <${address}> is added: ${limit ?? senders.usualLimits.perDay} messages a day${ramp ? `, beginning with ${senders.usualLimits.rampStart}` : ''}, ${gap ?? senders.usualLimits.gapMinutes} minutes between two.`,
    '  Its domain needs SPF, DKIM and DMARC, or its mail lands in spam.',
    '  Let a sequence use it: "set the senders of Fall Intro to …"',
  );
  return command.message ? messageToItself(services, who, address, say) : 0;
}

const said = (server: string, verified: Verified | null): string =>
  verified === null
    ? `  ${server}: none, so nobody reads its replies`
    : verified.ok
      ? `✓ ${server}: signed in`
      : `✗ ${server}: ${sentence(verified.code)} (${verified.detail})`;

async function works(verify: MailVerifier['verify'], account: MailAccount, say: Say): Promise<boolean> {
  const { smtp, imap } = await verify(account);
  say(said(`SMTP ${account.smtp.host}:${account.smtp.port}`, smtp));
  say(said(account.imap ? `IMAP ${account.imap.host}:${account.imap.port}` : 'IMAP', imap));
  return smtp.ok && (imap === null || imap.ok);
}

async function changeSecret(
  services: Services,
  verify: MailVerifier['verify'],
  box: SecretBox,
  who: Who,
  { address, secret }: Extract<SenderCommand, { action: 'secret' }>,
  say: Say,
): Promise<number> {
  const inside = <R>(work: (ctx: Context) => Promise<R>) => enter(services, who.workspaceId, who.actor, work);
  const sender = await inside(ctx => senders.resolve(ctx, address));
  if (isRefusal(sender)) throw new Refused(sender.code, sender.message);
  // The old password may be unreadable, and is not looked at.
  const reach = await inside(ctx => senders.reachOf(ctx, sender.id));
  if (!reach) throw new Refused('no_secret', `${sender.address} has no password: its mail stays on this machine.`);
  if (!(await works(verify, { ...reach, secret }, say))) {
    say('✗ The password was not changed.');
    return 1;
  }
  const wasFailing = sender.status === 'failing';
  await inside(async ctx => {
    await senders.setReach(ctx, sender.id, { ...reach, sealedSecret: box.seal(secret) });
    if (wasFailing) await senders.resume(ctx, sender.id);
    await recordAs(ctx, 'change_sender_secret', sender.id);
  });
  say(`✓ ${sender.address} signs in with the new password${wasFailing ? ' and sends again' : ''}.`);
  return 0;
}

/** Seals every password of the workspace with the newest key, so that the older one can go. */
const resealed = (services: Services, who: Who, box: SecretBox): Promise<number> =>
  enter(services, who.workspaceId, who.actor, async ctx => {
    let sealed = 0;
    for (const { id } of await senders.all(ctx)) {
      const reach = await senders.reachOf(ctx, id);
      if (!reach) continue;
      await senders.setReach(ctx, id, { ...reach, sealedSecret: box.seal(box.open(reach.sealedSecret)) });
      await recordAs(ctx, 'reseal_sender_secret', id);
      sealed++;
    }
    return sealed;
  });

const recordAs = (ctx: Context, action: string, senderId: number): Promise<number> =>
  activity.record(ctx, { action, effect: 'human', outcome: 'done', objects: [`sender:${senderId}`] });

/** Sends one message from a sender to its own address: the whole way out, seen in its own inbox. */
async function messageToItself(services: Services, who: Who, address: string, say: Say): Promise<number> {
  const sender = await enter(services, who.workspaceId, who.actor, ctx => senders.resolve(ctx, address));
  if (isRefusal(sender)) throw new Refused(sender.code, sender.message);
  const transport = services.transports[sender.transport];
  const text = 'This is a test of a sender in Drover. Nothing needs to be done.';
  const answer = await transport?.handOver({
    ...{ workspaceId: who.workspaceId, messageId: null, senderId: sender.id },
    mailId: `<${randomUUID()}@${sender.address.split('@').at(-1)}>`,
    from: { name: sender.name, address: sender.address },
    to: { name: sender.name, address: sender.address },
    ...{ subject: 'A test from Drover', text, html: `<p>${text}</p>`, inReplyTo: null, references: [], headers: {} },
  });
  const isTaken = answer?.outcome === 'accepted';
  say(
    isTaken
      ? `✓ A message to ${sender.address} was taken. Look whether it arrives in the inbox, and not in spam.`
      : `✗ A message to ${sender.address} was not taken: ${answer ? `${sentence(answer.outcome)} (${'detail' in answer ? answer.detail : ''})` : 'nothing here sends for it'}`,
  );
  return isTaken ? 0 : 1;
}
