import * as undo from '../domain/activity/undo.ts';
import { drover, enter, type MemberActor, type Services } from '../domain/context.ts';
import * as senders from '../domain/senders/index.ts';
import * as workspaces from '../domain/workspaces/index.ts';
import { Broken } from '../errors.ts';
import { decide, type Outcome, runTool } from '../tools/run.ts';

const everyDay = [1, 2, 3, 4, 5, 6, 7];

const fallIntro = [
  {
    subject: 'Quick question about {{ company }}',
    body: 'Hi {{ first_name | default: "there" }},\n\nhow does {{ company }} find new customers this autumn? We help teams like yours book more first meetings.\n\nWould a short call next week be of use?\n\n{{ sender_name }}',
    delayDays: 0,
  },
  {
    body: 'Hi {{ first_name | default: "there" }},\n\njust making sure that this reached you. I can send two examples from {{ industry | default: "your industry" }} if that helps.\n\n{{ sender_name }}',
    delayDays: 3,
  },
  {
    body: 'Hi {{ first_name | default: "there" }},\n\nI will leave it here. If meetings become a topic at {{ company }}, a reply to this mail reaches me.\n\n{{ sender_name }}',
    delayDays: 5,
  },
];

/**
 * Furnishes a new embedded workspace so that the first prompt works: an address, a sender whose mail stays on this machine, and two
 * sequences. It goes through the tools, as a person would. Does nothing where a sequence exists.
 */
export async function seed(services: Services, workspaceId: number, owner: { slackUserId: string; name: string }): Promise<void> {
  const actor = await enter(services, workspaceId, drover, ctx => workspaces.join(ctx, { ...owner, isSlackAdmin: true }));
  const isFurnished = await enter(services, workspaceId, actor, async ctx => {
    if (await ctx.tx.selectFrom('sequence').select('id').limit(1).executeTakeFirst()) return true;
    await workspaces.set(ctx, { postalAddress: 'Drover Demo, 1 Example Street, 10115 Exampletown' });
    const sender = {
      ownerId: actor.id,
      name: actor.name,
      address: 'rep@drover.example',
      transport: 'local',
      ramp: false,
    } as const;
    await senders.add(ctx, sender);
    return false;
  });
  if (isFurnished) return;
  const window = { sendDays: everyDay, sendFrom: '08:00', sendUntil: '20:00' };
  await done(services, workspaceId, actor, 'create_sequence', { name: 'Fall Intro', steps: fallIntro, dailyCap: 20, ...window });
  await done(services, workspaceId, actor, 'set_autopilot', { sequence: 'Fall Intro', on: true });
  await done(services, workspaceId, actor, 'activate_sequence', { sequence: 'Fall Intro' });
  await done(services, workspaceId, actor, 'create_sequence', {
    name: 'Partner Launch',
    steps: fallIntro.slice(0, 1),
    ...window,
  });
  // The furniture is nobody's last change: "undo" must not take it away.
  await enter(services, workspaceId, actor, ctx => undo.forgetAll(ctx, actor.id));
}

/** Runs a tool and presses its button where it asks for one. */
async function done(services: Services, workspaceId: number, actor: MemberActor, tool: string, input: object): Promise<void> {
  const call = { tool, input, workspaceId, actor, door: 'cli', place: { surface: 'cli' } } as const;
  let outcome: Outcome = await runTool(services, call);
  if (outcome.outcome === 'needs_approval') {
    const decision = await decide(services, {
      workspaceId,
      actor,
      approvalId: outcome.approval.id,
      verdict: 'approve',
      door: 'cli',
    });
    if (decision.outcome === 'approved') outcome = decision.did;
  }
  if (outcome.outcome !== 'done')
    throw new Broken('seed_failed', `The first workspace could not be furnished: ${outcome.report.title}`);
}
