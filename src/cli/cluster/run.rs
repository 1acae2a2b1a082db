//! Runs the commands under `cluster`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ClusterArguments, ClusterCommand};
use crate::admin::NodeReport;
use crate::app::{SystemClock, report_node};
use crate::cli::audit::PruneArguments;
use crate::cli::database::{Failure, connect, failed, runtime};
use crate::cli::exit::{Exit, fail};
use crate::cli::settings_file::SettingsFile;
use audit_log::Month;
use cluster::{MigrateError, Problem, PrunedMonth, Server, Settings};
use ehealth_core::model::Clock;

/// Runs the command to its end.
pub(in crate::cli) fn run(command: &ClusterCommand) -> Exit {
    let done = match command {
        ClusterCommand::Check(arguments) => run_check(arguments),
        ClusterCommand::Status(arguments) => run_status(arguments),
        ClusterCommand::Migrate(arguments) => run_migrate(arguments),
        ClusterCommand::Prune(arguments) => run_prune(arguments),
    };
    done.unwrap_or_else(|(exit, message)| fail(exit, &message))
}

/// The settings of the cluster.
fn cluster_settings(file: &SettingsFile) -> Result<Settings, Failure> {
    let settings = file.read().map_err(|problems| (Exit::Configuration, problems.to_string()))?;
    let missing = || (Exit::Configuration, "the settings have no section [cluster]".to_owned());
    settings.cluster.ok_or_else(missing)
}

fn run_check(arguments: &ClusterArguments) -> Result<Exit, Failure> {
    let settings = cluster_settings(&arguments.settings)?;
    let (server, problems) = runtime()?.block_on(cluster::examine(&settings));
    if arguments.json {
        println!("{:#}", describe_check(server.as_ref(), &problems));
    } else {
        if let Some(Server { version, synchronous_standby_names, schema }) = &server {
            let schema = schema.map_or("none".to_owned(), |version| version.to_string());
            println!("database: {}", settings.database);
            println!("PostgreSQL {version}, synchronous_standby_names '{synchronous_standby_names}', schema {schema}");
        }
        for Problem { is_warning, setting, text, remedy } in &problems {
            let severity = if *is_warning { "warning" } else { "error" };
            println!("{severity}: {setting}: {text}: {remedy}");
        }
        if problems.is_empty() {
            println!("no errors");
        }
    }
    let has_errors = problems.iter().any(|problem| !problem.is_warning);
    Ok(if has_errors { Exit::Failed } else { Exit::Done })
}

fn describe_check(server: Option<&Server>, problems: &[Problem]) -> Value {
    let problem = |problem: &Problem| {
        json!({
            "severity": if problem.is_warning { "warning" } else { "error" },
            "setting": problem.setting,
            "text": problem.text,
            "remedy": problem.remedy,
        })
    };
    json!({
        "server": server.map(|server| json!({
            "version": server.version,
            "synchronousStandbyNames": server.synchronous_standby_names,
            "schema": server.schema,
        })),
        "problems": problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

fn run_migrate(arguments: &ClusterArguments) -> Result<Exit, Failure> {
    let settings = cluster_settings(&arguments.settings)?;
    let made: Result<_, Failure> = runtime()?.block_on(async {
        let mut session = connect(&settings).await?;
        cluster::migrate(&mut session.client).await.map_err(|error: MigrateError| failed(error))
    });
    let names: Vec<_> = made?.iter().map(|migration| migration.name).collect();
    if arguments.json {
        println!("{:#}", json!({ "version": cluster::VERSION, "made": names }));
    } else {
        names.iter().for_each(|name| println!("made {name}"));
        println!("the schema has version {}", cluster::VERSION);
    }
    Ok(Exit::Done)
}

fn run_prune(arguments: &PruneArguments) -> Result<Exit, Failure> {
    let retention = arguments.retention().map_err(failed)?;
    let settings = cluster_settings(&arguments.settings)?;
    let past = Month::new(SystemClock.now()).minus_years(retention.years());
    let past = past.ok_or_else(|| failed("no month is past this retention"))?;
    let pruned: Result<_, Failure> = runtime()?.block_on(async {
        let session = connect(&settings).await?;
        let nodes = cluster::read_nodes(&session.client).await.map_err(failed)?;
        let firsts: Vec<_> = nodes.iter().map(report_node).map(|node| (node.name, node.first)).collect();
        cluster::prune(&session.client, past, &firsts).await.map_err(failed)
    });
    let pruned = pruned?;
    for month in &pruned {
        match month {
            PrunedMonth::Removed(month) => println!("removed {month}"),
            PrunedMonth::KeptBy(month, node) => {
                println!("{month} stays: node {node} has records of it; run `audit prune` there");
            }
        }
    }
    if pruned.is_empty() {
        println!("nothing is older than {} years", retention.years());
    }
    let is_kept = pruned.iter().any(|month| matches!(month, PrunedMonth::KeptBy(..)));
    Ok(if is_kept { Exit::Failed } else { Exit::Done })
}

fn run_status(arguments: &ClusterArguments) -> Result<Exit, Failure> {
    let settings = cluster_settings(&arguments.settings)?;
    let nodes: Result<_, Failure> = runtime()?.block_on(async {
        let session = connect(&settings).await?;
        let read = tokio::time::timeout(settings.timeout, cluster::read_nodes(&session.client)).await;
        read.map_err(|_| failed("the database does not respond"))?.map_err(failed)
    });
    let nodes: Vec<NodeReport> = nodes?.iter().map(report_node).collect();
    let findings = find(&nodes);
    if arguments.json {
        let nodes: Vec<_> = nodes.iter().map(describe_node).collect();
        println!("{:#}", json!({ "nodes": nodes, "findings": findings }));
    } else {
        for node in &nodes {
            let NodeReport { name, age, link, signed, version, .. } = node;
            let (link, version) = (link.as_deref().unwrap_or("-"), version.as_deref().unwrap_or("-"));
            let lag = lag(node).map_or("-".to_owned(), |lag| lag.to_string());
            println!("{name} {}s {link} {lag} {signed} {version}", age.as_secs());
        }
        findings.iter().for_each(|finding| println!("{finding}"));
        if nodes.is_empty() {
            println!("no node has connected yet");
        }
    }
    Ok(if findings.is_empty() && !nodes.is_empty() { Exit::Done } else { Exit::Failed })
}

fn lag(node: &NodeReport) -> Option<u64> {
    Some(node.records?.saturating_sub(node.replicated?))
}

fn describe_node(node: &NodeReport) -> Value {
    json!({
        "name": node.name,
        "ageSeconds": node.age.as_secs_f64(),
        "isSilent": node.is_silent,
        "version": node.version,
        "link": node.link,
        "reason": node.reason,
        "records": node.records,
        "replicated": node.replicated,
        "signed": node.signed,
        "serials": node.serials.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "policy": node.policy,
        "revocation": node.revocation,
    })
}

/// What an operator should look at.
fn find(nodes: &[NodeReport]) -> Vec<String> {
    let mut findings = Vec::new();
    for node in nodes {
        let name = &node.name;
        if node.is_silent {
            findings.push(format!("node {name} is silent for {} s", Duration::as_secs(&node.age)));
        } else if node.link.as_deref() != Some("confirmed") {
            let reason = node.reason.as_deref().unwrap_or("no reason is known");
            findings.push(format!("records of node {name} are not replicated: {reason}"));
        }
    }
    let speaking: Vec<_> = nodes.iter().filter(|node| !node.is_silent).collect();
    for pair in speaking.windows(2) {
        let [one, other] = pair else { continue };
        for (what, differs) in [
            ("policy", one.policy != other.policy),
            ("CRLs", one.revocation != other.revocation),
            ("datasets", one.serials != other.serials),
            ("program", one.version != other.version),
        ] {
            if differs {
                findings.push(format!("nodes {} and {} differ: {what}", one.name, other.name));
            }
        }
    }
    findings
}
