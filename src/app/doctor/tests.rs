//! The verdicts, on made-up facts.

use super::check::{Check, CheckName, Verdict};
use super::facts::{
    Access, CertificateFacts, ClockFacts, Facts, FileFacts, FileKind, FolderFacts, MemoryFacts, Mount, Role, Space,
    Swap, SwapMedium, SyncFacts, UnitFacts, User, VerificationFacts,
};
use super::{assess, upkeep};
use crate::admin::Verification;
use crate::app::Findings;
use crate::app::units::{DropInState, Unit};
use ehealth_core::model::Timestamp;

const DAY: i64 = 86_400_000;

fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

fn folder(role: Role, device: u64) -> FolderFacts {
    let mount = Mount { kind: "ext4".into(), options: vec!["rw".into(), "relatime".into()] };
    let space = Space { bytes: 50 << 30, inodes: Some(1_000_000) };
    FolderFacts {
        role,
        path: "/srv/x".into(),
        is_missing: false,
        device: Some(device),
        mount: Some(mount),
        space: Some(space),
    }
}

fn file(kind: FileKind, setting: &str, uid: u32, gid: u32, mode: u32) -> FileFacts {
    let access = Ok(Access { uid, gid, mode });
    FileFacts { kind, setting: setting.into(), path: "/srv/file".into(), access }
}

fn user(name: &str, uid: u32, groups: &[u32]) -> User {
    User { name: name.into(), uid, groups: groups.to_vec() }
}

/// The files of the package.
fn packaged() -> Vec<FileFacts> {
    vec![
        file(FileKind::AuditLog, "audit_log.folder", 10, 10, 0o700),
        file(FileKind::AuditKey, "audit_log.keys", 10, 10, 0o700),
        file(FileKind::AuditKey, "audit_log.keys", 10, 10, 0o600),
        file(FileKind::PrivateKey, "server.key", 0, 0, 0o600),
        file(FileKind::Operators, "policy.file", 0, 0, 0o644),
    ]
}

/// A machine without a fault.
fn good() -> Facts {
    let verified = Verification { at: now().plus_millis(-DAY), records: 7, is_sound: true };
    Facts {
        clock: Some(ClockFacts { is_synchronised: true, source: "chronyc", error_micros: Some(120) }),
        folders: vec![
            folder(Role::AuditLog, 1),
            folder(Role::Keys, 2),
            folder(Role::Data, 3),
            folder(Role::CheckpointCopy, 4),
        ],
        min_free_space: 2 << 30,
        reserve: 512 << 20,
        files: packaged(),
        service: Some(user("gateway", 10, &[10])),
        feeds: Some(user("feeds", 11, &[10, 11])),
        syncs: SyncFacts::Measured(vec![400; 200]),
        has_entropy: Some(true),
        descriptors: Some(16_384),
        core_bytes: Some(0),
        swaps: Some(Vec::new()),
        kernel: Some("6.1.0".into()),
        landlock: Some(4),
        memory: MemoryFacts { total: Some(8 << 30), limit: None, datasets: 2 << 30 },
        processors: Some(2),
        units: UnitFacts::Known(Unit::ALL.map(|unit| (unit, true, DropInState::NotNeeded)).to_vec()),
        certificates: Some(CertificateFacts {
            ends: vec![("server.certificate", now().plus_millis(90 * DAY))],
            has_crls: true,
            next_updates: vec![now().plus_millis(5 * DAY)],
            closed: 0,
        }),
        verification: VerificationFacts::Found(verified),
        now: now(),
    }
}

/// The worst check of this name; `not-checked` is the least of all.
fn worst(facts: &Facts, name: CheckName) -> Check {
    let rank = |check: &Check| match check.verdict {
        Verdict::NotChecked => 0,
        Verdict::Ok => 1,
        Verdict::Warning => 2,
        Verdict::Problem => 3,
    };
    let of_name = assess(facts).into_iter().filter(|check| check.name == name);
    // The first of equals.
    of_name.rev().max_by_key(rank).expect("every check is made")
}

#[test]
fn a_good_machine_has_no_warning_and_every_check() {
    let checks = assess(&good());
    for check in &checks {
        let is_backup = check.name == CheckName::Backup;
        assert_eq!(check.verdict, if is_backup { Verdict::NotChecked } else { Verdict::Ok }, "{check:?}");
    }
    let names: Vec<_> = checks.iter().map(|check| check.name).collect();
    for name in CheckName::ALL.into_iter().filter(|name| *name != CheckName::Configuration) {
        assert!(names.contains(&name), "{name:?}");
    }
    assert_eq!(upkeep::configuration(&Findings::default()).verdict, Verdict::Ok);
}

/// A change of the good machine, the check that sees it, its verdict, and a part of what it says.
type Case = (fn(&mut Facts), CheckName, Verdict, &'static str);

fn compare(cases: &[Case]) {
    for (number, (change, name, verdict, part)) in cases.iter().enumerate() {
        let mut facts = good();
        change(&mut facts);
        let check = worst(&facts, *name);
        assert_eq!(check.verdict, *verdict, "case {number}: {check:?}");
        assert!(check.seen.contains(part), "case {number}: {check:?}");
        let is_ok = *verdict == Verdict::Ok;
        assert!(is_ok || *verdict == Verdict::NotChecked || !check.action.is_empty(), "case {number}: no action");
    }
}

fn mount(facts: &mut Facts, kind: &str, option: &str) {
    let folder = &mut facts.folders[0];
    folder.mount = Some(Mount { kind: kind.into(), options: vec!["rw".into(), option.into()] });
}

fn space(facts: &mut Facts, place: usize, bytes: u64, inodes: Option<u64>) {
    facts.folders[place].space = Some(Space { bytes, inodes });
}

/// A copy of the checkpoint belongs on another machine's disk.
fn a_remote_copy_alone(facts: &mut Facts) {
    facts.folders = vec![folder(Role::CheckpointCopy, 4)];
    mount(facts, "nfs4", "hard");
}

#[test]
fn faults_of_disks_are_seen() {
    use CheckName::{FileSystem, FreeSpace, SharedDisk, SyncLatency};
    use Verdict::{NotChecked, Ok, Problem, Warning};
    compare(&[
        (|facts| mount(facts, "tmpfs", ""), FileSystem, Problem, "in memory (tmpfs)"),
        (|facts| mount(facts, "overlay", ""), FileSystem, Problem, "(overlay)"),
        (|facts| mount(facts, "nfs4", ""), FileSystem, Problem, "nfs4"),
        (|facts| mount(facts, "cifs", ""), FileSystem, Problem, "cifs"),
        (|facts| mount(facts, "fuse.sshfs", ""), FileSystem, Problem, "fuse.sshfs"),
        (|facts| mount(facts, "ext4", "data=writeback"), FileSystem, Problem, "data=writeback"),
        (|facts| mount(facts, "xfs", "nobarrier"), FileSystem, Problem, "nobarrier"),
        (|facts| mount(facts, "btrfs", "noatime"), FileSystem, Ok, "btrfs"),
        (|facts| facts.folders[0].is_missing = true, FileSystem, Warning, "does not exist"),
        (|facts| facts.folders[3].is_missing = true, FileSystem, Problem, "does not exist"),
        (|facts| facts.folders[0].device = None, FileSystem, Ok, ""),
        (a_remote_copy_alone, FileSystem, Ok, "nfs4"),
        (|facts| space(facts, 0, 400 << 20, None), FreeSpace, Problem, "400 MiB free; 512 MiB"),
        (|facts| space(facts, 0, 900 << 20, None), FreeSpace, Warning, "900 MiB free"),
        (|facts| space(facts, 2, 2 << 30, None), FreeSpace, Problem, "2048 MiB free; 2176 MiB"),
        (|facts| space(facts, 2, 20 << 30, Some(0)), FreeSpace, Problem, "0 inodes"),
        (|facts| space(facts, 2, 20 << 30, Some(77)), FreeSpace, Warning, "77 inodes"),
        (|facts| facts.folders[2].device = Some(1), SharedDisk, Warning, "data.folder"),
        (|facts| facts.folders[3].device = Some(1), SharedDisk, Warning, "checkpoint_copy"),
        (|facts| facts.folders[0].device = None, SharedDisk, NotChecked, ""),
        (|facts| facts.syncs = SyncFacts::LeftOut, SyncLatency, NotChecked, "--no-probe"),
        (|facts| facts.syncs = SyncFacts::NotPermitted, SyncLatency, NotChecked, "may not write"),
        (|facts| facts.syncs = SyncFacts::Failed("full".into()), SyncLatency, Problem, "full"),
        (
            |facts| facts.syncs = SyncFacts::Measured(vec![4_000; 200]),
            SyncLatency,
            Ok,
            "250 exchanges/s on one connection, 16000 on 64",
        ),
        (|facts| facts.syncs = SyncFacts::Measured(vec![12_000; 200]), SyncLatency, Warning, "p50 12000 us"),
        (
            |facts| facts.syncs = SyncFacts::Measured([vec![900; 195], vec![200_000; 5]].concat()),
            SyncLatency,
            Warning,
            "p99 200000 us",
        ),
        (
            |facts| facts.syncs = SyncFacts::Measured([vec![900; 195], vec![1_500_000; 5]].concat()),
            SyncLatency,
            Problem,
            "p50 900 us",
        ),
    ]);
}

#[test]
fn permissions_of_others_are_seen() {
    use CheckName::Permissions;
    use Verdict::{NotChecked, Ok, Problem, Warning};
    compare(&[
        (
            |facts| facts.files[1] = file(FileKind::AuditKey, "audit_log.keys", 10, 10, 0o750),
            Permissions,
            Problem,
            "0750",
        ),
        (
            |facts| facts.files[2] = file(FileKind::AuditKey, "audit_log.keys", 10, 10, 0o644),
            Permissions,
            Problem,
            "0644",
        ),
        (
            |facts| facts.files[2] = file(FileKind::AuditKey, "audit_log.keys", 0, 10, 0o600),
            Permissions,
            Problem,
            "user 0",
        ),
        (
            |facts| facts.files[3] = file(FileKind::PrivateKey, "server.key", 0, 0, 0o604),
            Permissions,
            Problem,
            "every user",
        ),
        (
            |facts| facts.files[3] = file(FileKind::PrivateKey, "server.key", 0, 10, 0o640),
            Permissions,
            Warning,
            "its group",
        ),
        (
            |facts| facts.files[0] = file(FileKind::AuditLog, "audit_log.folder", 10, 10, 0o750),
            Permissions,
            Problem,
            "feeds has access",
        ),
        (
            |facts| facts.files[0] = file(FileKind::AuditLog, "audit_log.folder", 10, 10, 0o705),
            Permissions,
            Problem,
            "every user",
        ),
        // A group of which the user of the feeds is no member.
        (|facts| facts.files[0] = file(FileKind::AuditLog, "audit_log.folder", 10, 99, 0o750), Permissions, Ok, ""),
        (|facts| facts.files[4] = file(FileKind::Operators, "policy.file", 0, 0, 0o666), Permissions, Problem, "0666"),
        (
            |facts| facts.files[4] = file(FileKind::Operators, "policy.file", 10, 0, 0o644),
            Permissions,
            Warning,
            "gateway may change",
        ),
        (
            |facts| facts.files[4] = file(FileKind::Operators, "policy.file", 0, 11, 0o664),
            Permissions,
            Warning,
            "feeds may change",
        ),
        // A container in which everything belongs to root.
        (
            |facts| {
                facts.service = Some(user("root", 0, &[0]));
                facts.files = vec![file(FileKind::Operators, "policy.file", 0, 0, 0o644)];
            },
            Permissions,
            Ok,
            "0644",
        ),
        (
            |facts| {
                let missing = FileFacts { access: Err("not found".into()), ..file(FileKind::Operators, "x", 0, 0, 0) };
                facts.files = vec![missing];
            },
            Permissions,
            NotChecked,
            "not found",
        ),
    ]);
}

fn swap_on(facts: &mut Facts, medium: SwapMedium) {
    facts.swaps = Some(vec![Swap { device: "/dev/sda2".into(), bytes: 1 << 30, medium }]);
}

#[test]
fn faults_of_the_kernel_and_its_limits_are_seen() {
    use CheckName::{Clock, CoreDumps, Descriptors, Entropy, Landlock, Memory, Processors, Swap};
    use Verdict::{NotChecked, Ok, Problem, Warning};
    let clock = |facts: &mut Facts, is_synchronised, error_micros| {
        facts.clock = Some(ClockFacts { is_synchronised, source: "timedatectl", error_micros });
    };
    let mut unsynchronised = good();
    clock(&mut unsynchronised, false, None);
    assert_eq!(worst(&unsynchronised, Clock).verdict, Problem);
    clock(&mut unsynchronised, true, Some(1_500_000));
    assert_eq!(worst(&unsynchronised, Clock).verdict, Warning);
    compare(&[
        (|facts| facts.clock = None, Clock, NotChecked, "timedatectl"),
        (|facts| facts.has_entropy = Some(false), Entropy, Problem, "not ready"),
        (|facts| facts.has_entropy = None, Entropy, NotChecked, ""),
        (|facts| facts.descriptors = Some(1_024), Descriptors, Warning, "1024 for a process"),
        (|facts| facts.descriptors = Some(11_008), Descriptors, Ok, "11008 are needed"),
        (|facts| facts.descriptors = None, Descriptors, Ok, "unlimited"),
        (|facts| facts.core_bytes = None, CoreDumps, Problem, "permitted"),
        (|facts| swap_on(facts, SwapMedium::Disk), Swap, Warning, "/dev/sda2 (1024 MiB), not encrypted"),
        (|facts| swap_on(facts, SwapMedium::Encrypted), Swap, Ok, "1 devices"),
        (|facts| swap_on(facts, SwapMedium::Memory), Swap, Ok, "1 devices"),
        (|facts| facts.swaps = None, Swap, NotChecked, ""),
        (|facts| facts.landlock = Some(0), Landlock, Warning, "6.1.0 without"),
        (|facts| facts.landlock = Some(2), Landlock, Ok, "Landlock 2: files;"),
        (|facts| facts.landlock = None, Landlock, NotChecked, ""),
        (|facts| facts.memory.limit = Some(200 << 20), Memory, Problem, "200 MiB (limit of the control group)"),
        (|facts| facts.memory.total = Some(400 << 20), Memory, Warning, "400 MiB (machine)"),
        (|facts| facts.memory.datasets = 9 << 30, Memory, Warning, "9216 MiB"),
        (|facts| facts.memory.total = None, Memory, NotChecked, ""),
        (|facts| facts.processors = Some(1), Processors, Warning, "1"),
        (|facts| facts.processors = None, Processors, NotChecked, ""),
    ]);
}

fn verified(facts: &mut Facts, days: i64, is_sound: bool) {
    facts.verification =
        VerificationFacts::Found(Verification { at: now().plus_millis(-days * DAY), records: 7, is_sound });
}

fn certificates(facts: &mut Facts, change: impl FnOnce(&mut CertificateFacts)) {
    change(facts.certificates.as_mut().expect("made up"));
}

#[test]
fn faults_of_what_operators_keep_up_are_seen() {
    use CheckName::{Certificates, Crls, Units, Verification};
    use Verdict::{NotChecked, Ok, Problem, Warning};
    compare(&[
        (|facts| facts.units = UnitFacts::NoSystemd, Units, NotChecked, "systemd does not run"),
        (|facts| facts.units = UnitFacts::Unknown("wrong".into()), Units, Problem, "wrong"),
        (
            |facts| facts.units = UnitFacts::Known(vec![(Unit::Socket, false, DropInState::NotNeeded)]),
            Units,
            Warning,
            "ehealth-attributes.socket",
        ),
        (
            |facts| facts.units = UnitFacts::Known(vec![(Unit::Socket, true, DropInState::Changed)]),
            Units,
            Problem,
            "(changed)",
        ),
        (
            |facts| facts.units = UnitFacts::Known(vec![(Unit::Socket, true, DropInState::Current)]),
            Units,
            Ok,
            "1 units",
        ),
        (|facts| facts.certificates = None, Certificates, NotChecked, ""),
        (|facts| certificates(facts, |of| of.ends[0].1 = now().plus_millis(-DAY)), Certificates, Problem, "expired"),
        (
            |facts| certificates(facts, |of| of.ends[0].1 = now().plus_millis(29 * DAY)),
            Certificates,
            Warning,
            "in 29 days",
        ),
        (|facts| certificates(facts, |of| of.ends[0].1 = now().plus_millis(31 * DAY)), Certificates, Ok, "in 31 days"),
        (|facts| facts.certificates = None, Crls, NotChecked, ""),
        (|facts| certificates(facts, |of| of.has_crls = false), Crls, Warning, "revoked certificates are accepted"),
        (|facts| certificates(facts, |of| of.closed = 1), Crls, Problem, "1 issuers"),
        (|facts| certificates(facts, |of| of.next_updates.clear()), Crls, Problem, "no CRL"),
        (|facts| certificates(facts, |of| of.next_updates[0] = now().plus_millis(DAY / 2)), Crls, Warning, "in 12 h"),
        (|facts| verified(facts, 1, false), Verification, Problem, "not sound"),
        (|facts| verified(facts, 3, true), Verification, Warning, "72 h ago"),
        (|facts| facts.verification = VerificationFacts::Missing, Verification, Warning, "never verified"),
        (|facts| facts.verification = VerificationFacts::NotSet, Verification, NotChecked, ""),
    ]);
}
