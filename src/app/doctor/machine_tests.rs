//! The readers of the machine, on texts of the system.

use std::path::Path;

use super::facts::{ClockFacts, SyncFacts, User};
use super::machine;

#[test]
fn the_mount_with_the_longest_path_counts_and_the_last_of_two() {
    let mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
                  23 22 8:2 / /var/lib rw - xfs /dev/sdb rw,nobarrier\n\
                  24 22 0:5 / /var/library rw - tmpfs tmpfs rw\n\
                  25 22 0:6 / /mnt/with\\040blank rw - nfs4 host:/x rw,vers=4.2\n\
                  26 22 8:3 / /var/lib rw,noexec - ext4 /dev/sdc rw,data=writeback\n";
    let found =
        |path: &str| machine::find_mount(mounts, Path::new(path)).map(|mount| (mount.kind, mount.options.join(" ")));
    assert_eq!(found("/etc"), Some(("ext4".into(), "rw relatime rw errors=remount-ro".into())));
    assert_eq!(found("/var/lib/x"), Some(("ext4".into(), "rw noexec rw data=writeback".into())));
    assert_eq!(found("/mnt/with blank/x").map(|(kind, _)| kind), Some("nfs4".into()));
    assert_eq!(machine::find_mount("x\n\n - \n", Path::new("/")), None);
}

#[test]
fn users_and_the_clock_are_read_from_texts_of_the_system() {
    let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nfeeds:x:11:20::/:/bin/false\n";
    let group = "root:x:0:\nshared:x:30:other,feeds\nalone:x:31:other\n";
    let found = machine::find_user(passwd, group, |name, _| name == "feeds");
    assert_eq!(found, Some(User { name: "feeds".into(), uid: 11, groups: vec![20, 30] }));
    assert_eq!(machine::find_user(passwd, group, |_, uid| uid == 12), None);
    let line = "D5BCF5E0,192.0.2.1,3,1700000000.5,-0.000120500,0.0001,0.0002,-10.1,0.0,0.02,0.01,0.002,64.4,Normal\n";
    let clock = ClockFacts { is_synchronised: true, source: "chronyc", error_micros: Some(120) };
    assert_eq!(machine::parse_tracking(line), Some(clock.clone()));
    let lost = line.replace("Normal", "Not synchronised");
    assert_eq!(machine::parse_tracking(&lost), Some(ClockFacts { is_synchronised: false, ..clock }));
    assert_eq!(machine::parse_tracking("506 Cannot talk to daemon"), None);
}

#[test]
fn the_probe_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let SyncFacts::Measured(micros) = machine::syncs(folder.path()) else { panic!("it can be written") };
    assert!(!micros.is_empty() && micros.is_sorted());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    assert!(matches!(machine::syncs(&folder.path().join("absent")), SyncFacts::Failed(_)));
}
