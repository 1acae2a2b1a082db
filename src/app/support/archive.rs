//! The archive of a support bundle: gzip of tar, the same bytes for the same entries.

use std::io::{self, Write};

use ehealth_core::model::{Digest, Timestamp};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::entries::Bundle;

/// Name of the list of entries.
const MANIFEST: &str = "MANIFEST.json";
/// Folder in the archive.
const FOLDER: &str = "ehealth-attributes-support";

impl Bundle {
    /// The list of entries, with sizes and digests, and of what is not there: `MANIFEST.json`.
    #[must_use]
    pub fn manifest(&self) -> Value {
        let entries = self.entries.iter().map(|entry| {
            json!({
                "name": entry.name,
                "bytes": entry.content.len(),
                "sha256": sha256(entry.content.as_bytes()).to_string(),
                "cut": entry.cut,
            })
        });
        let left_out = self.left_out.iter().map(|(name, reason)| json!({ "name": name, "reason": reason }));
        json!({
            "form": 1,
            "version": env!("CARGO_PKG_VERSION"),
            "at": self.at.to_string(),
            "entries": entries.collect::<Vec<_>>(),
            "leftOut": left_out.collect::<Vec<_>>(),
        })
    }

    /// Packs the entries behind their list: gzip of tar.
    ///
    /// # Errors
    /// Writing to memory cannot fail; the error of a name that does not fit into the form.
    pub fn pack(&self) -> io::Result<Vec<u8>> {
        // No name and time: the bytes depend on the entries alone.
        let packer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
        let mut archive = tar::Builder::new(packer);
        let manifest = format!("{:#}\n", self.manifest());
        append(&mut archive, MANIFEST, manifest.as_bytes(), self.at)?;
        for entry in &self.entries {
            append(&mut archive, entry.name, entry.content.as_bytes(), self.at)?;
        }
        archive.into_inner()?.finish()
    }
}

fn append(archive: &mut tar::Builder<impl Write>, name: &str, content: &[u8], at: Timestamp) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o600);
    header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
    header.set_mtime(u64::try_from(at.as_millis() / 1_000).unwrap_or(0));
    archive.append_data(&mut header, format!("{FOLDER}/{name}"), content)
}

/// SHA-256 of these bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    certificates::sha256(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::support::entries::Entry;

    #[test]
    fn the_same_entries_give_the_same_bytes() {
        let entry = |name, content: &str| Entry { name, content: content.to_owned(), cut: None };
        let entries = vec![entry("a.json", "{}\n"), entry("log/a.log", "")];
        let bundle = Bundle { entries, left_out: vec![("b", "none".into())], at: Timestamp::from_millis(1_000) };
        let packed = bundle.pack().expect("packed");
        assert_eq!(bundle.clone().pack().expect("packed"), packed);
        let other = Bundle { left_out: Vec::new(), ..bundle };
        assert_ne!(other.pack().expect("packed"), packed);
    }
}
