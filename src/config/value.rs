//! A value before its type is known: from the document, or as text from an override or a default.

use toml::de::DeValue;

/// A value, not yet read as the type of its key.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// From the document.
    Toml(&'a DeValue<'a>),
    /// From an override or a default: text for every type; the items of a list are separated by
    /// commas.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// Reads a string.
    pub fn text(self) -> Result<&'a str, String> {
        match self {
            Self::Toml(value) => value.as_str().ok_or_else(|| "must be a string in quotes".to_owned()),
            Self::Text(text) => Ok(text),
        }
    }

    /// Reads `true` or `false`.
    pub fn truth(self) -> Result<bool, String> {
        let truth = match self {
            Self::Toml(value) => value.as_bool(),
            Self::Text(text) => text.parse().ok(),
        };
        truth.ok_or_else(|| "must be true or false".to_owned())
    }

    /// Reads an integer between two limits, both inclusive.
    pub fn integer(self, least: u64, most: u64) -> Result<u64, String> {
        let digits = match self {
            Self::Toml(value) => {
                value.as_integer().filter(|integer| integer.radix() == 10).map(toml::de::DeInteger::as_str)
            }
            Self::Text(text) => Some(text),
        };
        let number = digits.and_then(|digits| digits.parse::<u64>().ok());
        let in_limits = number.filter(|number| (least..=most).contains(number));
        in_limits.ok_or_else(|| format!("must be an integer from {least} to {most}"))
    }

    /// Reads a list.
    pub fn list<T>(self, read: impl Fn(Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        match self {
            Self::Toml(value) => {
                let items = value.as_array().ok_or_else(|| "must be a list, written […]".to_owned())?;
                items.iter().map(|item| read(Self::Toml(item.get_ref()))).collect()
            }
            Self::Text(text) => text.split(',').map(|item| read(Self::Text(item.trim()))).collect(),
        }
    }

    /// Reads a list, or a single value without brackets.
    pub fn one_or_list<T>(self, read: impl Fn(Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        match self {
            Self::Toml(value) if value.as_str().is_some() => Ok(vec![read(self)?]),
            Self::Toml(_) | Self::Text(_) => self.list(read),
        }
    }

    /// Form for operators. Only strings, integers, truth values and lists of them have one; no reader
    /// accepts anything else.
    pub fn show(self) -> String {
        if let Self::Toml(value) = self
            && let Some(number) = value.as_integer()
        {
            return number.as_str().to_owned();
        }
        if let Self::Toml(value) = self
            && let Some(truth) = value.as_bool()
        {
            return truth.to_string();
        }
        match self.text() {
            Ok(text) => text.to_owned(),
            Err(_) => self.list(|item| Ok(item.show())).unwrap_or_default().join(", "),
        }
    }
}

/// Writes a text as a TOML string, with its quotes.
#[must_use]
pub fn write_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
