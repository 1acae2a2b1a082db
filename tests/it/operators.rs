//! Operation: where settings come from, systemd, sandbox, backup and restore.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use audit_verify::Truncation;
use datasets::sync;
use ehealth_attributes::app::{
    BackupError, Confined, KeysToo, Part, RehearsalError, SystemClock, back_up, confine, rehearse, restore,
};
use ehealth_attributes::config::{FetchMode, Settings, read_settings};
use ehealth_core::model::Clock;
use tempfile::TempDir;
use testkit::Workspace;

use crate::support::environment::{say, skip};
use crate::support::program::{DEADLINE, PROGRAM, Program, address_in};
use crate::support::service::{CONSULT, TestService, ask_with_curl, question};

const ANNA: &str = "85073099932";
const FUND: &str = "0999010126";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

fn run(settings: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).arg("--config").arg(settings).env_remove("EHEALTH_ATTRIBUTES_LOG");
    command.stdin(Stdio::null()).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A demo folder, not started; the system chooses the ports.
fn workspace() -> (TempDir, Workspace) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let written = fs::read_to_string(workspace.settings()).expect("settings");
    let written = written.replace("127.0.0.1:8443", "127.0.0.1:0").replace("127.0.0.1:9443", "127.0.0.1:0");
    fs::write(workspace.settings(), written).expect("written");
    (folder, workspace)
}

#[test]
fn each_setting_is_shown_with_its_source_and_all_errors() {
    let (_folder, workspace) = workspace();
    let file = workspace.settings();
    let shown = Command::new(PROGRAM)
        .args(["config", "show", "--set", "server.listen_mode=shared", "--config"])
        .arg(&file)
        .env("EHEALTH_ATTRIBUTES_AUDIT_LOG_ORIGIN", "gateway.example.be/audit-log")
        .env("EHEALTH_ATTRIBUTES_LOG", "warn")
        .output()
        .expect("the program runs");
    let lines = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    let line = |key: &str| {
        let line = lines.lines().find(|line| line.split_whitespace().next() == Some(key));
        line.unwrap_or_else(|| panic!("{key} is not shown")).split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("server.listen_mode"), "shared --set");
    assert_eq!(
        line("audit_log.origin"),
        "gateway.example.be/audit-log environment EHEALTH_ATTRIBUTES_AUDIT_LOG_ORIGIN"
    );
    assert_eq!(line("data.fetch_mode"), "in_process default");
    assert!(line("server.listen").ends_with("ehealth-attributes.toml:5"), "{}", line("server.listen"));
    assert!(!lines.contains("PRIVATE"), "{lines}");

    assert_eq!(run(&file, &["config", "check"]).status.code(), Some(0));
    let wrong = fs::read_to_string(&file).expect("settings").replace("listen =", "lisen =").replace("\"make\"", "7");
    fs::write(&file, wrong).expect("written");
    let checked = Command::new(PROGRAM)
        .args(["config", "check"])
        .arg(&file)
        .env("EHEALTH_ATTRIBUTES_SERVR_LISTEN", "127.0.0.1:1")
        .output()
        .expect("the program runs");
    let printed = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(3), "{printed}");
    // Two sections lack `listen` and have another key instead, one value is not a string, one
    // variable is unknown.
    assert_eq!(printed.lines().count(), 6, "{printed}");
}

/// Python binds these sockets, passes them on as systemd does, and becomes the program.
const HAND_OVER: &str = "
import os, socket, sys
handed = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
gateway, admin = ('127.0.0.1:%d' % one.getsockname()[1] for one in handed)
for number, one in zip((13, 14), handed):
    os.dup2(one.fileno(), number)
for number in (3, 4):
    os.dup2(number + 10, number)
    os.set_inheritable(number, True)
os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid()))
program, *arguments = sys.argv[1:]
os.execv(program, [program, *arguments, '--set', 'server.listen=' + gateway, '--set', 'admin.listen=' + admin])
";

#[test]
fn under_systemd_it_takes_its_sockets_and_reports_its_state() {
    let (folder, workspace) = workspace();
    let settings = read_settings(&workspace.settings()).expect("right");
    sync::run_all(&settings.sync, &SystemClock);
    let notified = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&notified).expect("a socket");
    systemd.set_read_timeout(Some(DEADLINE)).expect("set");
    let heard = |word: &str| {
        let mut all = Vec::new();
        loop {
            let mut buffer = [0; 1_024];
            let length =
                systemd.recv(&mut buffer).unwrap_or_else(|_| panic!("{word} was not printed; printed: {all:?}"));
            let printed = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if printed.contains(word) {
                return printed;
            }
            all.push(printed);
        }
    };
    let mut command = Command::new("python3");
    command.args(["-c", HAND_OVER, PROGRAM, "serve", "--config"]).arg(workspace.settings());
    command.args(["--set", "data.fetch_mode=separate_process"]).env("NOTIFY_SOCKET", &notified);
    let (program, lines) = Program::start(&mut command, "admin listener ready");
    assert!(!lines.iter().any(|line| line.contains("no setting names")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("sandbox active")), "{lines:#?}");
    let (gateway, admin) = (address_in(&lines[lines.len() - 2]), address_in(&lines[lines.len() - 1]));
    assert_eq!(heard("READY=1"), "READY=1\nSTATUS=Ready.");
    heard("WATCHDOG=1");

    // Both sockets answer: the operators', and the callers' with the caller's trace in the log.
    let at = format!("admin.listen={admin}");
    let asked = run(&workspace.settings(), &["health", "--set", &at]);
    let said = text(&asked.stdout);
    assert_eq!(asked.status.code(), Some(0), "{said}");
    assert!(
        said.starts_with("{\"ready\":true,\"reasons\":[],\"warnings\":[],\"reload\":{\"accepted\":true,\"at\":\""),
        "{said}"
    );
    assert_eq!(run(&workspace.settings(), &["health", "--live", "--set", &at]).status.code(), Some(0));
    if Command::new("curl").arg("--version").output().is_err() {
        skip("curl is missing; its question is not sent");
    } else {
        let asked = ask_with_curl(&workspace, &gateway, &question(FUND, PHYSICIAN, ANNA, ""));
        assert!(text(&asked.stdout).contains("MSG00000"), "{}{}", text(&asked.stdout), text(&asked.stderr));
        let lines = program.hear("answered");
        let line = lines.last().expect("a line");
        for field in [
            "trace_id=0af7651916cd43dd8448eb211c80319c",
            "parent_span_id=b7ad6b7169203331",
            "trace_flags=01",
            " span_id=",
            " duration=0.",
            " read_seconds=0.",
        ] {
            assert!(line.contains(field) && !line.contains(ANNA), "{field}: {line}");
        }
    }

    program.signal("HUP");
    assert!(heard("RELOADING=1").contains("MONOTONIC_USEC="));
    heard("READY=1");
    // The error is one sentence: remove the datasets.
    fs::remove_file(settings.sync.data.join("persons.current")).expect("it was there");
    assert!(heard("Not ready").contains("STATUS=Not ready: Dataset persons was never loaded."));
    assert_eq!(run(&workspace.settings(), &["health", "--set", &at]).status.code(), Some(1));
    let (code, said) = program.stop();
    assert_eq!(code, Some(0), "{said:#?}");
    heard("STOPPING=1");
    assert_eq!(run(&workspace.settings(), &["health", "--set", &at]).status.code(), Some(4));
}

#[test]
fn serve_fetches_nothing_while_another_process_syncs() {
    let (folder, workspace) = workspace();
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--set", "data.fetch_mode=separate_process", "--config"]).arg(workspace.settings());
    let notified = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&notified).expect("a socket");
    systemd.set_read_timeout(Some(DEADLINE)).expect("set");
    let (answering, _) = Program::start(command.env("NOTIFY_SOCKET", &notified), "admin listener ready");
    let status = || {
        let mut buffer = [0; 1_024];
        let length = systemd.recv(&mut buffer).expect("it is alive");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    // Two rounds, and still nothing was fetched.
    for _ in 0..2 {
        assert!(status().contains("was never loaded"));
    }
    let mut command = Command::new(PROGRAM);
    command.args(["sync", "--follow", "--config"]).arg(workspace.settings());
    let (fetching, _) = Program::start(&mut command, "following the feeds");
    while !status().contains("STATUS=Ready.") {}
    let (code, said) = fetching.stop();
    assert_eq!(code, Some(0), "{said:#?}");
    assert_eq!(answering.stop().0, Some(0));
}

#[test]
fn a_rejected_reload_is_reported_by_health_and_by_its_command() {
    let (_folder, workspace) = workspace();
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--config"]).arg(workspace.settings());
    let (program, lines) = Program::start(&mut command, "admin listener ready");
    let at = format!("admin.listen={}", address_in(lines.last().expect("a line")));
    let health = || text(&run(&workspace.settings(), &["health", "--set", &at]).stdout);
    let pid = program.id().to_string();
    let reload = || run(&workspace.settings(), &["reload", "--pid", &pid]);
    let policy = workspace.settings().with_file_name("policy.toml");
    let right = fs::read_to_string(&policy).expect("a policy");

    let accepted = reload();
    assert_eq!(accepted.status.code(), Some(0), "{}", text(&accepted.stderr));
    fs::write(&policy, right.replace("organisation =", "organization =")).expect("written");
    let rejected = reload();
    let said = text(&rejected.stderr);
    assert_eq!(rejected.status.code(), Some(3), "{said}");
    assert!(said.contains("organization") && said.contains("the previous configuration stays active"), "{said}");
    let shown = health();
    assert!(shown.contains("\"reload\":{\"accepted\":false,") && shown.contains("organization"), "{shown}");

    fs::write(&policy, right).expect("written");
    assert_eq!(reload().status.code(), Some(0));
    assert!(health().contains("\"reload\":{\"accepted\":true,"));
    let (code, said) = program.stop();
    assert_eq!(code, Some(0), "{said:#?}");
    let gone = reload();
    assert_eq!(gone.status.code(), Some(1), "{}", text(&gone.stderr));
}

/// A demo folder outside the folder for temporary files, which the fetching process may use.
fn settled() -> (TempDir, Workspace) {
    // The project itself may be among temporary files.
    let project = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let is_temporary = project.starts_with(std::env::temp_dir()) || project.starts_with("/var/tmp");
    let outside = if is_temporary { Path::new("/dev/shm") } else { project };
    let folder = tempfile::tempdir_in(outside).expect("a temporary folder");
    let workspace = Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    (folder, workspace)
}

/// Runs on its own thread inside the sandbox; the other threads of the test are outside.
fn confined<T: Send + 'static>(settings: PathBuf, part: Part, fetch: FetchMode, work: fn(&Path) -> T) -> Option<T> {
    let thread = std::thread::spawn(move || {
        let mut read = read_settings(&settings).expect("right");
        read.fetch_mode = fetch;
        let how = confine(&read, part).expect("the kernel supports the rules");
        if how == Confined::Not {
            say("*** SKIPPED: this kernel has no Landlock");
            return None;
        }
        Some(work(settings.parent().expect("a folder")))
    });
    thread.join().expect("no panic")
}

#[test]
fn the_answering_process_reads_its_files_and_does_not_connect() {
    let (_folder, workspace) = settled();
    let done = confined(workspace.settings(), Part::Answering, FetchMode::SeparateProcess, |_| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("it is permitted to listen");
        let dialled = TcpStream::connect(listener.local_addr().expect("an address"));
        (fs::read("/etc/passwd").map_err(|error| error.kind()).err(), dialled.map_err(|error| error.kind()).err())
    });
    if let Some((read, dialled)) = done {
        assert_eq!(read, Some(ErrorKind::PermissionDenied));
        assert_eq!(dialled, Some(ErrorKind::PermissionDenied));
    }
    let done = confined(workspace.settings(), Part::Answering, FetchMode::InProcess, |folder| {
        fs::write(folder.join("audit-log").join("x"), "x").expect("the audit log is writable");
        fs::read(folder.join("policy.toml")).expect("the policy can be read");
        fs::write(folder.join("policy.toml"), "").map_err(|error| error.kind()).err()
    });
    assert!(done.is_none_or(|written| written == Some(ErrorKind::PermissionDenied)), "the policy was written");
}

#[test]
fn no_thread_starts_before_the_sandbox() {
    if Command::new("strace").arg("--version").output().is_err() {
        skip("strace is missing; threads are not counted");
        return;
    }
    for (arguments, until) in [(&["serve"][..], "admin listener ready"), (&["sync", "--follow"], "following the feeds")]
    {
        let (folder, workspace) = settled();
        let calls = folder.path().join("calls");
        let mut command = Command::new("strace");
        // The program is our child, and strace a detached grandchild (-D).
        command.args(["-D", "-f", "-e", "trace=clone,clone3,landlock_restrict_self", "-o"]).arg(&calls).arg(PROGRAM);
        command.args(arguments).arg("--config").arg(workspace.settings());
        if arguments == ["serve"] {
            command.args(["--set", "server.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0"]);
        }
        let (program, lines) = Program::start(&mut command, until);
        if lines.iter().any(|line| line.contains("this kernel has no Landlock")) {
            say("*** SKIPPED: this kernel has no Landlock");
            return;
        }
        let threads = fs::read_dir(format!("/proc/{}/task", program.id())).expect("it runs");
        let names: Vec<_> = threads
            .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok())
            .map(|name| name.trim().to_owned())
            .collect();
        assert!(names.iter().any(|name| name == "log") && names.len() > 2, "{names:?}");
        let (code, said) = program.stop();
        assert_eq!(code, Some(0), "{said:#?}");

        let calls = fs::read_to_string(&calls).expect("strace wrote");
        let place = |is_it: fn(&str) -> bool| calls.lines().position(is_it);
        let confined = place(|call| call.contains("landlock_restrict_self(") && call.ends_with("= 0"));
        let started = place(|call| call.contains(" clone"));
        assert!(confined.is_some() && started.is_some() && confined < started, "{calls}");
    }
}

#[test]
fn the_fetching_process_sees_neither_audit_log_nor_keys() {
    let (_folder, workspace) = settled();
    for name in ["audit-log", "keys"] {
        let folder = workspace.settings().with_file_name(name);
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("x"), "x").expect("written");
    }
    let done = confined(workspace.settings(), Part::Fetching, FetchMode::SeparateProcess, |folder| {
        fs::read(folder.join("feeds/dimona/notification.xml")).expect("a feed can be read");
        fs::write(folder.join("data/x"), "x").expect("the data folder is writable");
        ["audit-log/x", "keys/x", "policy.toml", "server.key"]
            .map(|name| fs::read(folder.join(name)).map_err(|error| error.kind()).err())
    });
    assert!(done.is_none_or(|read| read == [Some(ErrorKind::PermissionDenied); 4]));
}

/// Rehearses the restore of a backup beside the running service.
fn rehearse_while_serving(settings: &Settings, backup: &Path, folder: &Path) {
    let (scratch, keys) = (folder.join("rehearsal"), backup.join("keys"));
    let read_keys = || {
        let entries =
            fs::read_dir(&settings.audit_log.keys).expect("keys").map(|entry| entry.expect("an entry").path());
        let mut keys: Vec<_> = entries.map(|path| (fs::read(&path).expect("a key"), path)).collect();
        keys.sort();
        keys
    };
    let before = read_keys();
    let try_out = |keys: &Path| rehearse(settings, backup, Some(keys), None, &scratch);
    let sound = try_out(&keys).expect("it is rehearsed");
    assert!(sound.succeeded() && sound.verdict.is_sound() && sound.since_backup.is_some(), "{sound:?}");
    assert!(sound.datasets.iter().all(|restored| restored.state.is_some_and(|(_, records)| records > 0)), "{sound:?}");
    assert_eq!(sound.months.len(), 1);
    // A copy of the keys without the one that decrypts the month: found, although a start would make another.
    let lacking = folder.join("lacking");
    fs::create_dir(&lacking).expect("a folder");
    for entry in fs::read_dir(&keys).expect("readable") {
        let entry = entry.expect("an entry");
        if !entry.file_name().to_string_lossy().starts_with("detail") {
            fs::copy(entry.path(), lacking.join(entry.file_name())).expect("copied");
        }
    }
    let lacking = try_out(&lacking).expect("the rest is sound");
    assert!(!lacking.succeeded() && lacking.months.iter().all(|(_, problem)| problem.is_some()), "{lacking:?}");
    assert!(!scratch.exists(), "the folder is removed, with the keys in it");
    fs::create_dir(&scratch).expect("a folder");
    assert!(matches!(try_out(&keys), Err(RehearsalError::Restore(BackupError::NotEmpty(_)))));
    fs::remove_dir(&scratch).expect("empty still");
    assert_eq!(read_keys(), before, "the keys of the service are as they were");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_the_same_answers() {
    let service = TestService::start_with(|settings| settings.fetch_mode = FetchMode::SeparateProcess).await;
    let ask = async || {
        let answered = service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "2026-01-15")).await;
        assert_eq!(answered.code(), Some("MSG00000"), "{}", answered.body);
        let begin = answered.body.find("<result>").expect("a result");
        answered.body[begin..answered.body.find("</result>").expect("its end")].to_owned()
    };
    let before = ask().await;
    let mut asked = 1;
    // A backup reaches to the newest checkpoint; there is one each second.
    let deadline = Instant::now() + DEADLINE;
    while fs::read_to_string(service.settings.audit_log.folder.join("checkpoint"))
        .is_ok_and(|note| note.lines().nth(1) == Some("1"))
    {
        assert!(Instant::now() < deadline, "a checkpoint cannot sign a question");
        assert_eq!(ask().await, before);
        asked += 1;
    }
    // The backup runs under load.
    let backup = service.folder().join("backup");
    let backing = {
        let (settings, backup) = (service.settings.clone(), backup.clone());
        tokio::task::spawn_blocking(move || back_up(&settings, &backup, KeysToo::Yes))
    };
    while !backing.is_finished() {
        assert_eq!(ask().await, before);
        asked += 1;
    }
    let backed_up = backing.await.expect("no panic").expect("a backup");
    assert_eq!(backed_up.datasets.len(), 5);
    assert!(backed_up.verdict.is_sound() && backed_up.verdict.size > 1, "{:?}", backed_up.verdict);
    assert!(backed_up.verdict.size <= asked + 1, "only the requested records, and the month's own record");
    assert!(matches!(back_up(&service.settings, &backup, KeysToo::No), Err(BackupError::NotEmpty(_))));
    rehearse_while_serving(&service.settings, &backup, service.folder());
    // An external checkpoint of the end that the backup lacks.
    assert_eq!(ask().await, before);
    let (settings, elsewhere) = (service.settings.clone(), service.folder().join("kept-elsewhere"));
    let folder = service.stop().await;
    fs::copy(settings.audit_log.folder.join("checkpoint"), &elsewhere).expect("a checkpoint");

    assert!(
        matches!(restore(&settings, &backup, None, None), Err(BackupError::NotEmpty(_))),
        "nothing is written over"
    );
    for lost in [&settings.audit_log.folder, &settings.sync.data, &settings.audit_log.keys] {
        fs::remove_dir_all(lost).expect("it was there");
    }
    let keys = backup.join("keys");
    let lacking = restore(&settings, &backup, Some(&keys), Some(&elsewhere));
    assert!(matches!(lacking, Err(BackupError::Unsound(_))), "a backup without the end is detected");
    // A record of the backup is changed: nothing is restored.
    let segment =
        fs::read_dir(backup.join("audit-log")).expect("readable").map(|entry| entry.expect("an entry").path());
    let segment = segment.into_iter().find(|path| path.extension().is_some_and(|end| end == "seg")).expect("a segment");
    let sound = fs::read(&segment).expect("readable");
    let mut changed = sound.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&segment, changed).expect("written");
    assert!(matches!(restore(&settings, &backup, Some(&keys), None), Err(BackupError::Unsound(_))));
    assert!(!settings.audit_log.folder.exists() && !settings.sync.data.exists() && !settings.audit_log.keys.exists());
    fs::write(&segment, sound).expect("written");
    let verdict = restore(&settings, &backup, Some(&keys), None).expect("it is restored");
    assert_eq!(verdict.truncation, Truncation::NotDetectable);

    let service = TestService::start_again(folder, settings).await;
    let answered = service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "2026-01-15")).await;
    assert!(answered.body.contains(&before), "{}", answered.body);
    let again = service.folder().join("again");
    let after = back_up(&service.settings, &again, KeysToo::No).expect("the audit log continues and verifies");
    assert!(after.verdict.size >= verdict.size);
    assert!(!again.join("keys").exists());
    service.finish().await;
}
