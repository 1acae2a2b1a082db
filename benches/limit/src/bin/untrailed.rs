//! The service without its trail: what evidence costs is the difference to `ehealth-attributes serve`.
//!
//! Everything else is the service's own code and settings. Evidence is made and thrown away in memory, which no switch of
//! the service does: this program exists to be measured, and answers callers of a loopback address alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use ehealth_attributes::app::SystemClock;
use ehealth_attributes::cli::Journal;
use ehealth_attributes::config::{read_policy, read_settings};
use ehealth_attributes::lookup::{AuditLog, Pending};
use ehealth_attributes::model::Clock;
use ehealth_attributes::server::{InForce, RandomTickets, Readers, Service, World, listen, serve, tls};
use ehealth_attributes::store::Watch;
use tracing_subscriber::EnvFilter;

/// Serves as `ehealth-attributes serve` does, with no evidence of it.
#[derive(Parser)]
struct Arguments {
    /// The settings file of the service.
    #[arg(long)]
    config: PathBuf,
    /// What is logged on standard error.
    #[arg(long, default_value = "info")]
    log: String,
}

/// Counts entries, and forgets them.
#[derive(Default)]
struct Forgotten(AtomicU64);

impl AuditLog for Forgotten {
    fn append(&self, pending: Pending) {
        pending.durable(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let mut journal = Journal::default();
    journal.start()?;
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&arguments.log)?)
        .with_writer(journal.lines())
        .with_ansi(false)
        .init();
    let settings = read_settings(&arguments.config).map_err(|problems| problems.to_string())?;
    if !settings.listen.ip().is_loopback() {
        return Err("answers without evidence are given to a loopback address alone".into());
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let register = read_policy(&settings.policy).map_err(|problems| problems.to_string())?;
    let (config, gate) = tls::load(&settings.tls, &clock).map_err(|errors| format!("{errors:?}"))?;
    let chain = tls::load_certificates(&settings.tls.certificate)?;
    let in_force = InForce { register, tls: config, gate, chain };
    let world = World {
        lookups: Arc::new(Readers::new(Watch::open(&settings.sync.data))),
        audit: Arc::new(Forgotten::default()),
        clock,
        tickets: Arc::new(RandomTickets),
    };
    let service = Arc::new(Service::new(settings.server.clone(), in_force, world));
    let listener = listen(settings.listen, settings.port)?;
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    serve(listener, service, stop).await;
    Ok(())
}
