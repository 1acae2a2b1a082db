//! Search, report and proof over all nodes of a cluster, and the rebuild of a lost node's log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::RebuildArguments;
use super::inputs::{Failure, failed};
use super::keys_of::KeysOf;
use super::scope::NodesArguments;
use crate::app::SystemClock;
use crate::cli::database::{connect, runtime};
use crate::cli::exit::Exit;
use crate::config::Settings;
use audit_log::{
    DetailError, Event, Found, KeyFolder, MissingKeys, SearchError, Whom, keep_policy_text, parse_record,
    replication::record_of,
};
use audit_verify::{Verdict, VerifyingKey, verify_at};
use cluster::{Adopted, NodeKeys, Proof, adopt, policy_texts};
use ehealth_core::lookup::MessageSignature;
use ehealth_core::model::{Clock, Ticket, Window};

/// The keys of all nodes that are at hand.
pub(super) struct Keys(BTreeMap<String, KeyFolder>);

impl Keys {
    /// The keys of the own node, and those that the arguments name.
    pub(super) fn new(
        settings: &Settings,
        of_cluster: &cluster::Settings,
        arguments: &NodesArguments,
    ) -> Result<Self, Failure> {
        let own = (of_cluster.node.to_string(), settings.audit_log.keys.clone());
        let others = arguments.keys_of.iter().map(|KeysOf { node, folder }| (node.clone(), folder.clone()));
        let open = |(node, folder): (String, PathBuf)| {
            let keys = KeyFolder::open(&folder, MissingKeys::Refuse)
                .map_err(|error| failed(format_args!("{}: {error}", folder.display())))?;
            Ok((node, keys))
        };
        [own].into_iter().chain(others).map(open).collect::<Result<_, _>>().map(Self)
    }
}

impl NodeKeys for Keys {
    fn of_node(&self, node: &str) -> Option<&KeyFolder> {
        self.0.get(node)
    }
}

/// The cluster, if all nodes are to be searched.
pub(super) fn all_nodes<'a>(settings: &'a Settings, arguments: &NodesArguments) -> Option<&'a cluster::Settings> {
    settings.cluster.as_ref().filter(|_| !arguments.this_node)
}

/// Finds the records of a person over all nodes.
pub(super) fn find_in_all(
    settings: &Settings,
    of_cluster: &cluster::Settings,
    arguments: &NodesArguments,
    (whom, days): (&Whom, Option<Window>),
) -> Result<Vec<Result<Found, SearchError>>, Failure> {
    let keys = Keys::new(settings, of_cluster, arguments)?;
    runtime()?.block_on(async {
        let session = connect(of_cluster).await?;
        cluster::search(&session.client, &keys, whom, days).await.map_err(failed)
    })
}

/// Proves an exchange of any node; with the signature of its message, if that is wanted.
pub(super) fn prove_in_all(
    settings: &Settings,
    of_cluster: &cluster::Settings,
    arguments: &NodesArguments,
    (ticket, checkpoint, wants_signature): (Ticket, Option<&str>, bool),
) -> Result<(String, Option<MessageSignature>), Failure> {
    let keys = Keys::new(settings, of_cluster, arguments)?;
    let proof = runtime()?.block_on(async {
        let session = connect(of_cluster).await?;
        cluster::prove(&session.client, &keys, ticket, checkpoint).await.map_err(failed)
    })?;
    let signature = if wants_signature { signature(&keys, &proof)? } else { None };
    Ok((proof.text, signature))
}

fn signature(keys: &Keys, proof: &Proof) -> Result<Option<MessageSignature>, Failure> {
    let Proof { node, frame, month, .. } = proof;
    let of_node = keys.of_node(node).ok_or_else(|| failed(format_args!("name the keys of node {node}: --keys-of")))?;
    let key = of_node.detail_key(*month).map_err(failed)?;
    let record = record_of(frame).and_then(|record| parse_record(record).ok());
    match record.map(|record| record.event) {
        Some(Event::Exchange(exchange)) => {
            Ok(exchange.decrypt(&key).map_err(|error| failed(DetailError::from(error)))?.signature)
        }
        Some(
            Event::SegmentBegun(_)
            | Event::Interruption(_)
            | Event::Pruning(_)
            | Event::Vouched(_)
            | Event::Suppressed(_),
        )
        | None => Ok(None),
    }
}

/// Runs `audit rebuild`.
pub(super) fn run_rebuild(arguments: &RebuildArguments) -> Result<Exit, Failure> {
    let settings = arguments.settings.read().map_err(|problems| (Exit::Configuration, problems.to_string()))?;
    let missing = || (Exit::Configuration, "the settings have no section [cluster]".to_owned());
    let of_cluster = settings.cluster.as_ref().ok_or_else(missing)?;
    let node = arguments.node.as_ref().map_or(of_cluster.node.as_str(), |node| node.as_str());
    let folder = arguments.folder.as_deref().unwrap_or(&settings.audit_log.folder);
    let keys = match (&arguments.keys, arguments.without_keys) {
        (_, true) => None,
        (Some(keys), false) => Some(open_keys(keys)?),
        (None, false) => Some(open_keys(&settings.audit_log.keys)?),
    };
    let kept = arguments.checkpoint.as_deref().map(read).transpose()?;
    let rebuilt: Result<_, Failure> = runtime()?.block_on(async {
        let session = connect(of_cluster).await?;
        let mut shown = 0;
        let progress = |records: u64| {
            if records >= shown + 1_000_000 {
                shown = records;
                eprintln!("{records} records");
            }
        };
        let adopted =
            adopt(&session.client, node, folder, (keys.as_ref(), kept.as_deref()), progress).await.map_err(failed)?;
        Ok((adopted, policy_texts(&session.client).await.map_err(failed)?))
    });
    let (Adopted { before, after, root }, policies) = rebuilt?;
    for text in policies {
        keep_policy_text(folder, &text).map_err(failed)?;
    }
    if !arguments.json {
        println!("node {node}: {after} records, {before} of them were there; root {root}");
    }
    let verdict = arguments.key.as_deref().map(|key| {
        let key = VerifyingKey::from_argument(key).map_err(failed)?;
        verify_at(folder, &key, arguments.checkpoint.as_deref(), Some(SystemClock.now())).map_err(failed)
    });
    let verdict = verdict.transpose()?;
    if arguments.json {
        let verdict = verdict.as_ref().map(Verdict::to_json);
        println!("{:#}", json!({ "node": node, "before": before, "records": after, "root": root, "verdict": verdict }));
    } else if let Some(verdict) = &verdict {
        println!("{verdict}");
    }
    Ok(if verdict.is_none_or(|verdict| verdict.is_sound()) { Exit::Done } else { Exit::Failed })
}

fn read(file: &Path) -> Result<String, Failure> {
    text_file::read(file).map_err(|error| failed(format_args!("{}: {error}", file.display())))
}

fn open_keys(folder: &Path) -> Result<KeyFolder, Failure> {
    KeyFolder::open(folder, MissingKeys::Refuse).map_err(|error| {
        failed(format_args!(
            "{}: {error}; restore the keys of the node, or add --without-keys: then only the checkpoint proves the records",
            folder.display()
        ))
    })
}
