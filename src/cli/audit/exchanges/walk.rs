//! Reads the exchanges that are asked for, one after the other.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::args::FilterArguments;
use crate::cli::audit::inputs::{Failure, failed};
use crate::cli::audit::nodes::{Keys, all_nodes};
use crate::cli::audit::scope::NodesArguments;
use crate::cli::database::{connect, runtime};
use crate::cli::exit::Exit;
use crate::cli::settings_file::SettingsFile;
use crate::config::Settings;
use audit_log::{
    DetailError, DetailKey, Event, ExchangeView, KeyError, KeyFolder, MissingKeys, Month, ReadError, Reader,
    RecordHeader, RecordView,
};
use cluster::NodeKeys;

/// An exchange that is asked for.
pub(in crate::cli::audit) struct Row<'a> {
    /// Name of the node that recorded it, if all nodes of a cluster are read.
    pub node: Option<&'a str>,
    /// Month of its record.
    pub month: Month,
    pub header: RecordHeader,
    pub exchange: &'a ExchangeView<'a>,
    /// Quality of the end user; only if it is filtered by.
    pub quality: Option<&'a str>,
}

/// What a command does with an exchange; `Break` ends the reading.
type Take<'a> = &'a mut dyn FnMut(&Row<'_>) -> ControlFlow<()>;

/// Gives each exchange that is asked for to `take`, in the order of the log; of a cluster month by month,
/// and in each month node by node. Returns what could not be read.
pub(in crate::cli::audit) fn walk(
    settings: &SettingsFile,
    nodes: &NodesArguments,
    filter: &FilterArguments,
    take: Take<'_>,
) -> Result<Vec<String>, Failure> {
    if filter.is_reversed() {
        return Err((Exit::Usage, "--to: it is before --from".to_owned()));
    }
    let settings = settings.read().map_err(|problems| (Exit::Configuration, problems.to_string()))?;
    let mut visitor = Visitor { filter, take, key: None, unreadable: BTreeMap::new() };
    let mut gaps = match all_nodes(&settings, nodes) {
        Some(of_cluster) => walk_nodes(&settings, of_cluster, nodes, &mut visitor)?,
        None => walk_folder(&settings.audit_log, &mut visitor)?,
    };
    gaps.extend(visitor.unreadable.into_iter().map(|((node, month), (count, error))| {
        let of_node = node.map(|node| format!("node {node}, ")).unwrap_or_default();
        format!("{of_node}{month}: the quality of {count} exchanges is unknown: {error}")
    }));
    Ok(gaps)
}

/// Reads the own log. Behind a damaged segment it goes on with the next one.
fn walk_folder(settings: &audit_log::Settings, visitor: &mut Visitor<'_>) -> Result<Vec<String>, Failure> {
    // Only the quality needs a key.
    let keys = visitor.filter.needs_detail().then(|| KeyFolder::open(&settings.keys, MissingKeys::Refuse));
    let keys = keys.transpose().map_err(failed)?;
    let (first, last) = visitor.filter.months();
    let mut reader = Reader::of_months(&settings.folder, first, last).map_err(failed)?;
    let (mut gaps, mut month) = (Vec::new(), None);
    loop {
        let read = reader.read(|RecordView { header, event, .. }| match event {
            Event::Exchange(exchange) => match month {
                Some(month) => visitor.visit((None, keys.as_ref()), month, header, &exchange),
                None => ControlFlow::Continue(()),
            },
            Event::SegmentBegun(begun) => {
                month = Some(begun.month);
                ControlFlow::Continue(())
            }
            Event::Interruption(_) | Event::Pruning(_) | Event::Vouched(_) | Event::Suppressed(_) => {
                ControlFlow::Continue(())
            }
        });
        match read {
            Ok(Some(ControlFlow::Continue(()))) => {}
            Ok(Some(ControlFlow::Break(())) | None) => return Ok(gaps),
            Err(error @ ReadError::Damaged(_)) => gaps.push(format!("{error}; the rest of this segment is not read")),
            Err(error @ ReadError::Io(_)) => return Err(failed(error)),
        }
    }
}

/// Reads the records of all nodes from the database.
fn walk_nodes(
    settings: &Settings,
    of_cluster: &cluster::Settings,
    nodes: &NodesArguments,
    visitor: &mut Visitor<'_>,
) -> Result<Vec<String>, Failure> {
    let keys = Keys::new(settings, of_cluster, nodes)?;
    let months = visitor.filter.months();
    let gaps = runtime()?.block_on(async {
        let session = connect(of_cluster).await?;
        let mut take = |node: &str, month: Month, record: RecordView<'_>| match record.event {
            Event::Exchange(exchange) => {
                visitor.visit((Some(node), keys.of_node(node)), month, record.header, &exchange)
            }
            Event::SegmentBegun(_)
            | Event::Interruption(_)
            | Event::Pruning(_)
            | Event::Vouched(_)
            | Event::Suppressed(_) => ControlFlow::Continue(()),
        };
        cluster::read_records(&session.client, &keys, months, &mut take).await.map_err(failed)
    })?;
    Ok(gaps.iter().map(ToString::to_string).collect())
}

/// A key, and of which node and month it is.
type KeyOf = ((Option<String>, Month), Result<DetailKey, KeyError>);

/// Compares each exchange with the filter.
struct Visitor<'a> {
    filter: &'a FilterArguments,
    take: Take<'a>,
    /// The key that was used last.
    key: Option<KeyOf>,
    /// Exchanges that every other filter selects, but whose detail cannot be decrypted: by node and month.
    unreadable: BTreeMap<(Option<String>, Month), (u64, DetailError)>,
}

impl Visitor<'_> {
    fn visit(
        &mut self,
        (node, keys): (Option<&str>, Option<&KeyFolder>),
        month: Month,
        header: RecordHeader,
        exchange: &ExchangeView<'_>,
    ) -> ControlFlow<()> {
        if !self.filter.matches(header.recorded, exchange) {
            return ControlFlow::Continue(());
        }
        let quality = match keys.filter(|_| self.filter.needs_detail()) {
            None => None,
            Some(keys) => match self.quality((node, keys), month, exchange) {
                Some(quality) => Some(quality),
                None => return ControlFlow::Continue(()),
            },
        };
        (self.take)(&Row { node, month, header, exchange, quality: quality.as_deref() })
    }

    /// The quality of the end user, if it is asked for.
    fn quality(
        &mut self,
        (node, keys): (Option<&str>, &KeyFolder),
        month: Month,
        exchange: &ExchangeView<'_>,
    ) -> Option<String> {
        let is_of = |of: &(Option<String>, Month)| of.0.as_deref() == node && of.1 == month;
        if !self.key.as_ref().is_some_and(|(of, _)| is_of(of)) {
            self.key = Some(((node.map(str::to_owned), month), keys.detail_key(month)));
        }
        let (of, key) = self.key.as_ref()?;
        let detail = match key {
            Ok(key) => exchange.decrypt(key).map_err(DetailError::from),
            Err(error) => Err(DetailError::from(*error)),
        };
        match detail {
            Ok(detail) => {
                let end_user = detail.end_user?;
                self.filter.quality.iter().find(|asked| *asked == end_user.quality()).cloned()
            }
            Err(error) => {
                let (count, _) = self.unreadable.entry(of.clone()).or_insert((0, error));
                *count = count.saturating_add(1);
                None
            }
        }
    }
}
