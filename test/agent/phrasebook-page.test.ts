import { expect, test } from 'vitest';
import { type Group, groups } from '../../src/agent/phrasebook/phrases.ts';

const intro = `# What the phrasebook understands

Without a model's key, the phrasebook takes its place: a fixed vocabulary and a small grammar, the same answer every time, no network.
It makes the calls that a model would make, and everything else (plans, approvals, rights) is the same. This page is generated from its
data, \`src/agent/phrasebook/*.json\`: \`npx vitest run test/agent/phrasebook-page -u\`.

- **Several things in one prompt**: "Find 200 VPs of Sales at German fintechs with 50–500 people, add 20 more every Monday, and put them
  in Fall Intro". If one part is not understood, none of it is done.
- **Who**: titles, seniorities, functions, industries, places of people and of companies, headcount ("over 500 employees", "11-50",
  "1k+ people"), technologies ("using Salesforce"), keywords ("about machine learning"), and what to leave out ("not in banking", "except
  founders", "excluding the UK"). A place said of companies is theirs ("German fintechs"), of people theirs ("CTOs in France"). "Over" and
  "under" leave the number itself out. Words that it does not know are passed on, and the tool answers with the nearest that it knows.
- **Numbers**: 1,000, 50k, two hundred, a dozen, a couple of hundred.
- **How often**: daily, every weekday, weekly, every Monday, a day, per week.
- **Names**: with or without quotation marks, whatever their case. A slip in a long name is forgiven and told; anything less sure is a
  question that names what is near. "It", "that list", "this sequence" and "them" are what the thread is about.
- **Mailboxes**: by their address, or by their name behind the word: "pause the mailbox Ann of Acme". An address alone is a person: "pause
  ann@acme.example" pauses a lead, "pause the mailbox ann@acme.example" a sender.
- **Days behind us**: "since 1 March", "last month" (the whole of it), "this week", "the last 7 days", "in January", "from 1 February to
  15 February".
- **Corrections**: "make it 30", "no, weekly", "not 20, 30", "I meant Tuesday", "the other one", "use Germany instead of France". Leads
  that are ordered stay ordered: "make it 300" after an order of 200 orders 100 more.
- **Nothing that is not an order changes anything**: not "don't …", "should I …?", "I wish …", "Bob said …", "if …", nor what stands in
  quotation marks. "Can you …?" is a polite order. A question about how things stand is answered by reading.
- **Switching autopilot and giving roles** is a person's: it says which command does it.
- **What is not plain is asked back**: "find 10 people" (whom?), "add more" (how many?), "stop everything" (it works on one at a time).
- **It reads English.** To a prompt in another language it says so; a model reads others too.
- A prompt of more than 400 words, texts of steps left out, is not read.

In the phrasings below, \`(a|b)\` is a choice, \`[a]\` may be left out, \`{leads}\` stands for usual words of that kind, \`<list>\` for what
a slot takes.
`;

const shown = groups.filter(({ tool }) => !['$correct', '$yes', '$no'].includes(tool));
const title = ({ tool, as, set, say }: Group): string =>
  say ? `Says: “${say}”` : `${(as ?? [tool]).join(' + ')}${set ? ` ${JSON.stringify(set)}` : ''}`;
const section = (group: Group): string =>
  `### ${title(group)}\n\nTry: “${group.example}”\n\n${group.phrases.map(phrase => `- \`${phrase}\``).join('\n')}\n`;

test('docs/phrasebook.md says what the phrasebook understands', async () => {
  await expect(`${intro}\n## Phrasings\n\n${shown.map(section).join('\n')}`).toMatchFileSnapshot('../../docs/phrasebook.md');
});
