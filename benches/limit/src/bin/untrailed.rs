//! The service without its trail, or with a trail on a slow disk: what evidence costs is the difference to
//! `ehealth-attributes serve`.
//!
//! Everything else is the service's own code and settings. Recordable is made and thrown away in memory, or, with
//! `--sync-millis`, written by the service's own trail to a disk whose syncs take that long whatever the machine's take.
//! No switch of the service does either: this program exists to be measured, and answers callers of a loopback address
//! alone.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use audit_log::{AuditLog, Disk, DiskFile, Folder};
use clap::Parser;
use datasets::store::Watch;
use ehealth_attributes::app::SystemClock;
use ehealth_attributes::cli::{LogFormat, start_log};
use ehealth_attributes::config::{read_policy, read_settings};
use ehealth_attributes::server::{ActiveConfig, Dependencies, RandomTickets, Readers, Service, listen, serve, tls};
use ehealth_core::lookup::{AuditSink, Pending};
use ehealth_core::model::Clock;

/// Serves as `ehealth-attributes serve` does, with no evidence of it.
#[derive(Parser)]
struct Arguments {
    /// The settings file of the service.
    #[arg(long)]
    config: PathBuf,
    /// Recordable is written, and each sync takes at least so many milliseconds.
    #[arg(long)]
    sync_millis: Option<u64>,
    /// What is logged on standard error.
    #[arg(long, default_value = "info")]
    log: String,
}

/// Counts entries, and forgets them.
#[derive(Default)]
struct Forgotten(AtomicU64);

impl AuditSink for Forgotten {
    fn append(&self, pending: Pending) {
        pending.durable(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// A disk whose syncs take at least so long, however many are under way.
struct SlowDisk(Folder, Duration);

struct SlowFile(Box<dyn DiskFile>, Duration);

impl SlowDisk {
    fn slow(&self, file: io::Result<Box<dyn DiskFile>>) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SlowFile(file?, self.1)))
    }
}

impl Disk for SlowDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        self.0.names()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.slow(self.0.open(name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.slow(self.0.create(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.0.sync_names()
    }
}

impl DiskFile for SlowFile {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }

    fn sync(&self) -> io::Result<()> {
        let began = Instant::now();
        self.0.sync()?;
        thread::sleep(self.1.saturating_sub(began.elapsed()));
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments = Arguments::parse();
    let mut journal = start_log(&arguments.log, LogFormat::Text)?;
    journal.start()?;
    let settings = read_settings(&arguments.config).map_err(|problems| problems.to_string())?;
    if !settings.listen.ip().is_loopback() {
        return Err("answers without evidence are given to a loopback address alone".into());
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let register = read_policy(&settings.policy).map_err(|problems| problems.to_string())?;
    let (config, gate) = tls::load(&settings.tls, &clock).map_err(|errors| format!("{errors:?}"))?;
    let chain = tls::load_certificates(&settings.tls.certificate)?;
    let active_config = ActiveConfig { register, tls: config, client_verifier: gate, chain };
    let audit: Arc<dyn AuditSink> = match arguments.sync_millis {
        None => Arc::new(Forgotten::default()),
        Some(millis) => {
            let disk = SlowDisk(Folder::open_alone(&settings.audit_log.folder)?, Duration::from_millis(millis));
            Arc::new(AuditLog::open_on(Arc::new(disk), &settings.audit_log, Arc::clone(&clock))?)
        }
    };
    let world = Dependencies {
        lookups: Arc::new(Readers::new(Watch::open(&settings.sync.data))),
        audit,
        clock,
        tickets: Arc::new(RandomTickets::default()),
    };
    let service = Arc::new(Service::new(settings.server.clone(), active_config, world));
    let listener = listen(settings.listen, settings.listen_mode)?;
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    // A task, as where the service itself is served.
    tokio::spawn(serve(listener, service, stop)).await?;
    Ok(())
}
