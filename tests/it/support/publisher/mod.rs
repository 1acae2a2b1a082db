//! A publisher for tests: writes valid and invalid feed folders, with valid identifiers.
pub mod web;

use std::fs;
use std::path::{Path, PathBuf};

use datasets::feed::digest_of;
use datasets::sync::{Feed, Outcome, Report, Settings, Source, run_all};
use ehealth_core::model::{Clock, Dataset, EnterpriseNumber, FixedClock, Ssin, Timestamp};

/// First session of a publisher.
pub const SESSION: &str = "9df4b597-af9e-4dca-bdda-719cce2c4e28";
/// Another session.
pub const OTHER_SESSION: &str = "00000000-0000-0000-0000-000000000002";

/// Header of a dataset's snapshots.
pub fn header(dataset: Dataset) -> &'static str {
    match dataset {
        Dataset::Dimona => "period_id,ssin,employer,begin,end",
        Dataset::Coprev => "affiliation_id,employer,service,begin,end",
        Dataset::Federated => "affiliation_id,employer,service,begin,end,entity",
        Dataset::Insurance => "ssin,fund,begin,end",
        Dataset::Persons => "ssin,replaced_by,cancelled",
    }
}

/// A valid SSIN for each number below 100 800, in ascending order. Each has another birthday, and
/// the sequence number 999, which is never issued.
pub fn ssin(number: u64) -> Ssin {
    // A year has 36 months of 28 days: 12 of the national register, 24 of bis and ter numbers.
    let (day, month, year) = (number % 28 + 1, number / 28 % 36, number / 28 / 36);
    let month = month / 12 * 20 + month % 12 + 1;
    let base = year * 10_000_000 + month * 100_000 + day * 1_000 + 999;
    Ssin::from_u64(base * 100 + 97 - base % 97).expect("valid by construction")
}

/// Its eleven digits.
pub fn digits(number: u64) -> String {
    String::from_utf8(ssin(number).digits().to_vec()).expect("ASCII")
}

/// A valid enterprise number for each number.
pub fn enterprise(number: u64) -> EnterpriseNumber {
    let base = 2_000_000 + number;
    EnterpriseNumber::from_u64(base * 100 + 97 - base % 97).expect("valid by construction")
}

/// A dimona row.
pub fn period(id: u64, person: u64, employer: u64, begin: &str, end: &str) -> String {
    format!("{id},{},{},{begin},{end}", digits(person), enterprise(employer))
}

/// One file of a notification, as announced.
#[derive(Debug, Clone)]
pub struct File {
    pub serial: u64,
    pub uri: String,
    pub sha256: String,
    pub bytes: u64,
    pub records: u64,
}

/// A feed folder and its next notification.
#[derive(Debug)]
pub struct Publisher {
    pub dataset: Dataset,
    pub folder: PathBuf,
    pub session: &'static str,
    pub created: String,
    pub snapshot: Option<File>,
    pub deltas: Vec<File>,
}

impl Publisher {
    pub fn new(feeds: &Path, dataset: Dataset) -> Self {
        let folder = feeds.join(dataset.code());
        fs::create_dir_all(&folder).expect("a folder");
        let created = "2026-11-22T05:00:00Z".to_owned();
        Self { dataset, folder, session: SESSION, created, snapshot: None, deltas: Vec::new() }
    }

    /// Writes a file and announces it correctly.
    pub fn store(&self, uri: &str, serial: u64, content: &[u8], records: u64) -> File {
        let path = self.folder.join(uri);
        fs::create_dir_all(path.parent().expect("inside the feed")).expect("a folder");
        fs::write(path, content).expect("disk enough");
        let sha256 = digest_of(content).to_string();
        File { serial, uri: uri.to_owned(), sha256, bytes: content.len() as u64, records }
    }

    /// Writes a snapshot of these rows.
    pub fn snapshot(&mut self, serial: u64, rows: &[String]) -> &mut Self {
        let text = lines(header(self.dataset), rows);
        self.snapshot = Some(self.store(&format!("snapshot-{serial}.csv"), serial, text.as_bytes(), rows.len() as u64));
        self
    }

    /// Writes a delta of these rows (`put,…` or `delete,…`).
    pub fn delta(&mut self, serial: u64, rows: &[String]) -> &mut Self {
        let text = lines(&format!("action,{}", header(self.dataset)), rows);
        let file = self.store(&format!("delta-{serial}.csv"), serial, text.as_bytes(), rows.len() as u64);
        self.deltas.retain(|delta| delta.serial != serial);
        self.deltas.push(file);
        self
    }

    /// Writes the notification: the snapshot and all deltas, at the highest serial.
    pub fn announce(&self) {
        let snapshot = self.snapshot.as_ref().expect("a snapshot");
        let serial = self.deltas.iter().map(|delta| delta.serial).fold(snapshot.serial, u64::max);
        self.announce_serial(serial);
    }

    /// Writes the notification at a serial.
    pub fn announce_serial(&self, serial: u64) {
        let file = |kind: &str, file: &File| {
            let File { serial, uri, sha256, bytes, records } = file;
            format!(
                "  <{kind} serial=\"{serial}\" uri=\"{uri}\" sha256=\"{sha256}\" bytes=\"{bytes}\" records=\"{records}\"/>\n"
            )
        };
        let files: String = self
            .snapshot
            .iter()
            .map(|snapshot| file("snapshot", snapshot))
            .chain(self.deltas.iter().map(|delta| file("delta", delta)))
            .collect();
        let (dataset, session, created) = (self.dataset.code(), self.session, &self.created);
        self.announce_document(&format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<notification version=\"1\" dataset=\"{dataset}\" \
             session=\"{session}\" serial=\"{serial}\" created=\"{created}\">\n{files}</notification>\n"
        ));
    }

    /// Writes this document as the notification.
    pub fn announce_document(&self, document: &str) {
        fs::write(self.folder.join("notification.xml"), document).expect("disk enough");
    }
}

/// Builds CSV from a header and rows.
pub fn lines(header: &str, rows: &[String]) -> String {
    rows.iter().fold(format!("{header}\n"), |text, row| text + row + "\n")
}

/// A folder with feeds, data and rejected records, and a fixed clock.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub settings: Settings,
    pub clock: FixedClock,
}

impl Place {
    /// Makes a folder that follows the feeds of these datasets.
    pub fn new(datasets: &[Dataset]) -> Self {
        Self::in_folder(tempfile::tempdir().expect("a folder"), datasets)
    }

    /// Creates it on a file system in memory if available: for tests that load thousands of states,
    /// each of which costs an fsync on a disk.
    pub fn in_memory(datasets: &[Dataset]) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::in_folder(folder.expect("a folder"), datasets)
    }

    fn in_folder(folder: tempfile::TempDir, datasets: &[Dataset]) -> Self {
        let feed =
            |dataset: &Dataset| Feed::new(*dataset, Source::Folder(folder.path().join("feeds").join(dataset.code())));
        let settings = Settings {
            data: folder.path().join("data"),
            rejected: folder.path().join("rejected"),
            feeds: datasets.iter().map(feed).collect(),
            min_free_space: 0,
        };
        let clock = FixedClock::new(Timestamp::parse("2026-11-22T06:00:00Z").expect("a moment"));
        Self { folder, settings, clock }
    }

    /// A publisher of one of the feeds.
    pub fn publisher(&self, dataset: Dataset) -> Publisher {
        Publisher::new(&self.folder.path().join("feeds"), dataset)
    }

    /// Another clock fixed at the same time.
    pub fn same_clock(&self) -> FixedClock {
        FixedClock::new(self.clock.now())
    }

    /// Runs all feeds.
    pub fn run_all(&self) -> Vec<Report> {
        run_all(&self.settings, &self.clock)
    }

    /// Runs the only feed.
    pub fn run(&self) -> Outcome {
        match &self.run_all()[..] {
            [report] => report.outcome,
            _ => unreachable!("one feed"),
        }
    }

    /// The content of a file of rejected records.
    pub fn rejected(&self, name: &str) -> String {
        fs::read_to_string(self.settings.rejected.join(name)).expect("rejected records")
    }

    /// The names in a folder of the place, in order.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.path().join(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("a name").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }
}
