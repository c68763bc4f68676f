import { sql } from 'kysely';
import type { Context } from '../context.ts';
import { sendersOf, stepsOf } from './index.ts';
import type { SequenceRow } from './rules.ts';
import { fill, type Person, type Unwritable, valuesOf } from './templates.ts';

/** One step as one lead would get it, or what keeps it back (S8). */
export interface Preview {
  lead: string;
  company: string | null;
  position: number;
  kind: string;
  /** Of a task, its title. */
  subject: string | null;
  body: string | null;
  held: Unwritable | null;
}

/** Every step of the newest version for the first few leads of the linked lists; for nobody where no list is linked. Writes nothing. */
export async function previewsFor(ctx: Context, sequence: SequenceRow, people: number): Promise<Preview[]> {
  const { rows } = await sql<Person>`
    select l.full_name, l.first_name, l.last_name, l.title, l.company, l.industry, l.person_location as location, l.company_location, l.fields
    from link k cross join lateral (
      select m.lead_id, m.added_at from membership m where m.list_id = k.list_id and m.removed_at is null
      order by m.lead_id limit ${people}) m
    join lead l on l.id = m.lead_id
    where k.sequence_id = ${sequence.id} and k.ended_at is null order by k.linked_at, k.id, m.lead_id limit ${people}`.execute(
    ctx.tx,
  );
  if (!rows.length) return [];
  const steps = await stepsOf(ctx, sequence);
  const [sender] = await sendersOf(ctx, sequence.id);
  const opening = steps.find(step => step.kind === 'email')?.subject ?? '';
  return rows.flatMap(person => {
    const values = valuesOf(person, sender?.name ?? '');
    return steps.map(({ position, kind, title, subject, body }): Preview => {
      const of = { lead: person.full_name, company: person.company, position, kind };
      const filled = fill({ head: kind === 'task' ? title! : (subject ?? opening), body }, values);
      if ('refused' in filled) return { ...of, subject: null, body: null, held: filled };
      const line = filled.head.replace(/\s+/g, ' ').trim();
      const isReply = kind === 'email' && subject === null;
      return { ...of, subject: isReply ? `Re: ${line}` : line, body: filled.body.trim(), held: null };
    });
  });
}
