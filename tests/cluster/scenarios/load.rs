//! Questions in the background, and what became of them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::support::nodes::{Nodes, Reply};
use crate::support::postgres::Server;

/// Consumers that ask without a pause until they are stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    outcome: Arc<Mutex<Outcome>>,
    answered: Arc<AtomicUsize>,
}

/// What consumers got.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    /// Tickets of all answers.
    pub tickets: BTreeSet<String>,
    /// Number of faults, by code.
    pub refused: std::collections::BTreeMap<String, usize>,
    /// Number of questions without a reply.
    pub lost: usize,
}

impl Load {
    /// Starts this number of consumers for each address.
    pub fn start(nodes: &Nodes, addresses: &[SocketAddr], consumers: usize) -> Self {
        let (stop, outcome) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Outcome::default())));
        let answered = Arc::new(AtomicUsize::new(0));
        let mut threads = Vec::new();
        for address in addresses {
            for _ in 0..consumers {
                let mut consumer = nodes.consumer(*address);
                let (stop, outcome, answered) = (Arc::clone(&stop), Arc::clone(&outcome), Arc::clone(&answered));
                threads.push(std::thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let reply = consumer.ask();
                        let is_answer = reply.ticket().is_some();
                        note(&outcome, reply);
                        answered.fetch_add(usize::from(is_answer), Ordering::Relaxed);
                        if !is_answer {
                            // A consumer that gets no answer waits a little, as the contract tells it.
                            std::thread::park_timeout(std::time::Duration::from_millis(5));
                        }
                    }
                }));
            }
        }
        Self { stop, threads, outcome, answered }
    }

    /// Number of answers so far.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Ends the questions.
    pub fn stop(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no panic");
        }
        self.outcome.lock().clone()
    }
}

fn note(outcome: &Mutex<Outcome>, reply: Reply) {
    let mut outcome = outcome.lock();
    match reply {
        Reply::Answered(ticket) => assert!(outcome.tickets.insert(ticket), "a ticket is given once"),
        Reply::Refused(code) => *outcome.refused.entry(code).or_default() += 1,
        Reply::Lost => outcome.lost += 1,
    }
}

/// The first 8 bytes of a ticket, as the database has them.
fn prefix(ticket: &str) -> i64 {
    let digits: String = ticket.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).expect("a UUID").cast_signed()
}

/// Checks that the database has one record of each answer.
pub fn assert_recorded(server: &Server, tickets: &BTreeSet<String>) {
    let rows = server.sql("select ticket, count(*) from ehealth.record where ticket is not null group by ticket");
    let known: std::collections::BTreeMap<i64, usize> = rows
        .lines()
        .map(|row| {
            let (ticket, count) = row.split_once('|').expect("two columns");
            (ticket.parse().expect("a number"), count.parse().expect("a number"))
        })
        .collect();
    let lost: Vec<_> = tickets.iter().filter(|ticket| !known.contains_key(&prefix(ticket))).collect();
    assert!(lost.is_empty(), "{} of {} answers have no record: {lost:?}", lost.len(), tickets.len());
    let twice: Vec<_> = known.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "recorded twice: {twice:?}");
}
