//! Reading a request's body, within its limits of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::server::http::refusal::{HttpRefusal, Refusal};
use crate::server::http::wire::refusal_of;
use crate::server::limits::settings::Limits;
use ehealth_core::explained::Cause;
use soap::limits::DOCUMENT_BYTES;

/// Reads a body to its end and keeps it.
///
/// # Errors
/// [`Refusal`] for a body that is too large, too slow or broken.
pub(super) async fn read_body(limits: &Limits, body: Incoming) -> Result<Bytes, Refusal> {
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
pub(super) async fn skip_body(limits: &Limits, body: Incoming) -> Result<(), Refusal> {
    follow_body(limits, body, drop).await
}

async fn follow_body(limits: &Limits, mut body: Incoming, mut take: impl FnMut(Bytes)) -> Result<(), Refusal> {
    let largest = u64::try_from(DOCUMENT_BYTES).unwrap_or(u64::MAX);
    let announced = body.size_hint().lower();
    if announced > largest {
        // Refused before `100 Continue`, if the client waits for it (RFC 9110, section 10.1.1).
        return Err(HttpRefusal::TooLarge.because(Cause::number("Content-Length", announced)));
    }
    let began = Instant::now();
    let mut seen = 0_u64;
    while !body.is_end_stream() {
        let due = limits.body_start.saturating_add(time_of(seen, limits.body_rate)).min(limits.body);
        let Ok(frame) = timeout_at(began + due, body.frame()).await else {
            return Err(HttpRefusal::TooSlow.because(Cause::number("bytes of the body", seen)));
        };
        let Some(frame) = frame else { break };
        // Trailers are ignored.
        let Ok(piece) = frame.map_err(|error| refusal_of(&error))?.into_data() else { continue };
        seen = seen.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if seen > largest {
            return Err(HttpRefusal::TooLarge.because(Cause::number("bytes, at least", seen)));
        }
        take(piece);
    }
    Ok(())
}

/// Time that a number of bytes takes at a rate in bytes per second.
fn time_of(bytes: u64, rate: u32) -> Duration {
    Duration::from_millis(bytes.saturating_mul(1_000) / u64::from(rate.max(1)))
}
