//! Records as JSON objects (docs/reference/json.md "Exchanges" and "Exported records"), written without
//! a tree of values: a log has millions.

use audit_log::ExchangeView;
use ehealth_core::model::{Application, Dataset, EnterpriseNumber, Field, LegalContext};

use super::outcome_class::OutcomeClass;
use crate::cli::safe_text::is_hidden;
use std::fmt::Display;

/// An object that is being written.
pub(in crate::cli::audit) struct Object<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, is_empty: true }
    }

    pub fn end(self) {
        self.out.push('}');
    }

    /// Begins a member; its value follows.
    fn key(&mut self, key: &str) -> &mut String {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
        self.out
    }

    /// A member whose value needs no escapes: a number, `true`, `false`.
    pub fn raw(&mut self, key: &str, value: impl Display) {
        // Writing to a text cannot fail.
        let _ = std::fmt::Write::write_fmt(self.key(key), format_args!("{value}"));
    }

    /// A text of digits, letters and punctuation that needs no escapes.
    pub fn plain(&mut self, key: &str, value: impl Display) {
        let out = self.key(key);
        out.push('"');
        // Writing to a text cannot fail.
        let _ = std::fmt::Write::write_fmt(out, format_args!("{value}"));
        out.push('"');
    }

    /// As [`Object::plain`]; `null` if it is absent.
    pub fn plain_or_null(&mut self, key: &str, value: Option<impl Display>) {
        match value {
            Some(value) => self.plain(key, value),
            None => self.null(key),
        }
    }

    /// Any text.
    pub fn text(&mut self, key: &str, value: &str) {
        put_text(self.key(key), value);
    }

    /// Any text; `null` if it is absent.
    pub fn text_or_null(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.null(key),
        }
    }

    pub fn null(&mut self, key: &str) {
        self.key(key).push_str("null");
    }

    /// A list of texts that need no escapes.
    pub fn list(&mut self, key: &str, values: impl Iterator<Item = impl Display>) {
        let out = self.key(key);
        out.push('[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                out.push(',');
            }
            let _ = std::fmt::Write::write_fmt(out, format_args!("\"{value}\""));
        }
        out.push(']');
    }

    /// An object as value.
    pub fn object(&mut self, key: &str, write: impl FnOnce(&mut Object<'_>)) {
        let mut inner = Object::begin(self.key(key));
        write(&mut inner);
        inner.end();
    }
}

/// Writes a text with its quotes. Whatever a terminal acts on is escaped, so that the output can be looked
/// at.
fn put_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            // All of these are below U+10000.
            hidden if is_hidden(hidden) => *out += &format!("\\u{:04x}", u32::from(hidden)),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// The members of an exchange. No person is among them: tokens and the encrypted detail are left out.
pub(in crate::cli::audit) fn put_exchange(object: &mut Object<'_>, exchange: &ExchangeView<'_>) {
    object.plain("received", exchange.received);
    object.plain("ticketCBSS", exchange.ticket);
    object.plain("operation", exchange.operation.code());
    object.text("code", exchange.outcome);
    object.plain("outcome", OutcomeClass::of(exchange).code());
    object.plain_or_null("caller", exchange.caller);
    object.text_or_null("application", exchange.application.as_ref().map(Application::as_str));
    object.plain("certificateSha256", exchange.fingerprint);
    object.plain_or_null("relay", exchange.relay.map(|relay| relay.organisation));
    object.plain_or_null("organisation", exchange.organisation);
    object.text_or_null("legalContext", exchange.context.as_ref().map(LegalContext::code));
    object.plain_or_null("deliberation", exchange.deliberation);
    object.text_or_null("rule", exchange.rule);
    object.plain_or_null("policySha256", exchange.policy);
    match exchange.window {
        None => object.null("daysAsked"),
        Some(days) => object.object("daysAsked", |object| {
            object.plain("from", days.from());
            object.plain("to", days.to());
        }),
    }
    object.list("fields", exchange.fields.iter().map(Field::path));
    object.raw("newSsinDisclosed", exchange.discloses_new_ssin());
    object.raw("endUserNamed", exchange.names_end_user());
    object.raw("signed", exchange.is_signed);
    object.raw("unreplicated", exchange.is_unreplicated);
}

/// The dataset states that an exchange read, by dataset: the serial, or `null`.
pub(in crate::cli::audit) fn put_datasets(object: &mut Object<'_>, exchange: &ExchangeView<'_>) {
    object.object("datasets", |object| {
        for dataset in Dataset::ALL {
            match exchange.datasets.get(dataset) {
                Some(state) => object.raw(dataset.code(), state.serial),
                None => object.null(dataset.code()),
            }
        }
    });
}

/// An organisation, or `-`.
pub(in crate::cli::audit) fn number_or_dash(number: Option<EnterpriseNumber>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_terminal_acts_on_is_escaped() {
        let mut out = String::new();
        let mut object = Object::begin(&mut out);
        object.text("a", "\u{1b}[2J \"\\\n\u{9b}é\u{202e}");
        object.text_or_null("b", None);
        object.list("c", ["x", "y"].iter());
        object.object("d", |object| object.raw("e", 1));
        object.end();
        assert_eq!(out, r#"{"a":"\u001b[2J \"\\\u000a\u009bé\u202e","b":null,"c":["x","y"],"d":{"e":1}}"#);
        let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(value["a"], "\u{1b}[2J \"\\\n\u{9b}é\u{202e}");
    }
}
