-- The file of an import, and how far it has been taken in: the same command after a kill goes on from there.

create table import_file (
  refill_id bigint primary key references refill (id) on delete cascade,
  workspace_id bigint not null references workspace (id),
  name text not null,                                       -- without its folder
  size bigint not null,                                     -- bytes
  hash text not null,                                       -- SHA-256 of its contents
  lines_done int not null default 0                         -- every line up to this one is dealt with
);
create index import_file_workspace on import_file (workspace_id, hash);

alter table import_file enable row level security;
alter table import_file force row level security;
create policy own_workspace on import_file to drover_app using (workspace_id = drover_workspace())
  with check (workspace_id = drover_workspace());
grant select, insert, update, delete on import_file to drover_app;
