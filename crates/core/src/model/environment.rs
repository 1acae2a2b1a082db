//! Environments, as federal certificates name them.

crate::closed_enum! {
    /// Environment for which a certificate is issued. The code is the whole OU of a federal
    /// certificate, and the value of the setting `trust.environment`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Environment {
        /// Acceptance.
        Acceptance => "ACC",
        /// Production.
        Production => "PRD",
        /// Integration.
        Integration => "INT",
        /// Test.
        Test => "TEST",
        /// Development.
        Development => "DEV",
    }
}

/// What the OUs of a certificate say about its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamedEnvironment {
    /// No OU names one.
    Absent,
    /// One or more OUs name this one.
    One(Environment),
    /// Two OUs name different ones.
    Two,
    /// An OU differs from a code only in case or by blanks at its ends: another parser might accept
    /// it.
    Malformed,
}

impl NamedEnvironment {
    /// Adds what one more OU says.
    #[must_use]
    pub fn and(self, unit: &str) -> Self {
        let found = Environment::parse(unit);
        let is_similar = || {
            Environment::ALL
                .iter()
                .any(|known| known.code().eq_ignore_ascii_case(unit.trim_matches(char::is_whitespace)))
        };
        match (self, found) {
            (Self::Malformed, _) => Self::Malformed,
            (_, None) if is_similar() => Self::Malformed,
            (before, None) => before,
            (Self::Absent, Some(environment)) => Self::One(environment),
            (Self::One(before), Some(environment)) if before == environment => self,
            (Self::One(_) | Self::Two, Some(_)) => Self::Two,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_unit_names_an_environment() {
        let of = |units: &[&str]| units.iter().fold(NamedEnvironment::Absent, |named, unit| named.and(unit));
        for environment in Environment::ALL {
            let code = environment.code();
            assert_eq!(of(&["Fund", code, code]), NamedEnvironment::One(environment));
            for malformed in [code.to_lowercase(), format!("{code} "), format!("\u{a0}{code}")] {
                assert_eq!(of(&[code, &malformed, code]), NamedEnvironment::Malformed, "{malformed:?}");
            }
        }
        assert_eq!(of(&["PRD", "ACC", "PRD"]), NamedEnvironment::Two);
        for absent in ["", "PRD, ACC", "PRODUCTION", "X-PRD", "OU=PRD", "ＰＲＤ", "РRD"] {
            assert_eq!(of(&[absent]), NamedEnvironment::Absent, "{absent}");
        }
    }
}
