//! A synchronisation run that is killed at any moment leaves the old state or the new one, and no
//! extra files.
//!
//! `CRASHES` sets the number of killed runs. Each is killed at a random time of its duration.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use datasets::store::Watch;
use ehealth_core::model::Dataset;

use crate::support::environment::{self, skip};
use crate::support::publisher::{OTHER_SESSION, Place, Publisher, SESSION, period};
use crate::support::random::Random;

/// Rows for several pages of every table, and for a run that lasts long enough to be killed.
const ROWS: u64 = 20_000;

fn rows(first: u64) -> Vec<String> {
    let mut rows: Vec<String> = (first..first + ROWS).map(|n| period(n, n, n % 999, "2024-01-01", "")).collect();
    // So that a file of rejected records could be left behind as well.
    rows.push(format!("{},85073099933,0202239951,2024-01-01,", first + ROWS));
    rows
}

fn changes(serial: u64) -> Vec<String> {
    let mut changes: Vec<String> =
        (1..2_000).map(|n| format!("put,{}", period(n, n, serial % 999, "2024-01-01", ""))).collect();
    changes.push("put,1,85073099933,0202239951,2024-01-01,".into());
    changes
}

/// The settings of the place as the program reads them; the feeds of the other datasets are empty.
fn write_settings(place: &Place) {
    let text = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://localhost\"\ncertificate = \"a\"\nkey = \"a\"\n\
        [trust]\nclient_ca = \"a\"\nrevocation = \"none\"\n[policy]\nfile = \"a\"\n[data]\nfolder = \"data\"\n\
        feeds = \"feeds\"\nrejected = \"rejected\"\n[audit_log]\nfolder = \"a\"\nkeys = \"a\"\n";
    std::fs::write(place.folder.path().join("gateway.toml"), text).expect("disk enough");
    for dataset in Dataset::ALL {
        std::fs::create_dir_all(place.folder.path().join("feeds").join(dataset.code())).expect("a folder");
    }
}

fn start(place: &Place, wrapper: Option<&str>) -> Child {
    let program = env!("CARGO_BIN_EXE_ehealth-attributes");
    let mut command = match wrapper {
        None => Command::new(program),
        Some(script) => {
            let mut command = Command::new("sh");
            command.args(["-c", script, program]);
            command
        }
    };
    command.args(["--log", "off", "sync", "--config"]).arg(place.folder.path().join("gateway.toml"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program")
}

/// Serial and rows of both tables; and whether SQLite finds the file intact.
fn look(place: &Place) -> Option<(u64, u64)> {
    let pointer = std::fs::read_to_string(place.settings.data.join("dimona.current")).ok()?;
    let database = rusqlite::Connection::open(place.settings.data.join(pointer.trim_end())).expect("a database");
    let text = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0)).expect("readable");
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("readable").unsigned_abs();
    let serial = count("SELECT ifnull(max(serial), 0) FROM state");
    let rows = count("SELECT count(*) FROM period JOIN period_owner USING (period_id, ssin)");
    assert_eq!(rows, count("SELECT count(*) FROM period_owner"));
    assert_eq!(rows, count("SELECT ifnull(max(live), 0) FROM state"));
    Some((serial, rows))
}

fn assert_tidy(place: &Place) {
    let names: Vec<String> =
        place.names("data").into_iter().filter(|name| name.starts_with("dimona") || name.contains("part")).collect();
    assert!(
        matches!(&names[..], [file, pointer, lock]
        if file.ends_with(".sqlite") && pointer == "dimona.current" && lock == "dimona.lock"),
        "{names:?}"
    );
    assert!(place.names("rejected").iter().all(|name| name.ends_with(".csv")), "{:?}", place.names("rejected"));
}

fn serial(place: &Place) -> Option<u64> {
    let history = Watch::open(&place.settings.data).reader().view().history(Dataset::Dimona).expect("readable");
    history.first().and_then(|entry| entry.serial)
}

/// The next step of the publisher: a delta, or every third time a snapshot of another session.
fn step(publisher: &mut Publisher, turn: u64) -> u64 {
    if turn.is_multiple_of(3) {
        // A session that was left is never taken again, so each is another.
        publisher.session = if turn == 0 { SESSION } else { OTHER_SESSION };
        publisher.deltas.clear();
        publisher.snapshot(turn + 1, &rows(1)).announce();
    } else {
        publisher.delta(turn + 1, &changes(turn)).announce();
    }
    turn + 1
}

#[test]
fn a_killed_run_leaves_the_old_state_or_the_new_one() {
    let crashes = environment::number("CRASHES", 10);
    let (mut killed, mut random) = (0, Random::new(88_172_645));
    let mut round = 0;
    while killed < crashes {
        round += 1;
        assert!(round <= 10 + crashes * 10, "every run ended before the kill");
        let place = Place::new(&[Dataset::Dimona]);
        write_settings(&place);
        let mut publisher = place.publisher(Dataset::Dimona);
        let mut before = (0, 0);
        // Snapshot, delta, delta, snapshot of another session, delta, delta.
        for turn in 0..6 {
            let target = step(&mut publisher, turn);
            // The duration of a whole run is measured on a copy of the data.
            let whole = time_of_a_run(&place);
            let moment = whole * u32::try_from(random.below(1_000)).expect("small") / 1_000;
            killed += u64::from(kill_after(start(&place, None), moment));
            let after = look(&place).unwrap_or((0, 0));
            assert!(after == before || after.0 == target, "before {before:?}, after {after:?}, target {target}");
            let exit = start(&place, None).wait().expect("a child");
            // 7: the feeds of the other datasets are not there.
            assert_eq!(exit.code(), Some(7));
            assert_eq!(serial(&place), Some(target));
            before = look(&place).expect("loaded");
            assert_eq!(before.0, target);
            assert_tidy(&place);
        }
    }
}

/// Runs the program on a copy of the data folder, and measures the time.
fn time_of_a_run(place: &Place) -> Duration {
    let (data, aside) = (&place.settings.data, place.folder.path().join("aside"));
    let _ = std::fs::create_dir(data);
    std::fs::create_dir(&aside).expect("a folder");
    for name in place.names("data") {
        std::fs::copy(data.join(&name), aside.join(&name)).expect("copied");
    }
    let begun = Instant::now();
    start(place, None).wait().expect("a child");
    let whole = begun.elapsed();
    std::fs::remove_dir_all(data).expect("removed");
    std::fs::rename(&aside, data).expect("renamed");
    whole
}

/// Kills a run at this time. Returns whether it was still running.
fn kill_after(mut child: Child, moment: Duration) -> bool {
    // Nothing is ever sent: the time passes.
    let (_kept, passing) = channel::<()>();
    let _ = passing.recv_timeout(moment);
    // A run that ended before the kill is not an error.
    child.kill().expect("a child of this process");
    child.wait().expect("a child").signal() == Some(9)
}

#[test]
fn a_full_disk_leaves_the_old_state_and_no_extra_files() {
    let place = Place::new(&[Dataset::Dimona]);
    write_settings(&place);
    let mut publisher = place.publisher(Dataset::Dimona);
    step(&mut publisher, 0);
    let exit = start(&place, None).wait().expect("a child");
    assert_eq!(exit.code(), Some(7));
    let before = look(&place);
    for turn in [1, 3] {
        let target = step(&mut publisher, turn);
        // A file limited to this number of kilobytes fails like a full disk.
        for kilobytes in [1, 8, 40, 100, 200, 400, 600] {
            let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
            let exit = start(&place, Some(&script)).wait().expect("a child");
            let after = look(&place);
            if after == before {
                assert_eq!(exit.code(), Some(8), "{kilobytes} kB");
            } else {
                assert_eq!(after.map(|after| after.0), Some(target), "{kilobytes} kB");
                if exit.code() == Some(7) {
                    break;
                }
                // The state is durable before the run notes what else it read: the disk was full for that.
                assert_eq!(exit.code(), Some(8), "{kilobytes} kB");
            }
        }
        let exit = start(&place, None).wait().expect("a child");
        assert_eq!(exit.code(), Some(7));
        assert_tidy(&place);
        assert_eq!(serial(&place), Some(target));
        if turn == 1 {
            // Restores the earlier state, for the snapshot.
            std::fs::remove_dir_all(&place.settings.data).expect("removed");
            publisher.deltas.clear();
            step(&mut publisher, 0);
            start(&place, None).wait().expect("a child");
            assert_eq!(look(&place), before);
        }
    }
}

/// Runs the program with its folders on a disk of this size. Returns the text on standard output,
/// and then the names and bytes of the files on the disk; `None` if no disk can be made.
fn run_on_a_disk(place: &Place, mebibytes: u64, minimum: &str) -> Option<(String, Vec<(String, u64)>)> {
    let disk = place.folder.path().join("disk");
    std::fs::create_dir_all(&disk).expect("a folder");
    let script = "set -e; mount -t tmpfs -o size=$1m none \"$2\"; cd \"$2\"; shift 2; \"$@\" || true; echo FILES; find . -type f -printf '%f %s\\n'";
    let within = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", &mebibytes.to_string()])
            .arg(&disk);
        command
    };
    if !within(script).arg("true").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        skip("cannot create a small disk in a namespace; free disk space is not tested");
        return None;
    }
    let mut command = within(script);
    command.args([env!("CARGO_BIN_EXE_ehealth-attributes"), "--log", "off", "sync", "--config"]);
    command.arg(place.folder.path().join("gateway.toml"));
    for (setting, value) in [
        ("data.folder", "disk/data"),
        ("data.rejected", "disk/rejected"),
        ("data.min_free_space", minimum),
        ("feeds.dimona.max_rejected_share", "100%"),
    ] {
        command.arg(format!("--set={setting}={value}"));
    }
    let output = command.stderr(Stdio::null()).output().expect("the program");
    let output = String::from_utf8(output.stdout).expect("text");
    let (said, files) = output.split_once("FILES\n").expect("the list of files");
    let file = |line: &str| {
        let (name, bytes) = line.rsplit_once(' ').expect("a name and a size");
        (name.to_owned(), bytes.parse().expect("a size"))
    };
    Some((said.to_owned(), files.lines().map(file).collect()))
}

#[test]
fn a_run_stops_before_the_disk_has_too_little_space() {
    let place = Place::new(&[Dataset::Dimona]);
    write_settings(&place);
    let mut publisher = place.publisher(Dataset::Dimona);
    // Rejected records of 8 MB.
    let long: Vec<String> = (1..=2_000).map(|n| format!("{n},{},,,", "x".repeat(4_000))).collect();
    // Tables of more than the 16 MiB that SQLite keeps in memory.
    let many: Vec<String> = (1..=600_000).map(|n| period(n, n % 100_000, n % 999, "2024-01-01", "")).collect();
    for (what, rows) in [("rejected records", long), ("tables", many)] {
        publisher.snapshot(1, &rows).announce();
        // A run needs 16 MiB and 128 MiB to begin. Nothing but the run itself uses the disk.
        let Some((said, files)) = run_on_a_disk(&place, 147, "16MiB") else { return };
        assert!(said.contains("dimona, failed/disk-space: "), "{what}: {said}");
        // What it wrote is removed: an empty dataset remains.
        assert!(files.iter().all(|(_, bytes)| *bytes < 1 << 20), "{what}: {files:?}");
        assert!(files.iter().all(|(name, _)| !name.contains("draft") && !name.ends_with(".csv")), "{what}: {files:?}");
        let (said, _) = run_on_a_disk(&place, 200, "16MiB").expect("as before");
        assert!(said.contains("snapshot/first"), "{what}: {said}");
        let (said, _) = run_on_a_disk(&place, 143, "16MiB").expect("as before");
        assert!(said.contains("dimona, failed/disk-space: "), "{what}: {said}");
    }
}
