//! Reading a request's body, within its limits of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::server::http::refusal::HttpRefusal;
use crate::server::http::wire::refusal_of;
use crate::server::limits::settings::Limits;
use soap::limits::DOCUMENT_BYTES;

/// Reads a body to its end and keeps it.
///
/// # Errors
/// [`HttpRefusal`] for a body that is too large, too slow or broken.
pub(super) async fn read_body(limits: &Limits, body: Incoming) -> Result<Bytes, HttpRefusal> {
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    follow_body(limits, body, |piece| {
        if first.is_empty() {
            first = piece;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&piece);
        }
    })
    .await?;
    // The usual case: one piece, not copied.
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// Reads a body to its end and drops it.
///
/// # Errors
/// As [`read_body`].
pub(super) async fn skip_body(limits: &Limits, body: Incoming) -> Result<(), HttpRefusal> {
    follow_body(limits, body, drop).await
}

async fn follow_body(limits: &Limits, mut body: Incoming, mut take: impl FnMut(Bytes)) -> Result<(), HttpRefusal> {
    let largest = u64::try_from(DOCUMENT_BYTES).unwrap_or(u64::MAX);
    if body.size_hint().lower() > largest {
        // Refused before `100 Continue`, if the client waits for it (RFC 9110, section 10.1.1).
        return Err(HttpRefusal::TooLarge);
    }
    let began = Instant::now();
    let mut seen = 0_u64;
    while !body.is_end_stream() {
        let due = limits.body_start.saturating_add(time_of(seen, limits.body_rate)).min(limits.body);
        let Some(frame) = timeout_at(began + due, body.frame()).await.map_err(|_| HttpRefusal::TooSlow)? else { break };
        // Trailers are ignored.
        let Ok(piece) = frame.map_err(|error| refusal_of(&error))?.into_data() else { continue };
        seen = seen.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if seen > largest {
            return Err(HttpRefusal::TooLarge);
        }
        take(piece);
    }
    Ok(())
}

/// Time that a number of bytes takes at a rate in bytes per second.
fn time_of(bytes: u64, rate: u32) -> Duration {
    Duration::from_millis(bytes.saturating_mul(1_000) / u64::from(rate.max(1)))
}
