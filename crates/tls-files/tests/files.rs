//! Files as operators write them: PEM and DER, right, mixed up and damaged.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tls_files::{
    ClientTls, ClientTlsError, Content, ContentError, FileError, Identity, parse_certificates, parse_private_key,
    parse_revocation_lists, read_all_certificates, read_all_revocation_lists, read_certificates, read_private_key,
    read_revocation_lists,
};

struct Made {
    certificate: rcgen::Certificate,
    key: KeyPair,
    revocation_list: rcgen::CertificateRevocationList,
}

fn make() -> Made {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 1, 1),
        next_update: rcgen::date_time_ymd(2027, 1, 1),
        crl_number: rcgen::SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let issuer = rcgen::Issuer::new(params, KeyPair::from_pem(&key.serialize_pem()).expect("the same key"));
    let revocation_list = list.signed_by(&issuer).expect("a list");
    Made { certificate, key, revocation_list }
}

fn text<T>(result: Result<T, ContentError>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn pem_and_der_give_the_same_content() {
    let Made { certificate, key, revocation_list } = make();
    let pem = parse_certificates(certificate.pem().as_bytes()).expect("PEM");
    assert_eq!(pem, parse_certificates(certificate.der()).expect("DER"));
    let pem = parse_private_key(key.serialize_pem().as_bytes()).expect("PEM");
    assert_eq!(pem, parse_private_key(&key.serialize_der()).expect("DER"));
    let pem = parse_revocation_lists(revocation_list.pem().expect("PEM").as_bytes()).expect("PEM");
    assert_eq!(pem, parse_revocation_lists(revocation_list.der()).expect("DER"));
}

#[test]
fn certificates_keep_their_order_and_other_blocks_are_ignored() {
    let (first, second) = (make(), make());
    let file = [&first.key.serialize_pem(), "a remark\n", &first.certificate.pem(), &second.certificate.pem()];
    let file = file.map(ToString::to_string).concat();
    let certificates = parse_certificates(file.as_bytes()).expect("two certificates");
    assert_eq!(certificates, [first.certificate.der().clone(), second.certificate.der().clone()]);
    assert_eq!(parse_private_key(file.as_bytes()).expect("a key").secret_der(), first.key.serialize_der());
}

#[test]
fn certificate_of_version_1_is_no_revocation_list() {
    // SEQUENCE { SEQUENCE { INTEGER, SEQUENCE {}, SEQUENCE {}, … } }: both begin alike.
    let certificate = [0x30, 0x0b, 0x30, 0x09, 0x02, 0x01, 0x01, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00];
    let list_of_version_3 = [0x30, 0x0b, 0x30, 0x09, 0x02, 0x01, 0x02, 0x30, 0x00, 0x30, 0x00, 0x17, 0x00];
    assert_eq!(parse_certificates(&certificate).expect("a certificate").len(), 1);
    assert!(parse_revocation_lists(&certificate).is_err());
    assert_eq!(parse_revocation_lists(&list_of_version_3).expect("a list").len(), 1);
    assert!(parse_certificates(&list_of_version_3).is_err());
}

#[test]
fn error_says_what_was_found_and_expected() {
    let Made { certificate, key, revocation_list } = make();
    let (key_pem, list_pem) = (key.serialize_pem(), revocation_list.pem().expect("PEM"));
    let encrypted = key_pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let both = key_pem.clone() + &list_pem;
    for (bytes, found) in [
        (key_pem.as_bytes(), "found a private key"),
        (&key.serialize_der(), "found a private key"),
        (list_pem.as_bytes(), "found a certificate revocation list"),
        (revocation_list.der(), "found a certificate revocation list"),
        (both.as_bytes(), "found a private key and a certificate revocation list"),
        (b"-----BEGIN PGP MESSAGE-----\nAAAA\n-----END PGP MESSAGE-----\n", "found a PEM block `PGP MESSAGE`"),
        (b" \n", "is empty"),
        (b"", "is empty"),
        (b"hello", "found neither PEM nor DER"),
        (b"\x30\x00", "found neither PEM nor DER"),
        (encrypted.as_bytes(), "found an encrypted private key"),
        (b"\x30\x84\xff\xff\xff\xff", "found neither PEM nor DER"),
    ] {
        assert_eq!(text(parse_certificates(bytes)), format!("{found}, expected certificates"));
    }
    for bytes in [certificate.pem().as_bytes(), certificate.der()] {
        assert_eq!(text(parse_private_key(bytes)), "found a certificate, expected an unencrypted private key");
        let found = "found a certificate, expected certificate revocation lists";
        assert_eq!(text(parse_revocation_lists(bytes)), found);
    }
}

#[test]
fn error_says_how_to_convert_each_other_form() {
    let pem = make().key.serialize_pem();
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n\
                  -----END RSA PRIVATE KEY-----\n";
    let block = |label: &str| pem.replace("PRIVATE KEY", label).into_bytes();
    // SEQUENCE { SEQUENCE { OBJECT IDENTIFIER }, OCTET STRING }, and so on: the first tags decide.
    let encrypted_der = b"\x30\x08\x30\x04\x06\x02\x2a\x03\x04\x00".to_vec();
    let public_der = b"\x30\x08\x30\x04\x06\x02\x2a\x03\x03\x00".to_vec();
    let pkcs_12 = b"\x30\x05\x02\x01\x03\x30\x00".to_vec();
    let pkcs_12_ber = b"\x30\x80\x02\x01\x03\x30\x80".to_vec();
    let pkcs_7_der = b"\x30\x04\x06\x02\x2a\x03".to_vec();
    let keystore = b"\xfe\xed\xfe\xed\0\0\0\x02".to_vec();
    for (bytes, found, key_remedy, certificate_remedy) in [
        (block("ENCRYPTED PRIVATE KEY"), "an encrypted private key", "openssl pkey -in OLD", ""),
        (legacy.as_bytes().to_vec(), "an encrypted private key", "openssl pkey -in OLD", "?"),
        (encrypted_der, "an encrypted private key (DER)", "openssl pkey -inform DER", ""),
        (public_der, "a public key", "", ""),
        (pkcs_12, "a PKCS #12 file (.p12, .pfx)", "openssl pkcs12 -in OLD -nocerts", "openssl pkcs12 -in OLD -nokeys"),
        (pkcs_12_ber, "a PKCS #12 file (.p12, .pfx)", "openssl pkcs12", "openssl pkcs12"),
        (pkcs_7_der, "a PKCS #7 file (.p7b, DER)", "", "openssl pkcs7 -inform DER"),
        (block("PKCS7"), "a PKCS #7 file (.p7b)", "", "openssl pkcs7 -print_certs"),
        (keystore, "a Java keystore (.jks)", "keytool -importkeystore", "keytool -importkeystore"),
        (block("OPENSSH PRIVATE KEY"), "an OpenSSH private key", "ssh-keygen -p -m PKCS8", ""),
        (block("CERTIFICATE REQUEST"), "a certificate request", "", "send it to the CA"),
    ] {
        let holds = |message: String, expected: &str, remedy: &str| {
            let problem = format!("found {found}, expected {expected}");
            let rest = message.strip_prefix(&problem).unwrap_or_else(|| panic!("{message}"));
            assert_eq!(rest.is_empty(), remedy.is_empty(), "{message}");
            assert!(rest.contains(remedy), "{message} lacks {remedy}");
        };
        holds(text(parse_private_key(&bytes)), "an unencrypted private key", key_remedy);
        // The PEM parser calls a block with headers malformed, whatever is expected.
        if certificate_remedy != "?" {
            holds(text(parse_certificates(&bytes)), "certificates", certificate_remedy);
        }
    }
}

#[test]
fn files_that_windows_saved_are_read() {
    let Made { certificate, key, revocation_list } = make();
    let windows = |pem: &str| {
        let text = pem.replace("\r\n", "\n").replace('\n', "\r\n");
        let units: Vec<_> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [[b"\xef\xbb\xbf", text.as_bytes()].concat(), [b"\xff\xfe", units.as_slice()].concat()]
    };
    for bytes in windows(&certificate.pem()) {
        assert_eq!(parse_certificates(&bytes).expect("a certificate"), [certificate.der().clone()]);
    }
    for bytes in windows(&revocation_list.pem().expect("PEM")) {
        assert_eq!(parse_revocation_lists(&bytes).expect("a list"), [revocation_list.der().clone()]);
    }
    for bytes in windows(&key.serialize_pem()) {
        assert_eq!(parse_private_key(&bytes).expect("a key").secret_der(), key.serialize_der());
    }
}

#[test]
fn damaged_pem_is_refused_without_quoting_a_key() {
    let pem = make().key.serialize_pem();
    let cut = pem.split("-----END").next().expect("a part").to_owned();
    let not_base64 = pem.replacen("MIG", "M!G", 1);
    for (damaged, reason) in [(cut, "a block has no END line"), (not_base64, "a block is not base64")] {
        let message = text(parse_private_key(damaged.as_bytes()));
        assert_eq!(message, format!("malformed PEM, expected an unencrypted private key: {reason}"));
    }
}

#[test]
fn file_error_names_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    let message = |error: FileError| error.to_string();
    let missing = message(read_certificates(&file).expect_err("missing"));
    assert!(missing.starts_with(&format!("`{}`: No such file", file.display())), "{missing}");
    fs::write(&file, make().key.serialize_pem()).expect("ours");
    let expected = format!("`{}`: found a private key, expected certificates", file.display());
    assert_eq!(message(read_certificates(&file).expect_err("a key")), expected);
    assert!(matches!(
        read_revocation_lists(&file).expect_err("a key"),
        FileError::Content { reason: ContentError::Unexpected { expected: Content::RevocationLists, .. }, .. }
    ));
    assert!(read_private_key(&file).is_ok());
    assert!(read_private_key(Path::new("")).is_err());
}

#[test]
fn folder_is_read_in_order_and_every_error_is_collected() {
    let folder = tempfile::tempdir().expect("a folder");
    let (made, other) = (make(), make());
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("ours");
    write("2.pem", made.certificate.pem().as_bytes());
    write("1.der", other.certificate.der());
    write(".hidden", b"hello");
    write("3.pem", made.key.serialize_pem().as_bytes());
    let (mut errors, missing) = (Vec::new(), folder.path().join("missing"));
    let found = read_all_certificates(&[folder.path().to_owned(), missing.clone()], &mut errors);
    let names: Vec<_> = found.iter().filter_map(|(file, _)| file.file_name()?.to_str()).collect();
    assert_eq!(names, ["1.der", "2.pem"]);
    let [key, io] = errors.as_slice() else { panic!("{errors:?}") };
    assert!(key.to_string().ends_with("3.pem`: found a private key, expected certificates"), "{key}");
    assert!(matches!(io, FileError::Io { file, .. } if *file == missing), "{io}");
}

#[test]
fn a_broken_revocation_list_is_returned_another_kind_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = make();
    let read = |bytes: &[u8]| {
        let (file, mut errors) = (folder.path().join("list"), Vec::new());
        fs::write(&file, bytes).expect("ours");
        (read_all_revocation_lists(&[file], &mut errors).len(), errors.len())
    };
    assert_eq!(read(made.revocation_list.der()), (1, 0));
    assert_eq!(read(&made.revocation_list.der()[..100]), (1, 0), "cut off");
    assert_eq!(read(b""), (1, 0));
    assert_eq!(read(made.certificate.der()), (0, 1));
    assert_eq!(read(made.certificate.pem().as_bytes()), (0, 1));
}

#[test]
fn configuration_needs_usable_authorities_and_a_matching_key() {
    let (made, other) = (make(), make());
    let chain = || vec![made.certificate.der().clone()];
    let identity =
        |key: &KeyPair| Identity { chain: chain(), key: parse_private_key(&key.serialize_der()).expect("a key") };
    let config = ClientTls::new(chain()).with_identity(identity(&made.key)).build().expect("they match");
    assert_eq!(config.alpn_protocols, [b"http/1.1"]);
    assert!(ClientTls::new(chain()).build().is_ok());
    let mismatch = ClientTls::new(chain()).with_identity(identity(&other.key)).build();
    assert!(matches!(mismatch, Err(ClientTlsError::Identity(_))));
    let authorities = vec![made.certificate.der().clone(), vec![0x30, 0].into()];
    let unusable = ClientTls::new(authorities).build();
    assert!(matches!(unusable, Err(ClientTlsError::Authority { number: 2, .. })));
}
