//! Text and JSON of a verdict and of a proven record.
//!
//! The gateway's `audit verify` and `audit verify-proof` print the same text as the `audit-verify`
//! binary.

use std::fmt;

use serde_json::{Value, json};

use super::proof::Proven;
use super::verdict::{Truncation, Verdict};

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "records: {} to {} in {} segments", self.first, self.size, self.segments)?;
        writeln!(f, "root: {}", self.root)?;
        writeln!(f, "{}", self.truncation)?;
        if self.in_use {
            writeln!(f, "in use: a process is writing the audit log")?;
        }
        self.notices.iter().try_for_each(|notice| writeln!(f, "NOTE: {notice}"))?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "WRONG: {finding}"))?;
        match (self.is_sound(), self.unsigned) {
            (true, 0) => f.write_str("sound"),
            (true, unsigned) => {
                write!(f, "sound up to record {}; {unsigned} records after the last checkpoint", self.signed)
            }
            (false, _) => f.write_str("not sound"),
        }
    }
}

impl Verdict {
    /// The verdict as a JSON object (`docs/reference/json.md` "Verdict on an audit log").
    #[must_use]
    pub fn to_json(&self) -> Value {
        let findings: Vec<_> = self
            .findings
            .iter()
            .map(|finding| json!({ "code": finding.code(), "message": finding.to_string() }))
            .collect();
        let notices: Vec<_> =
            self.notices.iter().map(|notice| json!({ "code": notice.code(), "message": notice.to_string() })).collect();
        let signed_elsewhere = match self.truncation {
            Truncation::DetectableUpTo(size) => Some(size),
            Truncation::NotDetectable => None,
        };
        json!({
            "isSound": self.is_sound(),
            "first": self.first,
            "size": self.size,
            "root": self.root.to_string(),
            "segments": self.segments,
            "bytes": self.bytes,
            "signed": self.signed,
            "unsigned": self.unsigned,
            "inUse": self.in_use,
            "signedElsewhere": signed_elsewhere,
            "findings": findings,
            "notices": notices,
        })
    }
}

impl Proven {
    /// The ticket in the form of a UUID (RFC 9562, section 4); `None` for a record that is not an
    /// exchange.
    #[must_use]
    pub fn ticket_text(&self) -> Option<String> {
        let hex = u128::from_be_bytes(self.ticket?);
        let hex = format!("{hex:032x}");
        let parts = [hex.get(..8)?, hex.get(8..12)?, hex.get(12..16)?, hex.get(16..20)?, hex.get(20..)?];
        Some(parts.join("-"))
    }

    /// The proven record as a JSON object (`docs/reference/json.md` "Verdict on an audit log").
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "isProven": true,
            "sequence": self.sequence,
            "size": self.size,
            "recorded": self.recorded.to_string(),
            "ticketCBSS": self.ticket_text(),
        })
    }
}

impl fmt::Display for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {} of {} was written at {}", self.sequence, self.size, self.recorded)?;
        match self.ticket_text() {
            Some(ticket) => write!(f, ", ticket {ticket}"),
            None => Ok(()),
        }
    }
}
