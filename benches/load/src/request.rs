//! What is sent: a head and a body from a template, with the next person's number written into each.

use std::fs;
use std::path::Path;

/// The digits of a person's number.
pub type Digits = [u8; 11];

const PLACE: &[u8] = b"{ssin}";

/// A request, whole but for the number.
#[derive(Debug)]
pub struct Template {
    bytes: Vec<u8>,
    /// Where the number is written.
    places: Vec<usize>,
    /// Where the body begins.
    body: usize,
}

impl Template {
    /// A POST of this file's text.
    pub fn read(file: &Path, path: &str, host: &str) -> Result<Self, String> {
        let text = fs::read(file).map_err(|reason| format!("{}: {reason}", file.display()))?;
        Ok(Self::new(&text, path, host))
    }

    fn new(text: &[u8], path: &str, host: &str) -> Self {
        let (mut body, mut places) = (Vec::with_capacity(text.len()), Vec::new());
        let mut rest = text;
        while let Some(place) = rest.windows(PLACE.len()).position(|window| window == PLACE) {
            body.extend_from_slice(&rest[..place]);
            places.push(body.len());
            body.extend_from_slice(&Digits::default());
            rest = &rest[place + PLACE.len()..];
        }
        body.extend_from_slice(rest);
        let mut bytes = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        let head = bytes.len();
        bytes.extend_from_slice(&body);
        places.iter_mut().for_each(|place| *place += head);
        Self { bytes, places, body: head }
    }

    /// Whether it has a place for a number.
    pub fn wants_number(&self) -> bool {
        !self.places.is_empty()
    }

    /// The request about this person.
    pub fn fill(&mut self, number: &Digits) -> &[u8] {
        for place in &self.places {
            self.bytes[*place..*place + number.len()].copy_from_slice(number);
        }
        &self.bytes
    }

    /// Where the body begins.
    pub fn body_at(&self) -> usize {
        self.body
    }
}

/// The numbers of a file, one a line.
pub fn read_numbers(file: &Path) -> Result<Vec<Digits>, String> {
    let text = fs::read_to_string(file).map_err(|reason| format!("{}: {reason}", file.display()))?;
    let numbers: Result<Vec<Digits>, _> = text.lines().map(|line| line.as_bytes().try_into()).collect();
    match numbers {
        Ok(numbers) if numbers.is_empty() => Err(format!("{}: no number in it", file.display())),
        Ok(numbers) => Ok(numbers),
        Err(_) => Err(format!("{}: eleven digits a line are read, and nothing else", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_written_wherever_it_is_wanted() {
        let mut template = Template::new(b"<a>{ssin}</a><b>{ssin}</b>", "/p", "h");
        let filled = String::from_utf8(template.fill(b"01234567890").to_vec()).expect("text");
        assert!(filled.ends_with("\r\n\r\n<a>01234567890</a><b>01234567890</b>"), "{filled}");
        assert!(filled.contains("Content-Length: 36\r\n"), "{filled}");
        assert!(!Template::new(b"<a/>", "/p", "h").wants_number());
    }
}
