//! A quota holds over all nodes.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::setup::{SHORT, database, set_quota, wait_until_ready};
use crate::support::nodes::{Node, Nodes, Reply, cluster_section};

/// Questions that are asked, and the quota.
const ASKED: usize = 10_000;
const QUOTA: u32 = 600;

#[test]
fn three_nodes_answer_no_more_than_the_quota() {
    let Some(cluster) = database(1) else { return };
    let names = ["a", "b", "c"];
    let nodes = Nodes::prepare(&names, |node| cluster_section(&cluster.tls, &cluster.addresses(), node) + SHORT);
    set_quota(&nodes, QUOTA);
    nodes.iter().for_each(Node::start);
    nodes.iter().for_each(wait_until_ready);
    let (asked, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let refused = parking_lot::Mutex::new(std::collections::BTreeMap::<String, usize>::new());
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        for node in nodes.iter() {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut consumer = nodes.consumer(node.address());
                    while asked.fetch_add(1, Ordering::Relaxed) < ASKED && began.elapsed().as_secs() < 55 {
                        match consumer.ask() {
                            Reply::Answered(_) => {
                                answered.fetch_add(1, Ordering::Relaxed);
                            }
                            other @ (Reply::Refused(_) | Reply::Lost) => {
                                *refused.lock().entry(format!("{other:?}")).or_default() += 1;
                            }
                        }
                    }
                });
            }
        }
    });
    let (answered, asked) = (answered.into_inner(), asked.into_inner().min(ASKED));
    println!("{asked} asked in {:?}: {answered} answered, {:?}", began.elapsed(), refused.into_inner());
    assert!(began.elapsed().as_secs() < 60, "within the minute of the quota");
    assert!(answered <= QUOTA as usize, "{answered}");
    assert!(answered * 100 >= QUOTA as usize * 95, "{answered}");
}
