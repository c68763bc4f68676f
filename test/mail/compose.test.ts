import { simpleParser } from 'mailparser';
import { expect, test } from 'vitest';
import { compose } from '../../src/mail/compose.ts';
import { outgoing } from '../support/smtp-server.ts';

const at = Temporal.Instant.from('2026-03-02T10:00:00Z');
const raw = async (over = {}) => (await compose(outgoing(over), at)).toString();
const headersOf = (text: string) => text.slice(0, text.indexOf('\r\n\r\n')).split(/\r\n(?![ \t])/);

test('D6 S6 a message carries its own id, its thread, its opt-out and both parts, and names no program', async () => {
  const references = Array.from({ length: 12 }, (_, i) => `<${i}.${'a'.repeat(30)}@drover.example>`);
  const url = `https://drover.example/o/${'x'.repeat(120)}`;
  const text = await raw({
    inReplyTo: references.at(-1),
    references,
    headers: {
      'List-Unsubscribe': `<${url}>, <mailto:ada@drover.example?subject=unsubscribe>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
  });
  const headers = headersOf(text);
  const value = (name: string) =>
    headers
      .filter(line => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map(line =>
        line
          .slice(name.length + 1)
          .replace(/\r\n\s+/g, ' ')
          .trim(),
      );
  expect(value('Message-ID')).toEqual(['<1.abc@drover.example>']);
  expect(value('In-Reply-To')).toEqual([references.at(-1)]);
  expect(value('References')).toEqual([references.join(' ')]);
  expect(value('List-Unsubscribe')).toEqual([`<${url}>, <mailto:ada@drover.example?subject=unsubscribe>`]);
  expect(value('List-Unsubscribe-Post')).toEqual(['List-Unsubscribe=One-Click']);
  expect(value('Date')).toEqual(['Mon, 02 Mar 2026 10:00:00 +0000']);
  expect(value('X-Mailer')).toEqual([]);
  expect(text).not.toMatch(/[^\r]\n/);
  expect(text.split('\r\n').every(line => line.length <= 998)).toBe(true);
  const parsed = await simpleParser(text);
  expect(parsed.text).toContain('Opt out: https://drover.example/o/abc');
  expect(parsed.html).toContain('<p>Dear Pat</p>');
});

test.each([
  ['subject', { subject: 'Hi\r\nBcc: eve@evil.example\r\n\r\nBody' }],
  ['recipient name', { to: { name: 'Pat\r\nBcc: eve@evil.example', address: 'pat@acme.example' } }],
  ['sender name', { from: { name: 'Ada\nBcc: eve@evil.example', address: 'ada@drover.example' } }],
  ['header', { headers: { 'List-Unsubscribe': '<https://drover.example>\r\nBcc: eve@evil.example' } }],
  ['header name', { headers: { 'X-A: b\r\nBcc': 'eve@evil.example' } }],
  ['thread', { inReplyTo: '<a@b>\r\nBcc: eve@evil.example', references: ['<a@b>\r\nBcc: eve@evil.example'] }],
  ['id', { mailId: '<a@b>\r\nBcc: eve@evil.example' }],
  ['address', { to: { name: null, address: 'pat@acme.example\r\nBcc: eve@evil.example' } }],
])('D6 a line break in the %s adds no header and no recipient', async (_where, over) => {
  const text = await raw(over);
  expect(headersOf(text).filter(line => /^bcc/i.test(line))).toEqual([]);
  expect(headersOf(text).filter(line => /^to:/i.test(line))).toHaveLength(1);
});

test('S6 names and subjects of any script arrive as they were', async () => {
  const name = 'Zoë "Z" Ångström, 社長 👩‍💻';
  const parsed = await simpleParser(
    await raw({
      subject: `Für ${name}`,
      to: { name, address: 'pat@acme.example' },
      text: `${'wört '.repeat(400)}\n.\n..\nFrom me`,
    }),
  );
  expect(parsed.subject).toBe(`Für ${name}`);
  expect(parsed.to).toMatchObject({ value: [{ name, address: 'pat@acme.example' }] });
  expect(parsed.text).toContain('wört '.repeat(400).trim());
});
