import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { environment, readConfig } from '../src/config.ts';

test('an empty environment is the embedded default with local Slack', () => {
  expect(readConfig({})).toMatchObject({
    isEmbedded: true,
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
