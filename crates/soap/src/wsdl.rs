//! The contract as the service serves it: `GET <path>?wsdl`, `GET <path>?singleWsdl` and `GET
//! <path>?xsd=FILE`; and the same as files for one folder ([`files`]).
//!
//! The files in `wsdl/` and `schemas/` are compiled in unchanged and are the source of truth. They
//! refer to each other by relative paths, so that they work from disk. The served text differs in
//! two places only: every `schemaLocation` is an absolute `?xsd=` address, and `soap:address` is
//! the address of the service as its callers see it. Both use the configured public URL, never a
//! `Host` header: the caller chooses that header, and a proxy that caches the answer would pass it
//! on to others. In the files of a folder, `schemaLocation` is the name of the file beside it.
//!
//! Nothing here reads a request or the disk. Every reference in the returned text resolves under
//! the public URL, or in the folder. The text is as well-formed as its file, whatever the URL contains.

use super::names;
use ehealth_core::lookup::Operation;

/// Form of a contract in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A WSDL, and the schemas that it imports beside it.
    Separate,
    /// A WSDL with its schemas inside.
    Single,
}

/// Types of KSZ that `eHealthAttributesService` uses: name and text.
const COMMON: (&str, &str) = ("CommonV3.xsd", include_str!("../../../schemas/CommonV3.xsd"));

/// Types of `eHealthAttributesService`: name and text.
const ATTRIBUTES: (&str, &str) = ("eHealthAttributesV1.xsd", include_str!("../../../schemas/eHealthAttributesV1.xsd"));

/// Header block of the end user: name and text.
const END_USER: (&str, &str) = ("EndUserV1.xsd", include_str!("../../../schemas/EndUserV1.xsd"));

/// Types of `TestConnectionService`: name and text.
const TEST_CONNECTION: (&str, &str) =
    ("TestConnectionServiceV1.xsd", include_str!("../../../schemas/TestConnectionServiceV1.xsd"));

/// Beginning of a reference to a schema in a WSDL on disk.
const FROM_WSDL: &str = "schemaLocation=\"../schemas/";

/// Beginning of a reference to another schema in a schema on disk.
const FROM_SCHEMA: &str = "schemaLocation=\"";

/// Where the schemas of a WSDL begin.
const TYPES: &str = "<wsdl:types>";

/// Public URL in the files on disk: that of the demonstration.
pub const ON_DISK_URL: &str = "https://localhost:8443";

/// Returns the WSDL of the operation's service: the answer to `GET <path>?wsdl`.
///
/// `public_url` is the scheme and authority under which callers reach the service
/// (`https://gateway.example.be`), with or without a trailing slash. A path prefix is kept.
#[must_use]
pub fn wsdl(operation: Operation, public_url: &str) -> String {
    with_address(operation, public_url).replace(FROM_WSDL, &reference(operation, public_url))
}

/// Returns the WSDL of the operation's service with its schemas inside, for generators that follow
/// no reference: the answer to `GET <path>?singleWsdl`.
///
/// `public_url` is as in [`wsdl`].
#[must_use]
pub fn single_wsdl(operation: Operation, public_url: &str) -> String {
    let whole = without_locations(&with_address(operation, public_url));
    // Imported schemas first: some readers compile them in the order of the document.
    let inside: String = schemas(operation)
        .iter()
        .rev()
        .map(|(_, on_disk)| on_disk.split_once("?>").map_or(*on_disk, |(_, content)| content.trim_start()))
        .map(without_locations)
        .collect();
    whole.replacen(TYPES, &format!("{TYPES}\n{inside}"), 1)
}

/// Returns the contract of the operation's service as files for one folder: name and text. Each
/// reference is the name of another of these files.
///
/// `public_url` is as in [`wsdl`].
#[must_use]
pub fn files(operation: Operation, form: Form, public_url: &str) -> Vec<(&'static str, String)> {
    let (name, _) = document(operation);
    match form {
        Form::Separate => {
            let wsdl = with_address(operation, public_url).replace(FROM_WSDL, FROM_SCHEMA);
            let schemas = schemas(operation).iter().map(|(file, on_disk)| (*file, (*on_disk).to_owned()));
            [(name, wsdl)].into_iter().chain(schemas).collect()
        }
        Form::Single => vec![(name, single_wsdl(operation, public_url))],
    }
}

/// The WSDL of the operation's service: name and text as on disk.
const fn document(operation: Operation) -> (&'static str, &'static str) {
    match operation {
        Operation::ConsultAttributes => {
            ("eHealthAttributesServiceV1.wsdl", include_str!("../../../wsdl/eHealthAttributesServiceV1.wsdl"))
        }
        Operation::SendTestMessage => {
            ("TestConnectionServiceV1.wsdl", include_str!("../../../wsdl/TestConnectionServiceV1.wsdl"))
        }
    }
}

/// The WSDL on disk with the address of the service as its callers see it.
fn with_address(operation: Operation, public_url: &str) -> String {
    let (_, on_disk) = document(operation);
    let path = names::path(operation);
    on_disk.replace(
        &format!("location=\"{ON_DISK_URL}{path}\""),
        &format!("location=\"{}{path}\"", attribute_text(public_url)),
    )
}

/// The text without its `schemaLocation` attributes and the white space before them.
fn without_locations(text: &str) -> String {
    let mut pieces = text.split(FROM_SCHEMA);
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept.truncate(kept.trim_end().len());
        kept.push_str(piece.split_once('"').map_or("", |(_, rest)| rest));
    }
    kept
}

/// Returns the schema `file` of the operation's service: the answer to `GET <path>?xsd=<file>`. The
/// service serves the schemas that its WSDL imports, directly or not. `None` for any other name:
/// names are compared, and never become a path.
///
/// `public_url` is as in [`wsdl`].
#[must_use]
pub fn schema(operation: Operation, file: &str, public_url: &str) -> Option<String> {
    schemas(operation)
        .iter()
        .find(|(name, _)| *name == file)
        .map(|(_, on_disk)| on_disk.replace(FROM_SCHEMA, &reference(operation, public_url)))
}

/// Names of the schema files of the operation's service.
pub fn schema_files(operation: Operation) -> impl Iterator<Item = &'static str> {
    schemas(operation).iter().map(|(name, _)| *name)
}

/// Schemas that a client generator needs for the operation's service: name and text as on disk. A
/// schema stands before those that it imports.
const fn schemas(operation: Operation) -> &'static [(&'static str, &'static str)] {
    match operation {
        Operation::ConsultAttributes => &[ATTRIBUTES, COMMON, END_USER],
        Operation::SendTestMessage => &[TEST_CONNECTION],
    }
}

/// A `schemaLocation` up to the name of the file.
fn reference(operation: Operation, public_url: &str) -> String {
    format!("schemaLocation=\"{}{}?xsd=", attribute_text(public_url), names::path(operation))
}

/// `public_url` as an attribute value, without trailing slashes. Tabs and line breaks are written
/// as references: a reader would normalise them to spaces otherwise (XML 1.0, section 3.3.3).
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
    use super::{Form, ON_DISK_URL, Operation, files, names, schema, schemas, single_wsdl, wsdl};

    const URL: &str = "https://gateway.example.be";

    /// Texts between `before` and the next quote.
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
    fn the_address_is_under_the_public_url() {
        assert_eq!(
            values(&wsdl(Operation::ConsultAttributes, URL), " location=\""),
            ["https://gateway.example.be/eHealthAttributesService/v1/consult"]
        );
        assert_eq!(
            values(&wsdl(Operation::SendTestMessage, URL), " location=\""),
            ["https://gateway.example.be/TestConnectionServiceService/sendTestMessage"]
        );
    }

    #[test]
    fn every_reference_resolves_to_a_schema_of_the_same_service() {
        for operation in Operation::ALL {
            let served = everything_served(operation, URL);
            let references: Vec<_> = served.iter().flat_map(|text| values(text, "schemaLocation=\"")).collect();
            assert!(references.len() >= schemas(operation).len(), "{operation:?}: {references:?}");
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
    fn a_single_wsdl_has_every_schema_and_no_reference() {
        for operation in Operation::ALL {
            let single = single_wsdl(operation, URL);
            assert!(!single.contains("schemaLocation") && !single.contains(ON_DISK_URL), "{single}");
            assert_eq!(single.matches("<?xml").count(), 1);
            for (file, text) in schemas(operation) {
                let namespace = values(text, "targetNamespace=\"")[0];
                assert!(single.contains(&format!("targetNamespace=\"{namespace}\"")), "{file}");
                assert!(
                    text.lines().filter(|line| line.contains("Type name=")).all(|line| single.contains(line)),
                    "{file}"
                );
            }
        }
    }

    #[test]
    fn a_single_wsdl_has_imported_schemas_first() {
        for operation in Operation::ALL {
            let single = single_wsdl(operation, URL);
            let place = |namespace: &str| single.find(&format!("targetNamespace=\"{namespace}\""));
            for (_, text) in schemas(operation) {
                let [own] = values(text, " targetNamespace=\"")[..] else { panic!("one namespace: {text}") };
                for imported in values(text, "<xs:import namespace=\"") {
                    assert!(place(imported) < place(own), "{imported} before {own}");
                }
            }
        }
    }

    #[test]
    fn files_refer_to_each_other_by_name() {
        for operation in Operation::ALL {
            let separate = files(operation, Form::Separate, URL);
            let names: Vec<_> = separate.iter().map(|(name, _)| *name).collect();
            let references: Vec<_> = separate.iter().flat_map(|(_, text)| values(text, "schemaLocation=\"")).collect();
            assert!(references.len() >= schemas(operation).len(), "{operation:?}: {references:?}");
            assert!(references.iter().all(|reference| names.contains(reference)), "{operation:?}: {references:?}");
        }
    }

    #[test]
    fn files_have_the_served_text_but_for_references() {
        for operation in Operation::ALL {
            let reference = format!("{URL}{}?xsd=", names::path(operation));
            let mut separate = files(operation, Form::Separate, URL).into_iter();
            let (_, text) = separate.next().expect("a WSDL");
            assert_eq!(text, wsdl(operation, URL).replace(&reference, ""));
            for (file, text) in separate {
                let served = schema(operation, file, URL).expect("a schema");
                assert_eq!(text, served.replace(&reference, ""), "{file}");
            }
            let [(_, single)] = &files(operation, Form::Single, URL)[..] else { panic!("one file") };
            assert_eq!(*single, single_wsdl(operation, URL));
        }
    }

    #[test]
    fn every_served_schema_is_referenced() {
        for operation in Operation::ALL {
            let served = everything_served(operation, URL).concat();
            for (file, _) in schemas(operation) {
                assert!(served.contains(&format!("?xsd={file}\"")), "{file}");
            }
        }
    }

    #[test]
    fn serves_no_address_of_the_files_on_disk() {
        for operation in Operation::ALL {
            for text in everything_served(operation, URL) {
                assert!(!text.contains(ON_DISK_URL));
                assert!(!text.contains("../"));
            }
        }
    }

    #[test]
    fn differs_from_the_files_on_disk_only_in_addresses() {
        for operation in Operation::ALL {
            let (here, there) = (wsdl(operation, ON_DISK_URL), wsdl(operation, URL));
            assert_eq!(here.replace(ON_DISK_URL, URL), there);
            assert_eq!(here.lines().count(), there.lines().count());
        }
    }

    #[test]
    fn escapes_the_public_url() {
        for operation in Operation::ALL {
            for text in everything_served(operation, "https://a\"><b c='&'\n/") {
                assert!(!text.contains("<b "));
                assert!(
                    text.contains("\"https://a&quot;&gt;&lt;b c='&amp;'&#10;/") || !text.contains("schemaLocation=")
                );
            }
        }
    }

    #[test]
    fn a_trailing_slash_of_the_public_url_is_ignored() {
        for operation in Operation::ALL {
            assert_eq!(wsdl(operation, "https://gateway.example.be/"), wsdl(operation, URL));
        }
    }

    #[test]
    fn keeps_a_path_prefix_of_the_public_url() {
        assert_eq!(
            values(&wsdl(Operation::SendTestMessage, "https://a.example/ksz"), " location=\""),
            ["https://a.example/ksz/TestConnectionServiceService/sendTestMessage"]
        );
    }

    #[test]
    fn refuses_any_other_file_name() {
        for file in [
            "",
            "commonv3.xsd",
            "../schemas/CommonV3.xsd",
            "schemas/CommonV3.xsd",
            "CommonV3.xsd ",
            "FeedNotificationV1.xsd",
        ] {
            for operation in Operation::ALL {
                assert_eq!(schema(operation, file, URL), None, "{file}");
            }
        }
        assert_eq!(schema(Operation::SendTestMessage, "eHealthAttributesV1.xsd", URL), None);
        assert_eq!(schema(Operation::SendTestMessage, "CommonV3.xsd", URL), None);
        assert_eq!(schema(Operation::ConsultAttributes, "TestConnectionServiceV1.xsd", URL), None);
    }
}
