import fc from 'fast-check';
import type { Remembered } from '../story.ts';
import { command, nothing } from './command.ts';

/** Time, the process and second thoughts. */

/** What each tool's undoing may change of what a story remembers. */
const undoneBy: Record<string, readonly Remembered[]> = {
  create_list: ['order', 'link'],
  edit_sequence: ['cap', 'version'],
  link_list: ['link'],
  pause_sender: ['stop'],
  remove_member: ['membership'],
  resume_sender: ['stop'],
  set_monitoring: ['order'],
  set_sender: ['limit'],
  unlink_list: ['link'],
};

export const machine = {
  kill: command({
    weight: 2,
    args: fc.record({ in: fc.integer({ min: 1, max: 16 }), cut: fc.constantFrom('before', 'rolled_back', 'after') }),
    run: (story, args) => {
      Object.assign(story.machine.fate, args);
      return story.live(6);
    },
  }),
  wait: command({
    weight: 2,
    args: fc.record({ minutes: fc.constantFrom(3, 60, 60 * 7, 60 * 24, 60 * 24 * 3, 60 * 24 * 31) }),
    run: async (story, { minutes }) => {
      await story.machine.clock.move({ minutes });
      await story.tick();
    },
  }),
  live: command({
    weight: 18,
    args: fc.record({ stops: fc.integer({ min: 1, max: 12 }) }),
    run: (story, { stops }) => story.live(stops),
  }),
  undo: command({
    weight: 2,
    args: nothing,
    run: async story => {
      const last = await story.lastChange();
      if (last === 'pause_lead') await story.forgetAbsences();
      const undone = await story.machine.call('undo', {});
      if (undone.outcome === 'done') for (const what of undoneBy[last] ?? []) story.expect(what);
    },
  }),
};
