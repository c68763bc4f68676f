import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { environment, readConfig } from '../src/config.ts';
import { Refused } from '../src/errors.ts';

test('an empty environment is the embedded default with local Slack', () => {
  expect(readConfig({})).toMatchObject({
    isEmbedded: true,
    usesPhrasebook: true,
    usesLocalSlack: true,
    PORT: 3000,
    HOST: '127.0.0.1',
    DROVER_HOME: '.drover',
  });
});

test('what is wrong is named, all of it, and its value is not shown', () => {
  const wrong = () => readConfig({ DATABASE_URL: 'mysql://root:hunter2@db', PORT: 'many', SLACK_BOT_TOKEN: 'token-hunter2' });
  expect(wrong).toThrow(/DATABASE_URL.*PORT.*SLACK_BOT_TOKEN/);
  expect(wrong).not.toThrow(/hunter2/);
});

test.for([
  [{ PORT: 'many' }, 'PORT must be a whole number from 0 to 65535, like 3000'],
  [{ PORT: '80.5' }, 'PORT must be a whole number from 0 to 65535, like 3000'],
  [{ PORT: '-80.5' }, 'PORT must be a whole number from 0 to 65535, like 3000'],
  [{ PORT: '70000' }, 'PORT must be a whole number from 0 to 65535, like 3000'],
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be debug, info, warn, error or silent'],
  [{ DROVER_SEED: 'maybe' }, 'DROVER_SEED must be true or false'],
  [{ DROVER_ZONE: 'Mars/Base' }, 'DROVER_ZONE must be a time zone like Europe/Berlin'],
  [{ OPENAI_BASE_URL: 'localhost' }, 'OPENAI_BASE_URL must be a URL, like https://api.example/v1'],
  [
    { PORT: '-1', LOG_LEVEL: 'LOUD' },
    'PORT must be a whole number from 0 to 65535, like 3000; LOG_LEVEL must be debug, info, warn, error or silent',
  ],
] as const)('%j is answered with a sentence for an operator', ([env, wrong]) => {
  expect(() => readConfig(env)).toThrow(new Refused('bad_configuration', `The environment is not right: ${wrong}.`));
});

test('half a Slack configuration is refused with what to do', () => {
  expect(() => readConfig({ SLACK_BOT_TOKEN: 'xoxb-1' })).toThrow(/set both, or neither/);
  expect(() => readConfig({ SLACK_APP_TOKEN: 'xapp-1' })).toThrow(/set both, or neither/);
});

test('an app-level token means Socket Mode, which needs no signing secret', () => {
  const config = readConfig({ SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' });
  expect(config).toMatchObject({ usesLocalSlack: false, SLACK_APP_TOKEN: 'xapp-1' });
  expect(() => readConfig({ SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xoxb-2' })).toThrow(
    /SLACK_APP_TOKEN must be an app-level/,
  );
});

test("the README's table lists every variable with its default and meaning", () => {
  const readme = readFileSync(path.join(import.meta.dirname, '../README.md'), 'utf8');
  const rows = Object.entries(environment.shape).map(([name, type]) => {
    const fallback = type.parse(undefined);
    return `| \`${name}\` | ${fallback === undefined ? '' : `\`${fallback}\``} | ${type.description} |`;
  });
  const missing = rows.filter(row => !readme.includes(row));
  expect(missing).toEqual([]);
});
