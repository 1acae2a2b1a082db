//! State of one request, and its first step: whether its connection and its caller are admitted.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::http::request::Parts;

use crate::server::active_config::ActiveConfig;
use crate::server::counters::{Overload, Stage, Stopwatch};
use crate::server::exchange::ExchangeContext;
use crate::server::http::connection_context::ConnectionContext;
use crate::server::http::plain::{self, BodyRead};
use crate::server::http::refusal::{HttpRefusal, Refusal};
use crate::server::http::response::HttpResponse;
use crate::server::http::route::asked;
use crate::server::limits::concurrency::{Patience, Slot};
use crate::server::limits::consumer_limits::{NotTaken, TakenQuestion};
use crate::server::limits::holder::Holder;
use crate::server::limits::request_rates::Taker;
use crate::server::limits::settings::Limits;
use crate::server::peer::{CheckedPeer, Peer};
use crate::server::service::Service;
use ehealth_core::explained::Cause;
use ehealth_core::lookup::Operation;
use ehealth_core::model::Ticket;
use ehealth_core::policy::{Consumer, THROTTLE_INTERVAL};

/// `Retry-After` of a caller that is refused because the audit log's disk is nearly full.
const RESERVE_RETRY: Duration = Duration::from_mins(1);

/// A refusal below SOAP, and how much of the body was read.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    refusal: Refusal,
    body: BodyRead,
    /// Time until the request may succeed, if a limit knows it.
    retry_after: Duration,
}

impl Refused {
    /// Refusal of a request whose body was read to its end.
    pub fn whole(refusal: Refusal) -> Self {
        Self { refusal, body: BodyRead::Whole, retry_after: Duration::ZERO }
    }

    /// Refusal of a request whose body was not read to its end.
    pub fn in_part(refusal: Refusal) -> Self {
        Self { refusal, body: BodyRead::InPart, retry_after: Duration::ZERO }
    }

    /// The same refusal of a request that may succeed after this time.
    pub fn until(self, retry_after: Duration) -> Self {
        Self { retry_after, ..self }
    }
}

/// The refusal of a request that a limit stops.
pub(super) fn overloaded(overload: Overload) -> Refusal {
    HttpRefusal::Overloaded.because(Cause::new("limit", overload.code()))
}

/// What a message has before it is read.
#[derive(Default)]
pub(super) struct Turn {
    /// The question of the consumer's quota, or the time until there is one; `None` if the message is
    /// no question of a registered consumer.
    pub question: Option<Result<TakenQuestion, NotTaken>>,
    /// The one question in progress of a slowed consumer. Held to the response.
    _slot: Option<Slot>,
}

/// State of one request.
pub(super) struct RequestContext<'a> {
    connection: &'a ConnectionContext,
    ticket: Ticket,
    stopwatch: Stopwatch,
    /// One and the same from admission to the counters, whatever a reload activates meanwhile.
    active_config: Arc<ActiveConfig>,
    is_admitted: bool,
    taker: Taker,
}

impl<'a> RequestContext<'a> {
    /// State of a request that begins now.
    pub fn new(connection: &'a ConnectionContext, ticket: Ticket) -> Self {
        let stopwatch = Stopwatch::start();
        let active_config = connection.service.active_config();
        let CheckedPeer { is_admitted, taker } = connection.peer.check(&active_config, &connection.service);
        Self { connection, ticket, stopwatch, active_config, is_admitted, taker }
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

    /// For whom the request counts.
    pub fn holder(&self) -> Holder {
        self.taker.holder
    }

    /// Whether the caller's certificate is still valid under the active configuration.
    pub fn is_admitted(&self) -> bool {
        self.is_admitted
    }

    /// Refuses every request of a connection that is over its consumer's limit.
    pub fn check_connection_slot(&self) -> Result<(), Refused> {
        if self.connection.slot.is_some() {
            return Ok(());
        }
        self.service().counters.count_overload(Overload::Connections);
        Err(Refused::in_part(overloaded(Overload::Connections)))
    }

    /// Takes this request from its caller's rate limit on recorded requests. What is refused is
    /// counted, and recorded with others of its caller.
    ///
    /// # Errors
    /// The refusal, and the time until the request may succeed.
    pub fn take_from_rate_limit(&self) -> Result<(), (Refusal, Duration)> {
        let service = self.service();
        let is_in_reserve = !self.holder().is_registered() && service.audit_space.is_in_reserve();
        let taken = if is_in_reserve {
            Err((Overload::Reserve, RESERVE_RETRY))
        } else {
            service.request_rates.take(&self.taker).map_err(|wait| (Overload::Rate, wait))
        };
        taken.map_err(|(overload, wait)| {
            service.counters.count_overload(overload);
            service.request_rates.count_suppressed(self.holder(), &self.peer().caller, service.clock.now());
            (overloaded(overload), wait)
        })
    }

    /// A message slot, for which a registered consumer may wait.
    ///
    /// # Errors
    /// The refusal, if no slot is free in time.
    pub async fn acquire_message_slot(&self) -> Result<Slot, Refusal> {
        let service = self.service();
        if let Some(slot) = service.messages.try_acquire(self.holder()) {
            return Ok(slot);
        }
        let patience = Patience { longest: self.limits().wait, each: self.limits().waiting_per_consumer };
        let slot = service.messages.acquire(self.holder(), patience).await;
        self.stopwatch.lap(Stage::Wait);
        slot.ok_or_else(|| {
            service.counters.count_overload(Overload::Messages);
            overloaded(Overload::Messages)
        })
    }

    /// What a message needs before it is read: for a question of a registered consumer, its turn if
    /// the consumer is slowed, and one of its quota.
    ///
    /// # Errors
    /// The consumer is slowed, and has another question in progress.
    pub async fn begin_question(&self, operation: Operation) -> Result<Turn, Duration> {
        match (operation, self.taker.consumer.as_deref()) {
            (Operation::ConsultAttributes, Some(consumer)) => self.begin_question_of(consumer).await,
            (Operation::ConsultAttributes, None) | (Operation::SendTestMessage, _) => Ok(Turn::default()),
        }
    }

    /// The same for a question of this consumer.
    ///
    /// # Errors
    /// The consumer is slowed, and has another question in progress.
    pub async fn begin_question_of(&self, consumer: &Consumer) -> Result<Turn, Duration> {
        let service = self.service();
        let patience = Patience { longest: self.limits().wait, each: self.limits().waiting_per_consumer };
        let Ok(slot) = service.rate_limits.await_turn(consumer, patience).await else {
            service.counters.count_overload(Overload::Slowed);
            service.request_rates.count_suppressed(self.holder(), &self.peer().caller, service.clock.now());
            return Err(THROTTLE_INTERVAL);
        };
        if slot.is_some() {
            self.stopwatch.skip();
        }
        let question = Some(service.rate_limits.take(consumer).await);
        Ok(Turn { question, _slot: slot })
    }

    /// Value of `Keep-Alive`: the idle limit.
    pub fn keep_alive(&self) -> HeaderValue {
        self.service().keep_alive.clone()
    }

    /// Admits a request that is not a SOAP message, unless the caller is no longer admitted. Beyond a
    /// rate, no other request is read from the connection for a while.
    pub fn admit_document(&self, head: &Parts) -> Result<(), Refused> {
        if !self.is_admitted {
            return Err(Refused::in_part(HttpRefusal::NotAdmitted.because(asked(head))));
        }
        let pause = self.service().request_rates.take_document(&self.taker);
        if !pause.is_zero() {
            self.connection.backoff.begin(pause);
        }
        Ok(())
    }

    /// Context of the exchange whose message has just arrived.
    pub fn begin_exchange(&self, operation: Operation) -> ExchangeContext<'_> {
        let client = (self.peer(), self.taker.consumer.as_deref());
        ExchangeContext::new(self.service(), &self.active_config, client, self.ticket, operation, &self.stopwatch)
    }

    /// Counts a refusal and makes its response. After `503` the connection is not read for a while.
    pub fn refuse(&self, Refused { refusal, body, retry_after }: Refused) -> HttpResponse {
        let limits = self.limits();
        self.service().counters.count_refusal(*refusal.reason());
        if *refusal.reason() == HttpRefusal::Overloaded {
            self.connection.backoff.begin(limits.retry_after);
        }
        plain::refuse(self.service(), self.peer(), self.ticket, refusal, body, retry_after.max(limits.retry_after))
    }
}
