import { z } from 'zod';
import { foldName, nearest } from '../nearest.ts';
import { type AnyTool, defineTool } from './tool.ts';

const spoken = (name: string): string => name.replaceAll('_', ' ');

/** What Drover can do, in phrases that work as typed; about one thing when asked so. */
export const helpAbout = (tools: readonly AnyTool[]) =>
  defineTool({
    name: 'help',
    description: 'What Drover can do, with phrases to try; about one topic when named.',
    examples: ['help', 'what can you do?', 'help with linking'],
    input: z.object({ about: z.string().trim().optional() }),
    plan: async (_ctx, { about }) => ({ effect: 'read' as const, data: { about: about ?? null }, summary: 'Help.' }),
    run: async (_ctx, { about }) => {
      const words = about ? foldName(about).split(' ').map(stem) : [];
      const matches = tools.filter(tool => {
        const said = foldName(`${spoken(tool.name)} ${tool.description}`)
          .split(' ')
          .map(stem);
        return words.some(word => said.includes(word));
      });
      const near =
        about && !matches.length
          ? nearest(
              about,
              tools.map(tool => spoken(tool.name)),
            )
          : [];
      const shown = matches.length ? matches : tools.filter(tool => !near.length || near.includes(spoken(tool.name)));
      return { about, topics: shown.map(({ name, description, examples }) => ({ name, description, examples })) };
    },
    present: ({ about, topics }) => ({
      tone: 'neutral',
      title: about ? `About “${about}”` : 'Lists are who to contact, sequences are how. Write to me as you would to a colleague.',
      tables: [
        {
          columns: [{ label: 'To' }, { label: 'Say' }],
          rows: topics.map((topic: { name: string; examples: string[] }) => [
            spoken(topic.name),
            topic.examples.slice(0, about ? 3 : 1).join(' · '),
          ]),
        },
      ],
      footer:
        'Without the agent: /drover status · lists · list NAME · sequences · sequence NAME · why NAME · forecast · review · undo · activity · help',
    }),
  });

const stem = (word: string): string => word.replace(/(ing|ed|s)$/, '');
