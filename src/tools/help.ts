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
      const matches = about ? nearestTo(about, tools) : [];
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
        'Without the agent: /drover status · lists · list NAME · sequences · sequence NAME · who NAME · why NAME · forecast · review · tasks · replies · numbers · senders · undo · activity · help',
    }),
  });

/** The tools that a topic is about: those that say most of its words, in their names above all. "link a list" is about linking alone. */
function nearestTo(about: string, tools: readonly AnyTool[]): AnyTool[] {
  const topic = stems(about).filter(word => !small.has(word));
  const scored = tools.map(tool => {
    const [name, described] = [stems(spoken(tool.name)), stems(tool.description)];
    const of = (word: string): number => (name.includes(word) ? 2 : described.includes(word) ? 1 : 0);
    return { tool, score: topic.reduce((sum, word) => sum + of(word), 0) };
  });
  const best = Math.max(...scored.map(({ score }) => score));
  return best ? scored.filter(({ score }) => score === best).map(({ tool }) => tool) : [];
}

const small = new Set(
  'a an the my our your its it this that to of in on for from with and or i we you do does can is are'.split(' '),
);
const stems = (text: string): string[] => foldName(text).split(' ').map(stem);
const stem = (word: string): string => word.replace(/(ing|ed|s)$/, '');
