//! Feeds over HTTPS: behaviours of a web server, and the outcome of the run.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use datasets::feed::{Signer, digest_of};
use datasets::store::Watch;
use datasets::sync::{self, Failure, FeedUrl, Feeds, Outcome, Phase, Refusal, SnapshotReason, Source};
use ehealth_core::model::{Clock, Dataset};

use crate::support::publisher::web::{Manner, Web};
use crate::support::publisher::{Place, Publisher, period};

const FIRST: Outcome = Outcome::Snapshot(SnapshotReason::First);

/// A place that follows a publisher's web server.
struct Followed {
    place: Place,
    publisher: Publisher,
    web: Web,
}

impl Followed {
    fn new() -> Self {
        let mut place = Place::new(&[Dataset::Dimona]);
        let publisher = place.publisher(Dataset::Dimona);
        let workspace = place.folder.path().join("demo");
        let web = Web::start(&workspace, &place.folder.path().join("feeds"), place.same_clock());
        place.settings.feeds[0].source = Source::Https(web.feed(&workspace, "dimona"));
        Self { place, publisher, web }
    }

    fn feeds(&self) -> Feeds {
        Feeds::new(self.place.settings.clone())
    }

    fn run(&self, feeds: &Feeds) -> Outcome {
        feeds.run_all(&self.place.clock)[0].outcome
    }
}

fn twenty() -> Vec<String> {
    (1..=20).map(|n| period(n, n, n, "2024-01-01", "")).collect()
}

fn path(file: &str) -> String {
    format!("/dimona/{file}")
}

#[test]
fn one_connection_fetches_a_snapshot_and_its_deltas() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).delta(2, &["delete,1,,,,".into()]).announce();
    let feeds = followed.feeds();
    assert_eq!(followed.run(&feeds), FIRST);
    assert_eq!(
        followed.web.asked(),
        ["/dimona/notification.xml 200", "/dimona/snapshot-1.csv 200", "/dimona/delta-2.csv 200"]
    );
    assert_eq!(followed.web.connections(), 1);
}

#[test]
fn an_unmodified_notification_is_not_sent_to_any_process() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).announce();
    assert_eq!(followed.run(&followed.feeds()), FIRST);
    followed.web.asked();
    for _ in 0..2 {
        assert_eq!(followed.run(&followed.feeds()), Outcome::Nothing);
        assert_eq!(followed.web.asked(), ["/dimona/notification.xml 304"]);
    }
    followed.publisher.delta(2, &["delete,1,,,,".into()]).announce();
    assert_eq!(followed.run(&followed.feeds()), Outcome::Deltas);
    assert_eq!(followed.web.asked(), ["/dimona/notification.xml 200", "/dimona/delta-2.csv 200"]);
    assert_eq!(followed.run(&followed.feeds()), Outcome::Nothing);
    assert_eq!(followed.web.asked(), ["/dimona/notification.xml 304"]);
}

#[test]
fn a_changed_store_makes_the_notification_be_fetched_whole() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).announce();
    assert_eq!(followed.run(&followed.feeds()), FIRST);
    let web = followed.place.settings.feeds[0].source.clone();
    let folder = Source::Folder(followed.publisher.folder.clone());

    // The data was removed.
    followed.web.asked();
    fs::remove_dir_all(&followed.place.settings.data).expect("removed");
    assert_eq!(followed.run(&followed.feeds()), FIRST);
    assert_eq!(followed.web.asked(), ["/dimona/notification.xml 200", "/dimona/snapshot-1.csv 200"]);

    // The data came from a newer source; the web server lags behind.
    let before = fs::read(followed.publisher.folder.join("notification.xml")).expect("announced");
    followed.publisher.delta(2, &["delete,1,,,,".into()]).announce();
    followed.place.settings.feeds[0].source = folder;
    assert_eq!(followed.run(&followed.feeds()), Outcome::Deltas);
    fs::write(followed.publisher.folder.join("notification.xml"), before).expect("disk enough");
    followed.place.settings.feeds[0].source = web.clone();
    assert_eq!(followed.run(&followed.feeds()), Outcome::Refused(Refusal::Rollback));
    assert_eq!(followed.web.asked(), ["/dimona/notification.xml 200"]);
    followed.publisher.announce();
    assert_eq!(followed.run(&followed.feeds()), Outcome::Nothing);

    // A delta of a run was applied, and the next one was missing.
    followed.publisher.delta(3, &["delete,2,,,,".into()]).delta(4, &["delete,3,,,,".into()]).announce();
    followed.web.answer(&path("delta-4.csv"), Manner::Status(503));
    assert_eq!(followed.run(&followed.feeds()), Outcome::Failed(Failure::Source));
    followed.web.behave();
    followed.web.asked();
    assert_eq!(followed.run(&followed.feeds()), Outcome::Deltas);
    assert_eq!(followed.web.asked(), ["/dimona/notification.xml 200", "/dimona/delta-4.csv 200"]);

    // Another server has another document with the same name.
    let Source::Https(mut feed) = web else { unreachable!("set above") };
    feed.url = FeedUrl::parse(&format!("https://localhost:{}/./dimona", followed.web.address.port())).expect("plain");
    followed.place.settings.feeds[0].source = Source::Https(feed);
    assert_eq!(followed.run(&followed.feeds()), Outcome::Nothing);
    assert_eq!(followed.web.asked(), ["/./dimona/notification.xml 200"]);
}

#[test]
fn an_unrequested_304_is_refused() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).announce();
    followed.web.answer(&path("notification.xml"), Manner::Status(304));
    assert_eq!(followed.run(&followed.feeds()), Outcome::Failed(Failure::Source));
}

#[test]
fn if_modified_since_waits_until_its_second_is_over() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).announce();
    followed.web.answer(&path("notification.xml"), Manner::Dated { seconds_ago: 0 });
    assert_eq!(followed.run(&followed.feeds()), FIRST);
    assert_eq!(followed.run(&followed.feeds()), Outcome::Nothing);
    followed.web.answer(&path("notification.xml"), Manner::Dated { seconds_ago: 1 });
    assert_eq!(followed.run(&followed.feeds()), Outcome::Nothing);
    followed.web.asked();
    assert_eq!(followed.run(&followed.feeds()), Outcome::Nothing);
    assert_eq!(followed.web.asked(), ["/dimona/notification.xml 304"]);
}

#[test]
fn a_misbehaving_server_changes_nothing() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).announce();
    let feeds = followed.feeds();
    assert_eq!(followed.run(&feeds), FIRST);
    followed.publisher.snapshot(2, &twenty()).announce();
    let refused = Outcome::Refused;
    let failed = Outcome::Failed(Failure::Source);
    for (file, manner, outcome) in [
        ("notification.xml", Manner::Redirect, refused(Refusal::Uri)),
        ("notification.xml", Manner::Status(404), refused(Refusal::MissingFile)),
        ("notification.xml", Manner::Status(304), Outcome::Nothing),
        ("notification.xml", Manner::Status(206), failed),
        ("notification.xml", Manner::Status(503), failed),
        ("notification.xml", Manner::Cut, failed),
        ("notification.xml", Manner::Endless, refused(Refusal::Notification)),
        ("snapshot-2.csv", Manner::Redirect, refused(Refusal::Uri)),
        ("snapshot-2.csv", Manner::Status(410), refused(Refusal::MissingFile)),
        ("snapshot-2.csv", Manner::Status(500), failed),
        ("snapshot-2.csv", Manner::Cut, failed),
        ("snapshot-2.csv", Manner::Endless, refused(Refusal::Bytes)),
    ] {
        followed.web.answer(&path(file), manner);
        assert_eq!(followed.run(&followed.feeds()), outcome, "{file} {manner:?}");
        followed.web.behave();
    }
    let mut reader = Watch::open(&followed.place.settings.data).reader();
    let history = reader.view().history(Dataset::Dimona).expect("readable");
    assert!(history.iter().all(|entry| entry.serial == Some(1)));
    assert_eq!(followed.run(&feeds), Outcome::Snapshot(SnapshotReason::Gap));
}

#[test]
fn a_slow_download_is_aborted() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).announce();
    let Source::Https(feed) = &mut followed.place.settings.feeds[0].source else { unreachable!("set above") };
    feed.limits.file = Duration::from_millis(300);
    followed.web.answer(&path("snapshot-1.csv"), Manner::Drip);
    assert_eq!(followed.run(&followed.feeds()), Outcome::Failed(Failure::Source));
    let Source::Https(feed) = &mut followed.place.settings.feeds[0].source else { unreachable!("set above") };
    feed.limits.silence = Duration::from_millis(5);
    feed.limits.file = Duration::from_secs(60);
    followed.web.behave();
    followed.web.answer(&path("notification.xml"), Manner::Drip);
    assert_eq!(followed.run(&followed.feeds()), Outcome::Failed(Failure::Source));
}

#[test]
fn an_untrusted_or_unreachable_publisher_is_a_failure() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).announce();
    let right = followed.place.settings.feeds[0].source.clone();
    let other = followed.place.folder.path().join("other");
    let other_web = Web::start(&other, followed.place.folder.path(), followed.place.same_clock());
    for change in 0..4 {
        let Source::Https(mut feed) = right.clone() else { unreachable!("set above") };
        match change {
            0 => feed.authorities = other.join("ca.pem"),
            1 => feed.identity = None,
            2 => feed.authorities = "nowhere.pem".into(),
            _ => feed.identity = other_web.feed(&other, "").identity,
        }
        followed.place.settings.feeds[0].source = Source::Https(feed);
        assert_eq!(followed.run(&followed.feeds()), Outcome::Failed(Failure::Source), "{change}");
    }
    followed.place.settings.feeds[0].source = right;
    assert_eq!(followed.run(&followed.feeds()), FIRST);
}

#[test]
fn a_stop_ends_a_run_at_once_and_leaves_the_data_whole() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).announce();
    followed.web.answer(&path("snapshot-1.csv"), Manner::Drip);
    let feeds = followed.feeds();
    let monitor = feeds.monitor();
    let outcome = std::thread::scope(|scope| {
        let run = scope.spawn(|| followed.run(&feeds));
        while monitor.status(Dataset::Dimona).progress.phase != Phase::Reading {
            std::thread::yield_now();
        }
        monitor.stop();
        run.join().expect("no panic")
    });
    assert_eq!(outcome, Outcome::Failed(Failure::Stopped));
    assert_eq!(monitor.status(Dataset::Dimona).progress.phase, Phase::Idle);
    followed.web.behave();
    assert_eq!(followed.run(&followed.feeds()), FIRST);
}

/// A publisher's key, and the note over a notification.
fn signed(place: &Place, publisher: &Publisher) -> (Signer, String) {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).expect("a seed");
    let name = "publisher";
    let key = [&[1][..], pair.public_key().as_ref()].concat();
    let id = digest_of(&[format!("{name}\n").as_bytes(), &key].concat()).as_bytes()[..4].to_vec();
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let signer = Signer::parse(&format!("{name}+{hex}+{}", base64(&key))).expect("a verifier key");
    let document = fs::read(place.folder.path().join("feeds/dimona/notification.xml")).expect("announced");
    let serial = publisher.snapshot.as_ref().expect("a snapshot").serial;
    let text = format!("ehealth-attributes feed\ndimona\n{}\n{serial}\n{}\n", publisher.session, digest_of(&document));
    let signature = base64(&[&id, pair.sign(text.as_bytes()).as_ref()].concat());
    (signer, format!("{text}\n\u{2014} {name} {signature}\n"))
}

fn base64(bytes: &[u8]) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let group = |chunk: &[u8]| -> String {
        let bits = chunk.iter().chain([0; 3].iter()).take(3).fold(0_usize, |bits, byte| bits << 8 | *byte as usize);
        let letter = |place: usize| if place > chunk.len() { '=' } else { alphabet[bits >> (18 - 6 * place) & 63] };
        (0..4).map(letter).collect()
    };
    bytes.chunks(3).map(group).collect()
}

#[test]
fn a_feed_with_a_signer_accepts_only_signed_notifications() {
    let mut followed = Followed::new();
    followed.publisher.snapshot(1, &twenty()).announce();
    let (signer, note) = signed(&followed.place, &followed.publisher);
    followed.place.settings.feeds[0].signer = Some(signer);
    let folder = followed.publisher.folder.clone();
    let refused = Outcome::Refused(Refusal::Signature);
    let web = followed.place.settings.feeds[0].source.clone();
    for source in [Source::Folder(folder.clone()), web] {
        followed.place.settings.feeds[0].source = source;
        let _ = fs::remove_file(folder.join("notification.sig"));
        // Over HTTPS an unchanged notification is not sent again; its signature must be present all
        // the same.
        assert_eq!(followed.run(&followed.feeds()), refused, "unsigned");
        fs::write(folder.join("notification.sig"), note.replace("\n1\n", "\n2\n")).expect("disk enough");
        assert_eq!(followed.run(&followed.feeds()), refused, "changed");
        fs::write(folder.join("notification.sig"), &note).expect("disk enough");
        assert!(followed.run(&followed.feeds()).is_up_to_date());
    }
    // An unsigned text is not parsed as a notification.
    followed.publisher.announce_document("<nonsense");
    assert_eq!(followed.run(&followed.feeds()), refused);
}

#[tokio::test(start_paused = true)]
async fn feeds_run_at_once_then_at_their_interval_until_stopped() {
    let place = Place::new(&[Dataset::Dimona, Dataset::Persons]);
    let mut publisher = place.publisher(Dataset::Dimona);
    publisher.snapshot(1, &twenty()).announce();
    let feeds = Arc::new(Feeds::new(place.settings.clone()));
    let clock: Arc<dyn Clock> = Arc::new(place.same_clock());
    let following = tokio::spawn(sync::follow(Arc::clone(&feeds), clock));
    let begun = tokio::time::Instant::now();
    // Runs take real time while the clock of the pauses jumps: wait for their result, without a
    // limit.
    let until_all = async |is: &dyn Fn() -> bool| {
        while !is() {
            tokio::time::advance(Duration::from_secs(1)).await;
            tokio::task::yield_now().await;
        }
    };
    let until = async |outcome: Outcome| {
        let last = || feeds.monitor().status(Dataset::Dimona).last;
        until_all(&|| last().is_some_and(|(report, _)| report.outcome == outcome)).await;
    };
    until(FIRST).await;
    until(Outcome::Nothing).await;
    assert!(begun.elapsed() >= Duration::from_secs(800), "{:?}", begun.elapsed());
    publisher.delta(2, &["delete,1,,,,".into()]).announce();
    until(Outcome::Deltas).await;
    until_all(&|| feeds.monitor().status(Dataset::Persons).unsuccessful_runs > 1).await;
    let persons = feeds.monitor().status(Dataset::Persons);
    assert_eq!(persons.last.map(|(report, _)| report.outcome), Some(Outcome::Failed(Failure::NoFeed)));
    feeds.monitor().stop();
    following.await.expect("no panic");
}
