import type { Freed } from '../domain/exclusions/index.ts';
import { count } from './report.ts';

/** What a person says to have somebody enrolled whom no list enrols again. */
export const enrolAgain = ({ name, email, sequence }: { name: string; email: string | null; sequence: string }): string =>
  `enrol ${email ?? name} in ${sequence}`;

/** What an exclusion that holds no longer means for those whom it kept out. */
export function freedNotes({ again, passedOver, stayEnded }: Freed): string[] {
  const notes: string[] = [];
  if (again)
    notes.push(
      `${count(again, 'person', 'people')} whose run it had ended before any contact ${again === 1 ? 'is' : 'are'} looked at again: who may be contacted now enrols.`,
    );
  const passed = passedOver.one;
  if (passed) {
    const who = passedOver.count === 1 ? passed.name : `${count(passedOver.count, 'person', 'people')}, like ${passed.name},`;
    notes.push(
      `${who} ${passedOver.count === 1 ? 'stays' : 'stay'} out of "${passed.sequence}" for as long as "${passed.list}" is linked as it is: link it anew, or enrol ${passedOver.count === 1 ? 'them' : 'each'} by name.`,
    );
  }
  if (!notes.length) notes.push('No linked list had passed over anybody for it. Lists may add and enrol them from now on.');
  const [one] = stayEnded.some;
  if (one)
    notes.push(
      stayEnded.count === 1
        ? `The run of ${one.name} in "${one.sequence}" stays ended: no list enrols them there again, but a person may, by name.`
        : `${count(stayEnded.count, 'run')} that had begun, like that of ${one.name} in "${one.sequence}", stay ended: no list enrols them there again, but a person may, by name.`,
    );
  return notes;
}
