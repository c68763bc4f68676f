-- Whoever orders leads gets the receipt, once, where they were ordered (L5, M8).

alter table refill add column channel text;                 -- of Slack; null: it was ordered elsewhere, and its asker is told directly
alter table refill add column thread_ts text;               -- null: the channel itself
