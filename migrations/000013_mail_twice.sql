-- A mailbox that is made anew gives all its mail again. What has no Message-ID is known again by what it holds.

alter table reply add column content_hash text;               -- of mail that answers something and has no Message-ID; sha-256
create unique index reply_content_key on reply (sender_id, content_hash) where content_hash is not null;
