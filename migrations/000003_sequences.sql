-- Manual tasks, company pacing and what they count by (S3, S10, D1).

-- A step may be a task for the sequence's owner: a title, and its body as the instruction.
alter table step drop constraint step_kind_check;
alter table step add column title text;
alter table step add constraint step_kind_check check (kind in ('email', 'task') and (kind = 'task') = (title is not null));

-- A task's row of the ledger (D1: one row per enrollment and step): planned → claimed (open, with the owner; people have no lease) →
-- sent (done: it counts as contact) or failed with the reason `skipped`. It leaves from no sender. Title and instruction as the owner
-- got them are in subject and body, the owner's note in detail.
alter table message add column kind text not null default 'email' check (kind in ('email', 'task'));
alter table message alter column sender_id drop not null;
alter table message add constraint message_sender_check check ((kind = 'email') = (sender_id is not null));
create index message_tasks on message (workspace_id, planned_at) where kind = 'task' and state in ('planned', 'claimed');

-- Of a first contact: the lead's company domain at planning, by which a day's first contacts are counted (S10).
alter table message add column company text;
create index message_company_day on message (workspace_id, planned_on, company) where first_contact and company is not null;

alter table workspace add column company_firsts_per_day int not null default 2 check (company_firsts_per_day between 1 and 100);
alter table workspace add column company_reply_pause_days int not null default 14 check (company_reply_pause_days between 0 and 90);

create index enrollment_replied on enrollment (workspace_id, ended_at) where state = 'replied';
create index enrollment_paused on enrollment (workspace_id, sequence_id, paused_until) where state = 'paused';
