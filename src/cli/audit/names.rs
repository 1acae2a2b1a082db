//! The file of `--names`: a name for each organisation of a report.
//!
//! A line is `NUMBER,NAME` or `NUMBER;NAME`, with or without quotes around each. Blank lines, lines that
//! begin with `#`, and a header line are left out. Every error is reported at once, with its line.

use std::collections::BTreeMap;
use std::path::Path;

use ehealth_core::model::EnterpriseNumber;

/// What a line must be.
const FORM: &str = "write NUMBER,NAME, for example 0999010126,De Linde";

/// Names of organisations.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names(BTreeMap<EnterpriseNumber, String>);

impl Names {
    /// Reads a file.
    ///
    /// # Errors
    /// Every error of the file, one a line, each with file and line.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = text_file::read(file).map_err(|error| format!("--names: {}: {error}", file.display()))?;
        Self::parse(&text).map_err(|errors| {
            let errors = errors.iter().map(|(line, error)| format!("--names: {}:{line}: {error}", file.display()));
            errors.collect::<Vec<_>>().join("\n")
        })
    }

    fn parse(text: &str) -> Result<Self, Vec<(usize, String)>> {
        let (mut names, mut errors, mut is_first) = (BTreeMap::new(), Vec::new(), true);
        for (text, line) in text.lines().zip(1_usize..) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let is_header = std::mem::take(&mut is_first) && !text.contains(|c: char| c.is_ascii_digit());
            if is_header {
                continue;
            }
            match parse_line(text) {
                Ok((number, name)) => match names.insert(number, (line, name.clone())) {
                    Some((other, theirs)) if theirs != name => {
                        errors.push((line, format!("{number} has another name on line {other}; remove one of them")));
                    }
                    _ => {}
                },
                Err(error) => errors.push((line, error)),
            }
        }
        let names = names.into_iter().map(|(number, (_, name))| (number, name)).collect();
        if errors.is_empty() { Ok(Self(names)) } else { Err(errors) }
    }

    /// Name of an organisation.
    pub fn get(&self, number: EnterpriseNumber) -> Option<&str> {
        self.0.get(&number).map(String::as_str)
    }
}

fn parse_line(text: &str) -> Result<(EnterpriseNumber, String), String> {
    let (number, name) = text.split_once([',', ';']).ok_or_else(|| format!("there is no comma; {FORM}"))?;
    let number = unquote(number).replace('.', "");
    let number = EnterpriseNumber::parse(&number).map_err(|error| format!("{error}; {FORM}"))?;
    let name = unquote(name);
    if name.is_empty() || name.contains(char::is_control) {
        return Err(format!("the name is empty or has a control character; {FORM}"));
    }
    Ok((number, name))
}

/// A field without the quotes of CSV.
fn unquote(field: &str) -> String {
    let field = field.trim();
    let quoted = field.strip_prefix('"').and_then(|field| field.strip_suffix('"'));
    quoted.map_or_else(|| field.to_owned(), |field| field.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_each_form() {
        let text = "number;name\n# ours\n\n0999010126,De Linde, fund\n\"0999.010.225\";\"The \"\"other\"\"\"\n0999010126,De Linde, fund\n";
        let names = Names::parse(text).expect("names");
        let number = |text| EnterpriseNumber::parse(text).expect("a number");
        assert_eq!(names.get(number("0999010126")), Some("De Linde, fund"));
        assert_eq!(names.get(number("0999010225")), Some("The \"other\""));
        assert_eq!(names.get(number("0999100196")), None);
    }

    #[test]
    fn every_error_has_its_line_and_a_remedy() {
        let text = "0999010126,a\n0999010126,b\n0999010127,c\n12,d\nnonsense\n0999010225,\n";
        let errors = Names::parse(text).expect_err("errors");
        let texts: Vec<_> = errors.iter().map(|(line, error)| format!("{line}: {error}")).collect();
        let form = "; write NUMBER,NAME, for example 0999010126,De Linde";
        assert_eq!(
            texts,
            [
                "2: 0999010126 has another name on line 1; remove one of them".to_owned(),
                format!("3: the check digits are wrong{form}"),
                format!("4: an enterprise number has exactly 10 digits{form}"),
                format!("5: there is no comma{form}"),
                format!("6: the name is empty or has a control character{form}"),
            ]
        );
    }
}
