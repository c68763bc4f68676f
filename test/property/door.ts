import { sql } from 'kysely';
import type { Db } from '../../src/db/transaction.ts';

/** What the tables say of a message at the mail server's door. */
export interface AtTheDoor {
  status: string;
  state: string;
  message: string;
  sequence: string;
  version: number;
  versionOfRun: number;
  isToday: boolean;
  isOpen: boolean;
  excluded: boolean;
  hasOptedOut: boolean;
  hasReplied: boolean;
  isAway: boolean;
  hasBounced: boolean;
  sender: string;
  isItsSender: boolean;
  touched: number;
  cap: number;
  bySender: number;
  limit: number;
  gap: number;
  text: string | null;
}

/** Everything about it that a rule forbids, from the tables alone. Absences count that were told of by replies after an id. */
export const atTheDoor = async (db: Db, now: Temporal.Instant, messageId: number, absencesAfter: number): Promise<AtTheDoor> => {
  const { rows } = await sql<AtTheDoor>`
    select s.status, e.state, s.name as sequence, s.daily_cap as cap, m.state as message, m.version, e.version as "versionOfRun",
      m.planned_on = (${now}::timestamptz at time zone s.zone)::date as "isToday",
      (${now}::timestamptz at time zone s.zone)::time >= s.send_from and (${now}::timestamptz at time zone s.zone)::time < s.send_until
        and extract(isodow from ${now}::timestamptz at time zone s.zone)::int = any(s.send_days) as "isOpen",
      exists (select from exclusion x where x.value in (l.email_key, l.company_domain, l.linkedin_url) and x.lifted_at is null) as excluded,
      exists (select from exclusion x where x.value in (l.email_key, l.linkedin_url) and x.opt_out) as "hasOptedOut",
      exists (select from reply r where r.lead_id = l.id and r.kind = 'human') as "hasReplied",
      coalesce((select r.until_on >= (${now}::timestamptz at time zone s.zone)::date from reply r
        where r.enrollment_id = e.id and r.category = 'out_of_office' and r.id > ${absencesAfter} order by r.id desc limit 1), false) as "isAway",
      l.email_status in ('bounced', 'invalid') as "hasBounced", x.status as sender, x.id = e.sender_id as "isItsSender",
      (select count(distinct t.lead_id)::int from message t where t.sequence_id = s.id and t.planned_on = m.planned_on
        and t.state in ('claimed', 'handing', 'sent', 'unknown')) as touched,
      (select count(*)::int from message t where t.sender_id = x.id and t.planned_on = m.planned_on
        and t.state in ('claimed', 'handing', 'sent', 'unknown')) as "bySender", x.daily_limit as "limit", x.min_gap_minutes as gap,
      (select body from step where step.sequence_id = e.sequence_id and step.version = e.version and step.position = m.position
        and step.kind = 'email') as text
    from message m join sequence s on s.id = m.sequence_id join enrollment e on e.id = m.enrollment_id join lead l on l.id = m.lead_id
      join sender x on x.id = m.sender_id where m.id = ${messageId}`.execute(db);
  return rows[0]!;
};
