//! The packaged files, checked against the program: settings, units, alert rules, dashboard, SBOM.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ehealth_attributes::admin::{MetricsFormat, write_metrics};
use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::{Overrides, parse_policy, parse_settings, write_example};
use ehealth_core::model::{Clock, Date, LegalContext, Period};
use ehealth_core::policy::ContextDefinition;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::support::environment::{is_set, skip};
use crate::support::nodes;
use crate::support::program::{PROGRAM, Program};
use crate::support::python;
use crate::support::service::TestService;

/// Maximum exposure that systemd may rate a sandbox with, in tenths.
const EXPOSURE: &str = "15";

fn project() -> &'static Path {
    python::project()
}

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn units() -> Vec<PathBuf> {
    let entries = |folder: PathBuf| fs::read_dir(folder).expect("the units").map(|entry| entry.expect("a unit").path());
    entries(project().join("deploy/systemd")).flat_map(entries).collect()
}

#[test]
fn the_packaged_settings_and_policy_are_valid_and_documented() {
    let (path, made) = (project().join("deploy/config.toml"), write_example());
    let written = fs::read_to_string(&path).unwrap_or_default();
    if written != made && is_set("UPDATE_GOLDENS") {
        fs::write(&path, &made).expect("written");
    } else {
        assert_eq!(written, made, "UPDATE_GOLDENS=1 cargo test --test it deploy:: updates it");
    }
    let file = Path::new("/etc/ehealth-attributes/config.toml");
    let settings = parse_settings(file, &made, &Overrides::default()).expect("valid");
    assert_eq!(settings.policy, Path::new("/etc/ehealth-attributes/policy.toml"));
    let policy = parse_policy(&settings.policy, read("deploy/policy.toml").as_bytes()).expect("valid");
    assert_eq!(policy.consumers().count(), 0, "the packaged policy grants nothing");
    // It says what a policy without contexts means, so that nothing changes by itself.
    let begin = Period::from_days(Date::parse("2017-07-01").expect("a day"), None).expect("open");
    let built_in = LegalContext::BUILT_IN.map(|context| {
        let definition = ContextDefinition::built_in(context).expect("one of the three");
        ContextDefinition { valid: begin, ..definition }
    });
    assert_eq!(policy.contexts().iter().map(|context| (**context).clone()).collect::<Vec<_>>(), built_in);
    // The examples in its comments are valid, too.
    let shown: String = read("deploy/policy.toml")
        .lines()
        .map(|line| line.trim_start_matches("# "))
        .filter(|line| line.starts_with('[') || line.contains(" = "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(parse_policy(&settings.policy, shown.as_bytes()).expect("valid").consumers().count(), 1);
}

#[test]
fn the_section_of_a_node_and_the_roles_fit_the_program() {
    let file = Path::new("/etc/ehealth-attributes/config.toml");
    let text = read("deploy/config.toml") + &read("deploy/cluster/node.toml");
    let overrides = Overrides::new([("CREDENTIALS_DIRECTORY".to_owned(), "/run/credentials".to_owned())], &[]);
    let settings = parse_settings(file, &text, &overrides).unwrap_or_else(|error| panic!("{error}"));
    let of_cluster = settings.cluster.expect("a section");
    assert_eq!(of_cluster.certificate, Path::new("/etc/ehealth-attributes/cluster/node.pem"));
    // The role of the URL is made, and so is each role to which a migration grants.
    let roles = read("deploy/cluster/roles.sql");
    for role in [of_cluster.database.role(), "ehealth_owner", "ehealth_node", "ehealth_prune", "ehealth_auditor"] {
        assert!(roles.contains(&format!("create role {role} ")), "{role}");
    }
    // The drop-in lifts what keeps a service alone from connecting, and nothing else of its sandbox.
    let drop_in = read("deploy/cluster/ehealth-attributes.service.d.conf");
    let lifted: Vec<_> = drop_in.lines().filter(|line| line.contains("=no") || line.contains("SystemCall")).collect();
    assert_eq!(lifted, ["PrivateNetwork=no", "SystemCallFilter=connect"]);
}

#[test]
fn the_units_use_the_ports_and_folders_of_the_settings() {
    let file = Path::new("/etc/ehealth-attributes/config.toml");
    let settings = parse_settings(file, &write_example(), &Overrides::default()).expect("valid");
    let socket = read("deploy/systemd/answering/ehealth-attributes.socket");
    let admin = settings.admin.expect("operators are answered").listen;
    for address in [settings.listen, admin] {
        assert!(socket.contains(&format!("\nListenStream={address}\n")), "{address}");
    }
    let (serving, folders) = (
        read("deploy/systemd/answering/ehealth-attributes.service"),
        read("deploy/tmpfiles.d/ehealth-attributes.conf"),
    );
    let credential = settings.tls.key.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(serving.contains(&format!("\nLoadCredential={credential}:/etc/ehealth-attributes/tls/{credential}\n")));
    for folder in [&settings.sync.data, &settings.sync.rejected, &settings.audit_log.folder, &settings.audit_log.keys] {
        assert!(folder.starts_with("/var/lib/ehealth-attributes"), "{}", folder.display());
        assert!(folders.contains(&format!("d {} ", folder.display())), "{}", folder.display());
    }
    let verified = settings.verification_report.expect("it is shown");
    assert!(
        read("deploy/systemd/verifying/ehealth-attributes-verify.service")
            .contains(&format!("--report {}\n", verified.display()))
    );
    // The answering process can open no socket to another machine, and has no network to reach one.
    for line in ["PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX", "WatchdogSec=30", "Type=notify"] {
        assert!(serving.lines().any(|written| written == line), "{line}");
    }
}

#[test]
fn systemd_rates_each_sandbox_as_tight() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        skip("systemd-analyze is missing (Debian: systemd); the units are not checked");
        return;
    }
    let services: Vec<_> =
        units().into_iter().filter(|unit| unit.extension().is_some_and(|end| end == "service")).collect();
    assert_eq!(services.len(), 4);
    for unit in services {
        let checked = Command::new("systemd-analyze")
            .args(["security", "--offline=yes", "--no-pager", &format!("--threshold={EXPOSURE}")])
            .arg(&unit)
            .output()
            .expect("systemd-analyze");
        let printed = String::from_utf8_lossy(&checked.stdout);
        let last = printed.lines().last().unwrap_or_default();
        assert!(checked.status.success(), "{last}\n{}", String::from_utf8_lossy(&checked.stderr));
        assert!(last.contains("Overall exposure level"), "{printed}");
    }
}

#[test]
fn no_process_leaves_its_memory_behind() {
    for unit in units().into_iter().filter(|unit| unit.extension().is_some_and(|end| end == "service")) {
        let text = fs::read_to_string(&unit).expect("a unit");
        let has = |line: &str| text.lines().any(|written| written == line);
        for line in ["LimitCORE=0", "MemorySwapMax=0"] {
            assert!(has(line), "{}: {line}", unit.display());
        }
        // The default, SIGABRT, would dump core.
        assert_eq!(text.contains("\nWatchdogSec="), has("WatchdogSignal=SIGKILL"), "{}", unit.display());
    }
    // The program itself, with any command: another process of its user could attach otherwise.
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = testkit::Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let mut command = Command::new(PROGRAM);
    if fs::metadata("/proc/self").expect("Linux").uid() == 0 {
        // Entries of root's processes always belong to root: it runs as an unprivileged user.
        command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM]);
        let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(folder.path()).status();
        assert!(owned.expect("chown").success());
        let runs = Command::new("setpriv").args(command.get_args()).arg("--version").output();
        if !runs.is_ok_and(|ran| ran.status.success()) {
            skip("the program cannot run as an unprivileged user here");
            return;
        }
    }
    command.args(["serve", "--config"]).arg(workspace.settings());
    command.args(["--set=server.listen=127.0.0.1:0", "--set=admin.listen=127.0.0.1:0"]);
    let (program, _) = Program::start(&mut command, "admin listener ready");
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.id())).expect("alive");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    // Linux gives the entries of a process that cannot be dumped to root.
    let owner = fs::metadata(format!("/proc/{}/environ", program.id())).expect("alive").uid();
    assert_eq!(owner, 0, "another process of its user can read its memory");
    assert_eq!(program.stop().0, Some(0));
}

#[test]
fn feeds_are_fetched_as_another_user_of_the_same_group() {
    let of = |unit: &str, key: &str| {
        let text = read(&format!("deploy/systemd/{unit}.service"));
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
    };
    let (answering, fetching) = ("answering/ehealth-attributes", "fetching/ehealth-attributes-feeds");
    let [serves, fetches] = [answering, fetching].map(|unit| of(unit, "User").expect("a user"));
    assert_ne!(serves, fetches);
    assert_eq!(of(answering, "Group"), of(fetching, "Group"));
    assert_eq!(of(fetching, "StateDirectory"), None, "systemd would give it the audit log");
    let users = read("deploy/sysusers.d/ehealth-attributes.conf");
    let folders = read("deploy/tmpfiles.d/ehealth-attributes.conf");
    for user in [&serves, &fetches] {
        assert!(users.contains(&format!("\nu {user} - ")), "{user}");
    }
    for (folder, mode, owner) in [
        ("data", "0770", &fetches),
        ("rejected", "0770", &fetches),
        ("audit-log", "0700", &serves),
        ("keys", "0700", &serves),
    ] {
        let line = folders.lines().find(|line| line.contains(&format!("/ehealth-attributes/{folder} ")));
        let words: Vec<_> = line.expect("a folder").split_whitespace().collect();
        assert_eq!(words[2..], [mode, owner.as_str(), serves.as_str()], "{folder}");
    }
}

/// Metrics that a text names, and the label selectors: name, label, operator, value.
fn selectors(text: &str) -> (BTreeSet<String>, Vec<[String; 4]>) {
    let (mut names, mut labels) = (BTreeSet::new(), Vec::new());
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    for (at, _) in text.match_indices("ehealth_attributes_") {
        let rest = &text[at..];
        let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        names.insert(name.to_owned());
        let Some(inside) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(inside, _)| inside)
        else {
            continue;
        };
        for part in inside.split("\",") {
            let place = part.find(['=', '!']).expect("an operator");
            let (label, rest) = part.split_at(place);
            let (operator, value) = rest.split_once('"').expect("a value");
            labels.push([name, label, operator, value.trim_end_matches('"')].map(str::to_owned));
        }
    }
    (names, labels)
}

/// Names and label values of a metrics text.
fn exposed(text: &str) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut names: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').expect("a sample");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let of_name = names.entry(name.to_owned()).or_default();
        for pair in labels.trim_end_matches('}').split("\",").filter(|pair| !pair.is_empty()) {
            let (label, value) = pair.split_once("=\"").expect("a label");
            of_name.entry(label.to_owned()).or_default().insert(value.trim_end_matches('"').to_owned());
        }
    }
    names
}

#[tokio::test]
async fn alert_rules_and_dashboard_use_existing_metrics() {
    let service = TestService::start_with(|settings| {
        let file = settings.policy.with_file_name("verified");
        fs::write(&file, "at 2026-01-15T00:00:00Z\nrecords 1\nsound yes\n").expect("written");
        settings.verification_report = Some(file);
        settings.audit_log.checkpoints.copy = Some(settings.policy.with_file_name("copy-of-checkpoint"));
        // A legal context and a grant that end.
        let policy = fs::read_to_string(&settings.policy).expect("a policy");
        let begins = ["valid_from = \"2017-07-01\"", "valid_from = \"2020-01-01\""];
        let ending = begins
            .into_iter()
            .zip(["2999-01-01", "2998-01-01"])
            .fold(policy, |text, (begin, end)| text.replacen(begin, &format!("{begin}\nvalid_to = \"{end}\""), 1));
        fs::write(&settings.policy, ending).expect("written");
    })
    .await;
    let stream = tokio::net::TcpStream::connect(service.admin.expect("an address")).await.expect("answered");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let request = hyper::Request::get("/metrics").header("host", "localhost");
    let request = request.body(Full::<bytes::Bytes>::default()).expect("a request");
    let answer = sender.send_request(request).await.expect("an answer").into_body().collect().await.expect("whole");
    let alone = String::from_utf8(answer.to_bytes().to_vec()).expect("UTF-8");
    service.finish().await;
    let is_of_cluster = |line: &&str| line.starts_with("ehealth_attributes_cluster_");
    assert_eq!(alone.lines().filter(is_of_cluster).count(), 0, "one machine has samples of a cluster");
    let node = nodes::report(Some(nodes::healthy_cluster()));
    let node = write_metrics(node, MetricsFormat::Prometheus).expect("valid values");
    let of_cluster: String = node.lines().filter(is_of_cluster).map(|line| format!("{line}\n")).collect();
    let exposed = exposed(&(alone + &of_cluster));

    let dashboard: serde_json::Value = serde_json::from_str(&read("deploy/grafana/dashboard.json")).expect("JSON");
    let mut queries = String::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            queries += &format!("{}\n", target["expr"].as_str().expect("a query"));
        }
    }
    for (what, text) in [("alerts", read("deploy/prometheus/alerts.yml")), ("dashboard", queries)] {
        let (names, labels) = selectors(&text);
        assert!(names.len() > 10, "{what} names {names:?}");
        for name in names {
            // No list is configured here, so none is due.
            assert!(exposed.contains_key(&name) || name.contains("crl_expiry"), "{what}: {name}");
        }
        for [name, label, operator, value] in labels {
            if label == "instance" {
                continue;
            }
            let values = exposed.get(&name).and_then(|labels| labels.get(&label));
            let values = values.unwrap_or_else(|| panic!("{what}: {name} has no {label}"));
            let wanted: Vec<_> = value.split('|').collect();
            for wanted in wanted {
                let is_there = match operator.as_str() {
                    "=" => values.contains(wanted),
                    "=~" => values.iter().any(|there| {
                        wanted.strip_suffix(".*").map_or(there == wanted, |begin| there.starts_with(begin))
                    }),
                    other => panic!("{other}"),
                };
                assert!(is_there, "{what}: {name} has no {label} {wanted} among {values:?}");
            }
        }
    }
}

/// What the collector's configuration takes from a line of the log.
fn taken_by_collector(configuration: &str) -> BTreeSet<&str> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let named = configuration.split("attributes.").skip(1);
    named.map(|rest| rest.split(|character| !is_word(character)).next().unwrap_or_default()).collect()
}

#[test]
fn the_collector_takes_fields_that_log_lines_have() {
    let configuration = read("deploy/opentelemetry/collector.yaml");
    let schema: serde_json::Value =
        serde_json::from_str(&read("docs/reference/json/log-line.schema.json")).expect("JSON");
    let taken = taken_by_collector(&configuration);
    for name in ["timestamp", "severity_text", "message", "trace_id", "span_id", "trace_flags"] {
        assert!(taken.contains(name), "{name} is not mapped");
    }
    for name in &taken {
        assert!(schema["properties"].get(name).is_some(), "{name} is no field of a log line");
    }
    // The layout is that of the moments in the log.
    assert!(configuration.contains("layout: '2006-01-02T15:04:05.000Z'"));
    assert!(configuration.lines().all(|line| !line.contains('\t') && (line.len() - line.trim_start().len()) % 2 == 0));
    // No package of Debian has the collector: where it is installed, it validates the file.
    let file = python::project().join("deploy/opentelemetry/collector.yaml");
    if let Ok(validated) = Command::new("otelcol-contrib").args(["validate", "--config"]).arg(file).output() {
        assert!(validated.status.success(), "{}", String::from_utf8_lossy(&validated.stderr));
    }
}

/// Whether a licence expression (SPDX) is allowed: one operand of `OR` is enough, `AND` needs all.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    fn part(words: &mut dyn Iterator<Item = String>, allowed: &BTreeSet<&str>) -> bool {
        // `OR` binds less than `AND`: `any` collects the finished `AND` groups, `all` the current
        // one.
        let (mut any, mut all, mut licence) = (false, true, String::new());
        let settle = |licence: &mut String| licence.is_empty() || allowed.contains(std::mem::take(licence).as_str());
        while let Some(word) = words.next() {
            match word.as_str() {
                "(" => all &= part(words, allowed),
                ")" => break,
                "AND" => all &= settle(&mut licence),
                "OR" => {
                    any |= all && settle(&mut licence);
                    (all, licence) = (true, String::new());
                }
                "WITH" => licence += " WITH ",
                name => licence += name,
            }
        }
        any || (all && settle(&mut licence))
    }
    let spaced = expression.replace('(', "( ").replace(')', " )");
    part(&mut spaced.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter(), allowed)
}

#[test]
fn licence_expressions_are_evaluated() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]);
    for right in ["MIT", "GPL-3.0 OR MIT", "ISC AND (GPL-3.0 OR MIT)", "MIT AND ISC", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(is_allowed(right, &allowed), "{right}");
    }
    for wrong in ["GPL-3.0", "Apache-2.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "GPL-3.0 AND MIT OR BSL-1.0"]
    {
        assert!(!is_allowed(wrong, &allowed), "{wrong}");
    }
}

/// Name of the package in a folder of the workspace.
fn package(folder: &io::Result<fs::DirEntry>) -> String {
    let manifest = folder.as_ref().expect("an entry").path().join("Cargo.toml");
    let manifest: toml::Table = fs::read_to_string(manifest).expect("a manifest").parse().expect("TOML");
    manifest["package"]["name"].as_str().expect("a name").to_owned()
}

#[test]
fn the_sbom_is_reproducible_and_names_nothing_forbidden() {
    let bill = || {
        let made = Command::new("python3").arg(project().join("deploy/sbom")).output().expect("python3");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).expect("UTF-8")
    };
    let text = bill();
    assert_eq!(text, bill());
    let bill: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let deny: toml::Table = read("deny.toml").parse().expect("TOML");
    let names = |list: &toml::Value, key: &str| -> BTreeSet<String> {
        let items = list.as_array().expect("a list").iter();
        items.map(|item| item.get(key).unwrap_or(item).as_str().expect("a name").to_owned()).collect()
    };
    let allowed = names(&deny["licenses"]["allow"], "");
    let allowed: BTreeSet<_> = allowed.iter().map(String::as_str).collect();
    let banned = names(&deny["bans"]["deny"], "crate");
    let twice = names(&deny["bans"]["skip"], "crate");
    let components = bill["components"].as_array().expect("a list");
    assert!(components.len() > 100);
    let own: BTreeSet<_> =
        fs::read_dir(project().join("crates")).expect("the workspace").map(|folder| package(&folder)).collect();
    let mut seen = BTreeSet::new();
    for component in components {
        let of = |key: &str| component[key].as_str().unwrap_or_else(|| panic!("{component} lacks {key}"));
        let (name, version) = (of("name"), of("version"));
        let licence =
            component["licenses"][0]["expression"].as_str().unwrap_or_else(|| panic!("{name} has no licence"));
        assert!(is_allowed(licence, &allowed), "{name}: {licence}");
        assert!(!banned.contains(name), "{name} is banned");
        // The number that changes with each incompatible version: of 0.22.1 it is 0.22.
        let numbers: Vec<_> = version.split('.').take(if version.starts_with("0.") { 2 } else { 1 }).collect();
        if !twice.contains(&format!("{name}@{}", numbers.join("."))) {
            assert!(seen.insert(name), "{name} occurs twice");
        }
        // The lock file has a digest of each package from the registry, and none of the workspace's
        // own crates.
        let digest = (!own.contains(name)).then_some(64);
        assert_eq!(component["hashes"][0]["content"].as_str().map(str::len), digest, "{name}");
    }
}

#[test]
fn the_selectors_of_a_query_are_found() {
    let (names, labels) = selectors("a + rate(ehealth_attributes_b{c=\"d\",e=~\"f/.*|g\"}[5m]) > ehealth_attributes_h");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["ehealth_attributes_b", "ehealth_attributes_h"]);
    assert_eq!(
        labels,
        [["ehealth_attributes_b", "c", "=", "d"], ["ehealth_attributes_b", "e", "=~", "f/.*|g"]]
            .map(|one| one.map(str::to_owned))
    );
}
