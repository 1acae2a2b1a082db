//! The forms of a row of counts: a table for people, CSV, JSON.

use super::counts::{Counts, Key};
use crate::cli::audit::exchanges::{Object, number_or_dash};
use crate::cli::safe_text::make_safe;
use audit_log::Month;
use ehealth_core::model::Field;

/// Maximum characters of a legal context.
const MAX_TEXT: usize = 64;

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
                let fields = Field::ALL.map(|field| field.number().to_string());
                let names = ["ANSWERED", "EMPTY", "REFUSED", "FAILED"].map(str::to_owned);
                table_line("MONTH", "CALLER", "LEGAL CONTEXT", names.iter().chain(&fields))
            }
            Self::Csv => {
                let fields = Field::ALL.map(Field::path).join(",");
                format!("month,caller,legal_context,answered,empty,refused,failed,{fields}\n")
            }
            Self::Json => String::new(),
        }
    }

    /// A row.
    pub fn row(self, month: Month, (caller, context): Key, counts: &Counts) -> String {
        let context = context.map(|context| make_safe(context.code(), MAX_TEXT));
        let numbers = numbers(counts).map(|number| number.to_string());
        match self {
            Self::Table => {
                let context = context.as_deref().unwrap_or("-");
                table_line(&month.to_string(), &number_or_dash(caller), context, numbers.iter())
            }
            Self::Csv => {
                let caller = caller.map(|number| number.to_string()).unwrap_or_default();
                format!("{month},{caller},{},{}\n", context.unwrap_or_default(), numbers.join(","))
            }
            Self::Json => json(month, (caller, context), counts),
        }
    }

    /// The last line; may be empty.
    pub fn footer(self, total: &Counts) -> String {
        match self {
            Self::Table => table_line("total", "", "", numbers(total).map(|number| number.to_string()).iter()),
            Self::Csv | Self::Json => String::new(),
        }
    }
}

/// The numbers of a row, in the order of the columns.
fn numbers(counts: &Counts) -> [u64; 4 + Field::ALL.len()] {
    let Counts { answered, empty, refused, failed, disclosed: [a, b, c, d, e, f, g, h, i] } = *counts;
    [answered, empty, refused, failed, a, b, c, d, e, f, g, h, i]
}

fn table_line<'a>(month: &str, caller: &str, context: &str, numbers: impl Iterator<Item = &'a String>) -> String {
    let numbers: String = numbers.map(|number| format!(" {number:>9}")).collect();
    format!("{month:7}  {caller:10}  {context:32}{numbers}\n")
}

fn json(
    month: Month,
    (caller, context): (Option<ehealth_core::model::EnterpriseNumber>, Option<String>),
    counts: &Counts,
) -> String {
    let mut out = String::new();
    let mut object = Object::begin(&mut out);
    object.plain("month", month);
    object.plain_or_null("caller", caller);
    object.text_or_null("legalContext", context.as_deref());
    object.raw("answered", counts.answered);
    object.raw("empty", counts.empty);
    object.raw("refused", counts.refused);
    object.raw("failed", counts.failed);
    object.object("disclosed", |object| {
        for (field, count) in Field::ALL.into_iter().zip(counts.disclosed) {
            object.raw(field.path(), count);
        }
    });
    object.end();
    out + "\n"
}
