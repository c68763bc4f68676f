/** Reads a file in a process of its own and prints how many people it had, and the most memory that it took, in bytes. */

import { readPeople } from '../../../src/sources/files/index.ts';

let people = 0;
let rejected = 0;
let peak = 0;
for await (const batch of readPeople(process.argv[2]!)) {
  people += batch.people.length;
  rejected += batch.rejected.length;
  // Asked of itself: the most that the system remembers of a process began with that of whoever started it.
  peak = Math.max(peak, process.memoryUsage.rss());
}
process.stdout.write(JSON.stringify({ people, rejected, peak }));
