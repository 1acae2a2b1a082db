//! The feeds of the invented people: those of the catalogue, and those that a scenario adds.
//!
//! They are written as a publisher would drop them, and brought in by the same sync as a publisher's: whether the records
//! can stand is judged there, not here.

use std::fs;
use std::io;
use std::path::Path;

use crate::config::Scenario;
use datasets::feed::digest_of;
use ehealth_core::model::{Dataset, Period, ServiceKind, Ssin, Timestamp};

/// The feeds of the catalogue's people: dataset, notification, snapshot.
const CATALOGUE: [(Dataset, &str, &str); 5] = [
    (
        Dataset::Dimona,
        include_str!("../../fixtures/feeds/dimona/notification.xml"),
        include_str!("../../fixtures/feeds/dimona/snapshot-1.csv"),
    ),
    (
        Dataset::Coprev,
        include_str!("../../fixtures/feeds/coprev/notification.xml"),
        include_str!("../../fixtures/feeds/coprev/snapshot-1.csv"),
    ),
    (
        Dataset::Federated,
        include_str!("../../fixtures/feeds/federated/notification.xml"),
        include_str!("../../fixtures/feeds/federated/snapshot-1.csv"),
    ),
    (
        Dataset::Insurance,
        include_str!("../../fixtures/feeds/insurance/notification.xml"),
        include_str!("../../fixtures/feeds/insurance/snapshot-1.csv"),
    ),
    (
        Dataset::Persons,
        include_str!("../../fixtures/feeds/persons/notification.xml"),
        include_str!("../../fixtures/feeds/persons/snapshot-1.csv"),
    ),
];

/// Under this name a feed's data lie beside its notification.
const SNAPSHOT: &str = "snapshot-1.csv";
const NOTIFICATION: &str = "notification.xml";

/// The publisher's session of every feed that a scenario adds to.
const SESSION: &str = "6b0b7a52-3f0e-4c8e-9d4f-0f6f3a1c0e00";

/// Ids of a scenario's records begin here, above the catalogue's.
const FIRST_ID: usize = 1_000_001;

/// How old a scenario's data are: old enough to be over-age where nothing may be.
const AGE_MILLIS: i64 = 86_400_000;

/// Writes the catalogue's feeds into this folder, one a dataset. What is there is left as it is: it may have been changed
/// by hand.
pub(super) fn write_catalogue(feeds: &Path) -> io::Result<()> {
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

/// Writes the feeds of the catalogue's people and of the scenario's into this folder, one a dataset.
pub(super) fn write_scenario(feeds: &Path, scenario: &Scenario) -> io::Result<()> {
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
    // The first line names the columns.
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
    let contracts = scenario.affiliations.iter().filter(|contract| contract.kind == kind);
    for (id, contract) in (FIRST_ID..).zip(contracts) {
        let affiliation = contract.affiliation;
        let (employer, service, days) = (contract.employer, affiliation.service, days(affiliation.period));
        // An internal service's record says which federated entity is competent; nothing that is told depends on it.
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
