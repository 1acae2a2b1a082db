//! Feeds of an invented country, to try the gateway at any size.
//!
//! Writes one folder per dataset, each a feed with a snapshot at serial 1 and one delta for each
//! serial after it. The same arguments give the same bytes. Everything is streamed: the memory
//! needed is one number per 1024 people.

use std::fmt::{self, Write as _};
use std::io;
use std::path::PathBuf;

use crate::country::{Country, Span, employer};
use crate::data_file::{DataFile, DataFileSummary, FileKind};
use datasets::feed::digest_of;
use ehealth_core::model::{Dataset, Ssin, Timestamp};

/// People per entry of [`PeriodIds`]: the first period id of any person is found by counting from
/// the entry.
const PEOPLE_PER_BLOCK: u64 = 1_024;

/// First id of the affiliations in deltas: above every id of the snapshot, so that each of them is
/// new.
const FIRST_DELTA_AFFILIATION: u64 = 1_000_000_000;

/// Feeds to write.
#[derive(Debug, Clone)]
pub struct CountryFeeds {
    /// Number of people, at least 1.
    pub people: u64,
    /// Seed of the country: the same seed gives the same bytes.
    pub seed: u64,
    /// Folder for the feeds.
    pub out: PathBuf,
    /// Number of serials after the snapshot, one delta each.
    pub serials: u64,
    /// Mutations of a dimona delta. `insurance` and `persons` have a tenth of them, `coprev` and
    /// `federated` a thousandth.
    pub mutations: u64,
    /// Creation time of the notifications.
    pub created: Timestamp,
}

/// Why feeds cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Each mutation changes another person, and there are too few people.
    #[error(
        "{serials} serials with {mutations} mutations each need {} people, but the country has {people}: increase \
         --people, or decrease --serials or --mutations", u128::from(*.serials) * u128::from(*.mutations)
    )]
    TooManyMutations {
        /// Number of serials after the snapshot.
        serials: u64,
        /// Mutations per serial.
        mutations: u64,
        /// Number of people.
        people: u64,
    },
    /// A file cannot be written.
    #[error("{}: cannot write: {reason}", .folder.display())]
    File {
        /// Folder of the feeds.
        folder: PathBuf,
        /// Error of the system.
        reason: io::Error,
    },
}

impl CountryFeeds {
    /// Writes the feeds, and returns the number of records. Calls `on_file` after each data file: a
    /// country of full size takes one to two minutes.
    ///
    /// # Errors
    /// [`GenerateError`] if there are too few people or a file cannot be written.
    pub fn write(&self, on_file: &mut dyn FnMut(&DataFileSummary)) -> Result<u64, GenerateError> {
        let Self { people, serials, mutations, .. } = *self;
        if u128::from(serials) * u128::from(mutations) > u128::from(people) {
            return Err(GenerateError::TooManyMutations { serials, mutations, people });
        }
        let mut generation = Generation { country: Country::new(people, self.seed), feeds: self, on_file };
        generation.write().map_err(|reason| GenerateError::File { folder: self.out.clone(), reason })
    }
}

struct Generation<'a> {
    country: Country,
    feeds: &'a CountryFeeds,
    on_file: &'a mut dyn FnMut(&DataFileSummary),
}

impl Generation<'_> {
    fn write(&mut self) -> io::Result<u64> {
        let ids = self.write_dimona_snapshot()?;
        let mut records = 0;
        for dataset in Dataset::ALL {
            records += self.write_feed(dataset, &ids)?;
        }
        Ok(records)
    }

    fn create(&self, dataset: Dataset, kind: FileKind, serial: u64) -> io::Result<DataFile> {
        DataFile::create(&self.feeds.out, dataset, kind, serial)
    }

    fn finish(&mut self, file: DataFile) -> io::Result<DataFileSummary> {
        let summary = file.finish()?;
        (self.on_file)(&summary);
        Ok(summary)
    }

    /// Writes the periods, and returns the first period id of each block of rows.
    fn write_dimona_snapshot(&mut self) -> io::Result<PeriodIds> {
        let mut file = self.create(Dataset::Dimona, FileKind::Snapshot, 1)?;
        let mut blocks = Vec::new();
        let mut id = 1;
        for row in 0..self.country.people() {
            if row.is_multiple_of(PEOPLE_PER_BLOCK) {
                blocks.push(id);
            }
            let person = self.country.person_at(row);
            for work in self.country.works(person) {
                file.write(format_args!(
                    "{id},{},{},{}\n",
                    ssin(&self.country, person)?,
                    work.employer,
                    Days(work.span)
                ))?;
                id += 1;
            }
        }
        Ok(PeriodIds { blocks, next: id, snapshot: self.finish(file)? })
    }

    fn write_feed(&mut self, dataset: Dataset, ids: &PeriodIds) -> io::Result<u64> {
        let snapshot = match dataset {
            Dataset::Dimona => ids.snapshot.clone(),
            Dataset::Coprev | Dataset::Federated => self.write_affiliations(dataset)?,
            Dataset::Insurance | Dataset::Persons => self.write_people(dataset)?,
        };
        let mut files = vec![snapshot];
        let mut next_id = ids.next;
        for serial in 2..=self.feeds.serials + 1 {
            files.push(match dataset {
                Dataset::Dimona => self.write_dimona_delta(serial, ids, &mut next_id)?,
                Dataset::Coprev | Dataset::Federated => self.write_affiliations_delta(dataset, serial)?,
                Dataset::Insurance | Dataset::Persons => self.write_people_delta(dataset, serial)?,
            });
        }
        self.write_notification(dataset, &files)?;
        Ok(files.iter().map(|file| file.records).sum())
    }

    fn write_affiliations(&mut self, dataset: Dataset) -> io::Result<DataFileSummary> {
        let mut file = self.create(dataset, FileKind::Snapshot, 1)?;
        let mut id = 1;
        for rank in 0..self.country.employers() {
            let employer = employer(rank);
            if dataset == Dataset::Coprev {
                for (service, span) in self.country.external_affiliations(rank) {
                    file.write(format_args!("{id},{employer},{service},{}\n", Days(span)))?;
                    id += 1;
                }
            } else if let Some((service, span, entity)) = self.country.internal_affiliation(rank) {
                file.write(format_args!("{},{employer},{service},{},{entity}\n", rank + 1, Days(span)))?;
            }
        }
        self.finish(file)
    }

    fn write_people(&mut self, dataset: Dataset) -> io::Result<DataFileSummary> {
        let mut file = self.create(dataset, FileKind::Snapshot, 1)?;
        for row in 0..self.country.people() {
            let person = self.country.person_at(row);
            let number = ssin(&self.country, person)?;
            if dataset == Dataset::Insurance {
                for (fund, span) in self.country.insurances(person) {
                    file.write(format_args!("{number},{fund},{}\n", Days(span)))?;
                }
            } else {
                let cancelled = u8::from(self.country.is_cancelled(person));
                match self.country.successor(person).map(Digits) {
                    Some(successor) => file.write(format_args!("{number},{successor},{cancelled}\n"))?,
                    None => file.write(format_args!("{number},,{cancelled}\n"))?,
                }
            }
        }
        self.finish(file)
    }

    /// Writes a dimona delta. Of 10 mutations, 4 are new periods, 3 end one, 2 correct one and 1
    /// cancels one. No person is changed twice in all serials, so that each delta is valid after
    /// any other.
    fn write_dimona_delta(&mut self, serial: u64, ids: &PeriodIds, next_id: &mut u64) -> io::Result<DataFileSummary> {
        let mut file = self.create(Dataset::Dimona, FileKind::Delta, serial)?;
        let day = self.country.day_after(serial);
        let first = self.first_row(serial);
        let mut id = ids.first_of(&self.country, first);
        for mutation in 0..self.feeds.mutations {
            let person = self.country.person_at(first + mutation);
            let works = self.country.works(person);
            let number = ssin(&self.country, person)?;
            let last_id = id + works.len() as u64;
            match (mutation % 10, works.last()) {
                (4..7, Some(work)) => {
                    let end = Some(day.max(work.span.begin));
                    let span = Span { end, ..work.span };
                    file.write(format_args!("put,{},{number},{},{}\n", last_id - 1, work.employer, Days(span)))?;
                }
                (7..9, Some(work)) => {
                    let span = Span { begin: work.span.begin.plus_days(-1), ..work.span };
                    file.write(format_args!("put,{},{number},{},{}\n", last_id - 1, work.employer, Days(span)))?;
                }
                (9, Some(_)) => file.write(format_args!("delete,{},,,,\n", last_id - 1))?,
                _ => {
                    let employer = employer(mutation % self.country.employers());
                    let span = Span { begin: day, end: None };
                    file.write(format_args!("put,{next_id},{number},{employer},{}\n", Days(span)))?;
                    *next_id += 1;
                }
            }
            id = last_id;
        }
        self.finish(file)
    }

    /// Writes a delta of affiliations, a thousandth of the mutations: each begins on the day of the
    /// serial.
    fn write_affiliations_delta(&mut self, dataset: Dataset, serial: u64) -> io::Result<DataFileSummary> {
        let mut file = self.create(dataset, FileKind::Delta, serial)?;
        let changes = self.feeds.mutations.div_ceil(1_000);
        for change in 0..changes {
            let index = (serial - 2) * changes + change;
            let rank = index % self.country.employers();
            let employer = employer(rank);
            let span = Span { begin: self.country.day_after(serial), end: None };
            let id = FIRST_DELTA_AFFILIATION + index;
            let (service, ..) = self.country.external_affiliations(rank)[0];
            let entity = if dataset == Dataset::Federated { ",VLG" } else { "" };
            file.write(format_args!("put,{id},{employer},{service},{}{entity}\n", Days(span)))?;
        }
        self.finish(file)
    }

    /// Writes a delta about people, a tenth of the mutations: memberships that end, or SSINs that
    /// are cancelled.
    fn write_people_delta(&mut self, dataset: Dataset, serial: u64) -> io::Result<DataFileSummary> {
        let mut file = self.create(dataset, FileKind::Delta, serial)?;
        let day = self.country.day_after(serial);
        for change in 0..self.feeds.mutations.div_ceil(10) {
            let person = self.country.person_at(self.first_row(serial) + change);
            let number = ssin(&self.country, person)?;
            if dataset == Dataset::Insurance
                && let Some((fund, span)) = self.country.insurances(person).last()
            {
                let end = Some(day.plus_days(-1).max(span.begin));
                file.write(format_args!("put,{number},{fund},{}\n", Days(Span { end, ..*span })))?;
                continue;
            }
            match self.country.successor(person).map(Digits) {
                Some(successor) => file.write(format_args!("put,{number},{successor},1\n"))?,
                None => file.write(format_args!("put,{number},,1\n"))?,
            }
        }
        self.finish(file)
    }

    /// Row of the first person that a serial changes.
    fn first_row(&self, serial: u64) -> u64 {
        (serial - 2) * self.feeds.mutations
    }

    fn write_notification(&self, dataset: Dataset, files: &[DataFileSummary]) -> io::Result<()> {
        let session = digest_of(format!("{} {} {dataset:?}", self.feeds.seed, self.feeds.people).as_bytes());
        let hex = session.to_string();
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]];
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<notification version=\"1\" dataset=\"{}\" session=\"{}\" \
             serial=\"{}\" created=\"{}\">\n",
            dataset.code(),
            parts.join("-"),
            self.feeds.serials + 1,
            self.feeds.created,
        );
        for file in files {
            text.push_str(&format!(
                "  <{} serial=\"{}\" uri=\"{}\" sha256=\"{}\" bytes=\"{}\" records=\"{}\"/>\n",
                file.kind.code(),
                file.serial,
                file.name,
                file.sha256,
                file.bytes,
                file.records
            ));
        }
        text.push_str("</notification>\n");
        // Last, and by a rename: a reader sees the old notification or the new one, never a part of
        // it.
        let folder = self.feeds.out.join(dataset.code());
        Ok(durable_file::replace(&folder.join("notification.xml"), text.as_bytes(), 0o666)?)
    }
}

/// Ids of the periods in the dimona snapshot.
struct PeriodIds {
    /// First id of each block of [`PEOPLE_PER_BLOCK`] rows.
    blocks: Vec<u64>,
    /// First unused id.
    next: u64,
    snapshot: DataFileSummary,
}

impl PeriodIds {
    /// First id of the person in a row.
    fn first_of(&self, country: &Country, row: u64) -> u64 {
        let block = row / PEOPLE_PER_BLOCK;
        let first = usize::try_from(block).ok().and_then(|block| self.blocks.get(block)).copied().unwrap_or(self.next);
        (block * PEOPLE_PER_BLOCK..row).fold(first, |id, row| id + country.works_count(country.person_at(row)))
    }
}

/// The columns `begin` and `end` of a record; the end may be empty.
struct Days(Span);

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},", self.0.begin)?;
        self.0.end.map_or(Ok(()), |end| end.fmt(f))
    }
}

/// The eleven digits of an invented person's SSIN.
struct Digits(Ssin);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.digits().iter().try_for_each(|digit| f.write_char(char::from(*digit)))
    }
}

fn ssin(country: &Country, person: u64) -> io::Result<Digits> {
    // Every person of a country within the limit of `people` has one.
    country.ssin(person).map(Digits).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use std::fs;

    use super::*;
    use datasets::sync::{Feed, Outcome, Settings, Source, run_all};
    use ehealth_core::model::FixedClock;

    const CREATED: i64 = 1_768_500_000_000;

    fn generate(out: &Path, people: u64, seed: u64, serials: u64, mutations: u64) -> Result<u64, GenerateError> {
        let created = Timestamp::from_millis(CREATED);
        CountryFeeds { people, seed, out: out.to_owned(), serials, mutations, created }.write(&mut |_| {})
    }

    fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for dataset in Dataset::ALL {
            for entry in fs::read_dir(folder.join(dataset.code())).expect("a feed") {
                let path = entry.expect("a file").path();
                files.push((
                    path.strip_prefix(folder).expect("inside").display().to_string(),
                    fs::read(path).expect("readable"),
                ));
            }
        }
        files.sort();
        files
    }

    #[test]
    fn the_same_arguments_give_the_same_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] {
            generate(&at(name), 500, seed, 1, 20).expect("written");
        }
        assert_eq!(files(&at("a")), files(&at("b")));
        assert_ne!(files(&at("a")), files(&at("c")));
    }

    #[test]
    fn every_record_is_valid_and_every_serial_applies() {
        let folder = tempfile::tempdir().expect("a folder");
        generate(&folder.path().join("feeds"), 2_000, 3, 4, 500).expect("written");
        let feed =
            |dataset: Dataset| Feed::new(dataset, Source::Folder(folder.path().join("feeds").join(dataset.code())));
        let settings = Settings {
            data: folder.path().join("data"),
            rejected: folder.path().join("rejected"),
            feeds: Dataset::ALL.map(feed).to_vec(),
            min_free_space: 0,
        };
        for report in run_all(&settings, &FixedClock::new(Timestamp::from_millis(CREATED))) {
            assert!(matches!(report.outcome, Outcome::Snapshot(_)), "{report:?}");
            assert_eq!((report.rejected, report.serial), (0, Some(5)), "{report:?}");
        }
    }

    #[test]
    fn more_mutations_than_people_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = generate(folder.path(), 10, 1, 3, 4);
        assert!(matches!(refused, Err(GenerateError::TooManyMutations { .. })), "{refused:?}");
    }
}
