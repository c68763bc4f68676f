import { type Refusal, refuse } from '../../errors.ts';

/** A copilot link that reaches more people than this waits for a button (A1). */
export const copilotLimit = 500;
/** An autopilot link that reaches more people than this waits for a button (A1). */
export const autopilotLimit = 25;

/** Why a sequence takes no lists, and what to do about it (K1); undefined when it is active. */
export function linkable({ name, status }: { name: string; status: string }): Refusal | undefined {
  const advice: Record<string, [string, string[]]> = {
    setup: ['is still in setup. Activate it first', [`activate ${name}`]],
    finishing: [
      'is finishing: it takes nobody new. Activate it again first, or choose another one',
      [`activate ${name}`, 'list sequences'],
    ],
    inactive: ['is inactive. Resume it first', [`resume ${name}`]],
    archived: ['is archived for good. Choose another one', ['list sequences']],
  };
  const found = advice[status];
  return found && refuse('sequence_not_active', `"${name}" ${found[0]}; nothing was changed.`, found[1]);
}

/** Does a link wait for a human's button (A1)? Relinking always does (K3). */
export const isGated = (link: { mode: string; reach: number; isMonitored: boolean; moves: boolean }): boolean =>
  link.moves || (link.mode === 'autopilot' ? link.reach > autopilotLimit || link.isMonitored : link.reach > copilotLimit);
