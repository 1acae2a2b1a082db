//! The drop-ins of systemd units: what the settings need beyond the packaged units, and no more.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;

use ehealth_attributes::app::units::{ACME_STATE, CREDENTIAL, DropIn, LISTEN, Names, STATE, Unit, UnitError, derive};
use ehealth_attributes::config::{Overrides, parse_settings, write_example};

use crate::support::environment::skip;
use crate::support::program::PROGRAM;
use crate::support::python::project;

const CREDENTIALS: &str = "/run/credentials/ehealth-attributes.service";

fn derived(text: &str) -> Result<Vec<DropIn>, UnitError> {
    let file = Path::new("/etc/ehealth-attributes/config.toml");
    let settings = parse_settings(file, text, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let find = |host: &str| match host {
        "feeds.example.be" | "acme.example.be" => Ok(vec![IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))]),
        other => Err(io::Error::other(format!("no address of {other}"))),
    };
    derive(
        &settings,
        Path::new(CREDENTIALS),
        &Names { find: &find, servers: vec![Ipv4Addr::new(192, 0, 2, 53).into()] },
    )
}

fn lines(drop_ins: &[DropIn], unit: Unit) -> Vec<String> {
    let of_unit = drop_ins.iter().find(|drop_in| drop_in.unit == unit).expect("one of each unit");
    of_unit.lines.iter().filter(|line| !line.starts_with('#')).cloned().collect()
}

/// Every packaged unit by its name.
fn packaged(unit: Unit) -> String {
    let folder = match unit {
        Unit::Socket | Unit::Answering => "answering",
        Unit::Fetching => "fetching",
        Unit::Verifying => "verifying",
        Unit::Renewing => "renewing",
    };
    fs::read_to_string(project().join("deploy/systemd").join(folder).join(unit.code())).expect("a unit")
}

#[test]
fn the_packaged_settings_need_no_drop_in() {
    let drop_ins = derived(&write_example()).expect("derived");
    assert_eq!(drop_ins.iter().map(|drop_in| drop_in.unit).collect::<Vec<_>>(), Unit::ALL);
    for unit in Unit::ALL {
        assert_eq!(lines(&drop_ins, unit), [""; 0], "{}", unit.code());
    }
    // What the derivation takes for packaged is what the units say.
    LISTEN.iter().for_each(|address| assert!(packaged(Unit::Socket).contains(&format!("\nListenStream={address}\n"))));
    let (name, file) = CREDENTIAL;
    assert!(packaged(Unit::Answering).contains(&format!("\nLoadCredential={name}:{file}\n")));
    assert!(packaged(Unit::Verifying).contains(&format!(" --audit-log {STATE}/audit-log ")));
    // A condition would skip the start without a word where the certificate has another path.
    assert!(Unit::ALL.iter().all(|unit| !packaged(*unit).contains("ConditionPathExists=/etc/ehealth-attributes/tls")));
}

/// The packaged settings with another value of everything that a unit limits.
fn other_settings() -> String {
    let changes = [
        ("\"0.0.0.0:8443\"", "\"[::]:443\""),
        ("\"tls/server.pem\"", "\"/srv/tls/gateway.pem\""),
        ("\"credential:server.key\"", "\"credential:gateway.key\""),
        ("\"/var/lib/ehealth-attributes/audit-log\"", "\"/srv/audit-log\""),
        ("\"/var/lib/ehealth-attributes/data\"", "\"/srv/data\""),
    ];
    let text = changes.iter().fold(write_example(), |text, (from, to)| text.replacen(from, to, 1));
    text + "\n[metrics]\nlisten = \"10.0.0.1:9464\"\nnetworks = \"10.0.0.0/8\"\n[feeds.dimona]\nurl = \"https://feeds.example.be/dimona/\"\nserver_ca = \"tls/feeds-ca.pem\"\n\
            certificate = \"/srv/tls/feeds.pem\"\nkey = \"credential:feeds.key\"\n[acme]\ndirectory = \"https://acme.example.be/directory\"\n"
}

#[test]
fn other_settings_get_what_they_need_and_no_more() {
    let drop_ins = derived(&other_settings()).expect("derived");
    let socket =
        ["ListenStream=", "ListenStream=[::]:443", "ListenStream=127.0.0.1:9443", "ListenStream=10.0.0.1:9464"];
    assert_eq!(lines(&drop_ins, Unit::Socket), socket);
    let answering = [
        "LoadCredential=",
        "LoadCredential=gateway.key:/srv/tls/gateway.key",
        "ReadWritePaths=/srv/audit-log",
        "ReadWritePaths=/srv/data",
    ];
    assert_eq!(lines(&drop_ins, Unit::Answering), answering);
    let fetching = [
        "LoadCredential=feeds.key:/srv/tls/feeds.key",
        "IPAddressAllow=192.0.2.7",
        "IPAddressAllow=192.0.2.53",
        "ReadWritePaths=/srv/data",
    ];
    assert_eq!(lines(&drop_ins, Unit::Fetching), fetching);
    let verifying = lines(&drop_ins, Unit::Verifying);
    assert!(verifying[0] == "ExecStart=" && verifying[1].contains(" --audit-log /srv/audit-log "), "{verifying:?}");

    let cluster = write_example() + &fs::read_to_string(project().join("deploy/cluster/node.toml")).expect("a section");
    let node = lines(&derived(&cluster).expect("derived"), Unit::Answering);
    for line in ["LoadCredential=cluster.key:/etc/ehealth-attributes/cluster/cluster.key", "SystemCallFilter=connect"] {
        assert!(node.iter().any(|one| one == line), "{line} in {node:?}");
    }
}

#[test]
fn the_unit_of_the_certificate_gets_what_its_settings_need() {
    let of = |section: &str| {
        let text = write_example() + "\n[acme]\ndirectory = \"https://acme.example.be:9000/directory\"\n" + section;
        let text = text.replacen("\"tls/server.pem\"", &format!("\"{ACME_STATE}/server.pem\""), 1);
        let drop_ins = derived(&text).expect("derived");
        let key = format!("LoadCredential=server.key:{ACME_STATE}/server.key");
        assert_eq!(lines(&drop_ins, Unit::Answering), ["LoadCredential=".to_owned(), key]);
        lines(&drop_ins, Unit::Renewing)
    };
    let packaged_port = [
        "IPAddressAllow=any",
        "SocketBindAllow=tcp:80",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        "PrivateUsers=no",
    ];
    assert_eq!(of(""), packaged_port);
    assert_eq!(of("listen = \"[::]:8080\"\n"), ["IPAddressAllow=any", "SocketBindAllow=tcp:8080"]);
    let private = "webroot = \"/var/www/html\"\nserver_ca = \"tls/acme-ca.pem\"\naccount = \"/srv/acme/account\"\n";
    let private_lines = [
        "IPAddressAllow=192.0.2.7",
        "IPAddressAllow=192.0.2.53",
        "ReadWritePaths=/srv/acme",
        "ReadWritePaths=/var/www/html",
    ];
    assert_eq!(of(private), private_lines);
    assert!(packaged(Unit::Renewing).contains(&format!("\nStateDirectory={}\n", ACME_STATE.replace("/var/lib/", ""))));
}

#[test]
fn what_cannot_be_derived_is_an_error_with_its_setting() {
    let unknown = other_settings().replace("feeds.example.be", "other.example.be");
    let error = derived(&unknown).expect_err("no address").to_string();
    assert!(error.starts_with("feeds.dimona.url: cannot find the addresses of other.example.be"), "{error}");
    let in_process = other_settings().replace("fetch_mode = \"separate_process\"", "fetch_mode = \"in_process\"");
    assert!(derived(&in_process).expect_err("no network").to_string().contains("separate_process"));
}

#[test]
fn systemd_accepts_the_drop_ins() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        skip("systemd-analyze is missing (Debian: systemd); the drop-ins are not checked");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for drop_in in derived(&other_settings()).expect("derived") {
        let file = folder.path().join(drop_in.path());
        fs::create_dir_all(file.parent().expect("a folder")).expect("created");
        fs::write(&file, drop_in.text()).expect("written");
        // The program of the unit need not be installed here.
        let unit = packaged(drop_in.unit).replace("/usr/bin/ehealth-attributes", "/bin/true");
        fs::write(folder.path().join(drop_in.unit.code()), unit).expect("written");
    }
    let about_drop_ins = || {
        let verified = Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .args(Unit::ALL.map(|unit| folder.path().join(unit.code())))
            .env("SYSTEMD_UNIT_PATH", format!("{}:", folder.path().display()))
            .output()
            .expect("systemd-analyze");
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        said.lines().filter(|line| line.contains("50-settings.conf")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(about_drop_ins(), [""; 0]);
    // The check can fail.
    let file = folder.path().join("ehealth-attributes.service.d/50-settings.conf");
    fs::write(&file, fs::read_to_string(&file).expect("written") + "Nonsense=1\n").expect("written");
    assert_eq!(about_drop_ins().len(), 1);
}

#[test]
fn drop_ins_are_written_kept_and_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (settings, dir) = (folder.path().join("config.toml"), folder.path().join("units"));
    let run = |text: &str, arguments: &[&str]| {
        fs::write(&settings, text).expect("written");
        let ran = Command::new(PROGRAM)
            .args(["config", "units", "--config"])
            .arg(&settings)
            .arg("--dir")
            .arg(&dir)
            .args(arguments)
            .env_remove("CREDENTIALS_DIRECTORY")
            .output()
            .expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
    };
    let other = other_settings();
    let other = other.split("\n[feeds.dimona]").next().expect("without names");
    let (code, printed, _) = run(other, &[]);
    assert!(code == Some(0) && printed.contains("LoadCredential=gateway.key:/srv/tls/gateway.key"), "{printed}");
    assert!(!dir.exists(), "a dry run writes nothing");
    assert_eq!(run(other, &["--write"]).0, Some(0));
    let file = dir.join("ehealth-attributes.service.d/50-settings.conf");
    assert!(fs::read_to_string(&file).expect("written").contains("\n[Service]\nLoadCredential=\n"));
    let (_, printed, _) = run(other, &[]);
    assert!(printed.contains("service.d/50-settings.conf: current"), "{printed}");
    let packaged = write_example();
    // Relative paths are relative to the settings file, so that the packaged key is elsewhere here.
    let packaged = packaged.replace("\"tls/server.pem\"", "\"/etc/ehealth-attributes/tls/server.pem\"");
    assert_eq!(run(&packaged, &["--write"]).0, Some(0));
    assert!(!file.exists(), "an obsolete drop-in is removed");
    // A file of another origin is not touched.
    fs::write(&file, "[Service]\nNice=1\n").expect("written");
    let (code, _, said) = run(other, &["--write"]);
    assert!(code == Some(1) && said.contains("was not written by this command"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("kept"), "[Service]\nNice=1\n");
}
