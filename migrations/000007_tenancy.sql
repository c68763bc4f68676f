-- Every table of a workspace is found by its workspace without reading others' rows, ended and decided ones included (T1).

create index lead_workspace on lead (workspace_id, id);
create index link_workspace on link (workspace_id, list_id);
create index approval_workspace on approval (workspace_id, id);
create index exclusion_workspace on exclusion (workspace_id, id);
