//! Fills in a template, within limits, and with every value escaped.
//!
//! The template is Markdown with placeholders of Jinja: `{{ … }}`, `{% if … %}`, `{% for … %}`, `{% set … %}`. It has
//! no functions, no macros and no other templates, so that it can only show what it is given.

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::escape::markdown;

/// Longest template.
pub const MAX_TEMPLATE_BYTES: u64 = 1 << 20;
/// Longest Markdown that a template may make: some 20 000 exchanges.
pub const MAX_MARKDOWN_BYTES: usize = 64 << 20;
/// Steps that a template may take: a letter with 5 000 exchanges takes less than 2 million.
const FUEL: u64 = 50_000_000;

/// A template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is wrong at a line.
    #[error("line {line}: {problem}")]
    Line {
        /// Line of the template, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// It never ends, or nearly so.
    #[error("line {line}: the template takes more than {FUEL} steps; remove a loop inside a loop")]
    Steps {
        /// Line of the template, from 1.
        line: usize,
    },
    /// It makes too much text.
    #[error("the letter is longer than {} MiB", MAX_MARKDOWN_BYTES >> 20)]
    Long,
}

/// Fills in a template with values; `separator` stands between the items of a list.
pub(crate) fn fill(template: &str, values: Value, separator: &'static str) -> Result<String, TemplateError> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(32);
    environment.set_debug(true);
    // A line with nothing but a block leaves no line behind.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(|error| explain(&error, template))?);
    // Any mode but `None` marks what `set` captures as escaped.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    environment.set_formatter(|output, _, value| Ok(output.write_str(&escaped(value)?)?));
    environment.add_filter("lines", |values: Vec<Value>| joined(&values, "\\\n"));
    environment.add_filter("list", move |values: Vec<Value>| joined(&values, separator));
    environment.add_filter("length", |values: Vec<Value>| values.len());
    let parsed = environment.template_from_named_str("template", template);
    let parsed = parsed.map_err(|error| explain(&error, template))?;
    let mut output = Limited(Vec::new());
    match parsed.render_captured_to(values, &mut output) {
        Ok(_) => String::from_utf8(output.0).map_err(|_| TemplateError::Long),
        Err(error) if error.kind() == ErrorKind::WriteFailure => Err(TemplateError::Long),
        Err(error) => Err(explain(&error, template)),
    }
}

/// The Markdown of a value.
fn escaped(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::new(ErrorKind::UndefinedError, "unknown variable"));
    }
    if value.is_none() {
        return Err(Error::new(ErrorKind::InvalidOperation, "the value is absent; write {% if … %} around it"));
    }
    match value.as_str() {
        Some(text) if value.is_safe() => Ok(text.to_owned()),
        Some(text) => Ok(markdown(text)),
        None => Ok(markdown(&value.to_string())),
    }
}

/// Joins values, each escaped.
fn joined(values: &[Value], separator: &str) -> Result<Value, Error> {
    let values: Vec<_> = values.iter().map(escaped).collect::<Result<_, _>>()?;
    Ok(Value::from_safe_string(values.join(separator)))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's errors: the others are explained alike")]
fn explain(error: &Error, template: &str) -> TemplateError {
    let line = error.line().unwrap_or(1);
    let culprit = error.range().and_then(|range| template.get(range)).map(str::trim).filter(|text| text.len() <= 80);
    let culprit = culprit.map(|text| format!(" `{text}`")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => TemplateError::Steps { line },
        ErrorKind::UndefinedError => TemplateError::Line { line, problem: format!("unknown variable{culprit}") },
        kind => TemplateError::Line { line, problem: format!("{kind}{detail}{culprit}") },
    }
}

/// Refuses what is longer than [`MAX_MARKDOWN_BYTES`].
struct Limited(Vec<u8>);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > MAX_MARKDOWN_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, values: Value) -> Result<String, TemplateError> {
        super::fill(template, values, "; ")
    }

    fn values() -> Value {
        let numbers: Vec<u32> = (0..1_000).collect();
        Value::from_pairs([
            ("name", Value::from("<b>*x*</b> {{ name }} | `c` \u{202e}")),
            ("absent", Value::from(None::<String>)),
            ("numbers", Value::from_iter(numbers)),
            ("names", Value::from_iter(["a*", "b|"])),
        ])
    }

    #[test]
    fn values_are_escaped_however_they_are_written() {
        let escaped = "\\<b\\>\\*x\\*\\<\\/b\\> \\{\\{ name \\}\\} \\| \\`c\\` \u{fffd}";
        for template in [
            "{{ name }}",
            "{% set other %}{{ name }}{% endset %}{{ other }}",
            "{{ name ~ '' }}",
            "{% set other = name %}{{ other }}",
            "{% autoescape false %}{{ name }}{% endautoescape %}",
        ] {
            assert_eq!(fill(template, values()).as_deref(), Ok(escaped), "{template}");
        }
        assert_eq!(fill("{{ names|lines }}", values()).as_deref(), Ok("a\\*\\\nb\\|"));
        assert_eq!(fill("{{ names|list }}", values()).as_deref(), Ok("a\\*; b\\|"));
        assert!(fill("{{ name|safe }}", values()).is_err());
    }

    #[test]
    fn an_error_names_line_and_variable() {
        let error = |template| fill(template, values()).expect_err("an error").to_string();
        assert_eq!(error("a\n\n{{ nam }}\n"), "line 3: unknown variable `nam`");
        assert!(error("a\n{% if name.inner.deep %}{% endif %}").starts_with("line 2: unknown variable"));
        assert!(error("a\n{{ absent }}").starts_with("line 2: invalid operation: the value is absent"));
        assert!(error("{{ name").starts_with("line 1: syntax error"));
        assert!(error("\n{% include 'x' %}").starts_with("line 2: "));
    }

    #[test]
    fn a_template_that_does_not_end_is_stopped() {
        let loops = "{% for a in numbers %}{% for b in numbers %}{% for c in numbers %}{% if a %}{% endif %}";
        let ends = "{% endfor %}{% endfor %}{% endfor %}";
        assert_eq!(fill(&format!("\n{loops}{ends}"), values()), Err(TemplateError::Steps { line: 2 }));
        let long = "x".repeat(100_000);
        let loops = "{% for a in numbers %}{% for b in numbers %}";
        let template = format!("{loops}{long}{{% endfor %}}{{% endfor %}}");
        assert_eq!(fill(&template, values()), Err(TemplateError::Long));
        assert!(fill("{{ 'x' * 1000000000 }}", values()).is_err());
    }
}
