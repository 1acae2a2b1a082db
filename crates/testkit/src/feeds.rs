//! Feeds of the invented people: those of the catalogue, and those that a scenario adds.
//!
//! They are written as a publisher delivers them, and loaded by the same sync: that sync validates
//! the records, not this module.

use std::fs;
use std::io;
use std::path::Path;

use crate::scenario::Scenario;
use datasets::feed::digest_of;
use ehealth_core::model::{Dataset, Period, ServiceKind, Ssin, Timestamp};

/// Feeds of the catalogue: dataset, notification, snapshot.
const CATALOGUE: [(Dataset, &str, &str); 5] = [
    (
        Dataset::Dimona,
        include_str!("../../../fixtures/feeds/dimona/notification.xml"),
        include_str!("../../../fixtures/feeds/dimona/snapshot-1.csv"),
    ),
    (
        Dataset::Coprev,
        include_str!("../../../fixtures/feeds/coprev/notification.xml"),
        include_str!("../../../fixtures/feeds/coprev/snapshot-1.csv"),
    ),
    (
        Dataset::Federated,
        include_str!("../../../fixtures/feeds/federated/notification.xml"),
        include_str!("../../../fixtures/feeds/federated/snapshot-1.csv"),
    ),
    (
        Dataset::Insurance,
        include_str!("../../../fixtures/feeds/insurance/notification.xml"),
        include_str!("../../../fixtures/feeds/insurance/snapshot-1.csv"),
    ),
    (
        Dataset::Persons,
        include_str!("../../../fixtures/feeds/persons/notification.xml"),
        include_str!("../../../fixtures/feeds/persons/snapshot-1.csv"),
    ),
];

/// File name of a feed's data, in the folder of its notification.
const SNAPSHOT: &str = "snapshot-1.csv";
const NOTIFICATION: &str = "notification.xml";

/// Session of every feed that a scenario extends.
const SESSION: &str = "6b0b7a52-3f0e-4c8e-9d4f-0f6f3a1c0e00";

/// First record id of a scenario: above all ids of the catalogue.
const FIRST_ID: usize = 1_000_001;

/// Age of a scenario's data, one day: stale under any limit below that.
const AGE_MILLIS: i64 = 86_400_000;

/// Writes the catalogue's feeds, one folder per dataset. Existing files are kept: users may have
/// edited them.
pub(crate) fn write_catalogue(feeds: &Path) -> io::Result<()> {
    for (dataset, notification, snapshot) in CATALOGUE {
        let folder = feeds.join(dataset.code());
        fs::create_dir_all(&folder)?;
        for (name, text) in [(SNAPSHOT, snapshot), (NOTIFICATION, notification)] {
            if !folder.join(name).exists() {
                fs::write(folder.join(name), text)?;
            }
        }
    }
    Ok(())
}

/// Writes the feeds of the catalogue and the scenario, one folder per dataset.
pub(crate) fn write_scenario(feeds: &Path, scenario: &Scenario) -> io::Result<()> {
    for (dataset, _, snapshot) in CATALOGUE {
        let mut snapshot = snapshot.to_owned();
        match dataset {
            Dataset::Dimona => add_periods(&mut snapshot, scenario),
            Dataset::Coprev => add_affiliations(&mut snapshot, scenario, ServiceKind::External),
            Dataset::Federated => add_affiliations(&mut snapshot, scenario, ServiceKind::Internal),
            Dataset::Insurance => add_memberships(&mut snapshot, scenario),
            Dataset::Persons => add_persons(&mut snapshot, scenario),
        }
        let folder = feeds.join(dataset.code());
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(SNAPSHOT), &snapshot)?;
        let created = Timestamp::from_millis(scenario.now.as_millis() - AGE_MILLIS);
        fs::write(folder.join(NOTIFICATION), notification(dataset, &snapshot, created))?;
    }
    Ok(())
}

fn notification(dataset: Dataset, snapshot: &str, created: Timestamp) -> String {
    let (digest, bytes) = (digest_of(snapshot.as_bytes()), snapshot.len());
    // The first line is the header.
    let records = snapshot.lines().count().saturating_sub(1);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<notification version=\"1\" dataset=\"{}\" session=\"{SESSION}\" \
         serial=\"1\" created=\"{created}\">\n  <snapshot serial=\"1\" uri=\"{SNAPSHOT}\" sha256=\"{digest}\" \
         bytes=\"{bytes}\" records=\"{records}\"/>\n</notification>\n",
        dataset.code(),
    )
}

fn add_periods(snapshot: &mut String, scenario: &Scenario) {
    let periods =
        scenario.people.iter().flat_map(|person| person.employments.iter().map(|period| (person.ssin, period)));
    for (id, (ssin, declared)) in (FIRST_ID..).zip(periods) {
        snapshot.push_str(&format!("{id},{},{},{}\n", digits(ssin), declared.employer, days(declared.period)));
    }
}

fn add_affiliations(snapshot: &mut String, scenario: &Scenario, kind: ServiceKind) {
    let affiliations = scenario.affiliations.iter().filter(|of_employer| of_employer.kind == kind);
    for (id, of_employer) in (FIRST_ID..).zip(affiliations) {
        let affiliation = of_employer.affiliation;
        let (employer, service, days) = (of_employer.employer, affiliation.service, days(affiliation.period));
        // The record of an internal service names a federated entity; no disclosed field depends on
        // it.
        let entity = match kind {
            ServiceKind::Internal => ",VLG",
            ServiceKind::External => "",
        };
        snapshot.push_str(&format!("{id},{employer},{service},{days}{entity}\r\n"));
    }
}

fn add_memberships(snapshot: &mut String, scenario: &Scenario) {
    for person in &scenario.people {
        for membership in &person.memberships {
            let (ssin, days) = (digits(person.ssin), days(membership.period));
            snapshot.push_str(&format!("{ssin},{},{days}\n", membership.fund));
        }
    }
}

fn add_persons(snapshot: &mut String, scenario: &Scenario) {
    for person in scenario.people.iter().filter(|person| person.replaced_by.is_some() || person.is_cancelled) {
        let replaced_by = person.replaced_by.map(digits).unwrap_or_default();
        snapshot.push_str(&format!("{},{replaced_by},{}\n", digits(person.ssin), u8::from(person.is_cancelled)));
    }
}

fn days(period: Period) -> String {
    let end = period.end().map(|end| end.to_string()).unwrap_or_default();
    format!("{},{end}", period.begin())
}

fn digits(ssin: Ssin) -> String {
    format!("{:011}", ssin.as_u64())
}
