import { WebAPIPlatformError, type WebClient } from '@slack/web-api';
import { workspaceOfTeam } from '../db/system.ts';
import { drover, enter, type MemberActor, type Services } from '../domain/context.ts';
import * as workspaces from '../domain/workspaces/index.ts';
import { Refused, Unavailable } from '../errors.ts';

/** Who the bot is, and in which workspace. */
export interface Identity {
  teamId: string;
  workspaceId: number;
  botUserId: string;
  botId: string;
}

/** Codes with which Slack refuses a token for good. */
const badToken = new Set(['invalid_auth', 'not_authed', 'account_inactive', 'token_revoked', 'token_expired']);

/**
 * Asks Slack who we are, once it answers, and creates the workspace the first time (in `zone`).
 * @throws Refused `bad_token`; Unavailable `slack` while Slack does not answer: ask again.
 */
export function identify(services: Services, client: WebClient, zone: string): () => Promise<Identity> {
  let known: Promise<Identity> | undefined;
  const ask = async (): Promise<Identity> => {
    const told = await client.auth.test().catch(error => {
      if (error instanceof WebAPIPlatformError && badToken.has(error.data.error))
        throw new Refused(
          'bad_token',
          `Slack does not accept SLACK_BOT_TOKEN (${error.data.error}). Copy it again from your app's page.`,
        );
      throw new Unavailable('slack', 'Slack does not answer.', { cause: error });
    });
    const teamId = told.team_id!;
    const workspaceId = await workspaceOfTeam(services.db, services.clock.now(), {
      teamId,
      name: told.team ?? teamId,
      zone,
      botUserId: told.user_id ?? null,
    });
    return { teamId, workspaceId, botUserId: told.user_id!, botId: told.bot_id ?? '' };
  };
  return () => {
    known ??= ask().catch(error => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

/** A name or a role changed in Slack is seen after so long. */
const rememberedMinutes = 5;
const rememberedPeople = 5000;

/**
 * Finds the member behind a Slack user, asking Slack for name and role at most every few minutes. While Slack does not say, a known
 * member stays as they are, and a new one is called by their id until the next time.
 */
export function members(
  services: Services,
  client: WebClient,
): (workspaceId: number, slackUserId: string) => Promise<MemberActor> {
  const remembered = new Map<string, { name: string; isSlackAdmin: boolean; until: Temporal.Instant }>();

  const profile = async (slackUserId: string) => {
    const now = services.clock.now();
    const kept = remembered.get(slackUserId);
    if (kept && Temporal.Instant.compare(now, kept.until) < 0) return kept;
    const { user } = await client.users.info({ user: slackUserId });
    const name = user?.real_name || user?.profile?.real_name || user?.profile?.display_name || user?.name || slackUserId;
    const fresh = {
      name,
      isSlackAdmin: Boolean(user?.is_admin || user?.is_owner),
      until: now.add({ minutes: rememberedMinutes }),
    };
    if (remembered.size >= rememberedPeople) remembered.clear();
    remembered.set(slackUserId, fresh);
    return fresh;
  };

  return async (workspaceId, slackUserId) => {
    const person = await profile(slackUserId).catch(error => {
      services.log.warn({ err: error }, 'Slack did not say who a user is');
      return undefined;
    });
    return enter(services, workspaceId, drover, async ctx => {
      const known = person ? undefined : await workspaces.memberBySlackId(ctx, slackUserId);
      return (
        known ??
        workspaces.join(ctx, { slackUserId, name: person?.name ?? slackUserId, isSlackAdmin: person?.isSlackAdmin ?? false })
      );
    });
  };
}
