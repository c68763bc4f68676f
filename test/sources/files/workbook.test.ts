import { Buffer } from 'node:buffer';
import ExcelJS from 'exceljs';
import iconv from 'iconv-lite';
import { expect } from 'vitest';
import { archive, workbook } from '../../support/archive.ts';
import { type Read, test } from '../../support/files.ts';

const people = ({ people }: Read) => people.map(row => row.candidate);
const bytes = async (book: ExcelJS.Workbook): Promise<Buffer> => Buffer.from(await book.xlsx.writeBuffer());

const clayHeader = [
  'First Name',
  'Last Name',
  'Work Email',
  'LinkedIn Profile',
  'Job Title',
  'Company Name',
  'Company Domain',
  'Found On',
  'Score',
  'Phone',
];

/** As Clay exports a table, opened and saved again by a spreadsheet. */
function clay(book: ExcelJS.Workbook, name = 'Find people'): ExcelJS.Worksheet {
  const sheet = book.addWorksheet(name);
  sheet.addRow(clayHeader);
  const row = sheet.addRow([
    'Ann',
    { richText: [{ text: 'L' }, { text: 'ee', font: { bold: true } }] },
    { text: 'ann@acme.example', hyperlink: 'mailto:ann@acme.example' },
    'https://www.linkedin.com/in/Ann-Lee/',
    { formula: 'CONCATENATE("VP"," Sales")', result: 'VP Sales' },
    'Acme & Söhne <GmbH>',
    'acme.example',
    new Date(Date.UTC(2026, 1, 3, 9, 30)),
    0.5,
    491701234567890,
  ]);
  row.getCell(8).numFmt = 'dd/mm/yyyy hh:mm';
  return sheet;
}

test('a Clay table saved as XLSX is read as its cells show it', async ({ read }) => {
  const book = new ExcelJS.Workbook();
  const sheet = clay(book);
  sheet.addRow(['Bob', 'Two', 'bob@acme.example', null, true, null, null, new Date(Date.UTC(2026, 1, 4)), 12, '00123']);
  sheet.getRow(3).getCell(8).numFmt = 'yyyy-mm-dd';
  sheet.addRow([null, null, null]);
  sheet.addRow(['Cy', 'Three', { formula: 'A1/0', result: { error: '#DIV/0!' } }]);
  sheet.addRow(['Di', 'Four', 'di at acme']);
  const result = await read(await bytes(book), 'clay.xlsx');
  expect(people(result)[0]).toMatchObject({
    fullName: 'Ann Lee',
    email: 'ann@acme.example',
    linkedinUrl: 'https://www.linkedin.com/in/Ann-Lee/',
    title: 'VP Sales',
    seniority: 'vp',
    company: 'Acme & Söhne <GmbH>',
    companyDomain: 'acme.example',
    fields: { found_on: '2026-02-03 09:30', score: '0.5', phone: '491701234567890' },
  });
  expect(people(result)[1]).toMatchObject({
    title: 'TRUE',
    company: null,
    fields: { found_on: '2026-02-04', score: '12', phone: '00123' },
  });
  expect(people(result)[2]).toMatchObject({ fullName: 'Cy Three', email: null });
  expect(result.people.map(row => row.line)).toEqual([2, 3, 5]);
  expect(result.rejected).toEqual([{ line: 6, reason: 'invalid_email', detail: 'di at acme' }]);
  expect(result.batches[0]!.notes).toEqual([]);
});

test('of several sheets the first with columns of people is read, below its title, and named; hidden ones come last', async ({
  read,
}) => {
  const book = new ExcelJS.Workbook();
  book.addWorksheet('Summary').addRows([
    ['Campaign', 'Spend'],
    ['Fair', 12],
  ]);
  const hidden = book.addWorksheet('Old', { state: 'hidden' });
  hidden.addRows([['Email'], ['old@acme.example']]);
  book.addWorksheet('People & "more"').addRows([['Export of 2 March'], [], ['Email', 'Name'], ['new@acme.example', 'New One']]);
  const result = await read(await bytes(book), 'book.xlsx');
  expect(result.people).toMatchObject([{ line: 4, candidate: { email: 'new@acme.example', fullName: 'New One' } }]);
  expect(result.batches[0]!.notes).toEqual([
    'Read from the sheet "People & "more"", the first of 3 with columns that I understand.',
  ]);
});

test('dates that count from 1904 are the same days', async ({ read }) => {
  const book = new ExcelJS.Workbook();
  book.properties.date1904 = true;
  const row = book.addWorksheet('P').addRows([
    ['Email', 'Met on'],
    ['a@acme.example', new Date(Date.UTC(2026, 2, 1))],
  ])[1]!;
  row.getCell(2).numFmt = 'd-mmm-yy';
  expect(people(await read(await bytes(book), 'mac.xlsx'))[0]!.fields).toEqual({ met_on: '2026-03-01' });
});

test('cells without positions, in-line texts, prefixes, sections and escapes are read', async ({ read }) => {
  const sheet = `<?xml version="1.0"?><x:worksheet><!-- made by hand --><x:sheetData>
    <x:row><x:c t="inlineStr"><x:is><x:t>Email</x:t></x:is></x:c><x:c t="inlineStr"><x:is><x:r><x:t>Na</x:t></x:r><x:r><x:t>me</x:t></x:r><x:rPh><x:t>kana</x:t></x:rPh></x:is></x:c><x:c t="str"><x:v>Note</x:v></x:c></x:row>
    <x:row><x:c t="str"><x:v><![CDATA[a@acme.example]]></x:v></x:c><x:c/><x:c t="inlineStr"><x:is><x:t>one_x000A_two &#x26; &#8364;</x:t></x:is></x:c></x:row>
    <x:row r="7"><x:c r="B7" t="str" note="a > b"><x:v>Only Name</x:v></x:c></x:row>
  </x:sheetData></x:worksheet>`;
  const result = await read(archive(workbook(sheet)), 'hand.xlsx');
  expect(result.people).toMatchObject([
    { line: 2, candidate: { email: 'a@acme.example', fields: { note: 'one\ntwo & €' } } },
    { line: 7, candidate: { email: null, fullName: 'Only Name' } },
  ]);
});

test('a large workbook comes in batches, with its progress', async ({ read }) => {
  const rows = Array.from(
    { length: 5_500 },
    (_, n) => `<row r="${n + 2}"><c r="A${n + 2}" t="str"><v>p${n}@acme.example</v></c><c r="B${n + 2}"><v>${n}</v></c></row>`,
  );
  const head = '<worksheet><sheetData><row r="1"><c r="A1" t="str"><v>Email</v></c><c r="B1" t="str"><v>Id</v></c></row>';
  const { batches } = await read(archive(workbook(`${head}${rows.join('')}</sheetData></worksheet>`)), 'large.xlsx');
  expect(batches.map(batch => batch.people.length)).toEqual([1000, 1000, 1000, 1000, 1000, 500]);
  expect(batches.map(batch => batch.through)).toEqual([1001, 2001, 3001, 4001, 5001, 5501]);
  expect(batches[0]!.progress.read).toBeGreaterThan(0);
  expect(batches.at(-1)!.progress.read).toBe(batches.at(-1)!.progress.total);
});

test('a file is what its content is, whatever its name', async ({ read }) => {
  const book = new ExcelJS.Workbook();
  clay(book);
  expect(people(await read(await bytes(book), 'people.csv'))).toHaveLength(1);
  expect(people(await read('Email,Name\na@acme.example,A\n', 'people.xlsx'))).toHaveLength(1);
  expect(people(await read('Email\tName\na@acme.example\tA\n', 'people.pdf'))).toHaveLength(1);
});

/** Says that it is small and is not: ten million of nothing a part. */
const bomb = (): Buffer =>
  archive(workbook(Buffer.concat([Buffer.from('<worksheet><sheetData><row><c t="str"><v>'), Buffer.alloc(60_000_000, ' ')])), {
    lie: () => 100,
  });
const endless = (): Buffer =>
  archive(workbook(Buffer.concat([Buffer.from('<worksheet><sheetData>'), Buffer.from('<row><c/></row>'.repeat(4_000_000))])));
const cut = async (): Promise<Buffer> => {
  const book = new ExcelJS.Workbook();
  clay(book);
  return (await bytes(book)).subarray(0, -300);
};
const torn = (): Buffer => {
  const whole = archive(
    workbook(`<worksheet><sheetData>${'<row><c t="str"><v>Email</v></c></row>'.repeat(50)}</sheetData></worksheet>`),
  );
  const at = whole.indexOf('xl/worksheets/sheet1.xml') + 40;
  return Buffer.concat([whole.subarray(0, at), Buffer.alloc(20, 0xff), whole.subarray(at + 20)]);
};

test.for([
  ['a workbook that unpacks without end', endless, 'file_too_large', /unpacks to far more/],
  ['a cell without end', bomb, /file_damaged|file_too_large/, /damaged|far more/],
  ['a workbook that is cut off', cut, 'file_damaged', /damaged or cut off/],
  ['a workbook with broken bytes', torn, 'file_damaged', /damaged or cut off/],
  [
    'a sheet that ends early',
    () => archive(workbook('<worksheet><sheetData><row><c t="str"><v>Email</v></c></row>')),
    'file_damaged',
    /damaged/,
  ],
  [
    'a sheet with entities of its own',
    () => archive(workbook('<!DOCTYPE x [<!ENTITY a "b">]><worksheet></worksheet>')),
    'file_damaged',
    /damaged/,
  ],
  ['only the mark of an archive', () => Buffer.from('PK\x03\x04 and so on'), 'file_damaged', /damaged/],
  ['an archive of something else', () => archive({ 'a.txt': 'x' }), 'not_a_workbook', /ZIP archive, not a workbook/],
  ['an OpenDocument sheet', () => archive({ mimetype: 'x', 'content.xml': '<a/>' }), 'not_a_workbook', /OpenDocument/],
  ['a Numbers file', () => archive({ 'Index/Document.iwa': 'x' }), 'not_a_workbook', /Numbers/],
  [
    'no usable columns',
    () => archive(workbook('<worksheet><sheetData><row><c t="str"><v>Colour</v></c></row></sheetData></worksheet>')),
    'no_usable_columns',
    /"Colour"/,
  ],
  ['an empty sheet', () => archive(workbook('<worksheet><sheetData/></worksheet>')), 'no_usable_columns', /names no columns/],
  ['a PDF', () => Buffer.from('%PDF-1.7\n%âãÏÓ\n'), 'not_text', /is a PDF\. Save it as CSV or XLSX/],
  ['an old workbook', () => Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'not_text', /old Excel file \(XLS\) or one with a password/],
  ['something packed', () => Buffer.from('1f8b0800', 'hex'), 'not_text', /compressed/],
  ['a web page', () => Buffer.from('\n<html><table><tr><td>Email'), 'not_text', /web page/],
  ['other bytes', () => Buffer.from([1, 2, 3, 4, 5, 0, 7]), 'not_text', /not a table of people/],
] as const)('%s is refused in one sentence', async ([, make, code, message], { read }) => {
  const error = await read(await make(), 'people.csv').then(
    () => new Error('it was read'),
    error => error,
  );
  expect(error).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) });
  expect(error.code).toMatch(code);
});

const written = (name: string, note: string): string => `Email,Name,Note\n${`a@acme.example,${name},${note}\n`.repeat(20)}`;
test.for([
  ['macintosh', 'Jürgen Groß', 'Éléonore à Orléans'],
  ['win1250', 'Łukasz Wiśniewski', 'Gdańsk Święta każdy'],
  ['win1252', 'Hélène Générale', 'société générale “été”'],
  ['win1251', 'Иван Петров', 'Москва'],
  ['koi8-r', 'Иван Петров', 'привет из города'],
  ['shift_jis', '山田 たろう', 'とうきょう'],
  ['gb18030', '王小明', '北京公司'],
  ['euc-kr', '김철수', '서울 회사'],
] as const)('a file in %s is read', async ([encoding, name, note], { read }) => {
  const [first] = people(await read(iconv.encode(written(name, note), encoding)));
  expect(first).toMatchObject({ fullName: name, fields: { note } });
});

test('texts that a database cannot hold are made such that it can', async ({ read }) => {
  const rows = `${'a@acme.example,A,\n'.repeat(300)}b@acme.example,B\u0000ob,x\n`;
  expect(people(await read(`Email,Name,Note\n${rows}`)).at(-1)).toMatchObject({ fullName: 'B ob' });
  const book = archive(
    workbook(
      '<worksheet><sheetData><row><c t="str"><v>Email</v></c><c t="str"><v>Note</v></c></row><row><c t="str"><v>a@acme.example</v></c><c t="str"><v>_xD800_ half</v></c></row></sheetData></worksheet>',
    ),
  );
  expect(people(await read(book))[0]!.fields.note).toBe('\ufffd half');
});
