//! Text and JSON of a verdict and of a proven record.
//!
//! The gateway's `audit verify` and `audit verify-proof` print the same text as the `audit-verify`
//! binary.

use std::fmt;

use serde_json::{Map, Value, json};

use super::coverage::Coverage;
use super::proof::{ProofError, Proven};
use super::verdict::{Truncation, Verdict};

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Coverage { origin, key, period, months, pruned_months, checkpoints } = &self.coverage;
        let (first, size, segments) = (self.first, self.size, self.segments);
        writeln!(f, "The audit log {origin} has the records from {first} to before {size}, in {segments} segments.")?;
        if let Some((from, to)) = period {
            writeln!(f, "The first of them was written at {from}, the last at {to}.")?;
        }
        if let (Some(from), Some(to)) = (months.first(), months.last()) {
            writeln!(f, "They are of {} months, from {} to {}.", months.len(), from.month, to.month)?;
        }
        match (pruned_months.first(), pruned_months.last()) {
            (Some(from), Some(to)) => {
                writeln!(f, "Months that were pruned: {}, from {from} to {to}.", pruned_months.len())?;
            }
            _ => writeln!(f, "No month was pruned.")?,
        }
        writeln!(f, "The key {key} signed {} of the checkpoints that were read.", checkpoints.len())?;
        for checkpoint in checkpoints {
            let (source, size, keys) = (checkpoint.source, checkpoint.size, checkpoint.keys.join(", "));
            let made = checkpoint.made.map(|made| format!(", the newest of {made}")).unwrap_or_default();
            writeln!(f, "It signs {size} records in {source}{made}; key ids: {keys}.")?;
        }
        writeln!(f, "{} records are after the newest checkpoint.", self.unsigned)?;
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

impl Coverage {
    /// The members that `docs/reference/json.md` "Verdict on an audit log" lists.
    fn to_json(&self) -> Map<String, Value> {
        let months =
            self.months.iter().map(|of| json!({ "month": of.month, "segments": of.segments, "records": of.records }));
        let checkpoints = self.checkpoints.iter().map(|checkpoint| {
            json!({
                "source": checkpoint.source.code(),
                "size": checkpoint.size,
                "root": checkpoint.root.to_string(),
                "made": checkpoint.made.map(|made| made.to_string()),
                "keys": checkpoint.keys,
            })
        });
        let newest = self.newest_checkpoint();
        let members = [
            ("origin", json!(self.origin)),
            ("key", json!(self.key)),
            (
                "period",
                self.period.map_or(Value::Null, |(from, to)| json!({ "from": from.to_string(), "to": to.to_string() })),
            ),
            ("months", months.collect()),
            ("prunedMonths", json!(self.pruned_months)),
            ("checkpoints", checkpoints.collect()),
            ("newestCheckpoint", newest.map_or(Value::Null, |newest| json!(newest.source.code()))),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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
        let mut verdict = json!({
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
        });
        if let Some(members) = verdict.as_object_mut() {
            members.append(&mut self.coverage.to_json());
        }
        verdict
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
            "origin": self.origin,
            "key": self.key,
            "root": self.root.to_string(),
            "checkpointMade": self.made.map(|made| made.to_string()),
            "proves": self.proves(),
            "doesNotProve": NOT_PROVEN,
        })
    }

    /// What the proof proves, in a sentence.
    fn proves(&self) -> String {
        let Self { origin, key, size, sequence, .. } = self;
        format!(
            "The holder of the key {key} signed that record {sequence}, byte for byte, is one of the first {size} \
             records of the audit log {origin}."
        )
    }
}

/// What a proof does not prove, in sentences.
const NOT_PROVEN: [&str; 4] = [
    "That the key is the operator's: compare it with the key that the operator published.",
    "That what the record says is true, and what its encrypted detail says: it was not decrypted.",
    "That the log has no other record of the same exchange.",
    "That the log still has this record: verify the log with a checkpoint that was kept elsewhere.",
];

impl fmt::Display for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {} of {} was written at {}", self.sequence, self.size, self.recorded)?;
        match self.ticket_text() {
            Some(ticket) => writeln!(f, ", ticket {ticket}")?,
            None => writeln!(f)?,
        }
        writeln!(f, "The proof is valid. It proves:")?;
        writeln!(f, "- {}", self.proves())?;
        let made = self.made.map(|made| format!("; the newest of them was written at {made}")).unwrap_or_default();
        writeln!(f, "- The checkpoint signs {} records with the root {}{made}.", self.size, self.root)?;
        write!(f, "It does not prove:")?;
        NOT_PROVEN.iter().try_for_each(|sentence| write!(f, "\n- {sentence}"))
    }
}

impl ProofError {
    /// The failure as a JSON object (`docs/reference/json.md` "Verdict on an audit log").
    #[must_use]
    pub fn to_json(self) -> Value {
        json!({ "isProven": false, "error": self.to_string(), "step": self.step(), "remedy": self.remedy() })
    }

    /// The failure in sentences.
    #[must_use]
    pub fn describe(self) -> String {
        format!("not proven: the step `{}` failed: {self}. What to do: {}", self.step(), self.remedy())
    }
}
