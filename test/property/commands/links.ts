import fc from 'fast-check';
import { command, list, sequence } from './command.ts';

/** Links: made, moved and ended (K). */
export const links = {
  link: command({
    weight: 5,
    args: fc.record({ list, sequence }),
    run: async (story, args) => {
      const linked = await story.machine.call('link_list', args);
      if (linked.outcome === 'done') story.expect('link', args.list, args.sequence);
    },
  }),
  unlink: command({
    weight: 1,
    args: fc.record({ list }),
    run: async (story, args) => {
      const unlinked = await story.machine.call('unlink_list', args);
      if (unlinked.outcome === 'done') story.expect('link', args.list, 'none');
    },
  }),
};
