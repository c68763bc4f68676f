-- Undo (A6): how things were before a call. Kept beside the trail, which is append-only.

create table undo_entry (
  activity_id bigint primary key references activity (id),
  workspace_id bigint not null references workspace (id),
  member_id bigint not null references member (id),
  tool text not null,
  title text not null,                                      -- what it said it did
  effect text not null,
  objects text[] not null,                                  -- what it changed; its activity also names what that concerned
  before jsonb,
  result jsonb,
  at timestamptz not null,
  undone_at timestamptz
);
create index undo_entry_member on undo_entry (workspace_id, member_id, activity_id);

alter table undo_entry enable row level security;
alter table undo_entry force row level security;
create policy own_workspace on undo_entry to drover_app using (workspace_id = drover_workspace())
  with check (workspace_id = drover_workspace());
grant select, insert, update, delete on undo_entry to drover_app;

create index activity_objects on activity using gin (objects);

-- An order that was taken back, and what a short one says would find more (M8).
alter table refill drop constraint refill_ended_check;
alter table refill add constraint refill_ended_check
  check (ended in ('filled', 'exhausted', 'budget', 'list_archived', 'cancelled'));
alter table refill add column widen jsonb;
