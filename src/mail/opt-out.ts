import type { IncomingMessage, ServerResponse } from 'node:http';
import { passesByItself } from '../db/lost.ts';
import { messageOfToken } from '../db/system.ts';
import * as activity from '../domain/activity/index.ts';
import { drover, enter, type Services } from '../domain/context.ts';
import * as exclusions from '../domain/exclusions/index.ts';
import type { Route } from '../http.ts';

/** Below it, the token of one message: nothing in it tells who that was (D6). */
const root = '/o/';

/** As tokens are made; whatever looks different is not worth a look into the database. */
const shape = /^[\w-]{32}$/;

/** What a mail server posts is one line (RFC 8058); a browser's form the same. The rest of a longer body is not read. */
const bodyLimit = 10_000;

type Answer = { status: number; title: string; body: string };

const pages = {
  ask: {
    status: 200,
    title: 'Stop these e-mails?',
    body: '<p>You will not hear from us again. This takes effect at once.</p><form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>Stop these e-mails</button></form>',
  },
  done: { status: 200, title: 'Done', body: '<p>You will not hear from us again.</p>' },
  unknown: {
    status: 404,
    title: 'This link is not one of ours',
    body: '<p>It may be cut off: copy the whole link from the e-mail. Or answer that e-mail with “stop”, and you will not hear from us again.</p>',
  },
  later: {
    status: 503,
    title: 'Please try again in a minute',
    body: '<p>This could not be written down just now. Or answer the e-mail with “stop”.</p>',
  },
} as const satisfies Record<string, Answer>;

/**
 * The way out that every message carries (D6). GET shows a page with one button and changes nothing, since scanners follow every link;
 * POST, from that button or from a mail provider's own (RFC 8058), excludes for good at once, without a sign-in or a second question.
 * Again: the same answer. A token works as long as its message is in the ledger, which is for ever.
 */
export function createOptOut(services: Services): Route {
  return {
    path: root,
    handle: async (request, response) => {
      const method = request.method ?? 'GET';
      const isPost = method === 'POST';
      if (isPost) await drain(request);
      if (!isPost && method !== 'GET' && method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD, POST');
        return show(response, { status: 405, title: 'This link is opened or pressed', body: '' });
      }
      try {
        const token = new URL(request.url ?? '/', 'http://drover.invalid').pathname.slice(root.length);
        const message = shape.test(token) ? await messageOfToken(services.db, token) : undefined;
        if (!message) return show(response, pages.unknown);
        if (isPost) await optOut(services, message);
        show(response, isPost ? pages.done : pages.ask);
      } catch (error) {
        if (!passesByItself(error)) throw error;
        services.log.warn({ err: error }, 'an opt-out could not be written down; the sender of it is asked to try again');
        response.setHeader('retry-after', '60');
        show(response, pages.later);
      }
    },
  };
}

const optOut = (services: Services, { workspaceId, messageId }: { workspaceId: number; messageId: number }): Promise<void> =>
  enter(services, workspaceId, drover, async ctx => {
    const message = await ctx.tx
      .selectFrom('message')
      .select(['lead_id', 'enrollment_id', 'recipient'])
      .where('id', '=', messageId)
      .executeTakeFirstOrThrow();
    const { isNew } = await exclusions.optOut(ctx, {
      leadId: message.lead_id,
      address: message.recipient,
      enrollmentId: message.enrollment_id,
      messageId,
      reason: 'opt_out_link',
    });
    if (isNew)
      await activity.record(ctx, {
        action: 'opt_out',
        outcome: 'done',
        objects: [`lead:${message.lead_id}`],
        detail: { message: messageId },
      });
  });

/** A mail provider may send more than the line it has to; the connection is only free once all of it has come. */
async function drain(request: IncomingMessage): Promise<void> {
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > bodyLimit) return;
  }
}

function show(response: ServerResponse, { status, title, body }: Answer): void {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-robots-tag': 'noindex',
    })
    .end(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>body{font:18px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}button{font:inherit;padding:.6rem 1.2rem;cursor:pointer}</style></head><body><h1>${title}</h1>${body}</body></html>`,
    );
}
