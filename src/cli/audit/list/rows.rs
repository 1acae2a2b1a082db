//! The forms of a row: a table for people, CSV, JSON.

use std::fmt::{self, Write};

use crate::cli::audit::exchanges::{Object, OutcomeClass, Row, number_or_dash, put_exchange};
use crate::cli::safe_text::make_safe;
use ehealth_core::model::{Application, LegalContext, Window};

/// Maximum characters of a text in a table or in CSV.
const MAX_TEXT: usize = 64;

/// Columns of the table with their widths. A longer text moves those behind it: rows are printed when they
/// are read, and no later one is known.
const TABLE: [(&str, usize); 11] = [
    ("SEQUENCE", 10),
    ("RECORDED", 24),
    ("CALLER", 10),
    ("APPLICATION", 16),
    ("ORGANISATION", 12),
    ("LEGAL CONTEXT", 30),
    ("CODE", 9),
    ("OUTCOME", 8),
    ("FIELDS", 18),
    ("RULE", 16),
    ("TICKET", 36),
];

/// Columns of the CSV.
const CSV: &str = "node,sequence,recorded,received,ticket,operation,caller,application,relay,organisation,\
                   legal_context,deliberation,code,outcome,rule,policy,asked_from,asked_to,fields,quality";

/// Form of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Table,
    Csv,
    Json,
}

impl Form {
    /// The line before the first row; may be empty.
    pub fn header(self) -> String {
        match self {
            Self::Table => {
                let mut line = TABLE.iter().map(|(name, width)| format!("{name:width$}  ")).collect::<String>();
                line.truncate(line.trim_end().len());
                line + "\n"
            }
            Self::Csv => format!("{CSV}\n"),
            Self::Json => String::new(),
        }
    }

    /// Adds a row.
    pub fn put(self, out: &mut String, row: &Row<'_>) {
        match self {
            Self::Table => put_table(out, row),
            Self::Csv => put_csv(out, row),
            Self::Json => put_json(out, row),
        }
        out.push('\n');
    }
}

fn safe(text: Option<&str>, absent: &str) -> String {
    text.map_or_else(|| absent.to_owned(), |text| make_safe(text, MAX_TEXT))
}

fn put_table(out: &mut String, row: &Row<'_>) {
    let exchange = row.exchange;
    let fields = exchange.fields.numbers(" ");
    let values = [
        row.header.sequence.to_string(),
        row.header.recorded.to_string(),
        number_or_dash(exchange.caller),
        safe(exchange.application.as_ref().map(Application::as_str), "-"),
        number_or_dash(exchange.organisation),
        safe(exchange.context.as_ref().map(LegalContext::code), "-"),
        make_safe(exchange.outcome, MAX_TEXT),
        OutcomeClass::of(exchange).code().to_owned(),
        if fields.is_empty() { "-".to_owned() } else { fields },
        safe(exchange.rule, "-"),
        exchange.ticket.to_string(),
    ];
    for (value, (_, width)) in values.iter().zip(TABLE) {
        // Writing to a text cannot fail.
        let _ = write!(out, "{value:width$}  ");
    }
    out.truncate(out.trim_end().len());
    if let Some(node) = row.node {
        let _ = write!(out, "  {node}");
    }
}

fn put_csv(out: &mut String, row: &Row<'_>) {
    let exchange = row.exchange;
    let days = exchange.window;
    put_safe(out, row.node);
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        ",{},{},{},{},{},{},",
        row.header.sequence,
        row.header.recorded,
        exchange.received,
        exchange.ticket,
        exchange.operation.code(),
        OrEmpty(exchange.caller)
    );
    put_safe(out, exchange.application.as_ref().map(Application::as_str));
    let relay = exchange.relay.map(|relay| relay.organisation);
    let _ = write!(out, ",{},{},", OrEmpty(relay), OrEmpty(exchange.organisation));
    put_safe(out, exchange.context.as_ref().map(LegalContext::code));
    let _ = write!(out, ",{},", OrEmpty(exchange.deliberation));
    put_safe(out, Some(exchange.outcome));
    let _ = write!(out, ",{},", OutcomeClass::of(exchange).code());
    put_safe(out, exchange.rule);
    let (from, to) = (days.map(Window::from), days.map(Window::to));
    let _ = write!(out, ",{},{},{},", OrEmpty(exchange.policy), OrEmpty(from), OrEmpty(to));
    for (index, field) in exchange.fields.iter().enumerate() {
        let _ = write!(out, "{}{}", if index > 0 { " " } else { "" }, field.number());
    }
    out.push(',');
    put_safe(out, row.quality);
}

/// A value, or nothing.
struct OrEmpty<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for OrEmpty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |value| value.fmt(f))
    }
}

/// Writes a text of others; most of them are harmless as they are.
fn put_safe(out: &mut String, text: Option<&str>) {
    let text = text.unwrap_or_default();
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b':' | b'_');
    if text.len() <= MAX_TEXT && text.bytes().all(is_harmless) {
        out.push_str(text);
    } else {
        out.push_str(&make_safe(text, MAX_TEXT));
    }
}

fn put_json(out: &mut String, row: &Row<'_>) {
    let mut object = Object::begin(out);
    object.text_or_null("node", row.node);
    object.raw("sequence", row.header.sequence);
    object.plain("recorded", row.header.recorded);
    put_exchange(&mut object, row.exchange);
    object.text_or_null("quality", row.quality);
    object.end();
}
