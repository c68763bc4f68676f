import fc from 'fast-check';
import { command, sender } from './command.ts';

/** Senders: their limits, and who stops them and lets them go on (S5, D5). */
export const senders = {
  setSender: command({
    weight: 3,
    args: fc.record({ sender, dailyLimit: fc.integer({ min: 1, max: 5 }), gapMinutes: fc.constantFrom(1, 20, 45, 120) }),
    run: async (story, { sender: name, dailyLimit, gapMinutes }) => {
      const set = await story.machine.call('set_sender', { sender: name, dailyLimit, gapMinutes });
      if (set.outcome === 'done') story.expect('limit', name, `${dailyLimit}, every ${gapMinutes}`);
    },
  }),
  pauseSender: command({
    weight: 1,
    args: fc.record({ sender }),
    run: (story, args) => story.machine.call('pause_sender', args),
  }),
  resumeSender: command({
    weight: 3,
    args: fc.record({ sender }),
    run: (story, args) => {
      story.expect('stop', args.sender);
      return story.machine.call('resume_sender', args);
    },
  }),
};
