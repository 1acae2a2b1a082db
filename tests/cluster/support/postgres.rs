//! PostgreSQL servers of a test: a primary and its standbys, which can be killed, frozen, cut off,
//! promoted and rebuilt.
//!
//! Clients connect over TLS with a certificate whose common name is their role. The harness itself
//! is the superuser `postgres` over a Unix socket. Each standby reaches its primary through a
//! [`Proxy`], over TLS.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::Signal;
use tempfile::TempDir;

use super::certificates::DatabaseTls;
use super::installation::{Installation, run};
use super::processes::{self, free_port, until, within};
use super::proxy::Proxy;
use super::psql;
use crate::shared::program::DEADLINE;

/// Database that the nodes share.
pub const DATABASE: &str = "ehealth";

/// Role that standbys use.
const REPLICATION: &str = "replication";

/// Settings of every server. `fsync` stays on, as the program demands. Shared memory is in files, so
/// that a killed server leaves none behind.
const SETTINGS: &str = "\
max_connections = 60
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
max_wal_size = 256MB
wal_keep_size = 64MB
hot_standby = on
max_wal_senders = 10
max_replication_slots = 10
wal_sender_timeout = 10s
wal_receiver_timeout = 10s
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 100ms
jit = off
listen_addresses = '127.0.0.1'
ssl = on
";

const ACCESS: &str = "\
local all postgres trust
local replication postgres trust
hostssl all all 127.0.0.1/32 cert
hostssl replication replication 127.0.0.1/32 cert
";

/// Servers `db1`, `db2`, …: at the start `db1` is the primary, the others are its standbys.
///
/// Every server has `synchronous_standby_names = 'ANY 1 (db1, db2, …)'`: a promoted server confirms
/// no commit until another one is its standby.
pub struct Cluster {
    // Servers end before their folder.
    servers: Vec<Server>,
    pub tls: DatabaseTls,
    folder: TempDir,
}

impl Cluster {
    /// Starts a primary with this number of standbys, creates the database [`DATABASE`] and the roles
    /// of `deploy/cluster/roles.sql`. `None` after a message if PostgreSQL is not installed.
    pub fn start(standbys: usize) -> Option<Self> {
        let installation = Installation::find()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        // The servers' user passes through it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("set");
        let tls = DatabaseTls::new(folder.path().join("tls"));
        let names: Vec<_> = (1..=standbys + 1).map(|number| format!("db{number}")).collect();
        let ports: Vec<_> = names.iter().map(|_| free_port()).collect();
        let server = |index: usize| {
            let primary = if index == 0 { ports[ports.len() - 1] } else { ports[0] };
            Server::new(installation, &names, index, (ports[index], primary), (folder.path(), &tls))
        };
        let servers: Vec<_> = (0..names.len()).map(server).collect();
        let cluster = Self { servers, tls, folder };
        cluster.begin();
        Some(cluster)
    }

    fn begin(&self) {
        let primary = &self.servers[0];
        primary.installation.make_data(&primary.data);
        primary.start();
        // There is no standby yet that could confirm.
        let local = "set synchronous_commit = local;\n";
        primary
            .run_sql("postgres", &format!("{local}create database {DATABASE};"), DEADLINE)
            .expect("in time")
            .expect("SQL");
        let roles = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/cluster/roles.sql");
        let roles = fs::read_to_string(roles).expect("the roles");
        primary.sql(&format!("{local}create role {REPLICATION} login replication;\n{roles}"));
        primary.make_slots();
        thread::scope(|scope| {
            for standby in &self.servers[1..] {
                scope.spawn(|| standby.rebuild_as_standby_of(primary));
            }
        });
    }

    /// Server `db1`, `db2`, … by its number from 1.
    pub fn server(&self, number: usize) -> &Server {
        &self.servers[number - 1]
    }

    /// Addresses of all servers, `db1` first.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Server::address).collect()
    }

    /// Folder for files of the test; it ends with the cluster.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Promotes the standby that has received most, which has every confirmed commit, and has the
    /// other standbys follow it. Returns it.
    pub fn fail_over(&self) -> &Server {
        let standbys = || self.servers.iter().filter(|server| server.is_running());
        let promoted = standbys().max_by_key(|server| server.received()).expect("a standby runs");
        promoted.promote();
        standbys().filter(|server| server.name != promoted.name).for_each(|server| server.follow(promoted));
        promoted
    }
}

/// One server. It ends with the cluster.
pub struct Server {
    /// `db1`, `db2`, …: name of its replication slot, and its `application_name` as a standby.
    pub name: String,
    /// What is between this server, as a standby, and its primary.
    pub upstream: Proxy,
    installation: Installation,
    others: Vec<String>,
    port: u16,
    /// Folder of everything below.
    folder: PathBuf,
    data: PathBuf,
    settings: String,
    process: Mutex<Option<Child>>,
}

impl Server {
    fn new(
        installation: Installation,
        names: &[String],
        index: usize,
        (port, primary): (u16, u16),
        (folder, tls): (&Path, &DatabaseTls),
    ) -> Self {
        let name = names[index].clone();
        let (folder, upstream) = (folder.join(&name), Proxy::start(([127, 0, 0, 1], primary).into()));
        fs::create_dir(&folder).expect("a folder");
        installation.give(&folder);
        // Keys must belong to the servers' user.
        let own = |from: &Path, to: &str| {
            let to = folder.join(to);
            fs::copy(from, &to).expect("copied");
            installation.give(&to);
            to.display().to_string()
        };
        let (server, replication, authority) = (tls.server(), tls.client(REPLICATION), tls.authority());
        let settings = format!(
            "{SETTINGS}port = {port}\nunix_socket_directories = '{folder}'\ncluster_name = '{name}'\n\
             ssl_cert_file = '{}'\nssl_key_file = '{}'\nssl_ca_file = '{authority}'\n\
             synchronous_standby_names = '{synchronous}'\nprimary_slot_name = '{name}'\n\
             primary_conninfo = 'host=127.0.0.1 port={upstream} user={REPLICATION} application_name={name} \
             sslmode=verify-full sslrootcert={authority} sslcert={} sslkey={}'\n",
            server.certificate.display(),
            own(&server.key, "server.key"),
            replication.certificate.display(),
            own(&replication.key, "replication.key"),
            folder = folder.display(),
            authority = authority.display(),
            synchronous = synchronous_names(names),
            upstream = upstream.address().port(),
        );
        let others = names.iter().filter(|other| **other != name).cloned().collect();
        let data = folder.join("data");
        Self { name, upstream, installation, others, port, folder, data, settings, process: Mutex::new(None) }
    }

    /// Address for clients that use TLS.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Starts the server on its data, and waits until it accepts connections.
    pub fn start(&self) {
        fs::write(self.data.join("postgresql.conf"), &self.settings).expect("written");
        fs::write(self.data.join("pg_hba.conf"), ACCESS).expect("written");
        let mut process = self.process.lock();
        assert!(process.is_none(), "{} runs already", self.name);
        let log = File::options().create(true).append(true).open(self.log()).expect("a log");
        let error = log.try_clone().expect("the log");
        let mut command = self.installation.command("postgres");
        let child = command.arg("-D").arg(&self.data).stdin(Stdio::null()).stdout(log).stderr(error).spawn();
        let child = process.insert(child.expect("postgres starts"));
        until(&format!("{} accepts connections", self.name), || {
            let ended = child.try_wait().expect("it can be waited for");
            assert!(ended.is_none(), "{} ended:\n{}", self.name, self.read_log());
            // Line 1: process; line 8: state.
            let state = fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
            let mut lines = state.lines();
            let is_own = lines.next() == Some(&child.id().to_string());
            (is_own && lines.nth(6)?.trim() == "ready").then_some(())
        });
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What the server has logged.
    pub fn read_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log()).unwrap_or_default()).into_owned()
    }

    /// Whether the process runs; a frozen one does.
    pub fn is_running(&self) -> bool {
        self.process.lock().is_some()
    }

    /// Ends all processes of the server at once with SIGKILL, as a power failure does. The data stay.
    pub fn kill(&self) {
        let Some(mut child) = self.process.lock().take() else { return };
        let children = processes::freeze(child.id());
        processes::signal(child.id(), Signal::KILL);
        children.iter().for_each(|child| processes::signal(*child, Signal::KILL));
        let _ = child.wait();
        self.remove_shared_memory();
    }

    /// Ends the server in an orderly way (`fast`): a standby has everything then.
    pub fn stop(&self) {
        self.end(Signal::INT);
    }

    /// Stops the server in an orderly way, and starts it again.
    pub fn restart(&self) {
        self.stop();
        self.start();
    }

    fn end(&self, signal: Signal) {
        let Some(mut child) = self.process.lock().take() else { return };
        processes::thaw(child.id());
        processes::signal(child.id(), signal);
        if within(DEADLINE, || child.try_wait().ok().flatten()).is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops all processes of the server with SIGSTOP: connections stay open, nothing is answered.
    pub fn freeze(&self) {
        processes::freeze(self.process_id());
    }

    /// Lets a frozen server continue.
    pub fn thaw(&self) {
        processes::thaw(self.process_id());
    }

    fn process_id(&self) -> u32 {
        self.process.lock().as_ref().expect("the server runs").id()
    }

    /// Makes a standby the primary. Its slots for the other servers are made, too.
    pub fn promote(&self) {
        assert_eq!(self.sql("select pg_promote(true, 60)"), "t", "{}", self.name);
        self.make_slots();
    }

    /// Has this standby, which runs, follow another primary.
    pub fn follow(&self, primary: &Self) {
        self.upstream.aim(primary.address());
        self.upstream.reset();
        primary.wait_for_standby(&self.name);
    }

    /// Replaces the data by a copy of this primary's, and starts as its standby. Waits until commits
    /// can be confirmed by it.
    pub fn rebuild_as_standby_of(&self, primary: &Self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.data);
        let mut command = self.installation.command("pg_basebackup");
        command.args(["--checkpoint=fast", "--no-sync", "--wal-method=stream", "--username=postgres"]);
        command.arg("--host").arg(&primary.folder).arg("--port").arg(primary.port.to_string());
        run(command.arg("--slot").arg(&self.name).arg("--pgdata").arg(&self.data));
        let signal = self.data.join("standby.signal");
        fs::write(&signal, "").expect("written");
        self.installation.give(&signal);
        self.upstream.aim(primary.address());
        self.start();
        primary.wait_for_standby(&self.name);
    }

    /// Waits until a standby streams and can confirm commits. If `synchronous_standby_names` does not
    /// have it, it is enough that it streams.
    pub fn wait_for_standby(&self, name: &str) {
        let query = format!(
            "select count(*) from pg_stat_replication where application_name = '{name}' and state = 'streaming' \
             and (sync_state <> 'async' or current_setting('synchronous_standby_names') !~ '{name}')"
        );
        until(&format!("{name} follows {}", self.name), || (self.sql(&query) == "1").then_some(()));
    }

    /// Sets `synchronous_standby_names`, as a superuser may do behind the program's back.
    pub fn set_synchronous_names(&self, names: &str) {
        // The parameter is per session: wait until a new one sees it.
        self.sql(&format!("alter system set synchronous_standby_names = '{names}';\nselect pg_reload_conf()"));
        let shown = || self.sql("show synchronous_standby_names");
        until("the setting is active", || (shown() == names).then_some(()));
    }

    /// Runs SQL as the superuser in the database [`DATABASE`]; returns the rows, columns separated by
    /// `|`. Each statement commits by itself.
    ///
    /// # Panics
    /// With the server's message.
    pub fn sql(&self, text: &str) -> String {
        let ran = self.sql_within(text, DEADLINE).unwrap_or_else(|| panic!("{}: no answer to {text}", self.name));
        ran.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Runs SQL as the superuser; `None` if it does not end in this time. Then the client ends, and
    /// the statement may go on in the server.
    pub fn sql_within(&self, text: &str, limit: Duration) -> Option<Result<String, String>> {
        self.run_sql(DATABASE, text, limit)
    }

    fn run_sql(&self, database: &str, text: &str, limit: Duration) -> Option<Result<String, String>> {
        let mut command = psql::client();
        command.arg("--host").arg(&self.folder).arg("--port").arg(self.port.to_string());
        psql::run(command.args(["--username=postgres", "--dbname", database]), text, limit)
    }

    /// Last position of the log that is on the disk of this standby.
    fn received(&self) -> u64 {
        let lsn =
            "select coalesce(pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0'), 0)";
        self.sql(lsn).parse().expect("a position")
    }

    /// Slots keep the log that a standby has not received yet.
    fn make_slots(&self) {
        for other in &self.others {
            self.sql(&format!(
                "select pg_create_physical_replication_slot('{other}') \
                 where not exists (select from pg_replication_slots where slot_name = '{other}')"
            ));
        }
    }

    /// Removes the segment of System V by which servers on the same data notice each other.
    fn remove_shared_memory(&self) {
        let state = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        // Line 7: key and identifier.
        if let Some(segment) = state.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) {
            let _ = Command::new("ipcrm").args(["-m", segment]).stderr(Stdio::null()).status();
        }
    }
}

/// The setting with which any one of the other servers confirms a commit. A single server confirms
/// its commits itself.
fn synchronous_names(names: &[String]) -> String {
    if names.len() > 1 { format!("ANY 1 ({})", names.join(", ")) } else { String::new() }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The data are not needed any more.
        self.end(Signal::QUIT);
    }
}
