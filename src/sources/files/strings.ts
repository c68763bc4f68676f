import { Refused } from '../../errors.ts';

/** A workbook's table of texts. Kept as bytes, since a million texts as strings take five times the memory. */
export class SharedTexts {
  #bytes = Buffer.allocUnsafe(1 << 16);
  #used = 0;
  #ends = new Uint32Array(1 << 12);
  #count = 0;

  /** @throws Refused `file_too_large` */
  add(text: string): void {
    const most = text.length * 3;
    if (this.#used + most > mostBytes)
      throw new Refused('file_too_large', 'The workbook holds more different texts than fit in memory. Save the sheet as CSV.');
    if (this.#used + most > this.#bytes.length) {
      const wider = Buffer.allocUnsafe(Math.min(mostBytes, Math.max(this.#bytes.length * 2, this.#used + most)));
      this.#bytes.copy(wider, 0, 0, this.#used);
      this.#bytes = wider;
    }
    if (this.#count === this.#ends.length) {
      const wider = new Uint32Array(this.#ends.length * 2);
      wider.set(this.#ends);
      this.#ends = wider;
    }
    this.#used += this.#bytes.write(text, this.#used, 'utf8');
    this.#ends[this.#count++] = this.#used;
  }

  /** The text of that number; empty where there is none. */
  at(index: number): string {
    if (!(index >= 0 && index < this.#count)) return '';
    return this.#bytes.toString('utf8', index ? this.#ends[index - 1] : 0, this.#ends[index]);
  }
}

const mostBytes = 100_000_000;
