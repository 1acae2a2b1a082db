//! Published examples and test vectors of Exclusive XML Canonicalization, with the octets or digests
//! that were published.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::documents::Sample;
use super::{bergshamra, canonical, prefixes_of};

/// Octets of an element by our code, after a comparison with the second implementation.
fn form(document: &str, element: usize, prefixes: &str) -> String {
    let sample = Sample { document: document.as_bytes().to_vec(), element, prefixes: prefixes.to_owned() };
    let octets = canonical(&sample).expect("a canonical form");
    assert_eq!(bergshamra::canonical(&sample.document, element, &prefixes_of(&sample)), Ok(octets.clone()));
    String::from_utf8(octets).expect("UTF-8")
}

/// Exclusive XML Canonicalization 1.0, section 2.1: an element that is signed alone, and in an envelope.
#[test]
fn forms_are_those_of_recommendation_section_2_1() {
    let alone = "<n1:elem1 xmlns:n1=\"http://b.example\">\n  content\n</n1:elem1>";
    let enveloped = "<n0:pdu xmlns:n0=\"http://a.example\">\n<n1:elem1 xmlns:n1=\"http://b.example\">\n  content\n\
                     </n1:elem1>\n</n0:pdu>";
    assert_eq!(form(alone, 0, ""), alone);
    assert_eq!(form(enveloped, 1, ""), alone);
    // As Canonical XML does it: the context of the envelope is in the form.
    let inclusive = alone.replace(" xmlns:n1", " xmlns:n0=\"http://a.example\" xmlns:n1");
    assert_eq!(form(enveloped, 1, "n0 n1"), inclusive);
}

/// Section 2.2: one element in two envelopes. Both have the same exclusive form.
#[test]
fn forms_are_those_of_recommendation_section_2_2() {
    let element = "<n1:elem2 xmlns:n1=\"http://example.net\"\n             xml:lang=\"en\">\n       \
                   <n3:stuff xmlns:n3=\"ftp://example.org\"/>\n   </n1:elem2>";
    let local =
        format!("<n0:local xmlns:n0=\"foo:bar\"\n          xmlns:n3=\"ftp://example.org\">\n   {element}\n</n0:local>");
    let pdu = format!(
        "<n2:pdu xmlns:n1=\"http://example.com\"\n           xmlns:n2=\"http://foo.example\"\n           \
         xml:lang=\"fr\"\n           xml:space=\"retain\">\n   {element}\n</n2:pdu>"
    );
    let expected = "<n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\">\n       \
                    <n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff>\n   </n1:elem2>";
    for document in [&local, &pdu] {
        assert_eq!(form(document, 1, ""), expected);
    }
    // With every prefix in the list: what section 2.2 shows of Canonical XML, without xml:space.
    let inclusive = "<n1:elem2 xmlns:n0=\"foo:bar\" xmlns:n1=\"http://example.net\" \
                     xmlns:n3=\"ftp://example.org\" xml:lang=\"en\">\n       <n3:stuff></n3:stuff>\n   </n1:elem2>";
    assert_eq!(form(&local, 1, "n0 n1 n3"), inclusive);
    let inclusive = "<n1:elem2 xmlns:n1=\"http://example.net\" xmlns:n2=\"http://foo.example\" xml:lang=\"en\">\n       \
                     <n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff>\n   </n1:elem2>";
    assert_eq!(form(&pdu, 1, "n1 n2"), inclusive);
}

/// Section 4: the `PrefixList` of its example, `dsig soap #default`.
#[test]
fn the_prefix_list_is_that_of_recommendation_section_4() {
    let document = "<soap:Envelope xmlns:soap=\"urn:soap\" xmlns:dsig=\"urn:dsig\" xmlns=\"urn:d\" xmlns:x=\"urn:x\">\
                    <soap:Body><x:a/></soap:Body></soap:Envelope>";
    let listed = "<soap:Body xmlns=\"urn:d\" xmlns:dsig=\"urn:dsig\" xmlns:soap=\"urn:soap\">\
                  <x:a xmlns:x=\"urn:x\"></x:a></soap:Body>";
    assert_eq!(form(document, 1, "dsig soap #default"), listed);
    let unlisted = listed.replace(" xmlns=\"urn:d\" xmlns:dsig=\"urn:dsig\"", "");
    assert_eq!(form(document, 1, ""), unlisted);
}

/// `merlin-exc-c14n-one/exc-signature.xml` of Merlin Hughes, Baltimore Technologies (2002), which
/// xmlsec has in its tests: the element that it signs, in its context, and the SHA-1 digests of the two
/// references without comments.
#[test]
fn digests_are_those_of_merlin_exc_c14n_one() {
    let document = "<Foo xmlns:bar=\"urn:bar\" xmlns=\"urn:foo\" xml:space=\"preserve\">\n  \
                    <dsig:Signature xmlns:dsig=\"http://www.w3.org/2000/09/xmldsig#\">\n    \
                    <dsig:Object Id=\"to-be-signed\">\n      <bar:Baz>\n        <!--  comment -->\n      </bar:Baz>\n    \
                    </dsig:Object>\n  </dsig:Signature>\n</Foo>\n";
    for (prefixes, digest) in [("", "7yOTjUu+9oEhShgyIIXDLjQ08aY="), ("bar #default", "09xMy0RTQM1Q91demYe/0F6AGXo=")] {
        let octets = form(document, 2, prefixes);
        let algorithm = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
        let computed = aws_lc_rs::digest::digest(algorithm, octets.as_bytes());
        assert_eq!(STANDARD.encode(computed), digest, "{octets}");
    }
}
