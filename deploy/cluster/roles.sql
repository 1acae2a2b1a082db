-- Roles of the shared database. Run it once, as a superuser, in the database that the nodes share:
--
--   createdb ehealth
--   psql --dbname=ehealth --file=roles.sql
--
-- Then `ehealth-attributes cluster migrate`, with a certificate for the role ehealth_owner, makes the schema.

-- Owns the schema. Only migrations use it.
create role ehealth_owner login;
-- Groups: what nodes, the pruning and auditors may do. The migrations grant the rights.
create role ehealth_node nologin;
create role ehealth_prune nologin;
create role ehealth_auditor nologin;

do $$
begin
    execute format('grant create on database %I to ehealth_owner', current_database());
end $$;

-- One role for each node, each with a client certificate whose common name is the role.
create role node_a login in role ehealth_node connection limit 8;
create role node_b login in role ehealth_node connection limit 8;
create role node_c login in role ehealth_node connection limit 8;

-- One for each person who searches, and one for `audit prune`.
create role auditor login in role ehealth_auditor connection limit 4;
create role pruner login in role ehealth_prune connection limit 2;
