import { z } from 'zod';
import { type WaitingTask, waitingTasks } from '../domain/messages/waiting-tasks.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { count, type Report, when } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool } from './tool.ts';

/** How many are shown at once. */
const pageSize = 20;
/** How much of an instruction's first line the table shows. */
const excerptChars = 120;

interface Asked {
  sequenceId: number | undefined;
  sequence: string | null;
  ownerId: number | undefined;
  page: number;
}

interface Shown extends Asked {
  all: number;
  tasks: (Omit<WaitingTask, 'openedAt'> & { openedAt: string })[];
}

/** The manual tasks that wait for somebody to do them (W3, E3). */
export const listTasks = defineTool({
  name: 'list_tasks',
  description:
    'List the open manual tasks, the longest waiting first, 20 a page: whom each is about, what to do, since when and whose it is; all of them, those of a sequence, or only the asker’s own (mine).',
  examples: ['list tasks', 'show my tasks', 'list tasks of Fall Intro'],
  input: z.object({
    sequence: sequenceRef.optional(),
    mine: z.boolean().optional().describe("Only the asker's"),
    page: z.int().min(1).max(10_000).optional(),
  }),
  plan: async (ctx, { sequence: ref, mine = false, page = 1 }) => {
    const sequence = ref === undefined ? undefined : await sequences.resolve(ctx, ref);
    if (isRefusal(sequence)) return sequence;
    const ownerId = mine && ctx.actor.kind === 'member' ? ctx.actor.id : undefined;
    const data: Asked = { sequenceId: sequence?.id, sequence: sequence?.name ?? null, ownerId, page };
    return {
      effect: 'read' as const,
      data,
      summary: 'List open tasks.',
      ...(sequence ? { objects: [`sequence:${sequence.id}`] } : {}),
    };
  },
  run: async (ctx, asked): Promise<Shown | Refusal> => {
    const { tasks, all } = await waitingTasks(ctx, asked, { from: (asked.page - 1) * pageSize, size: pageSize });
    if (!tasks.length && asked.page > 1)
      return refuse('no_such_page', `There is no page ${asked.page} of these tasks.`, [phraseOf(asked, 1)]);
    return { ...asked, all, tasks: tasks.map(task => ({ ...task, openedAt: task.openedAt.toString() })) };
  },
  present: (shown, { zone }): Report => {
    if (isRefusal(shown)) return { tone: 'refused', title: shown.message };
    const { all, tasks, page, sequence, ownerId } = shown;
    const whose = `${ownerId === undefined ? '' : ' for you'}${sequence ? ` in "${sequence}"` : ''}`;
    const [first] = tasks;
    if (!first)
      return {
        tone: 'good',
        title: `No task waits${whose}.`,
        next: ownerId === undefined ? ['status'] : ['list tasks'],
      };
    const pages = Math.ceil(all / pageSize);
    const about = first.email ?? first.lead;
    return {
      tone: 'neutral',
      title: `${count(all, 'task waits', 'tasks wait')}${whose}.`,
      tables: [
        {
          columns: ['Lead', 'Company', 'What to do', 'Sequence', 'Since', 'Owner'].map(label => ({ label })),
          rows: tasks.map(task => [
            task.lead,
            task.company ?? '–',
            whatToDo(task),
            `${task.sequence}, step ${task.position}`,
            when(task.openedAt, zone),
            task.ownerName,
          ]),
        },
      ],
      notes: ['Each waits with buttons in its owner’s direct messages, too. To finish or skip another one, name its lead.'],
      next: [`finish the task for ${about}`, `skip the task for ${about}`, ...(page < pages ? [phraseOf(shown, page + 1)] : [])],
      ...(pages > 1 ? { footer: `Page ${page} of ${pages.toLocaleString('en-US')}` } : {}),
    };
  },
});

const phraseOf = ({ sequence, ownerId }: Asked, page: number): string =>
  `list ${ownerId === undefined ? '' : 'my '}tasks${sequence ? ` of "${sequence}"` : ''}${page > 1 ? `, page ${page}` : ''}`;

/** The task's title and the first line of its instruction. */
function whatToDo({ title, instruction }: Pick<WaitingTask, 'title' | 'instruction'>): string {
  const [line = ''] = instruction.trim().split('\n');
  const text = line && line !== title ? `${title}: ${line}` : title;
  return text.length > excerptChars ? `${text.slice(0, excerptChars).toWellFormed()}…` : text;
}
