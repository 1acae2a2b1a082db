//! The service without its audit log, or with an audit log on a slow disk. The cost of the audit
//! log is the difference to `ehealth-attributes serve`.
//!
//! Everything else is the code and the settings of the service. Records are made and dropped, or,
//! with `--sync-millis`, written by the audit log to a disk whose syncs take at least that long.
//! The service has no such switch: this program only exists for measurements, and listens on
//! loopback addresses only.

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
use ehealth_attributes::server::{
    ActiveConfig, Dependencies, NoFaults, RandomTickets, Readers, ReplayMemory, Service, listen, serve, tls,
};
use ehealth_core::lookup::{AuditSink, Pending};
use ehealth_core::model::Clock;

/// Serves as `ehealth-attributes serve` does, without an audit log.
#[derive(Parser)]
struct Arguments {
    /// Settings file of the service.
    #[arg(long)]
    config: PathBuf,
    /// Write the audit log; each sync takes at least this many milliseconds.
    #[arg(long)]
    sync_millis: Option<u64>,
    /// Log filter.
    #[arg(long, default_value = "info")]
    log: String,
}

/// Counts records and drops them.
#[derive(Default)]
struct DroppedRecords(AtomicU64);

impl AuditSink for DroppedRecords {
    fn append(&self, pending: Pending) {
        pending.durable(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// A disk whose syncs take at least this long, however many are in progress.
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
    let mut log = start_log(&arguments.log, LogFormat::Text)?;
    log.start()?;
    let settings = read_settings(&arguments.config).map_err(|problems| problems.to_string())?;
    if !settings.listen.ip().is_loopback() {
        return Err("server.listen must be a loopback address: this program does not record its answers".into());
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let register = read_policy(&settings.policy).map_err(|problems| problems.to_string())?.register;
    let (config, client_verifier) = tls::load(&settings.tls, &clock).map_err(|errors| format!("{errors:?}"))?;
    let chain = tls::read_certificates(&settings.tls.certificate)?;
    let active_config = ActiveConfig { register, tls: config, client_verifier, response_signer: None, chain };
    let audit: Arc<dyn AuditSink> = match arguments.sync_millis {
        None => Arc::new(DroppedRecords::default()),
        Some(millis) => {
            let disk = SlowDisk(Folder::open_alone(&settings.audit_log.folder)?, Duration::from_millis(millis));
            Arc::new(AuditLog::open_on(Arc::new(disk), &settings.audit_log, Arc::clone(&clock))?)
        }
    };
    let dependencies = Dependencies {
        lookups: Arc::new(Readers::new(Watch::open(&settings.sync.data))),
        audit,
        clock,
        tickets: Arc::new(RandomTickets::default()),
        replay: Arc::new(ReplayMemory::default()),
        explainer: None,
    };
    let service = Arc::new(Service::new(settings.server.clone(), active_config, dependencies));
    let listener = listen(settings.listen, settings.listen_mode)?;
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    // A task, as in the service.
    tokio::spawn(serve(listener, service, NoFaults, stop)).await?;
    Ok(())
}
