//! The closed lists by which the server counts.

use ehealth_core::model::{OutcomeCode, StatusCode};

ehealth_core::closed_enum! {
    /// A stage on the way from a connection to an answer. Codes: metrics and log.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Stage {
        /// The TLS handshake, including refused ones.
        Handshake => "handshake",
        /// Waiting for a message slot, if there was none at once.
        Wait => "wait",
        /// Reading the body, and the question from it.
        Read => "read",
        /// Identifying the caller, and deciding whether the policy permits the question.
        Decide => "decide",
        /// Reading the data, and applying the rules.
        Resolve => "resolve",
        /// Waiting until the record is durable.
        Record => "record",
        /// Writing the envelope.
        Write => "write",
    }
}

ehealth_core::closed_enum! {
    /// How a handshake ended. Codes: metrics.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum HandshakeOutcome {
        /// It completed; the client is admitted.
        Accepted => "accepted",
        /// It failed, or the client's certificate was refused.
        Refused => "refused",
        /// It was not complete in time.
        TimedOut => "late",
        /// The client disconnected before it sent a byte: the check of a load balancer.
        Probe => "probe",
        /// A load balancer sent no valid PROXY protocol header before it.
        NoProxyHeader => "proxy-header",
        /// A newer handshake displaced it, because the limit was reached.
        Displaced => "crowded",
    }
}

ehealth_core::closed_enum! {
    /// Why a request is answered `503`. Codes: metrics.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Overload {
        /// The connection is over a limit on connections.
        Connections => "connections",
        /// No message slot was free in time.
        Messages => "messages",
        /// The caller sent more than its rate limit on recorded requests allows.
        Rate => "rate",
        /// The consumer is slowed because of empty answers, and has another question in progress.
        Slowed => "slowed",
        /// The audit log's disk has less free space than its reserve, and the caller is not
        /// registered.
        Reserve => "reserve",
    }
}

ehealth_core::closed_enum! {
    /// Outcome of an exchange in four kinds, as a chart shows them. Codes: metrics and admin page.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Kind {
        /// `DATA_FOUND` or `NO_DATA_FOUND`.
        Answered => "answered",
        /// `INCOMPLETE_DATA`.
        Incomplete => "incomplete",
        /// `NO_RESULT`.
        NoResult => "no-result",
        /// A fault.
        Fault => "fault",
    }
}

impl Kind {
    /// Kind of an outcome.
    pub(super) fn of(outcome: OutcomeCode) -> Self {
        match outcome.status() {
            Some(StatusCode::DataFound | StatusCode::NoDataFound) => Self::Answered,
            Some(StatusCode::Incomplete) => Self::Incomplete,
            Some(
                StatusCode::NoGrant
                | StatusCode::NotAnSsin
                | StatusCode::WrongDates
                | StatusCode::NoRelation
                | StatusCode::Replaced,
            ) => Self::NoResult,
            None => Self::Fault,
        }
    }
}
