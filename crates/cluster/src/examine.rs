//! What a start needs of the database, checked before it and by `cluster check`.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::connect::{ConnectError, Connector};
use crate::schema;
use crate::settings::{NodeName, Settings};

/// First version of PostgreSQL that is supported: 15.
const OLDEST: i32 = 150_000;

/// Something that keeps a node from starting, or that an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether a node starts all the same.
    pub is_warning: bool,
    /// Setting of the section `cluster` that is concerned.
    pub setting: &'static str,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Problem {
    fn error(text: impl Into<String>, remedy: &'static str) -> Self {
        Self { is_warning: false, setting: "cluster.database", text: text.into(), remedy }
    }

    fn warning(text: impl Into<String>, remedy: &'static str) -> Self {
        Self { is_warning: true, ..Self::error(text, remedy) }
    }

    /// What is wrong with a connection.
    #[must_use]
    pub fn of_connection(error: &ConnectError) -> Self {
        if let ConnectError::Database(error) = error
            && error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
        {
            let remedy = "make the role a member of ehealth_node (deploy/cluster/roles.sql)";
            return Self::error(crate::connect::describe(error), remedy);
        }
        let remedy = match error {
            ConnectError::File(_) | ConnectError::Tls(_) => "correct the file",
            ConnectError::Timeout(_) => "compare hosts and ports, and the firewall; is one of the hosts a primary?",
            ConnectError::Database(_) => {
                "compare hosts, database and role, the certificates on both sides, and pg_hba.conf (hostssl … cert)"
            }
        };
        Self::error(error.to_string(), remedy)
    }
}

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Version as `server_version` says it.
    pub version: String,
    /// Setting `synchronous_standby_names`.
    pub synchronous_standby_names: String,
    /// Version of the schema; `None` without one.
    pub schema: Option<i32>,
}

/// Connects, and checks everything that a start needs, the node's name included.
pub async fn examine(settings: &Settings) -> (Option<Server>, Vec<Problem>) {
    let session = match Connector::new(settings) {
        Ok(connector) => connector.connect().await,
        Err(error) => Err(error),
    };
    let session = match session {
        Ok(session) => session,
        Err(error) => return (None, vec![Problem::of_connection(&error)]),
    };
    let limit = settings.timeout;
    match tokio::time::timeout(limit, examine_session(&session.client, &settings.node)).await {
        Ok(Ok((server, problems))) => (Some(server), problems),
        Ok(Err(error)) => (None, vec![Problem::of_connection(&error.into())]),
        Err(_) => (None, vec![Problem::of_connection(&ConnectError::Timeout(limit))]),
    }
}

async fn examine_session(client: &Client, node: &NodeName) -> Result<(Server, Vec<Problem>), tokio_postgres::Error> {
    let (server, mut problems) = examine_server(client).await?;
    if server.schema == Some(schema::VERSION) {
        problems.extend(examine_rights(client).await?);
        if !has_name_free(client, node).await? {
            let text = format!("another process is connected as node \"{node}\"");
            let remedy = "stop it, or set another name; beside a running service this is expected";
            problems.push(Problem { setting: "cluster.node", ..Problem::warning(text, remedy) });
        }
    }
    Ok((server, problems))
}

/// Checks the server: version, durability, replication, schema.
///
/// # Errors
/// The error of the database.
pub async fn examine_server(client: &Client) -> Result<(Server, Vec<Problem>), tokio_postgres::Error> {
    let text = "select current_setting('server_version'), current_setting('server_version_num')::int, \
                current_setting('fsync'), current_setting('full_page_writes'), \
                current_setting('synchronous_standby_names'), pg_is_in_recovery()";
    let row = client.query_one(text, &[]).await?;
    let mut problems = Vec::new();
    let (version, number): (String, i32) = (row.get(0), row.get(1));
    if number < OLDEST {
        problems.push(Problem::error(format!("PostgreSQL {version} is older than 15"), "upgrade the database"));
    }
    for (index, name) in [(2, "fsync"), (3, "full_page_writes")] {
        if row.get::<_, String>(index) != "on" {
            let remedy = "set it to on: a crash of the machine would lose or damage records";
            problems.push(Problem::error(format!("{name} is off"), remedy));
        }
    }
    let names: String = row.get(4);
    if names.is_empty() {
        let remedy = "name the synchronous standbys, for example 'ANY 1 (db2, db3)', or have Patroni do so \
                      (synchronous_mode: true, synchronous_mode_strict: true)";
        problems.push(Problem::error("synchronous_standby_names is empty: no standby confirms commits", remedy));
    }
    if row.get(5) {
        problems.push(Problem::error("the server is a standby", "name the host of the primary, too"));
    }
    let schema = schema::version(client).await?;
    match schema {
        None => problems.push(Problem::error("the database has no schema", "run `ehealth-attributes cluster migrate`")),
        Some(version) if version < schema::VERSION => {
            let text = format!("the schema has version {version}; this program needs {}", schema::VERSION);
            problems.push(Problem::error(text, "run `ehealth-attributes cluster migrate`"));
        }
        Some(version) if version > schema::VERSION => {
            let text = format!("the schema has version {version}; this program knows {}", schema::VERSION);
            problems.push(Problem::error(text, "use the program that migrated it, or a newer one"));
        }
        Some(_) => {}
    }
    Ok((Server { version, synchronous_standby_names: names, schema }, problems))
}

/// Checks that the role can do what a node does, and no more.
async fn examine_rights(client: &Client) -> Result<Vec<Problem>, tokio_postgres::Error> {
    let text = "select has_table_privilege('ehealth.record', 'insert'), has_table_privilege('ehealth.record', 'select'), \
                has_table_privilege('ehealth.record', 'update') or has_table_privilege('ehealth.record', 'delete') \
                    or has_table_privilege('ehealth.record', 'truncate'), \
                (select rolsuper from pg_roles where rolname = current_user), current_user::text";
    let row = client.query_one(text, &[]).await?;
    let role: String = row.get(4);
    let mut problems = Vec::new();
    if !row.get::<_, bool>(0) || !row.get::<_, bool>(1) {
        let text = format!("the role {role} cannot insert and select records");
        problems.push(Problem::error(text, "make it a member of ehealth_node (deploy/cluster/roles.sql)"));
    }
    if row.get(3) {
        let text = format!("the role {role} is a superuser");
        problems.push(Problem::warning(text, "use a role that is only a member of ehealth_node"));
    } else if row.get(2) {
        let text = format!("the role {role} can change or remove records");
        problems.push(Problem::warning(text, "revoke update, delete and truncate on ehealth.record"));
    }
    Ok(problems)
}

/// Whether no session has the lock of this name.
async fn has_name_free(client: &Client, node: &NodeName) -> Result<bool, tokio_postgres::Error> {
    let free = try_lock_name(client, node).await?;
    if free {
        client.execute("select pg_advisory_unlock($1, hashtext($2))", &[&NAME_LOCKS, &node.as_str()]).await?;
    }
    Ok(free)
}

/// First key of the advisory locks of the nodes' names.
const NAME_LOCKS: i32 = 0x4b54_5231;

async fn try_lock_name(client: &Client, node: &NodeName) -> Result<bool, tokio_postgres::Error> {
    let text = "select pg_try_advisory_lock($1, hashtext($2))";
    Ok(client.query_one(text, &[&NAME_LOCKS, &node.as_str()]).await?.get(0))
}

/// Takes the lock of this name for the session: one process at a time writes as this node. Waits for
/// a session that ends. `false`: another session has it.
///
/// # Errors
/// The error of the database.
pub(crate) async fn lock_name(
    client: &Client,
    node: &NodeName,
    patience: Duration,
) -> Result<bool, tokio_postgres::Error> {
    let began = tokio::time::Instant::now();
    loop {
        if try_lock_name(client, node).await? {
            return Ok(true);
        }
        if began.elapsed() >= patience {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
