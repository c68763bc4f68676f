import type { OpenTask } from '../domain/messages/index.ts';
import type { Report } from './report.ts';

/** A task as its owner gets it. Everything in it is data, which each surface escapes where it lands (A4). */
export const taskReport = ({ title, instruction, lead, company, sequence }: OpenTask): Report => ({
  tone: 'neutral',
  title: `Task: ${title}`,
  facts: [
    { label: 'Lead', value: [lead, company].filter(Boolean).join(', ') },
    { label: 'Sequence', value: sequence },
    { label: 'What to do', value: instruction },
  ],
  next: [`finish the task for ${lead}`, `skip the task for ${lead}`],
});
