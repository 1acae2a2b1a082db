//! The Helm chart: lint, rendering, and the objects against the schemas of Kubernetes. On demand, because Helm and
//! kubeconform are built from source: `CHART=1`, with both in PATH (`deploy/helm/README.md`).

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ehealth_attributes::config::{Overrides, parse_settings};

use crate::support::environment::{is_set, say};
use crate::support::python::project;

fn chart() -> PathBuf {
    project().join("deploy/helm/ehealth-attributes")
}

fn example() -> PathBuf {
    project().join("deploy/helm/example-values.yaml")
}

/// Runs a program; returns whether it succeeded, and what it printed.
fn run(program: &str, arguments: &[&str], files: &[&Path]) -> (bool, String) {
    let output = Command::new(program).args(arguments).args(files).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}: CHART=1 needs it in PATH"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn render(more: &[&str]) -> (bool, String) {
    let values = example().display().to_string();
    // Helm that is built from source takes itself for an old Kubernetes.
    let arguments = [&["template", "gateway-a", "--kube-version", "1.35.0", "--values", &values][..], more].concat();
    run("helm", &arguments, &[&chart()])
}

/// Whether the tests of the chart are asked for.
fn is_asked_for() -> bool {
    let asked = is_set("CHART");
    if !asked {
        say("*** SKIPPED, not asked for: CHART=1 cargo test --test it chart::");
    }
    asked
}

#[test]
fn the_variables_of_the_chart_are_settings() {
    let helpers = fs::read_to_string(chart().join("templates/_helpers.tpl")).expect("read");
    let of_line = |line: &str| {
        let (name, value) = line.trim().strip_prefix("- {name: ")?.strip_suffix('}')?.split_once(", value: ")?;
        Some((name.to_owned(), value.trim_matches('"').to_owned()))
    };
    let variables: Vec<_> = helpers.lines().filter_map(of_line).collect();
    assert!(variables.len() > 10, "{variables:?}");
    let filled = variables.into_iter().map(|(name, value)| {
        let value = value.replace("{{ .Values.metrics.port }}", "9464");
        (name, if value.contains("join") { "10.0.0.0/8".to_owned() } else { value })
    });
    // The settings of the values, and nothing else, are in the file.
    let values = fs::read_to_string(chart().join("values.yaml")).expect("read");
    let (_, settings) = values.split_once("settings: |\n").expect("settings");
    let settings: String =
        settings.lines().take_while(|line| line.starts_with("  ")).map(|line| format!("{}\n", line.trim())).collect();
    let file = Path::new("/etc/ehealth-attributes/config.toml");
    let read = parse_settings(file, &settings, &Overrides::new(filled, &[]));
    read.unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn the_chart_is_valid() {
    if !is_asked_for() {
        return;
    }
    let (is_sound, printed) =
        run("helm", &["lint", "--strict", "--values", example().to_str().expect("UTF-8")], &[&chart()]);
    assert!(is_sound, "{printed}");
    say(printed.trim());
    let (is_rendered, objects) = render(&[]);
    assert!(is_rendered, "{objects}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("objects.yaml");
    fs::write(&file, &objects).expect("written");
    // Schemas as `kubernetes-validate` carries them, or those that kubeconform finds by itself.
    let schemas = env::var("KUBERNETES_SCHEMAS").unwrap_or_else(|_| "default".to_owned());
    let check = |file: &Path| {
        let arguments =
            ["-strict", "-summary", "-verbose", "-skip", "ServiceMonitor", "-schema-location", schemas.as_str()];
        run("kubeconform", &arguments, &[file])
    };
    let (is_valid, printed) = check(&file);
    assert!(is_valid, "{printed}");
    say(printed.trim());
    // The check can fail.
    fs::write(&file, objects.replace("serviceName:", "servicName:")).expect("written");
    assert!(!check(&file).0, "a wrong name is found");
}

#[test]
fn wrong_values_are_refused_by_name() {
    if !is_asked_for() {
        return;
    }
    for (wrong, said) in [
        ("image.digest=latest", "digest"),
        ("image.tag=1", "tag"),
        ("metrics.networks=null", "metrics.networks"),
        ("policyConfigMap=", "set policy, or policyConfigMap"),
    ] {
        let (is_rendered, printed) = render(&["--set", wrong]);
        assert!(!is_rendered && printed.contains(said), "{wrong}: {printed}");
    }
}
