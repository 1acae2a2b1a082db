//! The contract as the service hands it out: `GET <path>?wsdl` and `GET <path>?xsd=FILE`.
//!
//! The files in `wsdl/` and `schemas/` are compiled in as they are and are the source of truth. They refer to each other
//! by relative paths, so that they work from disk. What is served differs from them in two places only: every
//! `schemaLocation` is an absolute `?xsd=` address, and `soap:address` is where the service listens in the eyes of its
//! callers. Both are made of the configured public URL, never of a `Host` header: that one is the caller's to choose, and
//! a proxy that caches the answer would hand it on to others.
//!
//! Nothing here reads a request or touches the disk. After a call, every reference in the text handed back resolves under
//! the public URL, and the text is as well-formed as the file it was made from, whatever the URL holds.

use super::names;
use ehealth_core::lookup::Operation;

/// The file that both services import.
const COMMON: (&str, &str) = ("CommonV3.xsd", include_str!("../../../schemas/CommonV3.xsd"));

/// The types of eHealthAttributesService.
const ATTRIBUTES: (&str, &str) = ("eHealthAttributesV1.xsd", include_str!("../../../schemas/eHealthAttributesV1.xsd"));

/// The messages of TestConnectionService.
const TEST_CONNECTION: (&str, &str) = ("TestConnectionV1.xsd", include_str!("../../../schemas/TestConnectionV1.xsd"));

/// How a WSDL on disk begins a reference to a schema.
const FROM_WSDL: &str = "schemaLocation=\"../schemas/";

/// How a schema on disk begins a reference to a schema beside it.
const FROM_SCHEMA: &str = "schemaLocation=\"";

/// The public URL that stands in the files on disk: that of the demonstration.
const ON_DISK_URL: &str = "https://localhost:8443";

/// The WSDL of the operation's service, as answered to `GET <path>?wsdl`.
///
/// `public_url` is the scheme and authority under which callers reach the service (`https://gateway.example.be`), with or
/// without a slash at its end; a path prefix is kept.
#[must_use]
pub fn wsdl(operation: Operation, public_url: &str) -> String {
    let on_disk = match operation {
        Operation::ConsultAttributes => include_str!("../../../wsdl/eHealthAttributesServiceV1.wsdl"),
        Operation::SendTestMessage => include_str!("../../../wsdl/TestConnectionServiceV1.wsdl"),
    };
    let path = names::path(operation);
    on_disk.replace(FROM_WSDL, &reference(operation, public_url)).replace(
        &format!("location=\"{ON_DISK_URL}{path}\""),
        &format!("location=\"{}{path}\"", attribute_text(public_url)),
    )
}

/// The schema that the operation's service serves as `file`, as answered to `GET <path>?xsd=<file>`: the ones that its
/// WSDL imports, by
/// whatever way, and no other. `None` for any other name, which is compared whole and never becomes a path.
///
/// `public_url` is as in [`wsdl`].
#[must_use]
pub fn schema(operation: Operation, file: &str, public_url: &str) -> Option<String> {
    schemas(operation)
        .into_iter()
        .find(|(name, _)| *name == file)
        .map(|(_, on_disk)| on_disk.replace(FROM_SCHEMA, &reference(operation, public_url)))
}

/// The names of the files that the operation's service serves as schemas.
pub fn schema_files(operation: Operation) -> impl Iterator<Item = &'static str> {
    schemas(operation).into_iter().map(|(name, _)| name)
}

/// The schemas that a client generator needs for the operation's service: file name and text as on disk.
const fn schemas(operation: Operation) -> [(&'static str, &'static str); 2] {
    match operation {
        Operation::ConsultAttributes => [ATTRIBUTES, COMMON],
        Operation::SendTestMessage => [TEST_CONNECTION, COMMON],
    }
}

/// A `schemaLocation` up to where the file's name follows.
fn reference(operation: Operation, public_url: &str) -> String {
    format!("schemaLocation=\"{}{}?xsd=", attribute_text(public_url), names::path(operation))
}

/// `public_url` as it stands between the quotes of an attribute, without slashes at its end (XML 1.0, section 3.3.3: a tab
/// or a line break would reach the reader as a blank if it were not a reference).
fn attribute_text(public_url: &str) -> String {
    let mut text = String::with_capacity(public_url.len());
    for character in public_url.trim_end_matches('/').chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\t' => text.push_str("&#9;"),
            '\n' => text.push_str("&#10;"),
            '\r' => text.push_str("&#13;"),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{ON_DISK_URL, Operation, names, schema, schemas, wsdl};

    const BOTH: [Operation; 2] = [Operation::ConsultAttributes, Operation::SendTestMessage];
    const URL: &str = "https://gateway.example.be";

    /// Everything between `before` and the next quote.
    fn values<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    /// The WSDL and the schemas of a service, as served.
    fn everything_served(operation: Operation, public_url: &str) -> Vec<String> {
        schemas(operation)
            .iter()
            .filter_map(|(file, _)| schema(operation, file, public_url))
            .chain([wsdl(operation, public_url)])
            .collect()
    }

    #[test]
    fn names_one_address_under_the_public_url() {
        assert_eq!(
            values(&wsdl(Operation::ConsultAttributes, URL), " location=\""),
            ["https://gateway.example.be/eHealthAttributesService/v1/consultAttributes"]
        );
        assert_eq!(
            values(&wsdl(Operation::SendTestMessage, URL), " location=\""),
            ["https://gateway.example.be/TestConnectionService/v1/sendTestMessage"]
        );
    }

    #[test]
    fn every_reference_resolves_to_a_schema_of_the_same_service() {
        for operation in BOTH {
            let served = everything_served(operation, URL);
            let references: Vec<_> = served.iter().flat_map(|text| values(text, "schemaLocation=\"")).collect();
            assert!(references.len() >= 2, "{operation:?}: {references:?}");
            for reference in references {
                let file = reference
                    .strip_prefix(URL)
                    .and_then(|rest| rest.strip_prefix(names::path(operation)))
                    .and_then(|rest| rest.strip_prefix("?xsd="));
                let resolved = file.and_then(|file| schema(operation, file, URL));
                assert!(resolved.is_some(), "{operation:?}: {reference}");
            }
        }
    }

    #[test]
    fn every_schema_served_is_referred_to() {
        for operation in BOTH {
            let served = everything_served(operation, URL).concat();
            for (file, _) in schemas(operation) {
                assert!(served.contains(&format!("?xsd={file}\"")), "{file}");
            }
        }
    }

    #[test]
    fn keeps_nothing_of_the_addresses_on_disk() {
        for operation in BOTH {
            for text in everything_served(operation, URL) {
                assert!(!text.contains(ON_DISK_URL));
                assert!(!text.contains("../"));
            }
        }
    }

    #[test]
    fn differs_from_the_files_on_disk_in_addresses_alone() {
        for operation in BOTH {
            let (here, there) = (wsdl(operation, ON_DISK_URL), wsdl(operation, URL));
            assert_eq!(here.replace(ON_DISK_URL, URL), there);
            assert_eq!(here.lines().count(), there.lines().count());
        }
    }

    #[test]
    fn escapes_the_public_url() {
        for operation in BOTH {
            for text in everything_served(operation, "https://a\"><b c='&'\n/") {
                assert!(!text.contains("<b "));
                assert!(
                    text.contains("\"https://a&quot;&gt;&lt;b c='&amp;'&#10;/") || !text.contains("schemaLocation=")
                );
            }
        }
    }

    #[test]
    fn a_slash_at_the_end_of_the_public_url_changes_nothing() {
        for operation in BOTH {
            assert_eq!(wsdl(operation, "https://gateway.example.be/"), wsdl(operation, URL));
        }
    }

    #[test]
    fn keeps_a_path_prefix_of_the_public_url() {
        assert_eq!(
            values(&wsdl(Operation::SendTestMessage, "https://a.example/ksz"), " location=\""),
            ["https://a.example/ksz/TestConnectionService/v1/sendTestMessage"]
        );
    }

    #[test]
    fn serves_no_other_file() {
        for file in [
            "",
            "commonv3.xsd",
            "../schemas/CommonV3.xsd",
            "schemas/CommonV3.xsd",
            "CommonV3.xsd ",
            "FeedNotificationV1.xsd",
        ] {
            for operation in BOTH {
                assert_eq!(schema(operation, file, URL), None, "{file}");
            }
        }
        assert_eq!(schema(Operation::SendTestMessage, "eHealthAttributesV1.xsd", URL), None);
        assert_eq!(schema(Operation::ConsultAttributes, "TestConnectionV1.xsd", URL), None);
    }
}
