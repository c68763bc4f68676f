import { tmpdir } from 'node:os';
import iconv from 'iconv-lite';
import { expect } from 'vitest';
import type { Candidate } from '../../../src/domain/ports.ts';
import { readPeople } from '../../../src/sources/files/index.ts';
import { type Read, test } from '../../support/files.ts';

const people = ({ people }: Read): Candidate[] => people.map(row => row.candidate);
const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

/** As HubSpot exports contacts: every cell quoted, a BOM, notes with line breaks, addresses as people typed them. */
function hubspot(count: number): string {
  const header =
    'Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Associated Company,Last Activity Date (EST),Lead Status,Job Title,Country/Region,City,Number of Employees,Industry,Website URL,Notes';
  const rows = Array.from({ length: count }, (_, n) =>
    [
      `${51_000 + n}`,
      ` Person${n} `,
      n % 7 ? `O"Hara, ${n}` : 'Müller',
      n % 3 ? `Person.${n}@Acme-${n % 40}.EXAMPLE` : `  person.${n}@acme-${n % 40}.example `,
      '+49 30 000000',
      'Ada Admin (ada@drover.example)',
      `Acme ${n % 40} GmbH`,
      '2026-02-01 10:00',
      n % 2 ? 'Open' : '',
      'VP of Sales',
      'Germany',
      'Berlin',
      `${100 + n}`,
      'FINANCIAL_TECHNOLOGY',
      `https://www.acme-${n % 40}.example/`,
      n % 5 ? '' : `called on Monday\r\nsaid "later"`,
    ].map(quoted),
  );
  return `\ufeff${header}\r\n${rows.map(row => row.join(',')).join('\r\n')}\r\n`;
}

test('a HubSpot export is read as it is', async ({ read }) => {
  const result = await read(hubspot(300));
  expect(result.rejected).toEqual([]);
  expect(result.people).toHaveLength(300);
  expect(people(result)[0]).toEqual({
    recordId: null,
    fullName: 'Person0 Müller',
    firstName: 'Person0',
    lastName: 'Müller',
    email: 'person.0@acme-0.example',
    linkedinUrl: null,
    title: 'VP of Sales',
    seniority: 'vp',
    function: 'sales',
    company: 'Acme 0 GmbH',
    companyDomain: 'https://www.acme-0.example/',
    industry: 'Fintech',
    headcount: 100,
    personLocation: 'Berlin, Germany',
    companyLocation: null,
    technologies: [],
    fields: {
      record_id: '51000',
      phone_number: '+49 30 000000',
      contact_owner: 'Ada Admin (ada@drover.example)',
      last_activity_date_est: '2026-02-01 10:00',
      notes: 'called on Monday\nsaid "later"',
    },
  });
  expect(people(result)[1]).toMatchObject({
    lastName: 'O"Hara, 1',
    email: 'person.1@acme-1.example',
    fields: { lead_status: 'Open' },
  });
  // every fifth row has a line break in it
  expect(result.people.slice(0, 7).map(row => row.line)).toEqual([2, 4, 5, 6, 7, 8, 10]);
});

const apolloHeader =
  'First Name,Last Name,Title,Company,Company Name for Emails,Email,Email Status,Seniority,Departments,# Employees,Industry,Keywords,Person Linkedin Url,Website,Company Linkedin Url,City,State,Country,Company Address,Company City,Company State,Company Country,Technologies,Annual Revenue,Secondary Email';

test('an Apollo export is read as it is', async ({ read }) => {
  const row = [
    'Jane',
    'Okafor',
    'Chief Wizard',
    'Beacon Freight Ltd.',
    'Beacon Freight',
    'jane@beacon.example',
    'Verified',
    'C suite',
    'C-Suite, Finance',
    '1,001-5,000',
    'logistics & supply chain',
    'freight, customs',
    'http://www.linkedin.com/in/jane-okafor-1',
    'http://www.beacon.example',
    'http://www.linkedin.com/company/beacon',
    'Leeds',
    'England',
    'United Kingdom',
    '1 Example Road',
    'London',
    'England',
    'United Kingdom',
    'SAP, Slack,  Power BI,SAP',
    '120000000',
    '',
  ].map(quoted);
  const result = await read(`${apolloHeader}\n${row.join(',')}\n`);
  expect(people(result)).toEqual([
    expect.objectContaining({
      company: 'Beacon Freight',
      linkedinUrl: 'http://www.linkedin.com/in/jane-okafor-1',
      seniority: 'c_level',
      headcount: 1001,
      industry: 'Logistics',
      personLocation: 'Leeds, England, United Kingdom',
      companyLocation: 'London, England, United Kingdom',
      technologies: ['SAP', 'Slack', 'Power BI'],
      fields: {
        email_status: 'Verified',
        keywords: 'freight, customs',
        company_linkedin_url: 'http://www.linkedin.com/company/beacon',
        company_address: '1 Example Road',
        annual_revenue: '120000000',
      },
    }),
  ]);
});

const german = 'Vorname;Name;E-Mail;Firma;Ort\nJürgen;Groß;juergen@example.example;Müller & Söhne;Köln\n';
test.for([
  ['UTF-8', Buffer.from(german)],
  ['UTF-8 with a BOM', Buffer.from(`\ufeff${german}`)],
  ['Windows-1252', iconv.encode(german, 'win1252')],
  ['UTF-16 with a BOM', iconv.encode(german, 'utf16le', { addBOM: true })],
  ['UTF-16 without', iconv.encode(german, 'utf16le')],
  ['big-endian UTF-16', iconv.encode(german, 'utf16be', { addBOM: true })],
  ['old line ends', Buffer.from(german.replaceAll('\n', '\r'))],
  ["Excel's first line", Buffer.from(`sep=;\r\n${german.replaceAll('\n', '\r\n')}`)],
] as const)('%s', async ([, contents], { read }) => {
  const result = await read(contents);
  expect(people(result)).toEqual([
    expect.objectContaining({
      fullName: 'Jürgen Groß',
      firstName: 'Jürgen',
      lastName: 'Groß',
      email: 'juergen@example.example',
      company: 'Müller & Söhne',
      personLocation: 'Köln',
    }),
  ]);
});

test.for([[','], [';'], ['\t'], ['|']])('the delimiter "%s" is found', async ([delimiter], { read }) => {
  const header = ['Email Address', '"Name, first; last|all\tof it"', 'Company'].join(delimiter);
  const result = await read(`${header}\n${['a@b.example', 'x', 'Acme'].join(delimiter)}\n`);
  expect(people(result)).toMatchObject([{ email: 'a@b.example', company: 'Acme' }]);
});

test.for([['Email'], ['Email Address'], ['Work Email'], ['E-Mail'], ['e-mail adresse'], ['  EMAIL '], ['Correo electronico']])(
  '"%s" is the address',
  async ([header], { read }) => {
    expect(people(await read(`${header},Name\nx@y.example,"Dr. Ann B. Lee"\n`))).toMatchObject([
      { email: 'x@y.example', fullName: 'Dr. Ann B. Lee', firstName: 'Ann', lastName: 'B. Lee' },
    ]);
  },
);

test('bad rows are told by line and reason, and good ones kept', async ({ read }) => {
  const rows = [
    'First Name,Last Name,Company,Email', // 1
    'Ann,One,Acme,ann@acme.example', // 2
    'Bob,Two,Acme,bob@', // 3
    '"Cy\n\nl",Three,Acme,cyl@acme.example', // 4–6
    '', // 7
    ',,Acme,', // 8
    'Dee,Four', // 9
    'Eve,Five,Acme, Inc.,eve@acme.example', // 10
    ',,,', // 11
    'Flo,Six,Acme,', // 12
    'Gus,Seven,Acme,"gus@acme.example; gus.seven@acme.example"', // 13
    'Hal,Eight,Acme,hal eight@acme.example', // 14
    'ann,one,acme,ANN@ACME.example', // 15
  ];
  const result = await read(rows.join('\n'));
  expect(result.people.map(({ line, candidate }) => [line, candidate.email])).toEqual([
    [2, 'ann@acme.example'],
    [4, 'cyl@acme.example'],
    [12, null],
    [13, 'gus@acme.example'],
    [15, 'ann@acme.example'],
  ]);
  expect(result.rejected).toEqual([
    { line: 3, reason: 'invalid_email', detail: 'bob@' },
    { line: 8, reason: 'no_name_or_email' },
    { line: 9, reason: 'too_few_columns', detail: '2 of 4' },
    { line: 10, reason: 'too_many_columns', detail: '5 of 4' },
    { line: 14, reason: 'invalid_email', detail: 'hal eight@acme.example' },
  ]);
});

test('a quote that never closes costs the rows after it, and says from where', async ({ read }) => {
  const result = await read('Email,Name\na@x.example,A\nb@x.example,"B\nc@x.example,C\n');
  expect(people(result).map(person => person.email)).toEqual(['a@x.example']);
  expect(result.rejected).toEqual([{ line: 3, reason: 'unclosed_quote', detail: 'nothing after it could be read' }]);
});

test('headcounts are read as they are written', async ({ read }) => {
  const written = ['250', '51-200', '"1,001-5,000"', '10.000+', "2'500", '1 200', 'unknown', ''];
  const result = await read(`Email,Company Size\n${written.map((size, n) => `p${n}@x.example,${size}`).join('\n')}\n`);
  expect(people(result).map(person => person.headcount)).toEqual([250, 51, 1001, 10_000, 2500, 1200, null, null]);
});

test('a large file comes in batches of at most 1,000 rows, with its progress by bytes', async ({ read }) => {
  const contents = hubspot(12_345);
  const { batches, people: all } = await read(contents);
  expect(all).toHaveLength(12_345);
  expect(batches).toHaveLength(13);
  expect(Math.max(...batches.map(batch => batch.people.length))).toBe(1000);
  const total = Buffer.byteLength(contents);
  const reads = batches.map(batch => batch.progress.read);
  expect(batches.every(batch => batch.progress.total === total)).toBe(true);
  expect(reads.at(-1)).toBe(total);
  expect(reads).toEqual(reads.toSorted((a, b) => a - b));
  expect(reads[0]).toBeLessThan(total / 4); // it did not read on before the first batch was taken
});

test.for([
  [
    'no usable column',
    'Colour,Size\nred,4\n',
    'no_usable_columns',
    /has the columns "Colour", "Size"; it needs an e-mail.*Email, First Name/,
  ],
  ['names alone', 'First Name,Last Name\nAnn,Lee\n', 'no_usable_columns', /"First Name", "Last Name"/],
  ['only blank lines', '\n\n\n', 'no_usable_columns', /names no columns/],
  ['nothing in it', '', 'empty_file', /is empty/],
] as const)('a file with %s is refused in one sentence', async ([, contents, code, message], { read }) => {
  await expect(read(contents)).rejects.toMatchObject({ kind: 'refused', code, message: expect.stringMatching(message) });
});

test('a line end that falls between two pieces of the file is one', async ({ read }) => {
  const row = 'someone@x.example,Someone\r\n';
  const head = 'Email,Name\r\n';
  const rows = Math.floor((65_535 - head.length) / row.length) - 1;
  const start = 'long@x.example,';
  const filler = `${start}${'x'.repeat(65_535 - head.length - rows * row.length - start.length)}\r\n`;
  const contents = `${head}${row.repeat(rows)}${filler}last@x.example,Last\r\n`;
  expect(contents.slice(65_535, 65_537)).toBe('\r\n');
  expect((await read(contents)).people.at(-1)).toMatchObject({ line: rows + 3, candidate: { email: 'last@x.example' } });
});

test('a path to nothing, or to a folder, is refused in one sentence', async () => {
  await expect(readPeople('/nowhere/people.csv').next()).rejects.toMatchObject({ code: 'no_such_file' });
  await expect(readPeople(tmpdir()).next()).rejects.toMatchObject({ code: 'not_a_file' });
});
