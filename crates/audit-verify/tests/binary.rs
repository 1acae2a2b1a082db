//! The `audit-verify` binary over `fixtures/audit-logs`: output and exit codes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/audit-logs")
}

fn key_file() -> PathBuf {
    fixtures().join("public-key.txt")
}

fn run(arguments: impl IntoIterator<Item = PathBuf>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_audit-verify")).args(arguments).output().expect("the binary starts")
}

fn verify(fixture: &str, options: &[&str]) -> Output {
    let folder = fixtures().join(fixture);
    let checkpoint = ["--checkpoint".into(), folder.join("elsewhere")];
    let key = ["--key".into(), key_file()];
    run(key.into_iter().chain(checkpoint).chain(options.iter().map(PathBuf::from)).chain([folder.join("audit-log")]))
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

#[test]
fn each_fixture_gets_its_verdict_and_exit_code() {
    let mut sound = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(fixtures()).expect("the fixtures") {
        let entry = entry.expect("a fixture");
        if !entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().expect("UTF-8");
        let expected = fs::read_to_string(entry.path().join("findings.txt")).expect("its findings");
        let output = verify(&name, &[]);
        let findings: Vec<_> = stdout(&output).lines().filter_map(|line| line.strip_prefix("WRONG: ")).collect();
        assert_eq!(findings, expected.lines().collect::<Vec<_>>(), "{name}");
        let last = stdout(&output).lines().last();
        assert_eq!(last, Some(if expected.is_empty() { "sound" } else { "not sound" }), "{name}");
        assert_eq!(output.status.code(), Some(i32::from(!expected.is_empty())), "{name}");
        assert_eq!(stderr(&output), "", "{name}");
        if expected.is_empty() {
            sound.push(name);
        }
        count += 1;
    }
    sound.sort();
    assert_eq!((count, sound), (14, vec!["pruned".to_owned(), "sound".to_owned()]));
}

#[test]
fn json_has_the_verdict_and_a_code_for_each_finding() {
    let verdict: Value = serde_json::from_slice(&verify("sound", &["--json"]).stdout).expect("JSON");
    assert_eq!(verdict["isSound"], true);
    assert_eq!((&verdict["first"], &verdict["size"], &verdict["segments"]), (&json!(0), &json!(10), &json!(2)));
    assert_eq!((&verdict["signedElsewhere"], &verdict["findings"]), (&json!(10), &json!([])));
    assert_eq!(verdict["root"].as_str().map(str::len), Some(64));

    let output = verify("an-old-audit-log-put-back", &["--json"]);
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let codes: Vec<_> = verdict["findings"].as_array().expect("an array").iter().map(|f| f["code"].as_str()).collect();
    assert_eq!(codes, [Some("truncated"), Some("older than elsewhere")]);
    assert_eq!((&verdict["isSound"], output.status.code()), (&json!(false), Some(1)));
}

#[test]
fn records_after_the_checkpoint_are_counted_and_no_finding() {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("copied-while-written");
    let _ = fs::remove_dir_all(&copy);
    fs::create_dir_all(&copy).expect("a folder");
    for entry in fs::read_dir(fixtures().join("sound/audit-log")).expect("the fixture") {
        let path = entry.expect("a file").path();
        fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("copied");
    }
    let early = fixtures().join("an-old-audit-log-put-back/audit-log/checkpoint");
    fs::copy(early, copy.join("checkpoint")).expect("copied");
    let arguments = || ["--key".into(), key_file(), copy.clone()];
    let output = run(arguments());
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let last = stdout(&output).lines().last();
    assert_eq!(last, Some("sound up to record 5; 5 records after the last checkpoint"));
    let output = run(arguments().into_iter().chain(["--json".into()]));
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&verdict["isSound"], &verdict["signed"], &verdict["unsigned"]), (&json!(true), &json!(5), &json!(5)));
    assert!(verdict["notices"].as_array().expect("a list").iter().any(|notice| notice["code"] == "unsigned"));
}

#[test]
fn key_is_a_file_or_the_text_of_a_key() {
    let text = fs::read_to_string(key_file()).expect("the key");
    let folder = fixtures().join("sound/audit-log");
    let output = run(["--key".into(), text.trim().into(), folder.clone()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("truncation: cannot be detected without a checkpoint kept elsewhere"));

    let not_a_key = fixtures().join("sound/elsewhere");
    for (key, reason) in [(not_a_key, "not a public key"), ("missing.pub".into(), "No such file")] {
        let output = run(["--key".into(), key.clone(), folder.clone()]);
        assert_eq!(output.status.code(), Some(1));
        let expected = [&format!("error: {}: ", key.display()), reason];
        assert!(expected.iter().all(|part| stderr(&output).contains(*part)), "{}", stderr(&output));
    }
}

#[test]
fn missing_folder_exits_1_and_bad_arguments_exit_2() {
    let output = run(["--key".into(), key_file(), "no-such-folder".into()]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), ""));
    assert!(stderr(&output).starts_with("error: no-such-folder: "), "{}", stderr(&output));
    for arguments in [vec![], vec!["folder"], vec!["--key", "key"], vec!["proof", "file"], vec!["--unknown"]] {
        let output = run(arguments.iter().map(PathBuf::from));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn help_names_the_exit_codes_and_has_examples() {
    for arguments in [vec!["--help"], vec!["proof", "--help"]] {
        let output = run(arguments.iter().map(PathBuf::from));
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("audit-verify proof --key audit-log.pub exchange.proof"));
    }
    let output = run(["--help".into()]);
    ["Exit codes:", "--checkpoint", "--json"].iter().for_each(|text| assert!(stdout(&output).contains(text), "{text}"));
}

/// SHA-256 of a prefix byte and two parts (RFC 6962, section 2.1).
fn hash(prefix: u8, left: &[u8], right: &[u8]) -> Vec<u8> {
    digest(&SHA256, &[&[prefix], left, right].concat()).as_ref().to_vec()
}

/// Path and root of RFC 6962, section 2.1.1, literally.
fn path(index: usize, leaves: &[Vec<u8>]) -> (Vec<Vec<u8>>, Vec<u8>) {
    if let [leaf] = leaves {
        return (Vec::new(), leaf.clone());
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut hashes, sibling) = if index < left.len() {
        (path(index, left).0, path(0, right).1)
    } else {
        (path(index - left.len(), right).0, path(0, left).1)
    };
    hashes.push(sibling);
    (hashes, hash(1, &path(0, left).1, &path(0, right).1))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

/// Makes the proof of a record of the sound fixture, from the tables of the format.
fn proof(index: usize) -> String {
    let folder = fixtures().join("sound/audit-log");
    let mut records = Vec::new();
    for segment in ["000000000000-2016-11.seg", "000000000005-2026-12.seg"] {
        let bytes = fs::read(folder.join(segment)).expect("a segment");
        let mut rest = bytes.as_slice();
        while let Some(length) = rest.get(4..8).and_then(|length| length.try_into().ok()) {
            let end = 8 + u32::from_be_bytes(length) as usize;
            records.push(rest[8..end].to_vec());
            rest = &rest[end + 32..];
        }
    }
    let leaves: Vec<_> = records.iter().map(|record| hash(0, record, &[])).collect();
    let hashes: String = path(index, &leaves).0.iter().map(|hash| base64(hash) + "\n").collect();
    let checkpoint = fs::read_to_string(folder.join("checkpoint")).expect("the checkpoint");
    format!("c2sp.org/tlog-proof@v1\nextra {}\nindex {index}\n{hashes}\n{checkpoint}", base64(&records[index]))
}

fn verify_proof(text: &str, name: &str, options: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(name);
    fs::write(&file, text).expect("a file for the proof");
    let fixed = ["proof".into(), "--key".into(), key_file(), file];
    run(fixed.into_iter().chain(options.iter().map(PathBuf::from)))
}

#[test]
fn proof_of_each_record_is_verified() {
    for index in 0..10 {
        let output = verify_proof(&proof(index), &format!("sound-{index}.proof"), &["--json"]);
        let proven: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&proven["isProven"], output.status.code()), (&json!(true), Some(0)));
        assert_eq!((&proven["sequence"], &proven["size"]), (&json!(index), &json!(10)));
        // Records 0 and 5 begin the two segments; the others are exchanges.
        assert_eq!(proven["ticketCBSS"].as_str().map(str::len), (index % 5 != 0).then_some(36), "{index}");
    }
    let output = verify_proof(&proof(1), "text.proof", &[]);
    assert!(stdout(&output).starts_with("record 1 of 10 was written at 2016-11-22T05:19:00"), "{}", stdout(&output));
}

#[test]
fn changed_proof_is_not_proven() {
    let other_index = proof(1).replace("index 1", "index 2");
    let other_checkpoint = proof(1).replace("\n10\n", "\n11\n");
    for (name, text, reason) in [
        ("index.proof", other_index.as_str(), "the checkpoint does not sign the record"),
        ("checkpoint.proof", &other_checkpoint, "the checkpoint of the proof is not signed by this key"),
        ("form.proof", "c2sp.org/tlog-proof@v1\n", "not a proof"),
    ] {
        let output = verify_proof(text, name, &[]);
        assert_eq!((output.status.code(), stdout(&output)), (Some(1), ""), "{name}");
        assert!(stderr(&output).contains(reason), "{name}: {}", stderr(&output));
        let output = verify_proof(text, name, &["--json"]);
        let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&verdict["isProven"], output.status.code()), (&json!(false), Some(1)), "{name}");
    }
}
