-- Opt-outs are counted where they came from, whatever state their run was in by then.

alter table enrollment add column opted_out_at timestamptz;  -- its lead opted out by it: the link in a message of it, or an answer to one
alter table enrollment add column opted_out_of bigint references message (id) on delete set null; -- that message, where it is known
create index enrollment_opted_out on enrollment (workspace_id, opted_out_at) where opted_out_at is not null;
create index enrollment_opted_out_of on enrollment (opted_out_of) where opted_out_of is not null;

alter table reply add column remind_on date;                 -- its owner wants to hear of it again then

-- What is known of those before. Forced policies would hide the rows.
alter table enrollment no force row level security;
alter table message no force row level security;
alter table reply no force row level security;
alter table activity no force row level security;
with event as (
  select r.lead_id, r.enrollment_id, r.message_id, coalesce(r.corrected_at, r.read_at) as at
    from reply r where r.outcome = 'unsubscribed' and r.enrollment_id is not null
  union all
  select m.lead_id, m.enrollment_id, m.id, a.at
    from activity a join message m on m.id = (a.detail->>'message')::bigint where a.action = 'opt_out'
  union all
  select lead_id, id, null, ended_at from enrollment where state = 'unsubscribed')
update enrollment e set opted_out_at = earliest.at, opted_out_of = earliest.message_id
from (select distinct on (lead_id) enrollment_id, message_id, at from event
  order by lead_id, at, message_id nulls last) earliest
where e.id = earliest.enrollment_id;
alter table enrollment force row level security;
alter table message force row level security;
alter table reply force row level security;
alter table activity force row level security;
