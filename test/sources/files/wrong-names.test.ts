import { deflateRawSync } from 'node:zlib';
import { expect } from 'vitest';
import { archive, workbook } from '../../support/archive.ts';
import { test } from '../../support/files.ts';

const csv = 'Email,Name\nann@acme.example,Ann Lee\n';
const cell = (text: string) => `<c t="str"><v>${text}</v></c>`;
const xlsx = archive(
  workbook(
    `<worksheet><sheetData><row>${cell('Email')}${cell('Name')}</row><row>${cell('ann@acme.example')}${cell('Ann Lee')}</row></sheetData></worksheet>`,
  ),
);
const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), deflateRawSync(csv)]);

test.for([
  ['a CSV called people.xlsx', 'people.xlsx', csv],
  ['a CSV called people.png', 'people.png', csv],
  ['a CSV without an ending', 'people', csv],
  ['a workbook called people.csv', 'people.csv', xlsx],
  ['a workbook called people.zip', 'people.zip', xlsx],
] as const)('L1 %s is read by what is in it', async ([, name, contents], { read }) => {
  expect((await read(contents, name)).people).toMatchObject([
    { line: 2, candidate: { email: 'ann@acme.example', fullName: 'Ann Lee' } },
  ]);
});

test.for([
  [
    'a ZIP of a CSV',
    archive({ 'people.csv': csv }),
    'not_a_workbook',
    /is a ZIP archive, not a workbook\. Save or unpack it as CSV or XLSX/,
  ],
  ['a PDF', Buffer.from('%PDF-1.7\n%âãÏÓ\n'), 'not_text', /is a PDF\. Save it as CSV or XLSX first/],
  ['a PNG', png, 'not_text', /is a picture\. Save it as CSV or XLSX first/],
  ['a JPEG', Buffer.from('ffd8ffe000104a46', 'hex'), 'not_text', /is a picture\. Save it as CSV or XLSX first/],
  ['a database', Buffer.from('SQLite format 3\0'), 'not_text', /is a database\. Save it as CSV or XLSX first/],
] as const)(
  'L1 %s called people.csv, or people.xlsx, is refused with what to do',
  async ([, contents, code, message], { read }) => {
    for (const name of ['people.csv', 'people.xlsx'])
      await expect(read(contents, name)).rejects.toMatchObject({
        kind: 'refused',
        code,
        message: expect.stringMatching(message),
      });
  },
);
