-- Records of all nodes, and what proves them. Plain SQL: no extension is needed.

create table ehealth.node (
    id smallint generated always as identity primary key,
    -- Setting cluster.node.
    name text not null unique,
    -- Role that writes as this node.
    role text not null default current_user,
    -- Origin of its checkpoints, and the public key that verifies them, as the node first said.
    origin text not null,
    verifying_key text not null,
    first_seen timestamptz not null default now()
);

-- One row for each record. Only inserted, and dropped by the month.
create table ehealth.record (
    -- Year * 100 + month of the segment, by the calendar of Brussels.
    month integer not null,
    node smallint not null,
    sequence bigint not null,
    -- The frame as it lies in the node's segment, byte for byte.
    frame bytea not null,
    -- HMAC of node and leaf hash under the year's subject key.
    code bytea not null,
    -- First 8 bytes of the tokens of the person, the replacement and the end user; of the ticket.
    subject bigint,
    successor bigint,
    end_user bigint,
    ticket bigint,
    primary key (month, node, sequence)
) partition by list (month);

create index record_subject on ehealth.record (subject) include (month, node, sequence) where subject is not null;
create index record_successor on ehealth.record (successor) include (month, node, sequence) where successor is not null;
create index record_end_user on ehealth.record (end_user) include (month, node, sequence) where end_user is not null;
create index record_ticket on ehealth.record (ticket) where ticket is not null;

-- Roots of whole subtrees of 2^8 and 2^16 records.
create table ehealth.tree_node (
    node smallint not null,
    level smallint not null,
    number bigint not null,
    hash bytea not null,
    primary key (node, level, number)
);

-- For each first byte of a token: how many entries the month has before a sequence, and the sum of their codes.
create table ehealth.person_index (
    node smallint not null,
    month integer not null,
    until bigint not null,
    sums bytea not null,
    code bytea not null,
    primary key (node, month, until)
);

-- Checkpoints of the nodes.
create table ehealth.checkpoint (
    node smallint not null,
    size bigint not null,
    note text not null,
    made timestamptz not null default now(),
    primary key (node, size)
);

-- Texts of the policy files that records name.
create table ehealth.policy_text (
    digest bytea primary key,
    text bytea not null
);

-- Signed messages: each is accepted once, by one node.
create table ehealth.signed_message (
    signature bytea primary key,
    node smallint not null,
    sequence bigint not null,
    received timestamptz not null default now()
);
create index signed_message_received on ehealth.signed_message (received);

-- What each node last said of itself.
create table ehealth.node_status (
    node smallint primary key,
    said timestamptz not null,
    -- JSON.
    report text not null
);

-- Makes the partition of a month. Nodes call it; the owner's rights make the table.
create function ehealth.begin_month(month integer) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if month is null or month < 197001 or month > 999912 or month % 100 not between 1 and 12 then
        raise exception 'not a month: %', month;
    end if;
    if to_regclass(format('ehealth.record_%s', month)) is null then
        perform pg_advisory_xact_lock(hashtext('ehealth.begin_month'));
        execute format('create table if not exists ehealth.record_%s partition of ehealth.record for values in (%s)', month, month);
    end if;
end $$;

-- Drops the records of a month that all nodes have pruned. `audit prune` calls it.
create function ehealth.prune_month(month integer) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if month is null or month < 197001 or month > 999912 then
        raise exception 'not a month: %', month;
    end if;
    execute format('drop table if exists ehealth.record_%s', month);
    delete from ehealth.person_index where person_index.month = prune_month.month;
end $$;

revoke all on function ehealth.begin_month(integer), ehealth.prune_month(integer) from public;

-- The groups of deploy/cluster/roles.sql. A node never changes or removes a record.
grant usage on schema ehealth to ehealth_node, ehealth_prune, ehealth_auditor;
grant select on all tables in schema ehealth to ehealth_node, ehealth_prune, ehealth_auditor;
grant insert on ehealth.node, ehealth.record, ehealth.tree_node, ehealth.person_index, ehealth.checkpoint,
    ehealth.policy_text, ehealth.signed_message, ehealth.node_status to ehealth_node;
grant update on ehealth.node_status to ehealth_node;
grant delete on ehealth.signed_message to ehealth_node;
grant execute on function ehealth.begin_month(integer) to ehealth_node;
grant execute on function ehealth.prune_month(integer) to ehealth_prune;

-- A node reads everything, and writes as itself alone.
alter table ehealth.node enable row level security;
alter table ehealth.record enable row level security;
alter table ehealth.tree_node enable row level security;
alter table ehealth.person_index enable row level security;
alter table ehealth.checkpoint enable row level security;
alter table ehealth.node_status enable row level security;
create policy reads on ehealth.node for select using (true);
create policy reads on ehealth.record for select using (true);
create policy reads on ehealth.tree_node for select using (true);
create policy reads on ehealth.person_index for select using (true);
create policy reads on ehealth.checkpoint for select using (true);
create policy reads on ehealth.node_status for select using (true);
create policy writes on ehealth.node for insert to ehealth_node with check (role = current_user);
create policy writes on ehealth.record for insert to ehealth_node
    with check (node in (select id from ehealth.node where role = current_user));
create policy writes on ehealth.tree_node for insert to ehealth_node
    with check (node in (select id from ehealth.node where role = current_user));
create policy writes on ehealth.person_index for insert to ehealth_node
    with check (node in (select id from ehealth.node where role = current_user));
create policy writes on ehealth.checkpoint for insert to ehealth_node
    with check (node in (select id from ehealth.node where role = current_user));
create policy writes on ehealth.node_status for insert to ehealth_node
    with check (node in (select id from ehealth.node where role = current_user));
create policy changes on ehealth.node_status for update to ehealth_node
    using (node in (select id from ehealth.node where role = current_user));
