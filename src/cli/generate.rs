//! `generate`: feeds of an invented country, to try the service at any size.
//!
//! Writes a folder a dataset, each a feed with a snapshot at serial 1 and a delta for each of the serials after it. The same
//! arguments give the same bytes. Everything streams: what is kept is one count for every thousand people.

use aws_lc_rs::digest::{Context, SHA256};
use indicatif::{HumanBytes, HumanCount};
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};

use super::args::GenerateArguments;
use super::country::{Country, Span, employer};
use super::{Exit, fail};
use datasets::feed::{columns, digest_of};
use ehealth_core::model::{Dataset, Ssin, Timestamp};

/// People for whom one sum of periods is kept, so that any person's first period id is found by counting on from there.
const PEOPLE_A_SUM: u64 = 1_024;

/// Buys fewer system calls: data files are written in pieces of this size.
const BUFFER: usize = 1 << 20;

pub(super) fn run(arguments: &GenerateArguments, now: Timestamp) -> Exit {
    let created = arguments.created.unwrap_or(now);
    if u128::from(arguments.serials) * u128::from(arguments.mutations) > u128::from(arguments.people) {
        let GenerateArguments { people, serials, mutations, .. } = arguments;
        let text = format_args!(
            "{serials} serials of {mutations} mutations each touch another person, and there are {people}: \
             ask for more people or for fewer mutations"
        );
        return fail(Exit::Failed, &text);
    }
    match (Generation { country: Country::new(arguments.people, arguments.seed), arguments, created }).write() {
        Ok(records) => {
            println!("{records} records of {} people in {}", arguments.people, arguments.out.display());
            Exit::Done
        }
        Err(error) => fail(Exit::Failed, &format_args!("{}: {error}", arguments.out.display())),
    }
}

struct Generation<'a> {
    country: Country,
    arguments: &'a GenerateArguments,
    created: Timestamp,
}

impl Generation<'_> {
    fn write(&self) -> io::Result<u64> {
        let sums = self.write_dimona_snapshot()?;
        let mut records = 0;
        for dataset in Dataset::ALL {
            records += self.write_feed(dataset, &sums)?;
        }
        Ok(records)
    }

    /// Writes the periods, and gives the sums of the periods before each block of places.
    fn write_dimona_snapshot(&self) -> io::Result<Sums> {
        let mut file = DataFile::create(self.arguments, Dataset::Dimona, "snapshot", 1)?;
        let mut sums = Vec::new();
        let mut id = 1;
        for place in 0..self.country.people() {
            if place.is_multiple_of(PEOPLE_A_SUM) {
                sums.push(id);
            }
            let person = self.country.person_at(place);
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
        Ok(Sums { blocks: sums, next: id, snapshot: file.finish()? })
    }

    fn write_feed(&self, dataset: Dataset, sums: &Sums) -> io::Result<u64> {
        let snapshot = match dataset {
            Dataset::Dimona => sums.snapshot.clone(),
            Dataset::Coprev | Dataset::Federated => self.write_affiliations(dataset)?,
            Dataset::Insurance | Dataset::Persons => self.write_people(dataset)?,
        };
        let mut files = vec![snapshot];
        let mut next_id = sums.next;
        for serial in 2..=self.arguments.serials + 1 {
            files.push(match dataset {
                Dataset::Dimona => self.write_dimona_delta(serial, sums, &mut next_id)?,
                Dataset::Coprev | Dataset::Federated => self.write_affiliations_delta(dataset, serial)?,
                Dataset::Insurance | Dataset::Persons => self.write_people_delta(dataset, serial)?,
            });
        }
        self.announce(dataset, &files)?;
        Ok(files.iter().map(|file| file.records).sum())
    }

    fn write_affiliations(&self, dataset: Dataset) -> io::Result<Written> {
        let mut file = DataFile::create(self.arguments, dataset, "snapshot", 1)?;
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
        file.finish()
    }

    fn write_people(&self, dataset: Dataset) -> io::Result<Written> {
        let mut file = DataFile::create(self.arguments, dataset, "snapshot", 1)?;
        for place in 0..self.country.people() {
            let person = self.country.person_at(place);
            let number = ssin(&self.country, person)?;
            if dataset == Dataset::Insurance {
                for (fund, span) in self.country.insurances(person) {
                    file.write(format_args!("{number},{fund},{}\n", Days(span)))?;
                }
            } else {
                let successor = self.country.successor(person).map(Number);
                let cancelled = u8::from(self.country.is_cancelled(person));
                match successor {
                    Some(successor) => file.write(format_args!("{number},{successor},{cancelled}\n"))?,
                    None => file.write(format_args!("{number},,{cancelled}\n"))?,
                }
            }
        }
        file.finish()
    }

    /// Of ten mutations four are new periods, three end one, two correct one and one cancels one. No person's period is
    /// touched twice in all serials, so that each delta is right after any other.
    fn write_dimona_delta(&self, serial: u64, sums: &Sums, next_id: &mut u64) -> io::Result<Written> {
        let mut file = DataFile::create(self.arguments, Dataset::Dimona, "delta", serial)?;
        let day = self.country.day_after(serial);
        let first = self.first_place(serial);
        let mut id = sums.before(&self.country, first);
        for mutation in 0..self.arguments.mutations {
            let place = first + mutation;
            let person = self.country.person_at(place);
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
        file.finish()
    }

    /// A thousandth of the mutations: affiliations that are corrected to begin on the day.
    fn write_affiliations_delta(&self, dataset: Dataset, serial: u64) -> io::Result<Written> {
        let mut file = DataFile::create(self.arguments, dataset, "delta", serial)?;
        let changes = self.arguments.mutations.div_ceil(1_000);
        for change in 0..changes {
            let rank = ((serial - 2) * changes + change) % self.country.employers();
            let employer = employer(rank);
            let span = Span { begin: self.country.day_after(serial), end: None };
            // Ids above all of the snapshot: every affiliation of a delta is a new one.
            let id = 1_000_000_000 + (serial - 2) * changes + change;
            let (service, ..) = self.country.external_affiliations(rank)[0];
            let entity = if dataset == Dataset::Federated { ",VLG" } else { "" };
            file.write(format_args!("put,{id},{employer},{service},{}{entity}\n", Days(span)))?;
        }
        file.finish()
    }

    /// A tenth of the mutations: people who change their fund, or whose number is cancelled.
    fn write_people_delta(&self, dataset: Dataset, serial: u64) -> io::Result<Written> {
        let mut file = DataFile::create(self.arguments, dataset, "delta", serial)?;
        let day = self.country.day_after(serial);
        for change in 0..self.arguments.mutations.div_ceil(10) {
            let person = self.country.person_at(self.first_place(serial) + change);
            let number = ssin(&self.country, person)?;
            match (dataset, self.country.insurances(person).last()) {
                (Dataset::Insurance, Some((fund, span))) => {
                    let end = Some(day.plus_days(-1).max(span.begin));
                    file.write(format_args!("put,{number},{fund},{}\n", Days(Span { end, ..*span })))?;
                }
                _ => match self.country.successor(person).map(Number) {
                    Some(successor) => file.write(format_args!("put,{number},{successor},1\n"))?,
                    None => file.write(format_args!("put,{number},,1\n"))?,
                },
            }
        }
        file.finish()
    }

    /// The place of the first person whom a serial's mutations touch.
    fn first_place(&self, serial: u64) -> u64 {
        (serial - 2) * self.arguments.mutations
    }

    fn announce(&self, dataset: Dataset, files: &[Written]) -> io::Result<()> {
        let session = digest_of(format!("{} {} {dataset:?}", self.arguments.seed, self.arguments.people).as_bytes());
        let hex = session.to_string();
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]];
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<notification version=\"1\" dataset=\"{}\" session=\"{}\" \
             serial=\"{}\" created=\"{}\">\n",
            dataset.code(),
            parts.join("-"),
            self.arguments.serials + 1,
            self.created,
        );
        for file in files {
            text.push_str(&format!(
                "  <{} serial=\"{}\" uri=\"{}\" sha256=\"{}\" bytes=\"{}\" records=\"{}\"/>\n",
                file.kind, file.serial, file.name, file.sha256, file.bytes, file.records
            ));
        }
        text.push_str("</notification>\n");
        // Last, and in one step: who reads the feed meanwhile sees the old notification or the new one.
        let folder = self.arguments.out.join(dataset.code());
        Ok(durable_file::replace(&folder.join("notification.xml"), text.as_bytes(), 0o666)?)
    }
}

/// Which period ids the people of each block have.
struct Sums {
    blocks: Vec<u64>,
    /// The first id that nobody has.
    next: u64,
    snapshot: Written,
}

impl Sums {
    /// The first id of the person at a place.
    fn before(&self, country: &Country, place: u64) -> u64 {
        let block = place / PEOPLE_A_SUM;
        let first = usize::try_from(block).ok().and_then(|block| self.blocks.get(block)).copied().unwrap_or(self.next);
        (block * PEOPLE_A_SUM..place).fold(first, |id, place| id + country.works_count(country.person_at(place)))
    }
}

/// What a data file turned out to be.
#[derive(Debug, Clone)]
struct Written {
    kind: &'static str,
    serial: u64,
    name: String,
    sha256: String,
    bytes: u64,
    records: u64,
}

/// A data file that is being written and hashed.
struct DataFile {
    writer: BufWriter<Hashed>,
    dataset: Dataset,
    kind: &'static str,
    serial: u64,
    name: String,
    records: u64,
}

struct Hashed {
    file: File,
    context: Context,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.context.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DataFile {
    fn create(arguments: &GenerateArguments, dataset: Dataset, kind: &'static str, serial: u64) -> io::Result<Self> {
        let folder = arguments.out.join(dataset.code());
        fs::create_dir_all(&folder)?;
        let name = format!("{kind}-{serial}.csv");
        let file = File::create(folder.join(&name))?;
        let hashed = Hashed { file, context: Context::new(&SHA256), bytes: 0 };
        let mut writer = BufWriter::with_capacity(BUFFER, hashed);
        let action = if kind == "delta" { "action," } else { "" };
        writeln!(writer, "{action}{}", columns(dataset).join(","))?;
        Ok(Self { writer, dataset, kind, serial, name, records: 0 })
    }

    fn write(&mut self, row: fmt::Arguments<'_>) -> io::Result<()> {
        self.records += 1;
        self.writer.write_fmt(row)
    }

    fn finish(self) -> io::Result<Written> {
        let Self { writer, dataset, kind, serial, name, records } = self;
        let hashed = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        hashed.file.sync_all()?;
        // A country of the whole size takes a minute or two: whoever waits sees it grow.
        eprintln!("{}/{name}: {} records, {}", dataset.code(), HumanCount(records), HumanBytes(hashed.bytes));
        let sha256 = hashed.context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Written { kind, serial, name, sha256, bytes: hashed.bytes, records })
    }
}

/// Two columns: begin, and end if there is one.
struct Days(Span);

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},", self.0.begin)?;
        self.0.end.map_or(Ok(()), |end| end.fmt(f))
    }
}

/// The eleven digits of a person who does not exist.
struct Number(Ssin);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.digits().iter().try_for_each(|digit| f.write_char(char::from(*digit)))
    }
}

fn ssin(country: &Country, person: u64) -> io::Result<Number> {
    // Every person of a country within the limit has one.
    country.ssin(person).map(Number).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use datasets::sync::{Feed, Outcome, Settings, Source, run_all};

    fn generate(out: &Path, people: u64, seed: u64, serials: u64, mutations: u64) {
        let created = Some(Timestamp::from_millis(1_768_500_000_000));
        let arguments = GenerateArguments { people, seed, out: out.to_owned(), serials, mutations, created };
        assert_eq!(run(&arguments, Timestamp::from_millis(0)), Exit::Done);
    }

    fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for dataset in Dataset::ALL {
            for entry in fs::read_dir(folder.join(dataset.code())).expect("a feed") {
                let path = entry.expect("a file").path();
                files.push((
                    path.strip_prefix(folder).expect("inside").display().to_string(),
                    fs::read(path).expect("it"),
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
        generate(&at("a"), 500, 1, 1, 20);
        generate(&at("b"), 500, 1, 1, 20);
        generate(&at("c"), 500, 2, 1, 20);
        assert_eq!(files(&at("a")), files(&at("b")));
        assert_ne!(files(&at("a")), files(&at("c")));
    }

    #[test]
    fn every_record_is_right_and_every_serial_can_be_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        generate(&folder.path().join("feeds"), 2_000, 3, 4, 500);
        let feed =
            |dataset: Dataset| Feed::new(dataset, Source::Folder(folder.path().join("feeds").join(dataset.code())));
        let settings = Settings {
            data: folder.path().join("data"),
            rejected: folder.path().join("rejected"),
            feeds: Dataset::ALL.map(feed).to_vec(),
        };
        for report in run_all(&settings, &crate::app::SystemClock) {
            assert!(matches!(report.outcome, Outcome::Snapshot(_)), "{report:?}");
            assert_eq!((report.rejected, report.serial), (0, Some(5)), "{report:?}");
        }
    }

    #[test]
    fn more_mutations_than_people_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().to_owned();
        let arguments = GenerateArguments { people: 10, seed: 1, out, serials: 3, mutations: 4, created: None };
        assert_eq!(run(&arguments, Timestamp::from_millis(0)), Exit::Failed);
    }
}
