//! State that every step of one exchange shares.

use tokio::sync::oneshot;

use crate::server::active_config::ActiveConfig;
use crate::server::counters::Stopwatch;
use crate::server::peer::Peer;
use crate::server::service::Service;
use ehealth_core::lookup::{Exchange, Operation, Recordable, Recorded, Unrecorded, record};
use ehealth_core::model::Ticket;
use ehealth_core::policy::Consumer;

/// State that every step of one exchange shares.
#[derive(Clone, Copy)]
pub(in crate::server) struct ExchangeContext<'a> {
    pub service: &'a Service,
    /// Configuration under which the whole exchange is decided.
    pub active_config: &'a ActiveConfig,
    /// The TLS client as a consumer, if it is registered.
    pub consumer: Option<&'a Consumer>,
    pub operation: Operation,
    pub exchange: Exchange,
    pub stopwatch: &'a Stopwatch,
}

/// Receives a value once its record is durable, or has failed.
pub(super) type RecordReceiver<T> = oneshot::Receiver<Result<Recorded<T>, Unrecorded<T>>>;

impl<'a> ExchangeContext<'a> {
    /// Context of an exchange whose message arrives now.
    pub fn new(
        service: &'a Service,
        active_config: &'a ActiveConfig,
        (peer, consumer): (&Peer, Option<&'a Consumer>),
        ticket: Ticket,
        operation: Operation,
        stopwatch: &'a Stopwatch,
    ) -> Self {
        let exchange = Exchange { ticket, received: service.clock.now(), caller: peer.caller, relay: None };
        Self { service, active_config, consumer, operation, exchange, stopwatch }
    }

    /// Hands a value to the audit log; the receiver gets the result.
    pub(super) fn start_recording<T: Recordable + Send + 'static>(self, value: T) -> RecordReceiver<T> {
        let (sender, receiver) = oneshot::channel();
        record(value, self.service.audit.as_ref(), move |recorded| {
            // Sending fails if the caller disconnected; the record stays.
            let _ = sender.send(recorded);
        });
        receiver
    }
}
