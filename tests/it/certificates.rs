//! Client certificates, each with its expected outcome: admitted as an organisation, or refused
//! with one code.
//!
//! The matrix is a list of generated cases. `every_certificate_has_its_expected_outcome` validates
//! them as the service does, path first and name second. OpenSSL, if installed, validates the same
//! paths; where it differs, the case says so. The tests below the matrix move the clock, mutate
//! bytes, and measure the work that revocation lists cause.

#![allow(clippy::too_many_lines, clippy::print_stdout, reason = "tables are long, and --nocapture shows the figures")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use aws_lc_rs::rsa::KeySize;
use certificates::{Facts, IdentityError, Profile, RevocationList, Serial, read_issuer};
use ehealth_attributes::server::trust::{
    Admission, AuthorityError, ClosedIssuer, RefusalCode, RefusedCertificate, Revocation, Trust,
};
use ehealth_core::model::Timestamp;
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs as provider};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use webpki::BorrowedCertRevocationList;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use crate::support::certificates::{
    Authority, CRL_SIGN, Certificate, DIGITAL_SIGNATURE, KEY_CERT_SIGN, KEY_ENCIPHERMENT, Key, List, attribute,
    authority_constraints, cn, dns_name, element, extended_key_usage, extension, foreign_curve_public_key, key_usage,
    multi_valued_name, name, oid, organisation_identifier, ou, pem, permitted, rsa_public_key_of_bits, sequence,
    string,
};
use crate::support::environment::skip;
use crate::support::random::Random;
use crate::support::work::measure;

/// Time of most cases: within every default validity.
const NOW: &str = "2026-05-01T12:00:00Z";
/// The organisation of a sound leaf.
const FUND: &str = "0202239951";
const URN: &str = "urn:be:fgov:kbo-bce:organization:cbe-number:";

/// Expected result of OpenSSL for a case's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenSslVerdict {
    /// The same result as the service.
    Agrees,
    /// Another result, in at least one version, for a known reason.
    Differs(&'static str),
}

struct Case {
    title: &'static str,
    authorities: Vec<CertificateDer<'static>>,
    revocation: Revocation,
    sent: Vec<CertificateDer<'static>>,
    leaf: CertificateDer<'static>,
    now: &'static str,
    /// The organisation's number, or the code of the refusal.
    expected: &'static str,
    openssl: OpenSslVerdict,
}

impl Case {
    /// A leaf that a root signed, with the root's list.
    fn direct(title: &'static str, root: &Authority, leaf: CertificateDer<'static>, expected: &'static str) -> Self {
        Self {
            title,
            authorities: vec![root.certificate.clone()],
            revocation: Revocation::Lists(vec![root.list()]),
            sent: Vec::new(),
            leaf,
            now: NOW,
            expected,
            openssl: OpenSslVerdict::Agrees,
        }
    }

    /// A leaf below authorities that are all configured, root first, with a sound list of each.
    fn chain(
        title: &'static str,
        authorities: &[&Authority],
        leaf: CertificateDer<'static>,
        expected: &'static str,
    ) -> Self {
        Self {
            authorities: authorities.iter().map(|authority| authority.certificate.clone()).collect(),
            revocation: Revocation::Lists(authorities.iter().map(|authority| authority.list()).collect()),
            ..Self::direct(title, authorities[0], leaf, expected)
        }
    }

    fn lists(self, lists: Vec<CertificateRevocationListDer<'static>>) -> Self {
        Self { revocation: Revocation::Lists(lists), ..self }
    }

    fn sent(self, sent: &[&CertificateDer<'static>]) -> Self {
        Self { sent: sent.iter().map(|sent| (*sent).clone()).collect(), ..self }
    }

    fn at(self, now: &'static str) -> Self {
        Self { now, ..self }
    }

    fn without_lists(self) -> Self {
        Self { revocation: Revocation::None, ..self }
    }

    fn differs(self, why: &'static str) -> Self {
        Self { openssl: OpenSslVerdict::Differs(why), ..self }
    }

    fn trust(&self) -> Trust {
        trust(&self.authorities, &self.revocation)
    }

    fn admit(&self) -> Result<Admission, RefusedCertificate> {
        self.trust().admit(&self.leaf, &self.sent, moment(self.now)).map(|admitted| admitted.admission)
    }

    /// The organisation's number, or the code of the refusal.
    fn outcome(&self) -> String {
        match self.admit() {
            Err(refused) => refused.code().to_owned(),
            Ok(_) => match Facts::from_der(&self.leaf).expect("an admitted leaf can be read").organisation {
                Ok(number) => number.to_string(),
                Err(error) => error.code().to_owned(),
            },
        }
    }
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    provider::default_provider().signature_verification_algorithms
}

fn trust(authorities: &[CertificateDer<'static>], revocation: &Revocation) -> Trust {
    Trust::new(authorities.to_vec(), revocation, algorithms()).expect("the case's authorities are valid authorities")
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("the timestamps of the test are valid")
}

fn fixture(name: &str) -> CertificateDer<'static> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/certs").join(name);
    CertificateDer::from(fs::read(path).expect("the fixture is in the repository"))
}

/// Replaces the extensions of a certificate.
fn extensions(extensions: &[Vec<u8>]) -> impl FnOnce(&mut Certificate) {
    let extensions = extensions.to_vec();
    move |certificate| certificate.extensions = extensions
}

fn matrix() -> Vec<Case> {
    [keys(), times(), issuers(), uses(), constraints(), lengths(), revocations(), rollovers(), identities()]
        .into_iter()
        .flatten()
        .collect()
}

fn keys() -> Vec<Case> {
    let root = Authority::root("Root");
    let below = |title, key: Key| {
        let root = Authority::root_with("Root of this kind", key, |_| {});
        let leaf = root.issue_leaf_with(|leaf| leaf.public_key.clone_from(&root.key.public));
        Case::direct(title, &root, leaf, FUND)
    };
    let with_key = |title, key: Vec<u8>, expected| {
        Case::direct(title, &root, root.issue_leaf_with(|leaf| leaf.public_key = key), expected)
    };
    let by_fixture = |title, root: &str, leaf: &str, expected| {
        let mut case = Case::direct(title, &Authority::root("unused"), fixture(leaf), expected).without_lists();
        case.authorities = vec![fixture(root)];
        // They are valid at that time, whenever they were generated.
        case.at("2060-01-01T00:00:00Z")
    };
    let sha1 = sequence(&[&element(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1])]);
    vec![
        below("P-256 all through", Key::p256()),
        below("P-384 all through", Key::p384()),
        below("P-521 all through", Key::p521()),
        below("Ed25519 all through", Key::ed25519()),
        below("RSA 2048 all through", Key::rsa(KeySize::Rsa2048)),
        below("RSA 3072 all through", Key::rsa(KeySize::Rsa3072)),
        below("RSA 4096 all through", Key::rsa(KeySize::Rsa4096)),
        with_key("a leaf's RSA key of 1024 bits", rsa_public_key_of_bits(1_024), "leaf-key")
            .differs("OpenSSL takes 1024 bits for strong enough at its default level"),
        with_key("a leaf's RSA key of 2040 bits", rsa_public_key_of_bits(2_040), "leaf-key")
            .differs("OpenSSL takes 1024 bits for strong enough at its default level"),
        with_key("a leaf's RSA key of 2048 bits", rsa_public_key_of_bits(2_048), FUND),
        with_key("a leaf's RSA key of 16384 bits", rsa_public_key_of_bits(16_384), "leaf-key")
            .differs("OpenSSL has no upper bound"),
        with_key("a leaf's key on another curve", foreign_curve_public_key(), "leaf-key"),
        by_fixture("signed by RSA 2048 and SHA-256, by OpenSSL", "root-rsa-2048.der", "leaf-sha256.der", FUND),
        by_fixture("signed by SHA-1", "root-rsa-2048.der", "leaf-sha1.der", "signature")
            .differs("OpenSSL leaves SHA-1 and MD5 to its security level, which not every system sets"),
        by_fixture("signed by MD5", "root-rsa-2048.der", "leaf-md5.der", "signature")
            .differs("OpenSSL leaves SHA-1 and MD5 to its security level, which not every system sets"),
        by_fixture("signed by an RSA key of 1024 bits", "root-rsa-1024.der", "leaf-by-rsa-1024.der", "signature")
            .differs("OpenSSL takes 1024 bits for strong enough at its default level"),
        Case::direct(
            "names SHA-1 beside a signature by SHA-256",
            &root,
            root.issue_leaf_with(|leaf| leaf.outer_algorithm = Some(sha1.clone())),
            "signature",
        ),
        Case::direct(
            "names SHA-1 inside and SHA-256 outside",
            &root,
            root.issue_leaf_with(|leaf| leaf.inner_algorithm = Some(sha1.clone())),
            "signature",
        ),
        Case::direct(
            "broken signature",
            &root,
            root.issue_leaf_with(|leaf| leaf.has_broken_signature = true),
            "signature",
        ),
    ]
}

fn times() -> Vec<Case> {
    let root = Authority::root("Root");
    let expired_root =
        Authority::root_with("Root", Key::p256(), |root| root.not_after = "2026-04-30T23:59:59Z".to_owned());
    let future_root =
        Authority::root_with("Root", Key::p256(), |root| root.not_before = "2026-05-02T00:00:00Z".to_owned());
    let expired = root.issue_authority_with("Issuer", |issuer| issuer.not_after = "2026-04-30T23:59:59Z".to_owned());
    let future = root.issue_authority_with("Issuer", |issuer| issuer.not_before = "2026-05-02T00:00:00Z".to_owned());
    let until_noon = root.issue_leaf_with(|leaf| leaf.not_after = NOW.to_owned());
    let from_noon = root.issue_leaf_with(|leaf| leaf.not_before = NOW.to_owned());
    let of_noon = |title, leaf: &CertificateDer<'static>, now, expected| {
        Case::direct(title, &root, leaf.clone(), expected).at(now)
    };
    vec![
        of_noon("the leaf's last second begins", &until_noon, NOW, FUND)
            .differs("OpenSSL counts the last second as expired in some versions"),
        of_noon("the leaf's last second ends", &until_noon, "2026-05-01T12:00:00.999Z", FUND)
            .differs("OpenSSL counts the last second as expired in some versions"),
        of_noon("the leaf has run out", &until_noon, "2026-05-01T12:00:01Z", "expired"),
        of_noon("the leaf's first second begins", &from_noon, NOW, FUND),
        of_noon("the leaf is not valid yet", &from_noon, "2026-05-01T11:59:59.999Z", "not-valid-yet"),
        Case::direct(
            "the leaf is valid to the end of time",
            &root,
            root.issue_leaf_with(|leaf| leaf.not_after = "9999-12-31T23:59:59Z".to_owned()),
            FUND,
        ),
        Case::direct(
            "the leaf ends before it begins",
            &root,
            root.issue_leaf_with(|leaf| leaf.not_before = "2027-05-01T00:00:00Z".to_owned()),
            "path-rule",
        ),
        Case::direct("the root has run out", &expired_root, expired_root.issue_leaf(), "expired"),
        Case::direct("the root is not valid yet", &future_root, future_root.issue_leaf(), "not-valid-yet"),
        Case::chain("the intermediate has run out", &[&root, &expired], expired.issue_leaf(), "expired"),
        Case::chain("the intermediate is not valid yet", &[&root, &future], future.issue_leaf(), "not-valid-yet"),
    ]
}

fn issuers() -> Vec<Case> {
    let root = Authority::root("Root");
    let other = Authority::root("Other root");
    let fake = Authority::root("Root");
    let issuer = root.issue_authority("Issuer");
    let self_signed = Authority::root_with("Self", Key::p256(), |leaf| {
        extensions(&[key_usage(&[DIGITAL_SIGNATURE]), extended_key_usage(&[oid::CLIENT_AUTH])])(leaf);
        leaf.subject = name(&[cn("CBE=0202239951")]);
        leaf.issuer = leaf.subject.clone();
    });
    let truncated = {
        let whole = root.issue_leaf();
        CertificateDer::from(whole[..whole.len() - 1].to_vec())
    };
    let followed = CertificateDer::from([root.issue_leaf().as_ref(), &[0]].concat());
    vec![
        Case::direct("another root signed it", &root, other.issue_leaf(), "unknown-issuer"),
        Case::direct("a root of the same name signed it", &root, fake.issue_leaf(), "signature"),
        Case::direct("a root of the same name signed it and is sent along", &root, fake.issue_leaf(), "signature")
            .sent(&[&fake.certificate]),
        Case::direct("self-signed", &root, self_signed.certificate.clone(), "unknown-issuer"),
        Case::direct("the intermediate is missing", &root, issuer.issue_leaf(), "unknown-issuer"),
        Case::chain("the intermediate is configured", &[&root, &issuer], issuer.issue_leaf(), FUND),
        Case::chain("the intermediate is configured and sent", &[&root, &issuer], issuer.issue_leaf(), FUND)
            .sent(&[&issuer.certificate, &root.certificate]),
        Case::direct("the intermediate is sent, lists are not asked for", &root, issuer.issue_leaf(), FUND)
            .sent(&[&issuer.certificate])
            .without_lists(),
        Case::direct("the intermediate is sent, and its list is not known", &root, issuer.issue_leaf(), "crl-missing")
            .sent(&[&issuer.certificate]),
        Case::direct("bytes that are no certificate are sent along", &root, root.issue_leaf(), FUND)
            .sent(&[&CertificateDer::from(vec![0x30, 3, 1, 2, 3])]),
        Case::direct("the last byte is missing", &root, truncated, "malformed"),
        Case::direct("a byte follows", &root, followed, "malformed").differs("OpenSSL's command reads no further"),
        Case::direct(
            "version 1",
            &root,
            root.issue_leaf_with(|leaf| {
                leaf.version.clear();
                leaf.extensions.clear();
            }),
            "leaf-no-client-auth",
        )
        .differs("OpenSSL takes a certificate without extensions for fit for everything"),
        Case::direct(
            "version 1 with extensions",
            &root,
            root.issue_leaf_with(|leaf| leaf.version.clear()),
            "malformed",
        )
        .differs("OpenSSL does not hold the extensions against the version"),
    ]
}

fn uses() -> Vec<Case> {
    let root = Authority::root("Root");
    let client = extended_key_usage(&[oid::CLIENT_AUTH]);
    let signs = key_usage(&[DIGITAL_SIGNATURE]);
    let with = |title, parts: &[Vec<u8>], expected| {
        Case::direct(title, &root, root.issue_leaf_with(extensions(parts)), expected)
    };
    let below = |title, parts: &[Vec<u8>], expected| {
        let issuer = root.issue_authority_with("Issuer", extensions(parts));
        // Not among the configured ones, which are checked by the same rules when they are read.
        Case::direct(title, &root, issuer.issue_leaf(), expected).sent(&[&issuer.certificate]).without_lists()
    };
    let by = |title, purposes: &[&[u8]], expected| {
        let root = Authority::root_with("Root", Key::p256(), |root| root.extensions.push(extended_key_usage(purposes)));
        Case::direct(title, &root, root.issue_leaf(), expected)
    };
    let any = "OpenSSL and RFC 5280 let a certificate without limits stand for everything";
    let unknown = |is_critical| extension(oid::UNKNOWN, is_critical, &[5, 0]);
    let authority = || key_usage(&[KEY_CERT_SIGN, CRL_SIGN]);
    vec![
        with(
            "clientAuth and serverAuth",
            &[signs.clone(), extended_key_usage(&[oid::SERVER_AUTH, oid::CLIENT_AUTH])],
            FUND,
        ),
        with("no key usage at all", std::slice::from_ref(&client), FUND),
        with("serverAuth only", &[signs.clone(), extended_key_usage(&[oid::SERVER_AUTH])], "leaf-no-client-auth"),
        with("emailProtection only", &[signs.clone(), extended_key_usage(&[oid::EMAIL])], "leaf-no-client-auth"),
        with(
            "anyExtendedKeyUsage only",
            &[signs.clone(), extended_key_usage(&[oid::ANY_PURPOSE])],
            "leaf-no-client-auth",
        ),
        with(
            "anyExtendedKeyUsage and clientAuth",
            &[signs.clone(), extended_key_usage(&[oid::ANY_PURPOSE, oid::CLIENT_AUTH])],
            FUND,
        ),
        with("no extended key usage", std::slice::from_ref(&signs), "leaf-no-client-auth").differs(any),
        with("an extended key usage of nothing", &[signs.clone(), extended_key_usage(&[])], "leaf-no-client-auth"),
        with("no digitalSignature", &[key_usage(&[KEY_ENCIPHERMENT]), client.clone()], "leaf-no-digital-signature"),
        with("a key usage of nothing", &[key_usage(&[]), client.clone()], "leaf-no-digital-signature"),
        with("two key usages", &[key_usage(&[KEY_ENCIPHERMENT]), signs.clone(), client.clone()], "malformed"),
        with("two extended key usages", &[client.clone(), signs.clone(), client.clone()], "malformed"),
        with("an unknown critical extension", &[signs.clone(), client.clone(), unknown(true)], "path-rule"),
        with("an unknown extension", &[signs.clone(), client.clone(), unknown(false)], FUND),
        with(
            "a key usage that is no bit string",
            &[extension(oid::KEY_USAGE, true, &[5, 0]), client.clone()],
            "malformed",
        ),
        with(
            "an extension that says nothing here and cannot be read",
            &[signs.clone(), client.clone(), extension(oid::AUTHORITY_ACCESS, false, &[5, 0])],
            FUND,
        ),
        with(
            "basic constraints that cannot be read",
            &[signs.clone(), client.clone(), extension(oid::BASIC_CONSTRAINTS, true, &sequence(&[&element(12, b"x")]))],
            "malformed",
        ),
        with(
            "an authority as a leaf",
            &[authority_constraints(None), signs.clone(), client.clone()],
            "leaf-is-authority",
        )
        .differs("OpenSSL lets an authority stand for itself"),
        with(
            "a leaf that says that it is no authority",
            &[extension(oid::BASIC_CONSTRAINTS, true, &sequence(&[])), signs.clone(), client.clone()],
            FUND,
        ),
        below(
            "the issuer lacks keyCertSign",
            &[authority_constraints(None), key_usage(&[CRL_SIGN])],
            "issuer-no-cert-sign",
        ),
        below("the issuer has no key usage", &[authority_constraints(None)], FUND),
        below("the issuer is no authority", &[authority()], "path-rule"),
        below("the issuer is a leaf", &[signs, client.clone()], "path-rule"),
        below(
            "the issuer is for servers only",
            &[authority_constraints(None), authority(), extended_key_usage(&[oid::SERVER_AUTH])],
            "key-usage",
        ),
        by("the root is for servers only", &[oid::SERVER_AUTH], "key-usage"),
        by("the root is for clients and servers", &[oid::SERVER_AUTH, oid::CLIENT_AUTH], FUND),
        below("the issuer is for clients only", &[authority_constraints(None), authority(), client], FUND),
    ]
}

fn constraints() -> Vec<Case> {
    let root = Authority::root("Root");
    let limited = |general_name: &[u8]| {
        root.issue_authority_with("Issuer", |issuer| issuer.extensions.push(permitted(general_name)))
    };
    let domain = limited(&element(0x82, b"fund.example"));
    let leaf = |host| domain.issue_leaf_with(|leaf| leaf.extensions.push(dns_name(host)));
    let directory = limited(&element(0xa4, &name(&[attribute(oid::COUNTRY, string::PRINTABLE, b"NL")])));
    let own = limited(&element(0xa4, &name(&[attribute(oid::COUNTRY, string::PRINTABLE, b"BE")])));
    vec![
        Case::chain("a name that the issuer may sign", &[&root, &domain], leaf("app.fund.example"), FUND),
        Case::chain("a name that the issuer may not sign", &[&root, &domain], leaf("app.other.example"), "path-rule"),
        Case::chain("no name of the kind that is limited", &[&root, &domain], domain.issue_leaf(), FUND),
        Case::chain(
            "a subject outside the issuer's country",
            &[&root, &directory],
            directory.issue_leaf(),
            "path-rule",
        ),
        Case::chain("a subject inside the issuer's country", &[&root, &own], own.issue_leaf(), "path-rule")
            .differs("webpki does not compare subjects, and refuses where it would have to"),
    ]
}

fn lengths() -> Vec<Case> {
    let root = Authority::root("Root");
    let second = root.issue_authority("Second");
    let third = second.issue_authority("Third");
    let fourth = third.issue_authority("Fourth");
    let short_root =
        Authority::root_with("Short root", Key::p256(), |root| root.extensions[0] = authority_constraints(Some(0)));
    let below_short = short_root.issue_authority("Below");
    let last = root.issue_authority_with("Last", |issuer| issuer.extensions[0] = authority_constraints(Some(0)));
    let below_last = last.issue_authority("Below");
    let one = root.issue_authority_with("One", |issuer| issuer.extensions[0] = authority_constraints(Some(1)));
    let below_one = one.issue_authority("Below");
    let long = "OpenSSL follows longer paths";
    vec![
        Case::chain("a path of four", &[&root, &second, &third], third.issue_leaf(), FUND),
        Case::chain("a path of four, all sent", &[&root, &second, &third], third.issue_leaf(), FUND).sent(&[
            &third.certificate,
            &second.certificate,
            &root.certificate,
        ]),
        Case::chain("a path of five", &[&root, &second, &third, &fourth], fourth.issue_leaf(), "path-too-long")
            .differs(long),
        Case::direct("a path of five, sent", &root, fourth.issue_leaf(), "path-too-long").sent(&[
            &fourth.certificate,
            &third.certificate,
            &second.certificate,
        ]),
        Case::direct("five certificates, of which one would do", &root, root.issue_leaf(), "path-too-long")
            .sent(&[&fourth.certificate, &third.certificate, &second.certificate, &root.certificate])
            .differs(long),
        Case::chain(
            "as long as the issuer's path length allows",
            &[&root, &one, &below_one],
            below_one.issue_leaf(),
            FUND,
        ),
        Case::chain(
            "longer than the issuer's path length allows",
            &[&root, &last, &below_last],
            below_last.issue_leaf(),
            "path-rule",
        ),
        Case::chain(
            "longer than the root's path length allows",
            &[&short_root, &below_short],
            below_short.issue_leaf(),
            "path-rule",
        ),
    ]
}

fn revocations() -> Vec<Case> {
    let root = Authority::root("Root");
    let issuer = root.issue_authority("Issuer");
    let silent = root.issue_authority_with("Issuer", |issuer| issuer.extensions[1] = key_usage(&[KEY_CERT_SIGN]));
    let serial = |octets: &[u8]| {
        let octets = octets.to_vec();
        move |leaf: &mut Certificate| leaf.serial = octets
    };
    let leaf = root.issue_leaf_with(serial(&[0x12, 0x34]));
    let revoked = |list: &mut List| list.revoked.push(vec![0x12, 0x34]);
    let with = |title, lists: Vec<CertificateRevocationListDer<'static>>, expected| {
        Case::direct(title, &root, leaf.clone(), expected).lists(lists)
    };
    let one = |title, change: &dyn Fn(&mut List), expected| with(title, vec![root.list_with(change)], expected);
    let older = |list: &mut List| list.this_update = "2026-04-30T00:00:00Z".to_owned();
    // onlyContainsCACerts.
    let for_authorities = sequence(&[&element(0x82, &[0xff])]);
    let closed = "OpenSSL does not mind a list that says so";
    let below = issuer.issue_leaf_with(serial(&[0x12, 0x34]));
    let chain = |title, lists, expected| Case::chain(title, &[&root, &issuer], below.clone(), expected).lists(lists);
    let critical = |id: &[u8]| vec![extension(id, true, &[5, 0])];
    vec![
        one("an empty list", &|_| {}, FUND),
        one("the leaf is revoked", &revoked, "revoked"),
        one(
            "the leaf is revoked among thousands",
            &|list| {
                list.revoke_strangers(3_000);
                list.revoked.insert(1_000, vec![0x12, 0x34]);
            },
            "revoked",
        ),
        one("thousands of others are revoked", &|list| list.revoke_strangers(3_000), FUND),
        one("a number that ends like the leaf's is revoked", &|list| list.revoked.push(vec![1, 0x12, 0x34]), FUND),
        one(
            "the list has the leaf's number with leading zeros",
            &|list| list.revoked.push(vec![0, 0, 0x12, 0x34]),
            "revoked",
        ),
        Case::direct(
            "the leaf's number has leading zeros",
            &root,
            root.issue_leaf_with(serial(&[0, 0, 0x12, 0x34])),
            "revoked",
        )
        .lists(vec![root.list_with(revoked)]),
        Case::direct(
            "the leaf's number has twenty octets and a sign",
            &root,
            root.issue_leaf_with(serial(&[&[0][..], &[0x91; 20]].concat())),
            "revoked",
        )
        .lists(vec![root.list_with(|list| list.revoked.push([&[0][..], &[0x91; 20]].concat()))]),
        Case::direct(
            "the leaf's number has more than twenty octets",
            &root,
            root.issue_leaf_with(serial(&[0x11; 21])),
            "malformed",
        )
        .differs("OpenSSL reads numbers of any length"),
        one("revocation is not checked", &revoked, FUND).without_lists(),
        chain("the leaf is revoked by the intermediate", vec![root.list(), issuer.list_with(revoked)], "revoked"),
        chain(
            "the intermediate is revoked",
            vec![root.list_with(|list| list.revoked.push(issuer.serial.clone())), issuer.list()],
            "revoked",
        ),
        chain("the root's list has the leaf's number", vec![root.list_with(revoked), issuer.list()], FUND),
        chain(
            "the intermediate is revoked and has no list",
            vec![root.list_with(|list| list.revoked.push(issuer.serial.clone()))],
            "revoked",
        ),
        chain("the intermediate has no list", vec![root.list()], "crl-missing"),
        chain("the root has no list", vec![issuer.list()], "crl-missing"),
        with("no list", vec![], "crl-missing"),
        with("a list of another", vec![issuer.list()], "crl-missing"),
        one("stale", &|list| list.next_update = Some("2026-05-01T11:59:59Z".to_owned()), "crl-stale"),
        one("due this second", &|list| list.next_update = Some(NOW.to_owned()), "crl-stale"),
        one("due the next second", &|list| list.next_update = Some("2026-05-01T12:00:01Z".to_owned()), FUND),
        one("of this second", &|list| list.this_update = NOW.to_owned(), FUND),
        one("of the next second", &|list| list.this_update = "2026-05-01T12:00:01Z".to_owned(), "crl-future"),
        one("badly signed", &|list| list.has_broken_signature = true, "crl-signature"),
        with("signed by another", vec![List::new(&root.name).sign(&issuer.key)], "crl-signature"),
        one("no next update", &|list| list.next_update = None, "crl-no-next-update").differs(closed),
        one(
            "a list for a part",
            &|list| list.extensions = vec![extension(oid::DISTRIBUTION_POINT, true, &for_authorities)],
            "crl-critical-extension",
        ),
        one(
            "a list for a part that does not call that critical",
            &|list| {
                list.extensions = vec![extension(oid::DISTRIBUTION_POINT, false, &for_authorities)];
            },
            "crl-critical-extension",
        ),
        one(
            "a delta list",
            &|list| list.extensions = vec![extension(oid::DELTA, true, &element(2, &[1]))],
            "crl-critical-extension",
        )
        .differs("OpenSSL takes a delta list that stands alone for a full one"),
        one(
            "an unknown critical extension",
            &|list| list.extensions = critical(oid::UNKNOWN),
            "crl-critical-extension",
        ),
        one(
            "an entry for another issuer",
            &|list| {
                list.revoked.push(vec![7]);
                list.entry_extensions = critical(oid::CERTIFICATE_ISSUER);
            },
            "crl-critical-extension",
        )
        .differs("OpenSSL knows the extension and looks at its entry only"),
        one(
            "entries with reasons",
            &|list| {
                revoked(list);
                list.entry_extensions = vec![extension(oid::REASON, false, &element(10, &[1]))];
            },
            "revoked",
        ),
        one(
            "an entry with an extension that cannot be read",
            &|list| {
                list.revoked.push(vec![7]);
                list.entry_extensions = vec![sequence(&[&element(6, oid::CERTIFICATE_ISSUER), &[1, 1, 0xff], &[4, 9]])];
            },
            "crl-malformed",
        ),
        one("bytes behind the list's extensions", &|list| list.trailing = element(0x30, &[]), "crl-malformed"),
        one("two algorithms", &|list| list.inner_algorithm = Some(Key::p384().algorithm), "crl-malformed")
            .differs("OpenSSL looks at the outer one only"),
        one("version 3", &|list| list.version = element(2, &[2]), "crl-malformed").differs(closed),
        one(
            "version 1",
            &|list| {
                list.version.clear();
                list.extensions.clear();
                revoked(list);
            },
            "revoked",
        ),
        one("an entry's number of more than twenty octets", &|list| list.revoked.push(vec![0x11; 21]), "crl-malformed")
            .differs("OpenSSL reads numbers of any length"),
        with(
            "a newer list lifts the revocation",
            vec![
                root.list_with(|list| {
                    revoked(list);
                    older(list);
                }),
                root.list(),
            ],
            FUND,
        ),
        with("a newer list revokes", vec![root.list_with(older), root.list_with(revoked)], "revoked"),
        with(
            "a newer list revokes, and is read first",
            vec![root.list_with(revoked), root.list_with(older)],
            "revoked",
        ),
        with(
            "a newer list is from the future",
            vec![
                root.list(),
                root.list_with(|list| {
                    list.this_update = "2026-05-01T12:00:01Z".to_owned();
                }),
            ],
            "crl-future",
        )
        .differs("OpenSSL falls back on the older one"),
        with(
            "a newer list is badly signed",
            vec![
                root.list_with(|list| {
                    revoked(list);
                    older(list);
                }),
                root.list_with(|list| list.has_broken_signature = true),
            ],
            "revoked",
        ),
        with(
            "one list has no end and one is of another key",
            vec![root.list_with(|list| list.next_update = None), List::new(&root.name).sign(&issuer.key)],
            "crl-no-next-update",
        )
        .differs(closed),
        Case::chain("the issuer may not sign lists", &[&root, &silent], silent.issue_leaf(), "crl-signer"),
        one(
            "the leaf is revoked by a list that is stale",
            &|list| {
                revoked(list);
                list.next_update = Some("2026-05-01T11:59:59Z".to_owned());
            },
            "crl-stale",
        ),
    ]
}

fn rollovers() -> Vec<Case> {
    let old = Authority::root("Root");
    let new = Authority::root("Root");
    let both = |title, lists, leaf: CertificateDer<'static>, expected| {
        Case::chain(title, &[&old, &new], leaf, expected).lists(lists)
    };
    let leaf = |root: &Authority| root.issue_leaf_with(|leaf| leaf.serial = vec![7]);
    let revoked = |list: &mut List| list.revoked.push(vec![7]);
    let names = "OpenSSL's command takes the first list of the name, and the key is another";

    // One key, two certificates: the old one has expired.
    let renewed = Authority::root("Renewed");
    let run_out = renewed.cross_sign(&renewed, |root| root.not_after = "2026-04-30T23:59:59Z".to_owned());

    // One authority, two certificates by two roots, of which one is trusted.
    let stranger = Authority::root("Stranger");
    let crossed = old.issue_authority("Crossed");
    let by_stranger = stranger.cross_sign(&crossed, |_| {});
    let reissued = old.cross_sign(&crossed, |issuer| issuer.not_after = "2030-12-31T23:59:59Z".to_owned());

    // A root that another root signed as well.
    let young = Authority::root("Young");
    let young_run_out = Authority {
        certificate: young.cross_sign(&young, |root| root.not_after = "2026-04-30T23:59:59Z".to_owned()),
        name: young.name.clone(),
        key: Key::p256(),
        serial: Vec::new(),
    };
    let young_by_old = old.cross_sign(&young, |_| {});

    // Two paths, each refused for another reason.
    let unsigning = old.cross_sign(&crossed, extensions(&[authority_constraints(None), key_usage(&[CRL_SIGN])]));

    let several = |title, authorities: &[&CertificateDer<'static>], lists, leaf, expected| {
        let mut case = Case::direct(title, &old, leaf, expected).lists(lists);
        case.authorities = authorities.iter().map(|authority| (*authority).clone()).collect();
        case
    };
    vec![
        both("the old root's leaf beside a new root of its name", vec![old.list(), new.list()], leaf(&old), FUND),
        both("the new root's leaf beside the old root of its name", vec![old.list(), new.list()], leaf(&new), FUND)
            .differs(names),
        both(
            "the new root's list has the number of the old root's leaf",
            vec![old.list(), new.list_with(revoked)],
            leaf(&old),
            FUND,
        ),
        both("the old root's list revokes its leaf", vec![old.list_with(revoked), new.list()], leaf(&old), "revoked"),
        both("the new root's list is missing", vec![old.list()], leaf(&new), "crl-signature"),
        several(
            "a root renewed under its key",
            &[&run_out, &renewed.certificate],
            vec![renewed.list()],
            renewed.issue_leaf(),
            FUND,
        ),
        several(
            "a root renewed under its key, the new one first",
            &[&renewed.certificate, &run_out],
            vec![renewed.list()],
            renewed.issue_leaf(),
            FUND,
        ),
        several(
            "one root in two files",
            &[&old.certificate, &old.certificate],
            vec![old.list()],
            old.issue_leaf(),
            FUND,
        ),
        several(
            "an intermediate by an unknown root beside one by a known root",
            &[&old.certificate, &by_stranger, &crossed.certificate],
            vec![old.list(), crossed.list()],
            crossed.issue_leaf(),
            FUND,
        )
        .differs("OpenSSL follows the first path only"),
        several(
            "an intermediate sent under another certificate of its key",
            &[&old.certificate, &by_stranger],
            vec![old.list(), crossed.list()],
            crossed.issue_leaf(),
            FUND,
        )
        .sent(&[&reissued]),
        several(
            "a root that has run out, but that another root signed",
            &[&young_run_out.certificate, &old.certificate, &young_by_old],
            vec![old.list(), young.list()],
            young.issue_leaf(),
            FUND,
        )
        .differs("OpenSSL follows the first path only"),
        several(
            "a root that has run out, and another root's certificate of it is sent",
            &[&young_run_out.certificate, &old.certificate],
            vec![old.list(), young.list()],
            young.issue_leaf(),
            FUND,
        )
        .sent(&[&young_by_old])
        .differs("OpenSSL follows the first path only"),
        several(
            "an intermediate that is a root as well",
            &[&young.certificate, &old.certificate, &young_by_old],
            vec![old.list(), young.list()],
            young.issue_leaf(),
            FUND,
        ),
        several(
            "one path is closed, the other open",
            &[&young.certificate, &young_by_old, &stranger.certificate, &old.certificate],
            vec![old.list(), young.list()],
            young.issue_leaf(),
            FUND,
        ),
        several(
            "one path by an issuer that may not sign, the other by one that is revoked",
            &[&old.certificate, &crossed.certificate],
            vec![old.list_with(|list| list.revoked.push(crossed.serial.clone())), crossed.list()],
            crossed.issue_leaf(),
            "revoked",
        )
        .sent(&[&unsigning]),
        several(
            "one path by an issuer that is revoked, the other by one that is not",
            &[&old.certificate, &crossed.certificate],
            vec![old.list_with(|list| list.revoked.push(crossed.serial.clone())), crossed.list()],
            crossed.issue_leaf(),
            FUND,
        )
        .sent(&[&reissued]),
    ]
}

fn identities() -> Vec<Case> {
    let root = Authority::root("Root");
    let with_subject = |title, subject: Vec<u8>, expected| {
        Case::direct(title, &root, root.issue_leaf_with(|leaf| leaf.subject = subject), expected)
    };
    let named = |title, attributes: &[Vec<u8>], expected| with_subject(title, name(attributes), expected);
    let in_cn = |title, tag, value: &[u8], expected| named(title, &[attribute(oid::COMMON_NAME, tag, value)], expected);
    let urn = format!("{URN}{FUND}");
    let country = attribute(oid::COUNTRY, string::PRINTABLE, b"BE");
    let organisation = attribute(oid::ORGANISATION, string::UTF8, b"Fund");
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let wider = |text: &str| text.chars().flat_map(|one| u32::from(one).to_be_bytes()).collect::<Vec<u8>>();
    vec![
        named("CBE in the CN", &[cn("CBE=0202239951")], FUND),
        named("CBE in the CN, with an application", &[cn("CBE=0202239951, RETURN TO WORK")], FUND),
        named("CBE in an OU", &[cn("Fund"), ou("CBE=0202239951")], FUND),
        named("URN in an OU", &[cn("Fund"), ou(&urn)], FUND),
        named("URN in the CN", &[cn(&urn)], FUND),
        named("both conventions, one number", &[cn("CBE=0202239951"), ou(&urn), ou("eHealth-platform Belgium")], FUND),
        named("many equal OUs", &vec![ou("CBE=0202239951"); 40], FUND),
        in_cn("CBE in a PrintableString", string::PRINTABLE, b"CBE=0202239951", FUND),
        named("SSIN beside CBE", &[cn("SSIN=85073099932"), ou("CBE=0202239951")], FUND),
        named("two numbers, CN and OU", &[cn("CBE=0202239951"), ou("CBE=0809394427")], "two-organisations"),
        named("two numbers, two conventions", &[cn("CBE=0809394427"), ou(&urn)], "two-organisations"),
        named("two numbers, two OUs", &[ou("CBE=0202239951"), ou("CBE=0809394427")], "two-organisations"),
        named("two numbers in one CN", &[cn("CBE=0202239951, CBE=0809394427")], "two-organisations"),
        named("two numbers, two CNs", &[cn("CBE=0202239951"), cn("CBE=0809394427")], "two-organisations"),
        named(
            "a right number after a wrong one",
            &[ou("CBE=0202239950"), ou("CBE=0202239951")],
            "no-enterprise-number",
        ),
        named("wrong check digits", &[cn("CBE=0202239950")], "no-enterprise-number"),
        named("wrong check digits in a URN", &[ou(&format!("{URN}0202239950"))], "no-enterprise-number"),
        named("a number that begins with 9", &[cn("CBE=9202239951")], "no-enterprise-number"),
        named("an establishment unit", &[cn("CBE=2202239951")], "establishment-unit"),
        in_cn("NUL behind the number", string::UTF8, b"CBE=0202239951\0.example", "control-character"),
        in_cn("NUL before the number", string::UTF8, b"x\0CBE=0202239951", "control-character"),
        in_cn("a line break", string::UTF8, b"CBE=0202239951\nCBE=0809394427", "control-character"),
        named(
            "NUL in another OU",
            &[cn("CBE=0202239951"), attribute(oid::UNIT, string::UTF8, b"a\0b")],
            "control-character",
        ),
        named("full-width digits", &[cn("CBE=０２０２２３９９５１")], "malformed-number"),
        named("Arabic-Indic digits", &[cn("CBE=٠٢٠٢٢٣٩٩٥١")], "malformed-number"),
        named("a zero-width space before the digits", &[cn("CBE=\u{200b}0202239951")], "malformed-number"),
        named("a right-to-left override", &[cn("CBE=\u{202e}1599322020")], "malformed-number"),
        named("eleven digits", &[cn("CBE=02022399511")], "malformed-number"),
        named("nine digits", &[cn("CBE=202239951")], "malformed-number"),
        named("junk behind the number", &[cn("CBE=0202239951 APP")], "malformed-number"),
        named("junk before the key", &[cn("APP CBE=0202239951")], "malformed-number"),
        named("a semicolon between two", &[cn("CBE=0202239951;CBE=0202239951")], "malformed-number"),
        named("dots in the number", &[cn("CBE=0202.239.951")], "malformed-number"),
        named("a space behind the key", &[cn("CBE= 0202239951")], "malformed-number"),
        named("a URN with something before it", &[ou(&format!("x-{urn}"))], "malformed-number"),
        named("a URN with something behind it", &[ou(&format!("{urn}:x"))], "malformed-number"),
        with_subject(
            "CN and OU in one relative name",
            multi_valued_name(&[cn("CBE=0202239951"), ou("Fund")]),
            "multi-valued",
        ),
        with_subject(
            "two numbers in one relative name",
            multi_valued_name(&[ou("CBE=0202239951"), ou("CBE=0809394427")]),
            "multi-valued",
        ),
        with_subject(
            "a relative name of several attributes that are not asked for",
            element(
                0x30,
                &[&multi_valued_name(&[country, organisation])[2..], &name(&[cn("CBE=0202239951")])[2..]].concat(),
            ),
            "multi-valued",
        ),
        in_cn("BMPString", string::BMP, &wide("CBE=0202239951"), "string-type"),
        in_cn("BMPString whose bytes are a claim", string::BMP, b"CBE=0202239951", "string-type"),
        in_cn("T61String", string::T61, b"CBE=0202239951", "string-type"),
        in_cn("IA5String", string::IA5, b"CBE=0202239951", "string-type"),
        in_cn("UniversalString", string::UNIVERSAL, &wider("CBE=0202239951"), "string-type"),
        in_cn("a string of a private kind", 0x8c, b"CBE=0202239951", "string-type")
            .differs("OpenSSL cannot read such a name at all"),
        in_cn("a constructed string", 0x2c, b"CBE=0202239951", "string-type")
            .differs("OpenSSL cannot read such a name at all"),
        in_cn("bytes that are no UTF-8", string::UTF8, b"CBE=0202239951, \xff", "string-type")
            .differs("OpenSSL cannot read such a name at all"),
        named(
            "a BMPString in another OU",
            &[cn("CBE=0202239951"), attribute(oid::UNIT, string::BMP, &wide("CBE=0809394427"))],
            "string-type",
        ),
        named(
            "a BMPString in the O",
            &[cn("CBE=0202239951"), attribute(oid::ORGANISATION, string::BMP, &wide("Fund"))],
            FUND,
        ),
        named(
            "a national register beside it",
            &[cn("CBE=0202239951"), organisation_identifier("NTRBE-0202239951")],
            FUND,
        ),
        named("a VAT number alone", &[cn("Fund"), organisation_identifier("VATBE-0202239951")], FUND),
        named(
            "two numbers, one in a national register",
            &[cn("CBE=0202239951"), organisation_identifier("NTRBE-0809394427")],
            "two-organisations",
        ),
        named("two applications in one CN", &[cn("CBE=0202239951, MED, MARKETING")], "two-applications"),
        named("none at all", &[cn("Fund"), ou("eHealth-platform Belgium")], "no-organisation"),
        named("an empty subject", &[], "no-organisation"),
        named("SSIN only", &[cn("SSIN=85073099932")], "no-organisation"),
        named("NIHII only", &[cn("NIHII=12345678")], "no-organisation"),
        named("lower-case key", &[cn("cbe=0202239951")], "no-organisation"),
        named("lower-case key beside another number", &[cn("CBE=0202239951"), ou("cbe=0809394427")], FUND),
        named("upper-case URN", &[ou(&urn.to_uppercase())], "no-organisation"),
        named("a Cyrillic letter in the key", &[cn("СВЕ=0202239951")], "no-organisation"),
        named("CBE in the O", &[attribute(oid::ORGANISATION, string::UTF8, b"CBE=0202239951")], "no-organisation"),
        named(
            "another number in the O",
            &[cn("CBE=0202239951"), attribute(oid::ORGANISATION, string::UTF8, b"CBE=0809394427")],
            FUND,
        ),
        named(
            "CBE in the serialNumber",
            &[attribute(oid::SERIAL_NUMBER, string::PRINTABLE, b"CBE=0202239951")],
            "no-organisation",
        ),
    ]
}

#[test]
fn every_certificate_has_its_expected_outcome() {
    let cases = matrix();
    let mut titles = BTreeSet::new();
    let wrong: Vec<_> = cases
        .iter()
        .map(|case| (case, case.outcome()))
        .filter(|(case, outcome)| outcome != case.expected || !titles.insert((case.title, case.expected)))
        .map(|(case, outcome)| format!("{}: {outcome}, not {}", case.title, case.expected))
        .collect();
    println!("{} cases", cases.len());
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_matrix_produces_every_code() {
    let produced: BTreeSet<_> = matrix().iter().map(|case| case.expected).collect();
    let closed = ClosedIssuer::ALL.map(ClosedIssuer::code);
    let refused = RefusalCode::ALL.map(RefusalCode::code);
    let unidentified = IdentityError::ALL.map(IdentityError::code);
    let mut all = BTreeSet::from([FUND]);
    for code in closed.into_iter().chain(refused).chain(unidentified) {
        assert!(all.insert(code), "two outcomes have the code {code}");
    }
    assert_eq!(produced, all);
}

/// A root, an intermediate and a leaf, with the `notAfter` of each.
struct Ends {
    leaf: &'static str,
    issuer: &'static str,
    root: &'static str,
    issuer_list: &'static str,
    root_list: &'static str,
}

/// Later than every other end.
const LATER: &str = "2026-11-30T00:00:00Z";

impl Ends {
    const LATER: Self = Self { leaf: LATER, issuer: LATER, root: LATER, issuer_list: LATER, root_list: LATER };

    fn admit(&self) -> Admission {
        let end = |end: &'static str| move |certificate: &mut Certificate| certificate.not_after = end.to_owned();
        let root = Authority::root_with("Root", Key::p256(), end(self.root));
        let issuer = root.issue_authority_with("Issuer", end(self.issuer));
        let next = |next: &'static str| move |list: &mut List| list.next_update = Some(next.to_owned());
        let lists = vec![root.list_with(next(self.root_list)), issuer.list_with(next(self.issuer_list))];
        let case = Case::chain("ends", &[&root, &issuer], issuer.issue_leaf_with(end(self.leaf)), FUND).lists(lists);
        case.admit().expect("no exchange has ended yet")
    }
}

#[test]
fn an_admission_ends_at_its_earliest_limit() {
    const END: &str = "2026-06-01T00:00:00Z";
    // A certificate is valid for the whole of its last second; a list is stale from its
    // `nextUpdate` on.
    for (what, ends, first_refused) in [
        ("the leaf", Ends { leaf: END, ..Ends::LATER }, "2026-06-01T00:00:01Z"),
        ("the intermediate", Ends { issuer: END, ..Ends::LATER }, "2026-06-01T00:00:01Z"),
        ("the root", Ends { root: END, ..Ends::LATER }, "2026-06-01T00:00:01Z"),
        ("the intermediate's list", Ends { issuer_list: END, ..Ends::LATER }, "2026-06-01T00:00:00Z"),
        ("the root's list", Ends { root_list: END, ..Ends::LATER }, "2026-06-01T00:00:00Z"),
        ("all lists", Ends::LATER, LATER),
    ] {
        let admission = ends.admit();
        let end = moment(first_refused);
        let just_before = Timestamp::from_millis(end.as_millis() - 1);
        assert_eq!(admission.end(), end, "{what}");
        for (now, holds) in [
            (moment(NOW), true),
            (just_before, true),
            (end, false),
            (moment("2030-01-01T00:00:00Z"), false),
            // A clock that was set back: to the time of the lists, and to an earlier time.
            (moment("2026-05-01T00:00:00Z"), true),
            (moment("2026-04-30T23:59:59.999Z"), false),
            (moment("1969-12-31T23:59:59Z"), false),
        ] {
            assert_eq!(admission.holds(now), holds, "{what} at {now:?}");
        }
    }
}

/// A repeated admission gives the same result as the first.
#[test]
fn an_admission_holds_as_long_as_a_new_one_would_succeed() {
    let root = Authority::root("Root");
    let leaf = root.issue_leaf_with(|leaf| {
        leaf.not_before = "2026-05-01T10:00:00Z".to_owned();
        leaf.not_after = "2026-05-01T14:00:00Z".to_owned();
    });
    for (this_update, next_update) in [
        ("2026-05-01T09:00:00Z", "2026-05-01T15:00:00Z"),
        ("2026-05-01T11:00:00Z", "2026-05-01T13:00:00Z"),
        ("2026-05-01T10:00:00Z", "2026-05-01T14:00:00Z"),
        ("2026-05-01T10:00:00Z", "2026-05-01T14:00:01Z"),
    ] {
        let list = root.list_with(|list| {
            list.this_update = this_update.to_owned();
            list.next_update = Some(next_update.to_owned());
        });
        let trust = trust(std::slice::from_ref(&root.certificate), &Revocation::Lists(vec![list]));
        let admit = |now| trust.admit(&leaf, &[], now).map(|admitted| admitted.admission);
        let admission = admit(moment(NOW)).expect("everything is valid at noon");
        for hour in 8..=16 {
            for offset in [-1_000, -1, 0, 1, 999, 1_000] {
                let now = Timestamp::from_millis(moment(&format!("2026-05-01T{hour:02}:00:00Z")).as_millis() + offset);
                assert_eq!(admission.holds(now), admit(now).is_ok(), "{now:?}, list of {this_update}");
            }
        }
    }
}

#[test]
fn a_closed_issuer_is_reported_and_closes_no_other() {
    let open = Authority::root("Open");
    let without = Authority::root("Without");
    let stale = open.issue_authority("Stale");
    let lists = vec![open.list(), stale.list_with(|list| list.next_update = Some("2026-05-01T06:00:00Z".to_owned()))];
    let authorities = [&open, &without, &stale].map(|authority| authority.certificate.clone());
    let trust = trust(&authorities, &Revocation::Lists(lists));
    let closed = |now| -> Vec<_> {
        let closed = trust.closed_issuers(moment(now));
        closed.map(|(issuer, reason)| (issuer.subject.clone(), reason.code())).collect()
    };
    assert_eq!(closed(NOW), [(without.name.clone(), "crl-missing"), (stale.name.clone(), "crl-stale")]);
    assert_eq!(closed("2026-05-01T05:00:00Z"), [(without.name.clone(), "crl-missing")]);
    assert_eq!(closed("2026-04-01T05:00:00Z").len(), 3);
    assert!(trust.admit(&open.issue_leaf(), &[], moment(NOW)).is_ok());

    // A list that the renewed root may sign is also valid for the old certificate.
    let silent = Authority::root_with("Renewed", Key::p256(), |root| root.extensions[1] = key_usage(&[KEY_CERT_SIGN]));
    let renewed = [silent.certificate.clone(), silent.cross_sign(&silent, |_| {})];
    let lists = Revocation::Lists(vec![silent.list()]);
    assert_eq!(self::trust(&renewed, &lists).closed_issuers(moment(NOW)).count(), 0);
    assert_eq!(self::trust(&renewed[..1], &lists).closed_issuers(moment(NOW)).count(), 1);

    let ignored = self::trust(&authorities, &Revocation::None);
    assert_eq!(ignored.closed_issuers(moment(NOW)).count(), 0);
}

#[test]
fn a_certificate_that_is_no_ca_is_refused_as_authority() {
    let root = Authority::root("Root");
    let issuer = root.issue_authority("Issuer");
    let silent = root.issue_authority_with("Issuer", |issuer| issuer.extensions[1] = key_usage(&[CRL_SIGN]));
    let read = |authorities: &[&CertificateDer<'static>]| {
        let authorities = authorities.iter().map(|authority| (*authority).clone()).collect();
        Trust::new(authorities, &Revocation::None, algorithms()).map(drop)
    };
    assert_eq!(read(&[&root.certificate, &issuer.certificate]), Ok(()));
    assert_eq!(read(&[]), Err(AuthorityError::NoRoot));
    assert_eq!(read(&[&issuer.certificate]), Err(AuthorityError::NoRoot));
    assert_eq!(read(&[&root.certificate, &silent.certificate]), Err(AuthorityError::MayNotSign));
    assert_eq!(read(&[&root.certificate, &root.issue_leaf()]), Err(AuthorityError::MayNotSign));
    assert_eq!(read(&[&CertificateDer::from(vec![0x30, 0])]), Err(AuthorityError::Malformed));
}

/// webpki tries every order of certificates that name each other before it looks at a signature:
/// seconds of work per certificate list that has ten of one name among many others.
#[test]
fn many_certificates_with_one_name_cause_no_search() {
    let root = Authority::root("Root");
    let fakes: Vec<_> = (0..10).map(|_| Authority::root("Fake")).collect();
    let others = (0..190).map(|_| Authority::root("Other").certificate);
    let sent: Vec<_> = fakes.iter().map(|fake| fake.certificate.clone()).chain(others).collect();
    let leaf = fakes[0].issue_leaf();
    let trust = trust(&[root.certificate], &Revocation::None);
    let (work, ()) = measure(|| {
        assert_eq!(trust.admit(&leaf, &sent, moment(NOW)), Err(RefusedCertificate::PathTooLong));
        assert!(trust.admit(&leaf, &sent[..3], moment(NOW)).is_err());
    });
    assert!(work < Duration::from_secs(1), "{work:?}");
}

#[test]
fn the_subject_never_shows_an_ssin_in_any_encoding() {
    const PERSON: &str = "85073099932";
    let wide: Vec<u8> = PERSON.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let root = Authority::root("Root");
    for value in [
        cn(PERSON),
        cn("SSIN=85073099932"),
        attribute(oid::SERIAL_NUMBER, string::PRINTABLE, PERSON.as_bytes()),
        attribute(oid::COMMON_NAME, string::T61, PERSON.as_bytes()),
        attribute(oid::COMMON_NAME, string::IA5, PERSON.as_bytes()),
        attribute(oid::COMMON_NAME, string::BMP, &wide),
    ] {
        let leaf = root.issue_leaf_with(|leaf| leaf.subject = name(std::slice::from_ref(&value)));
        let subject = Facts::from_der(&leaf).expect("the leaf can be read").subject;
        let hexadecimal = PERSON.bytes().map(|digit| format!("{digit:02x}"));
        assert!(!subject.contains(PERSON), "{subject}");
        assert!(!subject.contains(&hexadecimal.clone().collect::<String>()), "{subject}");
        assert!(!subject.contains(&hexadecimal.collect::<Vec<_>>().join("00")), "{subject}");
    }
}

/// Every request formats the subject, whatever its size.
#[test]
fn a_large_subject_is_formatted_with_little_work() {
    let root = Authority::root("Root");
    for subject in [
        name(&[cn(&"SSIN=".repeat(12_000))]),
        name(&[cn(&"SSIN=8,".repeat(8_000))]),
        name(&[cn(&"CBE=0202239951,".repeat(4_000))]),
        name(&vec![ou("CBE=0202239951"); 2_000]),
    ] {
        let leaf = root.issue_leaf_with(|leaf| leaf.subject = subject);
        let (work, facts) = measure(|| Facts::from_der(&leaf).expect("the leaf can be read"));
        assert!(work < Duration::from_secs(1), "{work:?}");
        assert!(facts.subject.chars().count() <= 1_024);
    }
}

/// Changes one to four places: a bit, an octet, a range removed, doubled or overwritten, the end
/// cut off.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.index(4) {
        let at = random.index(bytes.len().max(1));
        let to = at + random.index(bytes.len() - at + 1).min(40);
        match random.index(7) {
            _ if bytes.is_empty() => return,
            0 => bytes[at] ^= 1 << random.index(8),
            1 => bytes[at] = u8::try_from(random.index(256)).expect("an octet"),
            2 => bytes[at] = [0, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x30][random.index(8)],
            3 => drop(bytes.drain(at..to)),
            4 => drop(bytes.splice(at..at, bytes[at..to].to_vec())),
            5 => bytes[at..to].fill(0x30),
            _ => bytes.truncate(at),
        }
    }
}
/// Whether the list can be read.
///
/// # Panics
/// If x509-parser or webpki reads other contents in the same list.
fn is_read_as_by_others(list: &[u8]) -> bool {
    let Ok(ours) = RevocationList::from_der(list, |_| true) else { return false };
    let seconds = |time: Timestamp| time.as_millis().div_euclid(1_000);
    if let Ok((_, theirs)) = CertificateRevocationList::from_der(list) {
        let serials: Vec<_> =
            theirs.iter_revoked_certificates().map(x509_parser::prelude::RevokedCertificate::raw_serial).collect();
        assert_eq!(ours.revoked_count(), serials.len());
        assert!(serials.iter().all(|serial| Serial::from_der(serial).is_some_and(|serial| ours.is_revoked(serial))));
        assert_eq!(seconds(ours.this_update()), theirs.last_update().timestamp());
        assert_eq!(Some(seconds(ours.next_update())), theirs.next_update().map(|time| time.timestamp()));
    }
    if let Ok(theirs) = BorrowedCertRevocationList::from_der(list) {
        for entry in &theirs {
            let Ok(entry) = entry else { continue };
            assert!(Serial::from_der(entry.serial_number).is_some_and(|serial| ours.is_revoked(serial)));
        }
    }
    true
}

#[test]
fn mutated_certificates_and_crls_neither_panic_nor_cost_much() {
    const ROUNDS: usize = 100_000;
    const LONGEST: Duration = Duration::from_secs(1);
    let root = Authority::root("Root");
    let issuer = root.issue_authority_with("Issuer", |issuer| {
        issuer.extensions.push(permitted(&element(0x82, b"fund.example")));
    });
    let leaves = [
        root.issue_leaf(),
        issuer.issue_leaf_with(|leaf| leaf.extensions.push(dns_name("app.fund.example"))),
        root.issue_leaf_with(|leaf| leaf.subject = name(&[ou("CBE=0202239951"), ou(&format!("{URN}{FUND}"))])),
        root.issue_leaf_with(|leaf| leaf.public_key = rsa_public_key_of_bits(2_048)),
        issuer.certificate.clone(),
    ];
    let signed = leaves.each_ref().map(|leaf| {
        let (_, certificate) = X509Certificate::from_der(leaf).expect("the leaves are sound");
        certificate.tbs_certificate.as_ref().to_vec()
    });
    let lists = [
        root.list(),
        root.list_with(|list| {
            list.revoke_strangers(20);
            list.entry_extensions = vec![extension(oid::REASON, false, &element(10, &[1]))];
        }),
    ];
    let trust = trust(
        &[root.certificate.clone(), issuer.certificate.clone()],
        &Revocation::Lists(vec![root.list(), issuer.list()]),
    );
    let now = moment(NOW);
    let mut random = Random::new(0x5eed_0bad_cafe_f00d);
    let (mut longest, mut readable) = (Duration::ZERO, 0_usize);
    for round in 0..ROUNDS {
        let (work, ()) = measure(|| {
            if round % 3 == 0 {
                let mut bytes = lists[random.index(lists.len())].to_vec();
                mutate(&mut random, &mut bytes);
                readable += usize::from(is_read_as_by_others(&bytes));
                let _ = read_issuer(&bytes);
            } else if round % 3 == 1 {
                // Signed after the change, so that validation reaches the end.
                let mut bytes = signed[random.index(signed.len())].clone();
                mutate(&mut random, &mut bytes);
                let leaf = CertificateDer::from(root.key.envelop(&bytes, &root.key.algorithm, false));
                readable += usize::from(Profile::from_der(&leaf).is_ok());
                let _ = trust.admit(&leaf, std::slice::from_ref(&issuer.certificate), now);
                let _ = Facts::from_der(&leaf);
            } else {
                let mut bytes = leaves[random.index(leaves.len())].to_vec();
                mutate(&mut random, &mut bytes);
                let bytes = CertificateDer::from(bytes);
                readable += usize::from(Profile::from_der(&bytes).is_ok());
                let _ = Facts::from_der(&bytes);
                // A certificate whose signed bytes changed is never admitted; the other bytes
                // cannot be changed either.
                let is_let_in = trust.admit(&bytes, &[], now).is_ok();
                assert!(!is_let_in || leaves.contains(&bytes), "{bytes:?}");
                let _ = trust.admit(&leaves[1], std::slice::from_ref(&bytes), now);
            }
        });
        longest = longest.max(work);
    }
    println!("{ROUNDS} mutations, {readable} still readable, the longest used {longest:?} of the processor");
    assert!(longest < LONGEST, "{longest:?}");
    assert!(readable > ROUNDS / 20, "{readable}");
}

/// A case on which OpenSSL and the service differ must state the reason.
#[test]
fn openssl_agrees_on_every_path_except_the_known_ones() {
    if OpenSsl::find().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("some file descriptors are left");
    let wrong: Vec<_> = matrix()
        .iter()
        .filter_map(|case| {
            let (accepts, printed) = OpenSsl::accepts(case, folder.path());
            let agrees = accepts == case.admit().is_ok();
            match case.openssl {
                OpenSslVerdict::Differs(why) => {
                    println!("{} {}: {why}", if agrees { "agrees" } else { "differs" }, case.title);
                    None
                }
                OpenSslVerdict::Agrees => (!agrees).then(|| format!("{}: openssl said {printed}", case.title)),
            }
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

/// The command `openssl verify`.
struct OpenSsl;

impl OpenSsl {
    /// `None` without OpenSSL 3, which is reported past the capture of the test runner.
    ///
    /// # Panics
    /// If it is missing and the environment variable `CI` is set.
    fn find() -> Option<Self> {
        let version = Command::new("openssl").arg("version").output();
        if version.is_ok_and(|output| output.stdout.starts_with(b"OpenSSL 3.")) {
            return Some(Self);
        }
        skip("OpenSSL 3 is missing, which validates the same paths independently");
        None
    }

    /// Whether it accepts the case's path, and its output.
    fn accepts(case: &Case, folder: &Path) -> (bool, String) {
        let write = |name: &str, label: &str, files: &[&[u8]]| {
            let path = folder.join(name);
            let text: String = files.iter().map(|der| pem(label, der)).collect();
            fs::write(&path, text).expect("some file descriptors are left");
            path
        };
        let der =
            |certificates: &[CertificateDer<'static>]| certificates.iter().map(|c| c.to_vec()).collect::<Vec<_>>();
        let is_root =
            |certificate: &CertificateDer<'static>| Profile::from_der(certificate).is_ok_and(|p| p.is_self_issued());
        let (roots, intermediates): (Vec<_>, Vec<_>) = case.authorities.iter().cloned().partition(is_root);
        let sent: Vec<_> = case.sent.iter().filter(|sent| Profile::from_der(sent).is_ok()).cloned().collect();
        let untrusted = [der(&sent), der(&intermediates)].concat();
        let seconds = moment(case.now).as_millis().div_euclid(1_000).to_string();
        let slices = |files: &[Vec<u8>]| files.iter().map(|file| pem("CERTIFICATE", file)).collect::<String>();
        let mut command = Command::new("openssl");
        command.args(["verify", "-purpose", "sslclient", "-attime", &seconds, "-no-CApath", "-no-CAstore", "-CAfile"]);
        let trusted = folder.join("roots.pem");
        fs::write(&trusted, slices(&der(&roots))).expect("some file descriptors are left");
        command.arg(trusted);
        if !untrusted.is_empty() {
            let path = folder.join("untrusted.pem");
            fs::write(&path, slices(&untrusted)).expect("some file descriptors are left");
            command.arg("-untrusted").arg(path);
        }
        if let Revocation::Lists(lists) = &case.revocation {
            command.arg("-crl_check_all");
            if !lists.is_empty() {
                let lists: Vec<&[u8]> = lists.iter().map(AsRef::as_ref).collect();
                command.arg("-CRLfile").arg(write("lists.pem", "X509 CRL", &lists));
            }
        }
        command.arg(write("leaf.pem", "CERTIFICATE", &[&case.leaf]));
        let output = command.output().expect("it was found");
        let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).replace('\n', "; ");
        (output.status.success(), printed)
    }
}
