//! The body of a response, read while it arrives.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::connection::{Connection, Sender, after};
use super::settings::FeedLimits;

/// A file that is being received.
pub(in crate::sync) struct Body<'a> {
    connection: Arc<Connection<'a>>,
    /// Returned for the next file after this one is read completely; the rest of an incomplete one
    /// would be in the way.
    sender: Option<Sender>,
    incoming: Incoming,
    piece: Bytes,
    silence: Duration,
    end: Option<Instant>,
}

impl<'a> Body<'a> {
    pub(super) fn new(connection: Arc<Connection<'a>>, sender: Sender, incoming: Incoming, limits: FeedLimits) -> Self {
        let (silence, end) = (limits.silence, after(limits.file));
        Self { connection, sender: Some(sender), incoming, piece: Bytes::new(), silence, end }
    }

    /// Finishes a response without a body.
    pub(super) fn finish(mut self) {
        let _ = self.read(&mut [0]);
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let end = [after(self.silence), self.end].into_iter().flatten().min();
            let incoming = &mut self.incoming;
            let frame = self.connection.drive_until(end, async { incoming.frame().await.transpose() })?;
            match frame {
                Some(frame) => self.piece = frame.into_data().unwrap_or_default(),
                None => {
                    // The end may be read more than once.
                    if let Some(sender) = self.sender.take() {
                        self.connection.put_idle(sender);
                    }
                    return Ok(0);
                }
            }
        }
        let count = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
