-- Running Drover -------------------------------------------------------------------------------------------------------

-- What the tick looks for each minute, and what is counted for /metrics, without reading every request there ever was.
create index inbox_unhandled on inbox (received_at) where handled_at is null;
