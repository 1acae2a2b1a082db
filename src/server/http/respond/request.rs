//! State of one request, and its first step: whether its connection and its caller are admitted.

use std::sync::Arc;

use crate::server::active_config::ActiveConfig;
use crate::server::counters::Stopwatch;
use crate::server::exchange::ExchangeContext;
use crate::server::http::connection_context::ConnectionContext;
use crate::server::http::plain::{self, BodyRead};
use crate::server::http::refusal::HttpRefusal;
use crate::server::http::response::HttpResponse;
use crate::server::limits::settings::Limits;
use crate::server::peer::Peer;
use crate::server::service::Service;
use ehealth_core::lookup::Operation;
use ehealth_core::model::Ticket;

/// A refusal below SOAP, and how much of the body was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    refusal: HttpRefusal,
    body: BodyRead,
}

impl Refused {
    /// Refusal of a request whose body was read to its end.
    pub fn whole(refusal: HttpRefusal) -> Self {
        Self { refusal, body: BodyRead::Whole }
    }

    /// Refusal of a request whose body was not read to its end.
    pub fn in_part(refusal: HttpRefusal) -> Self {
        Self { refusal, body: BodyRead::InPart }
    }
}

/// State of one request.
pub(super) struct RequestContext<'a> {
    connection: &'a ConnectionContext,
    ticket: Ticket,
    stopwatch: Stopwatch,
    /// One and the same from admission to the counters, whatever a reload activates meanwhile.
    active_config: Arc<ActiveConfig>,
    is_admitted: bool,
}

impl<'a> RequestContext<'a> {
    /// State of a request that begins now.
    pub fn new(connection: &'a ConnectionContext, ticket: Ticket) -> Self {
        let stopwatch = Stopwatch::start();
        let active_config = connection.service.active_config();
        let is_admitted =
            connection.peer.is_admitted(&active_config, connection.service.clock.now(), &connection.service.peer_log);
        Self { connection, ticket, stopwatch, active_config, is_admitted }
    }

    pub fn service(&self) -> &'a Service {
        &self.connection.service
    }

    pub fn peer(&self) -> &'a Peer {
        &self.connection.peer
    }

    pub fn limits(&self) -> &'a Limits {
        &self.connection.service.settings.limits
    }

    /// Whether the caller's certificate is still valid under the active configuration.
    pub fn is_admitted(&self) -> bool {
        self.is_admitted
    }

    /// Refuses every request of a connection that is over its consumer's limit.
    pub fn check_connection_slot(&self) -> Result<(), Refused> {
        if self.connection.slot.is_some() { Ok(()) } else { Err(Refused::in_part(HttpRefusal::Overloaded)) }
    }

    /// Refuses a request that is not a SOAP message, if the caller is no longer admitted.
    pub fn check_admitted(&self) -> Result<(), Refused> {
        if self.is_admitted { Ok(()) } else { Err(Refused::in_part(HttpRefusal::NotAdmitted)) }
    }

    /// Context of the exchange whose message has just arrived.
    pub fn begin_exchange(&self, operation: Operation) -> ExchangeContext<'_> {
        ExchangeContext::new(self.service(), &self.active_config, self.peer(), self.ticket, operation, &self.stopwatch)
    }

    /// Counts a refusal and makes its response. After `503` the connection is not read for a while.
    pub fn refuse(&self, Refused { refusal, body }: Refused) -> HttpResponse {
        let limits = self.limits();
        self.service().counters.count_refusal(refusal);
        if refusal == HttpRefusal::Overloaded {
            self.connection.backoff.begin(limits.retry_after);
        }
        plain::refuse(self.service(), self.peer(), self.ticket, refusal, body)
    }
}
