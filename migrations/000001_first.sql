-- The whole of Drover's schema, first edition. Every table with a workspace_id is under forced row-level security for the role
-- drover_app; drover_system reads, and only reads, what must be found across workspaces (T1). Times come from Drover's clock,
-- never from now().

-- Workspace and people (W) -------------------------------------------------------------------------------------------

create table workspace (
  id bigint generated always as identity primary key,
  slack_team_id text not null unique,
  name text not null,
  bot_user_id text,
  zone text not null default 'UTC',
  postal_address text,
  send_days int[] not null default '{1,2,3,4,5}',          -- ISO weekdays
  send_from time not null default '09:00',
  send_until time not null default '17:00',
  digest_channel text,
  cooling_down_days int not null default 90 check (cooling_down_days between 30 and 365),
  created_at timestamptz not null
);

create table member (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  slack_user_id text not null,
  name text not null,
  role text not null check (role in ('admin', 'rep')),
  deactivated_at timestamptz,
  created_at timestamptz not null,
  unique (workspace_id, slack_user_id)
);

-- Leads and lists (L) ------------------------------------------------------------------------------------------------

create table lead (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  full_name text not null,
  first_name text,
  last_name text,
  email text,                                               -- as it was given
  email_key text,                                           -- normalised: what makes two addresses one (L3)
  email_status text not null default 'unknown' check (email_status in ('unknown', 'valid', 'invalid', 'bounced')),
  linkedin_url text,                                        -- normalised
  title text,
  seniority text,
  function text,
  company text,
  company_domain text,
  industry text,
  headcount int,
  person_location text,
  company_location text,
  technologies text[] not null default '{}',
  fields jsonb not null default '{}',                       -- further columns of a file, for templates
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index lead_email_key on lead (workspace_id, email_key) where email_key is not null;
create unique index lead_linkedin_key on lead (workspace_id, linkedin_url) where linkedin_url is not null;
create index lead_company_domain on lead (workspace_id, company_domain) where company_domain is not null;

create table lead_record (                                  -- the source's own record ids of a lead (L3)
  workspace_id bigint not null references workspace (id),
  source text not null,
  record_id text not null,
  lead_id bigint not null references lead (id) on delete cascade,
  primary key (workspace_id, source, record_id)
);
create index lead_record_lead on lead_record (workspace_id, lead_id);

create table list (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  owner_id bigint not null references member (id),
  name text not null check (btrim(name) <> ''),
  source text not null,                                     -- 'directory', 'csv', …
  criteria jsonb,                                           -- null: a bare file
  requires_email boolean not null default true,
  source_cursor text,                                       -- where the next refill goes on
  created_at timestamptz not null,
  archived_at timestamptz
);
create unique index list_name_key on list (workspace_id, lower(name));

create table monitoring (                                   -- a list's standing order (M1); no row: off
  list_id bigint primary key references list (id) on delete cascade,
  workspace_id bigint not null references workspace (id),
  cadence text not null check (cadence in ('daily', 'weekdays', 'weekly')),
  amount int not null check (amount between 1 and 1000),
  weekday int check (weekday between 1 and 7),
  next_due_at timestamptz not null,
  next_period text not null,
  changed_at timestamptz not null,
  changed_by bigint references member (id),
  check ((cadence = 'weekly') = (weekday is not null))
);
create index monitoring_workspace on monitoring (workspace_id);
create index monitoring_due on monitoring (next_due_at);

create table refill (                                       -- one order carried out; the row is its receipt (L5)
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  list_id bigint not null references list (id) on delete cascade,
  kind text not null check (kind in ('monitoring', 'order', 'import')),
  period text,                                              -- '2026-11-22' or '2026-W47'; only monitoring has one
  status text not null default 'queued' check (status in ('queued', 'running', 'done', 'failed')),
  asked int not null check (asked > 0),
  found int not null default 0,
  added int not null default 0,
  skipped jsonb not null default '{}',                      -- reason → count
  ended text check (ended in ('filled', 'exhausted', 'budget', 'list_archived')),
  enrolled int not null default 0,
  not_enrolled jsonb not null default '{}',                 -- reason → count
  criteria jsonb,                                           -- as they were when it was ordered
  progress jsonb,                                           -- how far it has read in its source; a crash resumes here
  ordered_by bigint references member (id),
  ordered_at timestamptz not null,
  finished_at timestamptz,
  error text
);
create unique index refill_period_key on refill (list_id, period) where period is not null;
create index refill_workspace on refill (workspace_id, list_id, ordered_at);

create table membership (                                   -- a lead on a list; stays as a record when removed (M4)
  list_id bigint not null references list (id) on delete cascade,
  lead_id bigint not null references lead (id) on delete cascade,
  workspace_id bigint not null references workspace (id),
  source text not null,
  record_id text,
  refill_id bigint references refill (id),
  added_at timestamptz not null,
  removed_at timestamptz,
  primary key (list_id, lead_id)
);
create index membership_workspace on membership (workspace_id, lead_id);

-- Sequences (S) ------------------------------------------------------------------------------------------------------

create table sender (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  owner_id bigint not null references member (id),
  name text not null,
  address text not null,
  transport text not null check (transport in ('outbox')),
  daily_limit int not null default 30 check (daily_limit > 0),
  min_gap_minutes int not null default 5 check (min_gap_minutes >= 0),
  ramp_start int,                                           -- first day's limit; null: no ramp
  ramp_step int,
  status text not null default 'healthy' check (status in ('healthy', 'resting', 'paused', 'failing')),
  status_reason text,
  rests_until date,                                         -- over its quota through this local day; null unless resting
  started_on date,
  created_at timestamptz not null
);
create unique index sender_address_key on sender (workspace_id, lower(address));

create table sequence (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  owner_id bigint not null references member (id),
  name text not null check (btrim(name) <> ''),
  status text not null default 'setup' check (status in ('setup', 'active', 'finishing', 'inactive', 'archived')),
  mode text not null default 'copilot' check (mode in ('copilot', 'autopilot')),
  daily_cap int not null default 20 check (daily_cap between 1 and 10000),
  zone text not null,
  send_days int[] not null,
  send_from time not null,
  send_until time not null,
  opt_out_line text not null default 'If this is not for you, tell me and I will not write again.',
  holidays jsonb not null default '{"country": null, "dates": []}',
  version int not null default 1,
  next_day_at timestamptz,                                  -- when the next local day starts; null unless active or finishing
  paused_at timestamptz,
  created_at timestamptz not null
);
create unique index sequence_name_key on sequence (workspace_id, lower(name));
create index sequence_due on sequence (next_day_at) where next_day_at is not null;

create table step (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  sequence_id bigint not null references sequence (id) on delete cascade,
  version int not null,
  position int not null check (position > 0),
  kind text not null default 'email' check (kind in ('email')),
  delay_days int not null check (delay_days >= 0),          -- calendar days after the step before it (S4)
  subject text,
  body text not null,
  new_thread boolean not null default false,
  unique (sequence_id, version, position)
);
create index step_workspace on step (workspace_id);

create table sequence_sender (
  sequence_id bigint not null references sequence (id) on delete cascade,
  sender_id bigint not null references sender (id),
  workspace_id bigint not null references workspace (id),
  primary key (sequence_id, sender_id)
);
create index sequence_sender_workspace on sequence_sender (workspace_id, sender_id);

-- Links and enrollments (K, E) ---------------------------------------------------------------------------------------

create table link (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  list_id bigint not null references list (id) on delete cascade,
  sequence_id bigint not null references sequence (id),
  linked_by bigint references member (id),
  linked_at timestamptz not null,
  enrolled_through_at timestamptz,                          -- when the background enrolment last reached the end (K5)
  ended_at timestamptz,
  ended_reason text
);
create unique index link_one_per_list on link (list_id) where ended_at is null;
create index link_sequence on link (workspace_id, sequence_id) where ended_at is null;

create table enrollment (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  sequence_id bigint not null references sequence (id),
  lead_id bigint not null references lead (id) on delete cascade,
  link_id bigint references link (id),                      -- the link that holds it now (K4); null: enrolled by hand
  list_id bigint references list (id),
  version int not null,
  sender_id bigint references sender (id),                  -- set with the first planned message, then kept (S5)
  state text not null check (state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task', 'completed', 'replied',
    'failed', 'refused', 'withdrawn', 'bounced', 'unsubscribed', 'excluded', 'stopped')),
  reason text,                                              -- of a terminal state or a pause
  held_reason text,                                         -- a held message keeps it out of the queue (S3)
  next_position int not null default 1,
  next_due_on date,                                         -- local date in the sequence's zone; null before the first contact
  contacted_at timestamptz,                                 -- first contact
  last_contact_at timestamptz,
  enrolled_at timestamptz not null,
  reviewed_at timestamptz,
  reviewed_by bigint references member (id),
  paused_until date,
  ended_at timestamptz
);
create unique index enrollment_one_live on enrollment (workspace_id, lead_id)
  where state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task');
create index enrollment_queue on enrollment (sequence_id, list_id, enrolled_at, id) where state = 'queued' and held_reason is null;
create index enrollment_due on enrollment (sequence_id, sender_id, next_due_on, last_contact_at)
  where state = 'active' and held_reason is null;
create index enrollment_state on enrollment (workspace_id, sequence_id, state);
create index enrollment_lead on enrollment (workspace_id, lead_id);
create index enrollment_link on enrollment (link_id) where link_id is not null;

create function guard_enrollment() returns trigger language plpgsql as $$ -- E3; enrollments/rules.ts holds the same table
begin
  if new.state in ('bounced', 'unsubscribed', 'excluded', 'stopped')
      and old.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')
    or (case old.state
      when 'in_review' then new.state in ('queued', 'refused', 'withdrawn')
      when 'queued' then new.state in ('active', 'waiting_on_task', 'paused', 'withdrawn')
      when 'active' then new.state in ('paused', 'waiting_on_task', 'completed', 'replied', 'failed')
      when 'paused' then new.state in ('active', 'waiting_on_task', 'completed', 'replied', 'failed')
        or new.state = 'queued' and new.contacted_at is null
      when 'waiting_on_task' then new.state in ('active', 'paused', 'completed', 'replied', 'failed')
      else false end)
  then return new; end if;
  raise exception 'an enrollment may not go from % to %', old.state, new.state using errcode = 'DR003';
end $$;
create trigger enrollment_transition before update of state on enrollment
  for each row when (old.state is distinct from new.state) execute function guard_enrollment();

create table skip (                                         -- why a member of a linked list is not enrolled (E5)
  link_id bigint not null references link (id) on delete cascade,
  lead_id bigint not null references lead (id) on delete cascade,
  workspace_id bigint not null references workspace (id),
  reason text not null check (reason in ('in_other_sequence', 'already_enrolled', 'cooling_down', 'replied_before',
    'bad_address', 'excluded', 'no_email')),
  held_by bigint references enrollment (id) on delete set null,
  retry boolean not null,                                   -- tried again daily
  skipped_at timestamptz not null,
  primary key (link_id, lead_id)
);
create index skip_workspace on skip (workspace_id, reason);

-- The send ledger (D) ------------------------------------------------------------------------------------------------

create table message (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  enrollment_id bigint not null references enrollment (id) on delete cascade,
  sequence_id bigint not null references sequence (id),
  lead_id bigint not null references lead (id) on delete cascade,
  sender_id bigint not null references sender (id),
  version int not null,
  position int not null,
  first_contact boolean not null,
  state text not null check (state in ('planned', 'claimed', 'handing', 'sent', 'held', 'failed', 'unknown')),
  reason text,                                              -- a stable code (D3)
  detail text,                                              -- what it is about: the empty variable, the mail server's words
  planned_on date not null,                                 -- the local day it counts on (S3)
  planned_at timestamptz not null,
  claimed_at timestamptz,
  lease_until timestamptz,
  handing_at timestamptz,
  ended_at timestamptz,
  attempts int not null default 0,
  subject text,
  body text,
  mail_id text,                                             -- Message-ID, chosen before the hand-over
  unique (enrollment_id, position)                          -- D1
);
create index message_due on message (planned_at) where state = 'planned';
create index message_open on message (workspace_id, state, lease_until) where state in ('claimed', 'handing', 'unknown');
create index message_day on message (sequence_id, planned_on);
create index message_sender_day on message (sender_id, planned_on);
create index message_workspace on message (workspace_id, sequence_id, ended_at);
create index message_lead on message (workspace_id, lead_id);

create table outbox_mail (                                  -- what the outbox transport was handed
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  message_id bigint references message (id) on delete cascade,
  mail_id text not null,
  sender_address text not null,
  recipient_name text,
  recipient_address text not null,
  subject text not null,
  body text not null,
  headers jsonb not null default '{}',
  handed_at timestamptz not null
);
create unique index outbox_mail_id_key on outbox_mail (workspace_id, mail_id);

-- Exclusions (X) -----------------------------------------------------------------------------------------------------

create table exclusion (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  kind text not null check (kind in ('address', 'linkedin', 'domain')),
  value text not null,                                      -- normalised like lead.email_key, linkedin_url, company_domain
  reason text not null,
  opt_out boolean not null default false,
  until_on date,
  created_by bigint references member (id),
  created_at timestamptz not null,
  lifted_at timestamptz
);
create unique index exclusion_value_key on exclusion (workspace_id, kind, value) where lifted_at is null;

-- The agent (A) ------------------------------------------------------------------------------------------------------

create table thread (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  surface text not null check (surface in ('slack', 'cli')),
  channel text not null,
  root text not null,                                       -- thread_ts ?? ts
  awaiting text,                                            -- slack user last asked or answered (C3); null: listens to nobody
  focus jsonb not null default '{}',                        -- what 'it' and 'that list' mean
  created_at timestamptz not null,
  unique (workspace_id, surface, channel, root)
);

create table turn (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  thread_id bigint not null references thread (id),
  member_id bigint not null references member (id),
  inbox_id bigint not null,
  prompt text not null,
  status text not null check (status in ('running', 'done', 'stopped', 'failed')),
  answer text,
  model text,
  input_tokens int not null default 0,
  output_tokens int not null default 0,
  model_calls int not null default 0,
  error_code text,
  started_at timestamptz not null,
  ended_at timestamptz,
  unique (workspace_id, inbox_id)
);
create index turn_thread on turn (workspace_id, thread_id, id);

create table tool_call (                                    -- A8: stored in the transaction of its write
  turn_id bigint not null references turn (id) on delete cascade,
  ordinal int not null,
  workspace_id bigint not null references workspace (id),
  call_id text not null,
  tool text not null,
  input jsonb not null,
  effect text,
  outcome text not null,
  result jsonb not null,
  at timestamptz not null,
  primary key (turn_id, ordinal)
);
create index tool_call_workspace on tool_call (workspace_id);

create table approval (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  tool text not null,
  input jsonb not null,
  summary text not null,
  card jsonb not null,                                      -- what it shows: a Report
  fingerprint text not null,                                -- action, arguments, ids, statuses (A2)
  reach int not null,
  objects text[] not null,
  status text not null check (status in ('pending', 'approved', 'cancelled', 'superseded')),
  requested_by bigint not null references member (id),
  turn_id bigint references turn (id),
  surface text not null check (surface in ('slack', 'cli')),
  channel text,
  root text,
  post_key text,
  superseded_by bigint references approval (id),
  decided_by bigint references member (id),
  decided_at timestamptz,
  requested_at timestamptz not null,
  expires_at timestamptz not null
);
create index approval_pending on approval (workspace_id, requested_at) where status = 'pending';

create table activity (                                     -- A5: the trail, append-only
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  at timestamptz not null,
  member_id bigint references member (id),                  -- null: Drover itself
  action text not null,
  effect text,
  outcome text not null,
  objects text[] not null default '{}',
  detail jsonb not null default '{}',
  turn_id bigint references turn (id),
  ordinal int,
  approval_id bigint references approval (id)
);
create index activity_workspace on activity (workspace_id, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'activity is append-only' using errcode = 'DR001';
end $$;
create trigger activity_append_only before update or delete on activity for each row execute function refuse_change();

-- Slack (C) and digests (G) ------------------------------------------------------------------------------------------

create table inbox (                                        -- every request, once (C1); belongs to db/system, not to a workspace
  id bigint generated always as identity primary key,
  request_key text not null unique,                         -- team, channel, ts, user; or team and trigger_id/action_ts
  kind text not null check (kind in ('event', 'command', 'interaction', 'cli')),
  team_id text not null,
  thread text,                                              -- the queue key of its turn (C2); null: it has no turn
  body jsonb not null,
  received_at timestamptz not null,
  handled_at timestamptz
);

create table slack_post (                                   -- what Drover writes to Slack, in order per channel
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  post_key text not null,                                   -- the same key is posted once
  channel text not null,
  thread_ts text,
  method text not null check (method in ('chat.postMessage', 'chat.update', 'chat.postEphemeral', 'response_url')),
  payload jsonb not null,
  state text not null default 'waiting' check (state in ('waiting', 'handing', 'posted', 'failed')),
  ts text,                                                  -- of the message in Slack
  attempts int not null default 0,
  error text,
  created_at timestamptz not null,
  next_try_at timestamptz not null,
  handing_at timestamptz,
  posted_at timestamptz,
  unique (workspace_id, post_key)
);
create index slack_post_open on slack_post (workspace_id, channel, id) where state in ('waiting', 'handing');

create table digest (
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  channel text not null,
  cadence text not null check (cadence in ('daily', 'weekdays', 'weekly')),
  weekday int check (weekday between 1 and 7),
  at_time time not null default '08:30',
  next_due_at timestamptz not null,
  next_period text not null,
  last_heartbeat_at timestamptz,
  created_at timestamptz not null,
  unique (workspace_id, channel),
  check ((cadence = 'weekly') = (weekday is not null))
);
create index digest_due on digest (next_due_at);

create table digest_post (
  digest_id bigint not null references digest (id) on delete cascade,
  period text not null,
  workspace_id bigint not null references workspace (id),
  covers_from timestamptz not null,
  covers_until timestamptz not null,
  silent boolean not null,
  posted_at timestamptz not null,
  primary key (digest_id, period)
);
create index digest_post_workspace on digest_post (workspace_id);

-- The built-in directory: a source, outside all workspaces ------------------------------------------------------------

create table directory_person (
  id bigint primary key,                                    -- colleagues have neighbouring ids, so they share pages
  known_from date not null,
  full_name text not null,
  first_name text not null,
  last_name text not null,
  email text,
  has_email boolean not null,                               -- one that mail can be sent to
  linkedin_url text,
  title text not null,
  seniority text collate "C" not null,
  function text collate "C" not null,
  company text not null,
  company_domain text not null,
  industry text collate "C" not null,
  headcount int not null,
  person_country text collate "C" not null,
  person_city text collate "C" not null,
  company_country text collate "C" not null,
  company_city text collate "C" not null,
  technologies text[] not null,
  keywords text[] not null
);
create index directory_person_order on directory_person (known_from, id);
-- Counts come from these three alone: all that is usually asked for, in the orders in which it selects best.
create index directory_person_role on directory_person (seniority, function, industry, company_country, known_from)
  include (headcount, has_email);
create index directory_person_company on directory_person (company_country, industry, known_from)
  include (seniority, function, headcount, has_email);
create index directory_person_industry on directory_person (industry, known_from)
  include (seniority, function, headcount, has_email);
create index directory_person_technologies on directory_person using gin (technologies);
create index directory_person_keywords on directory_person using gin (keywords);
create index directory_person_company_name on directory_person (lower(company) text_pattern_ops);

-- Tenancy (T1) ---------------------------------------------------------------------------------------------------------

do $roles$
declare role_name text;
begin
  foreach role_name in array array['drover_app', 'drover_system'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      begin
        execute format('create role %I nologin', role_name);
      exception
        when duplicate_object or unique_violation then null;
        when insufficient_privilege then
          raise exception 'Drover needs the role % and % may not create it. Ask a superuser to run: create role % nologin; grant % to %;',
            role_name, current_user, role_name, role_name, current_user using errcode = 'DR002';
      end;
    end if;
    if not pg_has_role(current_user, role_name, 'member') then
      begin
        execute format('grant %I to %I', role_name, current_user);
      exception when insufficient_privilege then
        raise exception 'Drover must be able to act as %. Ask a superuser to run: grant % to %;', role_name, role_name, current_user
          using errcode = 'DR002';
      end;
    end if;
  end loop;
end $roles$;

create function drover_workspace() returns bigint language sql stable parallel safe as
  $$ select nullif(current_setting('drover.workspace', true), '')::bigint $$;

do $policies$
declare t record;
begin
  execute format('grant usage on schema %I to drover_app, drover_system', current_schema());
  for t in
    select c.relname as name from pg_class c
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped)
  loop
    execute format('alter table %I enable row level security', t.name);
    execute format('alter table %I force row level security', t.name);
    execute format('create policy own_workspace on %I to drover_app using (workspace_id = drover_workspace())
      with check (workspace_id = drover_workspace())', t.name);
    execute format('grant select, insert, update, delete on %I to drover_app', t.name);
  end loop;
end $policies$;

alter table workspace enable row level security;
alter table workspace force row level security;
create policy own_workspace on workspace to drover_app using (id = drover_workspace()) with check (id = drover_workspace());
grant select, update on workspace to drover_app;
revoke update, delete on activity from drover_app;

-- What db/system may see across workspaces: ids and due times.
create policy across on workspace to drover_system using (true) with check (true);
grant select, insert on workspace to drover_system;
create policy across on monitoring for select to drover_system using (true);
grant select (list_id, workspace_id, next_due_at) on monitoring to drover_system;
create policy across on sequence for select to drover_system using (true);
grant select (id, workspace_id, next_day_at) on sequence to drover_system;
create policy across on message for select to drover_system using (true);
grant select (id, workspace_id, state, planned_at, lease_until) on message to drover_system;
create policy across on digest for select to drover_system using (true);
grant select (id, workspace_id, next_due_at) on digest to drover_system;
create policy across on slack_post for select to drover_system using (true);
grant select (id, workspace_id, channel, state, next_try_at, handing_at) on slack_post to drover_system;
create policy across on refill for select to drover_system using (true);
grant select (id, workspace_id, list_id, status) on refill to drover_system;
create policy across on link for select to drover_system using (true);
grant select (id, workspace_id, ended_at, enrolled_through_at) on link to drover_system;

alter table inbox enable row level security;
alter table inbox force row level security;
create policy system_only on inbox to drover_system using (true) with check (true);
grant select, insert, update on inbox to drover_system;
