//! Invalid arguments, collected so that all of them are reported at once.

use std::fmt::{self, Display};

/// Invalid arguments of one command, each with what it must be. A value is never repeated: it may be
/// a person's number.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
pub(super) struct ArgumentErrors(Vec<String>);

impl ArgumentErrors {
    /// The value, or `None` after its error was kept.
    pub fn take<T, E: Display>(&mut self, argument: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.0.push(format!("{argument}: {error}"))).ok()
    }

    /// The value, if no argument is invalid. A value that is absent without an error counts as
    /// invalid too.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

impl Display for ArgumentErrors {
    /// Writes each error on a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invalid_argument_is_reported() {
        let mut errors = ArgumentErrors::default();
        let number = errors.take("--number", "1".parse::<u8>());
        assert_eq!(errors.clone().into_result(number), Ok(1));
        let wrong = errors.take("--a", Err::<u8, _>("must be a")).or(errors.take("--b", Err("must be b")));
        assert_eq!(errors.into_result(wrong).expect_err("two errors").to_string(), "--a: must be a\n--b: must be b");
    }
}
