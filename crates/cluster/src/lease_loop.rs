//! Keeps the leases of quotas: exchanges them with the database when questions need them, and twice a
//! second.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use audit_log::replication::Durability;
use ehealth_core::policy::{Lease, LeaseRequest};
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};

use crate::connect::{Connector, describe};
use crate::leases::LeaseExchange;
use crate::presence::{Gateway, SILENT, View};
use crate::settings::Settings;

/// Interval between two exchanges that no question asks for.
const INTERVAL: Duration = Duration::from_millis(500);

/// Pause before the next attempt to connect.
const PAUSE: Duration = Duration::from_millis(200);

/// Consumers of one transaction: their rows are locked until its commit.
const CONSUMERS: usize = 100;

/// Longest wait for the exchange at the end.
const END: Duration = Duration::from_secs(1);

/// Exchanges leases.
pub(crate) struct LeaseLoop {
    pub(crate) settings: Settings,
    pub(crate) connector: Connector,
    pub(crate) gateway: Arc<dyn Gateway>,
    pub(crate) view: Arc<Mutex<View>>,
    pub(crate) counters: Arc<Mutex<LeaseCounters>>,
}

/// Leases of quotas, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeaseCounters {
    /// Number of exchanges with the database.
    pub exchanges: u64,
    /// Questions that were leased.
    pub granted: u64,
    /// Leased questions that were returned unused.
    pub returned: u64,
}

impl LeaseLoop {
    /// Exchanges for ever. Dropping the future ends it.
    pub(crate) async fn run(&self) {
        let mut was_logged = false;
        loop {
            let reason = self.connection(&mut was_logged).await;
            self.gateway.note_unreachable(self.fallback_share());
            if !std::mem::replace(&mut was_logged, true) {
                tracing::warn!(reason, "leases of quotas are not exchanged");
            }
            sleep(PAUSE).await;
        }
    }

    /// Returns the leases that are not used. Call it when the service has ended.
    pub(crate) async fn end(&self) {
        let requests = self.gateway.plan_lease_end();
        if requests.is_empty() {
            return;
        }
        let returned = timeout(END, async {
            let mut session = self.connector.connect().await.map_err(|error| error.to_string())?;
            let exchange = LeaseExchange::prepare(&session.client).await.map_err(|error| describe(&error))?;
            for requests in requests.chunks(CONSUMERS) {
                exchange.exchange(&mut session.client, requests).await.map_err(|error| describe(&error))?;
            }
            Ok::<(), String>(())
        });
        match returned.await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => tracing::warn!(reason, "leases of quotas are not returned; they end by themselves"),
            Err(_) => tracing::warn!("leases of quotas are not returned in time; they end by themselves"),
        }
    }

    /// One connection. Returns why it ended.
    async fn connection(&self, was_logged: &mut bool) -> String {
        let mut session = match self.connector.connect().await {
            Ok(session) => session,
            Err(error) => return error.to_string(),
        };
        let exchange = match timeout(self.settings.timeout, LeaseExchange::prepare(&session.client)).await {
            Ok(Ok(exchange)) => exchange,
            Ok(Err(error)) => return describe(&error),
            Err(_) => return format!("no answer within {} s", self.settings.timeout.as_secs()),
        };
        loop {
            self.gateway.await_lease_request(INTERVAL).await;
            let requests: Vec<LeaseRequest> = self.gateway.plan_leases();
            let mut leases = Vec::with_capacity(requests.len());
            for requests in requests.chunks(CONSUMERS) {
                match timeout(self.settings.timeout, exchange.exchange(&mut session.client, requests)).await {
                    Ok(Ok(granted)) => leases.extend(granted),
                    Ok(Err(error)) => return describe(&error),
                    Err(_) => return format!("no answer within {} s", self.settings.timeout.as_secs()),
                }
            }
            self.count(&requests, &leases);
            self.gateway.note_leases(&leases);
            *was_logged = false;
        }
    }

    fn count(&self, requests: &[LeaseRequest], leases: &[Lease]) {
        if requests.is_empty() {
            return;
        }
        let returned = requests.iter().flat_map(|request| &request.returned).map(|part| u64::from(part.questions));
        let granted = leases.iter().map(|lease| u64::from(lease.questions));
        let mut counters = self.counters.lock();
        counters.exchanges = counters.exchanges.saturating_add(1);
        counters.granted = counters.granted.saturating_add(granted.sum());
        counters.returned = counters.returned.saturating_add(returned.sum());
    }

    /// Number of nodes among which quotas are divided while this one is cut off; `None`: questions are
    /// refused.
    fn fallback_share(&self) -> Option<NonZeroU32> {
        match self.settings.durability {
            Durability::Replicated => None,
            Durability::Local => {
                let view = self.view.lock();
                let live = view.nodes.iter().filter(|node| node.age <= SILENT).count();
                Some(NonZeroU32::new(u32::try_from(live).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN))
            }
        }
    }
}
