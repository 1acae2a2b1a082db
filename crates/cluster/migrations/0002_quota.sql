-- Quotas of all nodes together: one row a consumer. Times in milliseconds since 1970. An array that
-- is empty has no counts yet.
create table ehealth.quota (
    consumer text primary key,
    -- Newest exchange; never goes back.
    at bigint not null default 0,
    -- Questions by second, oldest first; the last one is the second of `at`.
    minute integer[] not null default '{}' check (cardinality(minute) in (0, 62)),
    -- Questions by hour.
    day integer[] not null default '{}' check (cardinality(day) in (0, 25)),
    -- Guard against trawling: score, time up to which it has decayed, empty subjects by 5 minutes.
    points integer not null default 0,
    decayed bigint not null default 0,
    empties integer[] not null default '{}' check (cardinality(empties) in (0, 13))
) with (fillfactor = 50);

grant select, insert, update on ehealth.quota to ehealth_node;
grant select on ehealth.quota to ehealth_auditor;
