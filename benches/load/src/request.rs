//! A request template: head and body, with a slot for the SSIN.

use std::fs;
use std::path::Path;

/// Digits of an SSIN.
pub type Digits = [u8; 11];

const PLACE: &[u8] = b"{ssin}";

/// A request with slots for the SSIN.
#[derive(Debug)]
pub struct Template {
    bytes: Vec<u8>,
    /// Positions of the SSIN.
    places: Vec<usize>,
    /// Position of the body.
    body: usize,
}

impl Template {
    /// Reads the body of a POST request from a file.
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

    /// Whether it has a slot for an SSIN.
    pub fn needs_ssin(&self) -> bool {
        !self.places.is_empty()
    }

    /// The request with this SSIN.
    pub fn fill(&mut self, number: &Digits) -> &[u8] {
        for place in &self.places {
            self.bytes[*place..*place + number.len()].copy_from_slice(number);
        }
        &self.bytes
    }

    /// Position of the body.
    pub fn body_at(&self) -> usize {
        self.body
    }
}

/// Reads the SSINs of a file, one per line.
pub fn read_ssins(file: &Path) -> Result<Vec<Digits>, String> {
    let text = fs::read_to_string(file).map_err(|reason| format!("{}: {reason}", file.display()))?;
    let numbers: Result<Vec<Digits>, _> = text.lines().map(|line| line.as_bytes().try_into()).collect();
    match numbers {
        Ok(numbers) if numbers.is_empty() => Err(format!("{}: no SSIN in the file", file.display())),
        Ok(numbers) => Ok(numbers),
        Err(_) => Err(format!("{}: each line must have exactly eleven digits", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ssin_is_written_into_every_slot() {
        let mut template = Template::new(b"<a>{ssin}</a><b>{ssin}</b>", "/p", "h");
        let filled = String::from_utf8(template.fill(b"01234567890").to_vec()).expect("text");
        assert!(filled.ends_with("\r\n\r\n<a>01234567890</a><b>01234567890</b>"), "{filled}");
        assert!(filled.contains("Content-Length: 36\r\n"), "{filled}");
        assert!(!Template::new(b"<a/>", "/p", "h").needs_ssin());
    }
}
