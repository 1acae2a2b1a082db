//! The state of the cluster: this node's replication, and the table of all nodes.

use maud::{Markup, html};

use super::super::cluster::{ClusterReport, LinkReport, NodeReport, SharedPart, TransactionReport};
use super::super::health::Rounded;
use super::format::{Tone, grouped, tag};
use super::frame::{column, more, number_column, table};
use ehealth_core::model::Dataset;

/// Shows the replication of this node's records, and every node.
pub(super) fn show(cluster: &ClusterReport) -> Markup {
    let ClusterReport { node, link, reason, is_answering, lag, waiting, .. } = cluster;
    html! {
        section #cluster data-live aria-labelledby="cluster-title" {
            h2 #cluster-title { "Cluster" }
            dl {
                dt { "This node" } dd { (node) }
                dt { "Replication" }
                dd {
                    (link_tag(*link)) @if let Some(reason) = reason { " " (reason) }
                    @if *link != LinkReport::Confirmed {
                        " " @if *is_answering { (tag(Tone::Warn, "requests are answered")) }
                        @else { (tag(Tone::Bad, "no request is answered")) }
                    }
                }
                dt { "Lag" }
                dd {
                    (grouped(*lag)) " records are not replicated yet; "
                    (grouped(u64::try_from(*waiting).unwrap_or(u64::MAX))) " exchanges wait for it"
                }
                dt { "Since the start" } dd { (since_start(cluster)) }
                dt { "Nodes read" }
                dd {
                    @if let Some(age) = cluster.nodes_read { (Rounded(age)) " ago" } @else { "never" }
                    @if let Some(error) = &cluster.nodes_error { " " (tag(Tone::Warn, "failed")) " " (error) }
                }
            }
            @if !cluster.nodes.is_empty() { (nodes(cluster)) }
        }
    }
}

fn link_tag(link: LinkReport) -> Markup {
    let tone = match link {
        LinkReport::Down => Tone::Bad,
        LinkReport::Joining => Tone::Warn,
        LinkReport::Confirmed => Tone::Good,
    };
    tag(tone, link.code())
}

fn since_start(cluster: &ClusterReport) -> Markup {
    let TransactionReport { count, records, duration } = cluster.transactions;
    let average = duration.checked_div(u32::try_from(count).unwrap_or(u32::MAX));
    html! {
        (grouped(count)) " transactions"
        @if let Some(average) = average {
            " of " (tenths(records.saturating_mul(10).checked_div(count).unwrap_or(0))) " records and "
            (tenths(u64::try_from(average.as_micros() / 100).unwrap_or(u64::MAX))) " ms on average"
        }
        ", " (grouped(cluster.refused)) " exchanges refused because records were not replicated, "
        (grouped(cluster.unreplicated)) " answered before their record was replicated, "
        (grouped(cluster.unknown_outcomes)) " commits with an unknown outcome"
    }
}

/// A number of tenths as a decimal.
fn tenths(tenths: u64) -> String {
    format!("{}.{}", grouped(tenths / 10), tenths % 10)
}

/// Nodes that are shown.
const NODES: usize = 64;

fn nodes(cluster: &ClusterReport) -> Markup {
    let head = html! {
        (column("Node"))
        (column("Last report"))
        (column("Replication"))
        (number_column("Lag"))
        (number_column("Signed records"))
        (column("Other serials"))
        (column("Policy"))
        (column("CRLs"))
        (column("Version"))
    };
    let body = html! { @for node in cluster.nodes.iter().take(NODES) { (row(cluster, node)) } };
    html! {
        (table("nodes-table", "Nodes, as they last reported", &head, &body))
        (more(NODES, cluster.nodes.len(), "run `cluster status`."))
    }
}

fn row(cluster: &ClusterReport, node: &NodeReport) -> Markup {
    let link = node.link.as_deref();
    html! {
        tr {
            th scope="row" { (node.name) @if node.name == cluster.node { span .quiet { "this node" } } }
            td {
                @if node.is_silent { (tag(Tone::Bad, "silent")) " " }
                (Rounded(cluster.since_report(node))) " ago"
            }
            td {
                // What a silent node last said is no longer known to be so.
                @match link.and_then(LinkReport::parse).filter(|_| !node.is_silent) {
                    Some(link) => (link_tag(link)),
                    None => span .quiet { (link.unwrap_or("–")) },
                }
                @if let Some(reason) = &node.reason { " " (reason) }
            }
            td .number { @if let Some(lag) = node.lag() { (grouped(lag)) } @else { "–" } }
            td .number { (grouped(node.signed)) }
            td .runs {
                @for dataset in Dataset::ALL.map(Dataset::code) {
                    @if cluster.differs(node, |node| node.serial(dataset)) {
                        div { (dataset) " " (tag(Tone::Warn, &node.serial(dataset).unwrap_or(0).to_string())) }
                    }
                }
                @if !Dataset::ALL.iter().any(|dataset| cluster.differs(node, |node| node.serial(dataset.code()))) { "–" }
            }
            td { (sameness(cluster, node, SharedPart::Policy)) }
            td { (sameness(cluster, node, SharedPart::Crls)) }
            td {
                @let version = node.version.as_deref().unwrap_or("–");
                @if cluster.differs(node, |node| node.shared(SharedPart::Program)) { (tag(Tone::Warn, version)) }
                @else { (version) }
            }
        }
    }
}

/// Whether the node has the same file as this node, as far as that is known.
fn sameness(cluster: &ClusterReport, node: &NodeReport, part: SharedPart) -> Markup {
    let own = cluster.own().and_then(|own| own.shared(part));
    match own.zip(node.shared(part)) {
        Some((own, other)) if own != other => tag(Tone::Warn, "different"),
        Some(_) => html! { "same" },
        None => html! { "–" },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::cluster::three_nodes;
    use super::*;

    /// The table's row of a node.
    fn row_of(shown: &str, node: &str) -> String {
        let rest = shown.split_once(&format!("<th scope=\"row\">{node}")).expect("a row").1;
        rest.split_once("</tr>").expect("its end").0.to_owned()
    }

    #[test]
    fn the_section_marks_silent_and_different_nodes() {
        let shown = show(&three_nodes()).into_string();
        assert!(shown.contains("40 transactions of 30.0 records and 6.5 ms on average"), "{shown}");
        assert!(shown.contains("<span class=\"tag good\">confirmed</span>"), "{shown}");
        let (own, other, silent) = (row_of(&shown, "a"), row_of(&shown, "b"), row_of(&shown, "c"));
        assert!(own.contains("this node") && !own.contains("tag warn"), "{own}");
        assert!(other.contains("dimona <span class=\"tag warn\">6</span>"), "{other}");
        assert!(other.contains("<td><span class=\"tag warn\">different</span></td><td>same</td>"), "{other}");
        assert!(!other.contains("persons") && other.contains("<td class=\"number\">50</td>"), "{other}");
        assert!(silent.contains("<span class=\"tag bad\">silent</span> 1 min ago"), "{silent}");
        assert!(silent.contains("<td><span class=\"quiet\">confirmed</span></td>"), "{silent}");
        assert!(silent.contains("<td>–</td><td>0.3.0</td>"), "{silent}");
    }

    #[test]
    fn the_section_says_why_nothing_is_replicated() {
        let mut cluster = three_nodes();
        cluster.link = LinkReport::Down;
        cluster.reason = Some("no <standby>".to_owned());
        cluster.is_answering = false;
        cluster.nodes.clear();
        cluster.nodes_read = None;
        cluster.nodes_error = Some("connection closed".to_owned());
        cluster.transactions = TransactionReport { count: 0, records: 0, duration: Duration::ZERO };
        let shown = show(&cluster).into_string();
        assert!(
            shown.contains("tag bad\">down</span> no &lt;standby&gt; <span class=\"tag bad\">no request is"),
            "{shown}"
        );
        assert!(shown.contains("<dd>0 transactions, 0 exchanges refused"), "{shown}");
        assert!(shown.contains("never <span class=\"tag warn\">failed</span> connection closed"), "{shown}");
        assert!(!shown.contains("<table>"), "{shown}");
        cluster.is_answering = true;
        assert!(show(&cluster).into_string().contains("tag warn\">requests are answered"));
    }
}
