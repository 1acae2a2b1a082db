//! Consequences of an error: who must act, and whether to repeat the call.

use std::time::Duration;

/// The party that must act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The caller: the request, the certificate or the settings are wrong.
    Caller,
    /// The service and its operator.
    Service,
    /// The network between the two.
    Network,
}

/// Whether the same call may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Never without a change: the call would fail again.
    Never,
    /// Later: the call was not answered, and may succeed then.
    Later {
        /// Delay that the service asks for (`Retry-After`); `None` leaves the choice to the caller.
        after: Option<Duration>,
    },
    /// The call may have been answered and recorded: repeat it only if a second record of the same
    /// question does no harm.
    OnlyIfTwiceIsFine,
}
