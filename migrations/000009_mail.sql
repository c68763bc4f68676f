-- Real mail: senders that are mailboxes, replies, answers, opt-outs (S5, S6, D3–D6).

-- What was kept in a table is from now on handed to Drover's own mail server. Forced policies would hide the rows from these updates.
alter table sender drop constraint sender_transport_check;
alter table sender no force row level security;
update sender set transport = 'local';
alter table sender add constraint sender_transport_check check (transport in ('local', 'smtp'));
drop table outbox_mail;
alter table sender add column signature text;
alter table sender add column status_code text;             -- why it does not send, as a stable code; the server's words are in status_reason
alter table sender add column owner_told boolean not null default true; -- false: it stopped, and its owner has yet to hear of it
alter table sender add column ramp_every int not null default 1 check (ramp_every > 0); -- ramp_step more on every so many sending days
alter table sender add column sending_days int not null default 0;      -- local days on which it has sent, by which the ramp counts
alter table sender add column last_sent_on date;
alter table sender add column bounces_from timestamptz;         -- bounces before it are settled: somebody let it send again
alter table sender add column removed_at timestamptz;       -- rows of the ledger keep pointing at it
drop index sender_address_key;
create unique index sender_address_key on sender (workspace_id, lower(address)) where removed_at is null;
create index sender_workspace on sender (workspace_id, id);

create table mailbox (                                      -- how a sender reaches its servers, and how far its mail has been read
  sender_id bigint primary key references sender (id) on delete cascade,
  workspace_id bigint not null references workspace (id),
  smtp_host text,                                           -- null, like everything down to the secret: Drover's own local mail server
  smtp_port int,
  smtp_security text check (smtp_security in ('tls', 'starttls', 'none')), -- none: loopback alone
  imap_host text,                                           -- null with an smtp_host: nobody reads its replies
  imap_port int,
  imap_security text check (imap_security in ('tls', 'starttls', 'none')),
  user_name text,
  secret text,                                              -- AES-256-GCM: key id, nonce, tag, ciphertext (mail/secrets.ts)
  uid_validity text,                                        -- of the INBOX that last_uid counts in
  last_uid bigint not null default 0,
  read_at timestamptz,                                      -- when it was last read to its end (D4)
  next_read_at timestamptz not null,
  failures int not null default 0,                          -- readings in a row that failed
  watched_by text,                                          -- the process that waits for its news (IDLE)
  watched_until timestamptz
);
create index mailbox_workspace on mailbox (workspace_id, sender_id);
create index mailbox_due on mailbox (next_read_at);
insert into mailbox (sender_id, workspace_id, next_read_at) select id, workspace_id, created_at from sender;
alter table sender force row level security;

-- What follow-ups thread on, what answers and bounces name (S6, D4), and the way out of every message (D6).
create index message_mail on message (workspace_id, mail_id) where mail_id is not null;
alter table message add column opt_out_token text;
alter table message add column recipient text;             -- the address that it went to; the lead may have another by now
create unique index message_opt_out on message (opt_out_token) where opt_out_token is not null;

-- Follow-ups thread on every earlier step since the one that opened the thread (S6).
alter table message add column starts_thread boolean not null default false;
alter table message no force row level security;
update message set starts_thread = true where mail_id is not null and subject not like 'Re: %';
alter table message force row level security;
alter table step drop column new_thread;                    -- a step with a subject of its own starts one

alter table enrollment add column review_reason text;      -- why a person refused the lead, in their words

alter table lead add column replied_at timestamptz;         -- the first time that a person answered, whatever run it was

create table reply (                                        -- one message that came in, stored once
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  sender_id bigint not null references sender (id),
  uid_validity text not null,
  uid bigint not null,
  mail_id text,                                             -- its own Message-ID
  from_address text,
  from_name text,
  subject text not null default '',
  body text not null default '',                            -- its own words, without what it quotes; at most 20,000 characters
  received_at timestamptz not null,
  read_at timestamptz not null,
  kind text not null check (kind in ('human', 'automatic', 'bounce', 'own', 'unmatched')),
  message_id bigint references message (id) on delete set null, -- what it answers
  enrollment_id bigint references enrollment (id) on delete set null,
  lead_id bigint references lead (id) on delete set null,
  category text check (category in ('interested', 'meeting', 'not_interested', 'bad_timing', 'referral', 'wrong_person', 'left_company',
    'out_of_office', 'unsubscribe', 'bounced', 'other')),
  category_by text check (category_by in ('headers', 'phrases', 'model', 'human')),
  until_on date,                                            -- an absence's last day, or when to try again, where it says so
  outcome text check (outcome in ('replied', 'paused', 'stopped', 'unsubscribed', 'bounced', 'deferred', 'resumed', 'none')),
  corrected_by bigint references member (id),
  corrected_at timestamptz,
  unique (sender_id, uid_validity, uid)
);
create unique index reply_mail_key on reply (sender_id, mail_id) where mail_id is not null; -- uids change when a mailbox is made anew
create index reply_workspace on reply (workspace_id, id);
create index reply_lead on reply (workspace_id, lead_id) where lead_id is not null;
create index reply_message on reply (message_id) where message_id is not null;
create index reply_unclassified on reply (workspace_id, read_at) where kind = 'human' and category is null;

create table answer (                                       -- what a person wrote back to a reply; a ledger of its own, like message
  id bigint generated always as identity primary key,
  workspace_id bigint not null references workspace (id),
  reply_id bigint not null references reply (id) on delete cascade,
  sender_id bigint not null references sender (id),
  written_by bigint not null references member (id),
  body text not null,
  mail_id text not null,
  state text not null default 'planned' check (state in ('planned', 'handing', 'sent', 'failed', 'unknown')),
  reason text,
  detail text,
  written_at timestamptz not null,
  handing_at timestamptz,
  lease_until timestamptz,
  ended_at timestamptz
);
create index answer_workspace on answer (workspace_id, reply_id);
create index answer_open on answer (written_at) where state in ('planned', 'handing');
create index answer_mail on answer (workspace_id, mail_id);

do $policies$
declare t text;
begin
  foreach t in array array['mailbox', 'reply', 'answer'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy own_workspace on %I to drover_app using (workspace_id = drover_workspace())
      with check (workspace_id = drover_workspace())', t);
    execute format('grant select, insert, update, delete on %I to drover_app', t);
  end loop;
end $policies$;

create policy across on mailbox for select to drover_system using (true);
grant select (sender_id, workspace_id, next_read_at, watched_until) on mailbox to drover_system;
create policy across on reply for select to drover_system using (true);
grant select (id, workspace_id, kind, category, read_at) on reply to drover_system;
create policy across on answer for select to drover_system using (true);
grant select (id, workspace_id, state, lease_until) on answer to drover_system;
grant select (opt_out_token) on message to drover_system;
