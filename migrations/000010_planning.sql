-- Sequences that begin their day together are planned together (E2).

-- Its day has begun and is still to be planned; the job that plans clears it.
alter table sequence add column awaits_plan boolean not null default false;

-- In the very order in which due people are taken: with thousands overdue a day's plan reads a cap's worth of them and sorts nothing.
drop index enrollment_due;
create index enrollment_due on enrollment (sequence_id, sender_id, next_due_on, last_contact_at, id)
  where state = 'active' and held_reason is null;
