import { passesByItself } from '../../db/lost.ts';
import { drover, enter, type Services } from '../../domain/context.ts';
import { Unavailable } from '../../errors.ts';
import { reportMessages } from '../blocks/report.ts';
import { type Address, post } from '../outbox.ts';

/**
 * Runs a listener's work. When it breaks, the asker is told so, once and where they are, and the log says what broke. A database or a
 * Slack that is away is thrown on: the job runs again, and nothing is said twice.
 */
export async function apologise(
  services: Services,
  about: { workspaceId: number; key: string; place: Address },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Unavailable || passesByItself(error)) throw error;
    services.log.error({ err: error }, 'a request from Slack could not be answered');
    await enter(services, about.workspaceId, drover, ctx =>
      post(
        ctx,
        about.key,
        about.place,
        reportMessages({
          tone: 'refused',
          title: 'Something broke on my side before I could finish this. What was done until then stays done.',
          next: ['status', 'help'],
          footer: 'Please say it again; if it breaks again, the log says what it was.',
        }),
      ),
    );
  }
}
