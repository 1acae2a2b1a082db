//! A record as a line of JSON (docs/reference/json.md "Exported records").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cli::audit::exchanges::{Object, put_datasets, put_exchange};
use audit_log::{Event, InterruptionCause, PrunedSegment, RecordView};

/// What all lines of an export have in common.
#[derive(Debug, Clone)]
pub(super) struct LineFormat {
    /// Origin of the log.
    pub log: String,
    /// Whether the bytes of the record are added.
    pub has_detail: bool,
}

impl LineFormat {
    /// Writes a record, with the line feed.
    pub fn write(&self, record: &RecordView<'_>) -> String {
        let mut out = String::with_capacity(1_024);
        let mut object = Object::begin(&mut out);
        object.text("log", &self.log);
        object.raw("sequence", record.header.sequence);
        object.plain("recorded", record.header.recorded);
        object.plain("hash", record.leaf);
        put_event(&mut object, record);
        if self.has_detail {
            if let Event::Exchange(exchange) = &record.event {
                object.plain("encryptedDetail", STANDARD.encode(exchange.encrypted_detail()));
            }
            object.plain("record", STANDARD.encode(record.bytes));
        }
        object.end();
        out.push('\n');
        out
    }
}

fn put_event(object: &mut Object<'_>, record: &RecordView<'_>) {
    match &record.event {
        Event::Exchange(exchange) => {
            object.plain("kind", "exchange");
            put_exchange(object, exchange);
            put_datasets(object, exchange);
        }
        Event::SegmentBegun(begun) => {
            object.plain("kind", "segment");
            object.plain("month", begun.month);
        }
        Event::Interruption(interruption) => {
            object.plain("kind", "interruption");
            object.plain("since", interruption.since);
            object.raw("refused", interruption.refused);
            object.plain("cause", cause(interruption.cause));
        }
        Event::Pruning(pruning) => {
            object.plain("kind", "pruning");
            object.raw("until", pruning.until);
            object.list(
                "removed",
                pruning.segments.iter().map(|PrunedSegment { first, month, root }| format!("{first} {month} {root}")),
            );
        }
        Event::Vouched(vouched) => {
            object.plain("kind", "vouched");
            object.raw("records", vouched.records);
            object.plain("root", vouched.root);
        }
        Event::Suppressed(requests) => {
            object.plain("kind", "suppressed");
            object.plain_or_null("caller", requests.caller);
            object.plain("certificateSha256", requests.fingerprint);
            object.plain("since", requests.since);
            object.plain("until", requests.until);
            object.raw("count", requests.count);
        }
    }
}

fn cause(cause: InterruptionCause) -> &'static str {
    match cause {
        InterruptionCause::DiskFull => "disk-full",
        InterruptionCause::Io => "io-error",
        InterruptionCause::Key => "key",
        InterruptionCause::NotReplicated => "not-replicated",
    }
}
