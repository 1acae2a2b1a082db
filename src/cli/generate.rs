//! `generate`: writes the feeds of an invented country.

use std::path::PathBuf;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};

use super::exit::{Exit, fail};
use crate::app::SystemClock;
use ehealth_core::model::{Clock, Timestamp};
use testkit::{CountryFeeds, DataFileSummary};

const AFTER_HELP: &str = "\
Examples:
  ehealth-attributes generate --people 100000 --seed 1 --out feeds
  ehealth-attributes generate --people 11800000 --seed 1 --out feeds --serials 10 --mutations 5000

SSINs:
  A country has more people than birthdays, so the SSINs have every sequence number from 001 on. One of
  them can be the SSIN of a real person, with invented data: do not commit or publish the feeds. The
  SSINs of the catalogue have the sequence number 999, which is never issued.

Exit codes:
  0  written
  1  failed";

/// Arguments of `generate`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct GenerateArguments {
    /// Number of people; Belgium has 11800000, which gives about 20 million periods
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=25_000_000))]
    pub people: u64,
    /// Seed of the country: the same seed gives the same bytes
    #[arg(long, value_name = "S")]
    pub seed: u64,
    /// Folder for the feeds, one subfolder per dataset
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Number of serials after the snapshot, one delta each
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pub serials: u64,
    /// Mutations of a dimona delta; insurance and persons have a tenth of them, coprev and
    /// federated a thousandth
    #[arg(long, value_name = "M", default_value_t = 1_000)]
    pub mutations: u64,
    /// Creation time of the notifications, YYYY-MM-DDThh:mm:ssZ [default: now]
    #[arg(long, value_name = "TIMESTAMP", value_parser = parse_timestamp)]
    pub created: Option<Timestamp>,
}

fn parse_timestamp(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|_| "expected a timestamp, for example 2026-01-15T05:00:00Z".to_owned())
}

/// Runs the command to its end.
pub(super) fn run(arguments: &GenerateArguments) -> Exit {
    let feeds = CountryFeeds {
        people: arguments.people,
        seed: arguments.seed,
        out: arguments.out.clone(),
        serials: arguments.serials,
        mutations: arguments.mutations,
        created: arguments.created.unwrap_or_else(|| SystemClock.now()),
    };
    match feeds.write(&mut print_file) {
        Ok(records) => {
            println!("Wrote {records} records about {} people to {}.", feeds.people, feeds.out.display());
            Exit::Done
        }
        Err(error) => fail(Exit::Failed, &error),
    }
}

fn print_file(file: &DataFileSummary) {
    let (dataset, name) = (file.dataset.code(), &file.name);
    eprintln!("{dataset}/{name}: {} records, {}", HumanCount(file.records), HumanBytes(file.bytes));
}
