import { sql } from 'kysely';
import type { Db } from '../../src/db/transaction.ts';

/** What must hold after every step, whatever happened: the rule that is broken, and by what. Written against the tables alone. */
const live = sql`('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`;
const touching = sql`('planned', 'claimed', 'handing', 'sent', 'unknown')`;
const left = sql`('handing', 'sent', 'unknown')`;

/** Rules that hold at every moment, in the middle of a crash too. */
const always = sql`
  with firsts as (
    select m.id, m.lead_id, m.planned_on, m.handing_at, l.company_domain as company from message m join lead l on l.id = m.lead_id
    where m.state in ${left} and l.company_domain is not null and not exists (select from message b
      where b.enrollment_id = m.enrollment_id and b.position < m.position and b.state in ${left}))
  select 'K2' ::text as rule, 'list ' || list_id || ' has two links' as detail from link where ended_at is null group by list_id having count(*) > 1
  union all select 'E1', 'lead ' || lead_id || ' is live twice' from enrollment where state in ${live} group by lead_id having count(*) > 1
  union all select 'K4', 'enrollment ' || e.id || ' names a list that is not its link''s' from enrollment e join link l on l.id = e.link_id
    where l.list_id <> e.list_id or l.sequence_id <> e.sequence_id
  union all select 'E3', 'enrollment ' || id || ' is ' || state || ' and contacted ' || coalesce(contacted_at::text, 'never') || ', ended ' || coalesce(ended_at::text, 'never')
    from enrollment where (state in ${live}) = (ended_at is not null)
      or state = 'active' and contacted_at is null and next_position = 1
      or state in ${live} and (state = 'paused') <> (paused_until is not null or state = 'paused' and reason = 'reply_being_read')
      or state = 'queued' and last_contact_at is not null
      or state in ('withdrawn', 'refused', 'in_review') and contacted_at is not null
  union all select 'E3', 'enrollment ' || e.id || ' is ' || e.state || ' with ' || count(m.id) || ' open tasks' from enrollment e
    left join message m on m.enrollment_id = e.id and m.kind = 'task' and m.state = 'claimed'
    where e.state in ${live} group by e.id having count(m.id) <> case e.state when 'waiting_on_task' then 1 else 0 end
  union all select 'E4', 'enrollment ' || e.id || ' was contacted and never reviewed' from enrollment e join sequence s on s.id = e.sequence_id
    where s.mode = 'copilot' and e.reviewed_at is null and e.state not in ('in_review', 'withdrawn', 'excluded', 'unsubscribed', 'bounced', 'stopped')
  union all select 'E4', 'message ' || m.id || ' of an enrollment in review is ' || m.state from message m join enrollment e on e.id = m.enrollment_id
    where e.state = 'in_review' and m.state in ${touching}
  union all select 'E5', 'lead ' || a.lead_id || ' was contacted by enrollment ' || a.id || ' and enrolled again as ' || b.id
    from enrollment a join enrollment b on b.lead_id = a.lead_id and b.id > a.id
    where a.contacted_at is not null and a.contacted_at <= b.enrolled_at
      and (b.sequence_id = a.sequence_id or b.enrolled_at < coalesce(a.last_contact_at, a.contacted_at) + interval '90 days')
  union all select 'E5', 'lead ' || a.lead_id || ' was refused in sequence ' || a.sequence_id || ' and enrolled again'
    from enrollment a join enrollment b on b.lead_id = a.lead_id and b.id > a.id and b.sequence_id = a.sequence_id
    where a.state in ('refused', 'stopped') and (a.reason is distinct from 'taken_back' or a.contacted_at is not null)
      or a.reason = 'review_expired'
  union all select 'D1', 'message ' || id || ' is ' || state || ' without its times' from message
    where state = 'sent' and (handing_at is null or ended_at is null or mail_id is null and kind = 'email') or state = 'handing' and (handing_at is null or lease_until is null)
      or state = 'claimed' and (lease_until is null) = (kind = 'email') or state = 'planned' and (claimed_at is not null or handing_at is not null)
  union all select 'D1', 'enrollment ' || enrollment_id || ' got step ' || position || ' before the one in front of it' from message m
    where state in ${left} and position > 1 and not exists (select from message b where b.enrollment_id = m.enrollment_id
      and b.position = m.position - 1 and (b.state in ('sent', 'unknown') or b.reason = 'skipped'))
  union all select 'D4', 'enrollment ' || e.id || ' is ' || e.state || ' though reply ' || r.id || ' to it was taken for ' || r.category
    from reply r join enrollment e on e.id = r.enrollment_id
    where e.state in ${live} and (r.kind = 'human' and r.category is not null or r.kind = 'bounce' and r.outcome = 'bounced')
  union all select 'D4', 'enrollment ' || e.id || ' waits for a reply to be read that was' from enrollment e
    where e.state = 'paused' and e.reason = 'reply_being_read'
      and not exists (select from reply r where r.enrollment_id = e.id and r.kind = 'human' and r.category is null)
  union all select 'D4', 'enrollment ' || e.id || ' goes on at once, and reply ' || r.id || ' says that they are away until ' || r.until_on
    from reply r join enrollment e on e.id = r.enrollment_id join sequence s on s.id = e.sequence_id
    where r.category = 'out_of_office' and r.read_at = moment and r.outcome <> 'paused' and e.state in ('active', 'waiting_on_task')
  union all select 'X3', 'lead ' || l.id || ' opted out and is live' from lead l join enrollment e on e.lead_id = l.id and e.state in ${live}
    join exclusion x on x.lifted_at is null and x.opt_out and (x.kind = 'address' and x.value = l.email_key or x.kind = 'linkedin' and x.value = l.linkedin_url)
  union all select 'D4', 'mail ' || mail_id || ' is stored ' || count(*) || ' times' from reply group by sender_id, mail_id having count(*) > 1
  union all select 'D5', name || ' is ' || status || ' because of ' || coalesce(status_code, 'nothing') from sender
    where (status = 'healthy') <> (status_code is null)
  union all select 'S5', 'enrollment ' || enrollment_id || ' is written to by ' || count(distinct sender_id) || ' senders' from message
    where state in ${left} group by enrollment_id having count(distinct sender_id) > 1
  union all select 'S7', 'message ' || m.id || ' is ' || m.state || ' with version ' || m.version || ' while its run has ' || e.version
    from message m join enrollment e on e.id = m.enrollment_id where m.state = 'planned' and m.version <> e.version
  union all select 'S7', 'enrollment ' || e.id || ' has version ' || e.version || ' of ' || s.version from enrollment e
    join sequence s on s.id = e.sequence_id where e.version > s.version
  union all select 'S10', company || ' got ' || count(distinct lead_id) || ' first messages on ' || planned_on from firsts, workspace w
    group by company, planned_on, w.company_firsts_per_day having count(distinct lead_id) > w.company_firsts_per_day
  union all select 'S10', 'message ' || f.id || ' is the first to its lead, at ' || f.handing_at || ', and a colleague had replied at ' || r.ended_at
    from firsts f, workspace w, enrollment r join lead l on l.id = r.lead_id
    where r.state = 'replied' and l.company_domain = f.company and r.ended_at < f.handing_at
      and f.handing_at < r.ended_at + w.company_reply_pause_days * interval '24 hours'
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

/** Rules that hold once no job waits: the background work has had its say. What a process that died left undone is done at the day's start. */
const quiet = sql`
  select 'K4' ::text as rule, 'enrollment ' || e.id || ' is uncontacted and held by a link that has ended' as detail from enrollment e join link l on l.id = e.link_id
    where l.ended_at is not null and e.state in ${live} and e.contacted_at is null
      and not exists (select from message m where m.enrollment_id = e.id and m.state in ${left})
  union all select 'L7', 'enrollment ' || e.id || ' is uncontacted and its lead is off the list' from enrollment e
    join membership m on m.list_id = e.list_id and m.lead_id = e.lead_id
    where m.removed_at is not null and e.state in ${live} and e.contacted_at is null
      and not exists (select from message m where m.enrollment_id = e.id and m.state in ${left})
  union all select 'E3', 'enrollment ' || e.id || ' is paused until ' || e.paused_until from enrollment e join sequence s on s.id = e.sequence_id
    where e.state = 'paused' and s.status in ('active', 'finishing') and e.paused_until <= (moment at time zone s.zone)::date
  union all select 'K5', 'lead ' || m.lead_id || ' of list ' || m.list_id || ' is neither enrolled nor skipped' from membership m
    join link l on l.list_id = m.list_id and l.ended_at is null join sequence s on s.id = l.sequence_id and s.status = 'active'
    where m.removed_at is null and not exists (select from enrollment e where e.lead_id = m.lead_id
        and not (e.state = 'withdrawn' and e.contacted_at is null and e.reason <> 'review_expired'))
      and not exists (select from skip k where k.link_id = l.id and k.lead_id = m.lead_id)
  union all select 'S1', 'message ' || m.id || ' is planned while its sequence is ' || s.status from message m join sequence s on s.id = m.sequence_id
    where m.state = 'planned' and s.status not in ('active', 'finishing')
  union all select 'S1', s.name || ' is finishing and nobody is in it' from sequence s
    where s.status = 'finishing' and not exists (select from enrollment e where e.sequence_id = s.id and e.state in ${live})
      and (died_at at time zone s.zone)::date is distinct from (moment at time zone s.zone)::date
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
    where m.state in ${touching} and m.version = b.version and m.planned_on < b.planned_on + step.delay_days
  union all select 'S5', x.name || ' has ' || count(*) || ' messages on ' || m.planned_on || ', its limit is ' || x.daily_limit
    from message m join sender x on x.id = m.sender_id where m.state in ${touching} group by x.id, x.name, x.daily_limit, m.planned_on
    having count(*) > x.daily_limit and count(*) filter (where m.state = 'planned') > 0
  union all select 'D4', 'reply ' || id || ' waits for nobody' from reply where kind = 'human' and category is null
  union all select 'D5', 'message ' || m.id || ' is planned for a sender that is ' || x.status from message m join sender x on x.id = m.sender_id
    where m.state = 'planned' and x.status <> 'healthy'
  union all select 'S5', 'messages ' || a.id || ' and ' || b.id || ' of one sender are planned less than its gap apart'
    from message a join message b on b.sender_id = a.sender_id and b.id <> a.id and b.planned_at >= a.planned_at join sender x on x.id = a.sender_id
    where a.state = 'planned' and b.state = 'planned' and b.planned_at < a.planned_at + x.min_gap_minutes * interval '1 minute'
      and a.planned_at > moment
  union all select 'M3', 'list ' || list_id || ' was due at ' || next_due_at from monitoring where next_due_at <= moment
  union all select 'M2', 'refill ' || id || ' is ' || status from refill where status in ('queued', 'running')`;

/**
 * What only people change, by its name and as it stands: orders and caps (M6), links (M5), modes (E4), who was taken off (M4), versions
 * (S7), a sender's limit (S5), that one has stopped (D5); and what nobody does: opt-outs (X3), and whom people hear from (S5).
 */
const facts = sql`
  select 'order of ' || l.name, coalesce(m.cadence || ' ' || m.amount, 'off') from list l left join monitoring m on m.list_id = l.id
  union all select 'link of ' || l.name, coalesce(s.name, 'none') from list l left join link k on k.list_id = l.id and k.ended_at is null
    left join sequence s on s.id = k.sequence_id
  union all select 'cap of ' || name, daily_cap::text from sequence
  union all select 'mode of ' || name, mode from sequence
  union all select 'membership of ' || list_id || ':' || lead_id, 'removed' from membership where removed_at is not null
  union all select 'version of ' || id, version::text from enrollment
  union all select 'limit of ' || name, daily_limit || ', every ' || min_gap_minutes from sender
  union all select 'stop of ' || name, 'stands' from sender where status = 'paused' or status = 'failing' and status_code not in ('unreachable', 'mailbox_unreachable')
  union all select 'opt-out of ' || kind || ' ' || value, 'stands' from exclusion where opt_out and lifted_at is null
  union all select 'sender of ' || e.id, e.sender_id::text from enrollment e
    where exists (select from message m where m.enrollment_id = e.id and m.kind = 'email' and m.state in ('sent', 'unknown'))`;

/** As a function of the database, so that it is planned once and not at every step. */
export const prepare = (db: Db) =>
  sql`create or replace function model.look(moment timestamptz, is_tick_due boolean, died_at timestamptz) returns table (kind text, name text, detail text)
  language plpgsql as $look$
  #variable_conflict use_column
  begin
    return query select 'breach', * from (${always}) as each;
    if not is_tick_due and not exists (select from model.job) then return query select 'breach', * from (${quiet}) as each; end if;
    return query select 'fact', * from (${facts}) as each;
  end $look$`.execute(db);

/** Everything that is broken at a moment, and what is to be remembered, in one call. */
export const look = async (
  db: Db,
  now: Temporal.Instant,
  { isTickDue, diedAt }: { isTickDue: boolean; diedAt: Temporal.Instant | null },
): Promise<{ breaches: string[]; facts: Map<string, string> }> => {
  const { rows } = await sql<{ kind: string; name: string; detail: string }>`
    select kind, name, detail from model.look(${now}, ${isTickDue}, ${diedAt}::timestamptz)`.execute(db);
  return {
    breaches: rows.filter(row => row.kind === 'breach').map(row => `${row.name}: ${row.detail}`),
    facts: new Map(rows.filter(row => row.kind === 'fact').map(row => [row.name, row.detail])),
  };
};
