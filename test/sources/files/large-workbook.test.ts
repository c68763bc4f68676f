import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { archive, workbook } from '../../support/archive.ts';

const rows = 500_000;
const columns = ['Email', 'First Name', 'Last Name', 'Company', 'Domain', 'Title'];
const relation = (id: string, type: string, target: string) =>
  `<Relationship Id="${id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/${type}" Target="${target}"/>`;

/** As a spreadsheet saves it: every text once in a table of its own, cells that point there. */
function large(): Buffer {
  const texts: string[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (text: string): number => {
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, texts.length);
    texts.push(`<si><t>${text}</t></si>`);
    return texts.length - 1;
  };
  const line = (n: number, cells: string[]): Buffer =>
    Buffer.from(
      `<row r="${n}">${cells.map((cell, c) => `<c r="${'ABCDEF'[c]}${n}" t="s"><v>${numberOf(cell)}</v></c>`).join('')}</row>`,
    );
  const lines = [Buffer.from('<worksheet><sheetData>'), line(1, columns)];
  for (let n = 2; n <= rows + 1; n++) {
    const firm = `firm-${Math.floor(n / 5)}.example`;
    lines.push(line(n, [`person.${n}@${firm}`, `First${n % 3000}`, `Last ${n}`, `Firm ${Math.floor(n / 5)}`, firm, 'CTO']));
  }
  lines.push(Buffer.from('</sheetData></worksheet>'));
  return archive({
    ...workbook(Buffer.concat(lines)),
    'xl/_rels/workbook.xml.rels': `<Relationships>${relation('rId1', 'worksheet', 'worksheets/sheet1.xml')}${relation('rId2', 'sharedStrings', 'sharedStrings.xml')}</Relationships>`,
    'xl/sharedStrings.xml': `<sst>${texts.join('')}</sst>`,
  });
}

test('L1 a workbook of 500,000 rows is read whole in less than 300 MB', { timeout: 180_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'drover-large-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'people.xlsx');
  await writeFile(file, large());
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(import.meta.dirname, 'reading-process.ts'), file]);
  const { peak, ...read } = JSON.parse(stdout) as { people: number; rejected: number; peak: number };
  expect(read).toEqual({ people: rows, rejected: 0 });
  expect(peak).toBeLessThan(300e6);
});
