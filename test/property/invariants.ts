import { sql } from 'kysely';
import type { Db } from '../../src/db/transaction.ts';

/** What must hold after every step, whatever happened: the rule that is broken, and by what. Written against the tables alone. */
export interface Breach {
  rule: string;
  detail: string;
}

const live = sql`('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`;
const touching = sql`('planned', 'claimed', 'handing', 'sent', 'unknown')`;
const left = sql`('handing', 'sent', 'unknown')`;

/** Rules that hold at every moment, in the middle of a crash too. */
const always = sql`
  select 'K2' ::text as rule, 'list ' || list_id || ' has two links' as detail from link where ended_at is null group by list_id having count(*) > 1
  union all select 'E1', 'lead ' || lead_id || ' is live twice' from enrollment where state in ${live} group by lead_id having count(*) > 1
  union all select 'K4', 'enrollment ' || e.id || ' names a list that is not its link''s' from enrollment e join link l on l.id = e.link_id
    where l.list_id <> e.list_id or l.sequence_id <> e.sequence_id
  union all select 'E3', 'enrollment ' || id || ' is ' || state || ' and contacted ' || coalesce(contacted_at::text, 'never') || ', ended ' || coalesce(ended_at::text, 'never')
    from enrollment where (state in ${live}) = (ended_at is not null)
      or state = 'active' and contacted_at is null
      or state = 'queued' and last_contact_at is not null
      or state in ('withdrawn', 'refused', 'in_review') and contacted_at is not null
  union all select 'E4', 'enrollment ' || e.id || ' was contacted and never reviewed' from enrollment e join sequence s on s.id = e.sequence_id
    where s.mode = 'copilot' and e.reviewed_at is null and e.state not in ('in_review', 'withdrawn', 'excluded', 'stopped')
  union all select 'E4', 'message ' || m.id || ' of an enrollment in review is ' || m.state from message m join enrollment e on e.id = m.enrollment_id
    where e.state = 'in_review' and m.state in ${touching}
  union all select 'E5', 'lead ' || a.lead_id || ' was contacted by enrollment ' || a.id || ' and enrolled again as ' || b.id
    from enrollment a join enrollment b on b.lead_id = a.lead_id and b.id > a.id
    where a.contacted_at is not null and a.contacted_at <= b.enrolled_at
      and (b.sequence_id = a.sequence_id or b.enrolled_at < coalesce(a.last_contact_at, a.contacted_at) + interval '90 days')
  union all select 'E5', 'lead ' || a.lead_id || ' was refused in sequence ' || a.sequence_id || ' and enrolled again'
    from enrollment a join enrollment b on b.lead_id = a.lead_id and b.id > a.id and b.sequence_id = a.sequence_id
    where a.state in ('refused', 'stopped') or a.reason = 'review_expired'
  union all select 'D1', 'message ' || id || ' is ' || state || ' without its times' from message
    where state = 'sent' and (handing_at is null or ended_at is null or mail_id is null) or state = 'handing' and (handing_at is null or lease_until is null)
      or state = 'claimed' and lease_until is null or state = 'planned' and (claimed_at is not null or handing_at is not null)
  union all select 'D1', 'enrollment ' || enrollment_id || ' got step ' || position || ' before the one in front of it' from message m
    where state in ${left} and position > 1 and not exists (select from message b where b.enrollment_id = m.enrollment_id
      and b.position = m.position - 1 and b.state in ('sent', 'unknown'))
  union all select 'S5', 'enrollment ' || enrollment_id || ' is written to by ' || count(distinct sender_id) || ' senders' from message
    where state in ${left} group by enrollment_id having count(distinct sender_id) > 1
  union all select 'M2', 'refill ' || r.id || ' says it added ' || r.added || ' and has ' || count(m.lead_id) || ' members' from refill r
    left join membership m on m.refill_id = r.id group by r.id having count(m.lead_id) <> r.added
  union all select 'L5', 'the receipt of refill ' || id || ' does not add up' from refill
    where found <> added + (select coalesce(sum(value::int), 0) from jsonb_each_text(skipped)) or added > asked
  union all select 'M3', 'refill ' || r.id || ' of ' || r.period || ' was ordered at ' || r.ordered_at from refill r, workspace w
    where r.period ~ '^\d{4}-\d\d-\d\d$' and not ((r.period::date + time '06:00') at time zone w.zone <= r.ordered_at
      and r.ordered_at < (r.period::date + 8 + time '06:00') at time zone w.zone)
  union all select 'M3', 'list ' || list_id || ' was refilled twice on ' || on_day from (
      select r.list_id, (r.ordered_at at time zone w.zone - interval '6 hours')::date as on_day from refill r, workspace w where r.kind = 'monitoring') each
    group by list_id, on_day having count(*) > 1`;

/** Rules that hold once no job waits: the background work has had its say. */
const quiet = sql`
  select 'K4' ::text as rule, 'enrollment ' || e.id || ' is uncontacted and held by a link that has ended' as detail from enrollment e join link l on l.id = e.link_id
    where l.ended_at is not null and e.state in ${live} and e.contacted_at is null
      and not exists (select from message m where m.enrollment_id = e.id and m.state in ${left})
  union all select 'K5', 'lead ' || m.lead_id || ' of list ' || m.list_id || ' is neither enrolled nor skipped' from membership m
    join link l on l.list_id = m.list_id and l.ended_at is null join sequence s on s.id = l.sequence_id and s.status = 'active'
    where m.removed_at is null and not exists (select from enrollment e where e.lead_id = m.lead_id
        and not (e.state = 'withdrawn' and e.contacted_at is null and e.reason <> 'review_expired'))
      and not exists (select from skip k where k.link_id = l.id and k.lead_id = m.lead_id)
  union all select 'S1', 'message ' || m.id || ' is planned while its sequence is ' || s.status from message m join sequence s on s.id = m.sequence_id
    where m.state = 'planned' and s.status not in ('active', 'finishing')
  union all select 'S1', s.name || ' is finishing and nobody is in it' from sequence s
    where s.status = 'finishing' and not exists (select from enrollment e where e.sequence_id = s.id and e.state in ${live})
  union all select 'S1', s.name || ' is finishing and linked' from sequence s join link l on l.sequence_id = s.id and l.ended_at is null where s.status = 'finishing'
  union all select 'X2', 'message ' || m.id || ' is planned for an enrollment that is ' || e.state from message m join enrollment e on e.id = m.enrollment_id
    where m.state = 'planned' and e.state not in ('queued', 'active')
  union all select 'X2', 'lead ' || l.id || ' is excluded and live' from lead l join enrollment e on e.lead_id = l.id and e.state in ${live}
    join exclusion x on x.lifted_at is null and x.until_on is null
      and (x.kind = 'address' and x.value = l.email_key or x.kind = 'domain' and x.value = l.company_domain)
  union all select 'S3', s.name || ' touches ' || count(distinct m.lead_id) || ' leads on ' || m.planned_on || ', its cap is ' || s.daily_cap
    from message m join sequence s on s.id = m.sequence_id where m.state in ${touching}
    group by s.id, s.name, s.daily_cap, m.planned_on
    having count(distinct m.lead_id) > s.daily_cap and count(*) filter (where m.state = 'planned') > 0
  union all select 'S4', 'message ' || m.id || ' is planned for ' || (m.planned_at at time zone s.zone) || ' on ' || m.planned_on || ', outside the window'
    from message m join sequence s on s.id = m.sequence_id where m.state = 'planned' and m.planned_at > moment
      and not ((m.planned_at at time zone s.zone)::date = m.planned_on and (m.planned_at at time zone s.zone)::time >= s.send_from
        and (m.planned_at at time zone s.zone)::time < s.send_until and extract(isodow from m.planned_on)::int = any(s.send_days))
  union all select 'S4', 'step ' || m.position || ' of enrollment ' || m.enrollment_id || ' comes too early, on ' || m.planned_on
    from message m join message b on b.enrollment_id = m.enrollment_id and b.position = m.position - 1 and b.state = 'sent'
    join step on step.sequence_id = m.sequence_id and step.version = m.version and step.position = m.position
    where m.state in ${touching} and m.planned_on < b.planned_on + step.delay_days
  union all select 'S5', x.name || ' has ' || count(*) || ' messages on ' || m.planned_on || ', its limit is ' || x.daily_limit
    from message m join sender x on x.id = m.sender_id where m.state in ${touching} group by x.id, x.name, x.daily_limit, m.planned_on
    having count(*) > x.daily_limit
  union all select 'S5', 'messages ' || a.id || ' and ' || b.id || ' of one sender are planned less than its gap apart'
    from message a join message b on b.sender_id = a.sender_id and b.id <> a.id and b.planned_at >= a.planned_at join sender x on x.id = a.sender_id
    where a.state = 'planned' and b.state = 'planned' and b.planned_at < a.planned_at + x.min_gap_minutes * interval '1 minute'
      and a.planned_at > moment
  union all select 'M3', 'list ' || list_id || ' was due at ' || next_due_at from monitoring where next_due_at <= moment
  union all select 'M2', 'refill ' || id || ' is ' || status from refill where status in ('queued', 'running')`;

/** As a function of the database, so that it is planned once and not at every step. */
export const prepare = (db: Db) =>
  sql`create or replace function model.breaches(moment timestamptz, is_quiet boolean) returns table (rule text, detail text) language plpgsql as $breaches$
  #variable_conflict use_column
  begin
    return query ${always};
    if is_quiet then return query ${quiet}; end if;
  end $breaches$`.execute(db);

export const breaches = async (db: Db, now: Temporal.Instant, isQuiet: boolean): Promise<Breach[]> =>
  (await sql<Breach>`select * from model.breaches(${now}, ${isQuiet})`.execute(db)).rows;
