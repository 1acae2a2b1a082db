//! SSINs of the project: none can belong to a person.

use std::collections::BTreeMap;
use std::path::Path;

use ehealth_core::model::Ssin;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::source::Source;
use super::{Finding, Rule};

/// Sequence number of every SSIN of the project. The register issues 001 to 998.
const NEVER_ISSUED: u64 = 999;
/// Random numbers with right and wrong check digits. They need every sequence number.
const CHECK_DIGITS: &str = "fixtures/numbers/";
/// Messages that others signed: another number would break their signatures. They have this one.
const SIGNED: (&str, u64) = ("fixtures/signed/clients/", 85_073_000_000 + 160);
/// Lengths of the groups of digits in an SSIN with separators.
const GROUPS: [usize; 5] = [2, 2, 2, 3, 2];
const SEPARATORS: &[u8] = b" .-/_";
/// Length of the shortest digest in hexadecimal. Digits inside are random.
const DIGEST: usize = 32;
/// Integers of a database below this are days, identifiers and counts.
const SMALLEST: i64 = 1_000_000;

/// All rules.
pub const RULES: [Rule; 1] = [Rule {
    name: "ssin",
    text: "Every SSIN has the sequence number 999, which is never issued (docs/reference/domain.md \"Identifiers\"): an issued one can be the SSIN of a real person. Use another birthday and 999, and compute the check digits.",
    find: issued,
    bad: &[
        ("docs/a.md", concat!("Ask 85073", "000160.\n")),
        ("docs/a.md", concat!("Ask 85.07.30-", "001.60 or 850730 ", "001 60.\n")),
        ("src/a.rs", concat!("const ANNA: u64 = 85_073_", "000_160;")),
        ("a.xml", concat!("<ssin>00012", "500161</ssin>")),
        ("a.xml", concat!("<ssin>88273", "002050</ssin>")),
        // UTF-16, read as UTF-8.
        ("a.xml", "8\x005\x000\x007\x003\x000\x000\x000\x001\x006\x000\x00"),
        ("a.csv", concat!("0ab85073", "000160cd\n")),
        ("fixtures/signed/clients/a.xml", concat!("<ssin>85073", "000259</ssin>")),
    ],
    good: &[
        ("docs/a.md", "Ask 85073099932, 85.07.30-999.32 or 00012599933, not 85073099933.\n"),
        ("docs/b.md", "0999010126 is an organisation, 2026-01-15T09:30:00.000Z a timestamp.\n"),
        (
            "docs/c.md",
            concat!("185073", "000160, 85073", "0001600, 1_850_730_", "001_60, rate=30432.85073", "000160\n"),
        ),
        ("Cargo.lock", concat!("checksum = \"e3b0c44298fc1c149afbf85073", "000160ae41e4649b934ca495991b7852b855\"\n")),
        ("fixtures/numbers/ssin.csv", concat!("85073", "000160,yes\n")),
        ("fixtures/signed/clients/a.xml", concat!("<ssin>85073", "000160</ssin>")),
    ],
}];

/// SSINs with another sequence number, with the lines that have them.
fn issued(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !source.path.starts_with(CHECK_DIGITS)) {
        // Without the zero bytes, digits in UTF-16 are adjacent.
        let text = source.text.replace('\0', "");
        let mut lines: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            for ssin in ssins(text.as_bytes()).filter(|ssin| may_be_issued(*ssin)) {
                if source.path.starts_with(SIGNED.0) && ssin.as_u64() == SIGNED.1 {
                    continue;
                }
                lines.entry(ssin.as_u64()).or_default().push(line.to_string());
            }
        }
        findings.extend(lines.into_iter().map(|(ssin, lines)| Finding {
            place: format!("{}:{}", source.path, lines.join(", ")),
            key: format!("{}: {ssin:011}", source.path),
            number: lines.len(),
        }));
    }
    findings
}

fn may_be_issued(ssin: Ssin) -> bool {
    ssin.as_u64() / 100 % 1_000 != NEVER_ISSUED
}

/// Valid SSINs in a line: eleven digits, with separators between the groups, or an integer of Rust.
fn ssins(line: &[u8]) -> impl Iterator<Item = Ssin> {
    (0..line.len()).filter_map(|start| grouped(line, start).or_else(|| integer(line, start)))
}

fn grouped(line: &[u8], start: usize) -> Option<Ssin> {
    let mut digits = String::with_capacity(11);
    let mut at = start;
    for length in GROUPS {
        if at > start && line.get(at).is_some_and(|byte| SEPARATORS.contains(byte)) {
            at += 1;
        }
        let group = line.get(at..at + length).filter(|group| group.iter().all(u8::is_ascii_digit))?;
        digits.extend(group.iter().copied().map(char::from));
        at += length;
    }
    if is_part_of_another(line, start, at) { None } else { Ssin::parse(&digits).ok() }
}

fn integer(line: &[u8], start: usize) -> Option<Ssin> {
    let length = line[start..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count();
    let run = &line[start..start + length];
    if !run[..length.min(1)].iter().all(u8::is_ascii_digit) || is_part_of_another(line, start, start + length) {
        return None;
    }
    let digits: String = run.iter().filter(|byte| **byte != b'_').copied().map(char::from).collect();
    Ssin::parse(&digits).ok()
}

/// Whether the digits are a part of a longer number, a decimal fraction or a digest.
fn is_part_of_another(line: &[u8], start: usize, end: usize) -> bool {
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'_' | b'.');
    let before = line[..start].iter().rev().take_while(|byte| is_number(byte)).any(u8::is_ascii_digit);
    let after = line.get(end).is_some_and(u8::is_ascii_digit);
    let hexadecimal = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take_while(|byte| byte.is_ascii_hexdigit()).count();
    let around = hexadecimal(&mut line[..start].iter().rev()) + hexadecimal(&mut line[end..].iter());
    before || after || around + end - start >= DIGEST
}

/// Integers of a database that are SSINs with another sequence number.
fn issued_in(database: &Path) -> rusqlite::Result<Vec<String>> {
    // The journal of these files is a file beside them, which a reader would make.
    let uri = format!("file:{}?immutable=1", database.display());
    let database = Connection::open_with_flags(uri, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)?;
    let mut tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for table in tables {
        let mut select = database.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns = select.column_count();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                if let ValueRef::Integer(value) = row.get_ref(column)?
                    && value >= SMALLEST
                    && Ssin::from_u64(value.cast_unsigned()).is_ok_and(may_be_issued)
                {
                    found.push(format!("{table}: {value:011}"));
                }
            }
        }
    }
    Ok(found)
}

#[test]
fn no_stored_database_has_an_ssin_that_may_be_issued() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/db");
    let mut databases = 0;
    for entry in std::fs::read_dir(folder).expect("the databases") {
        let path = entry.expect("an entry").path();
        assert_eq!(issued_in(&path).expect("a database"), [""; 0], "{}", path.display());
        databases += 1;
    }
    assert!(databases >= 15, "{databases}");
}

#[test]
fn an_ssin_that_may_be_issued_is_found_in_a_database() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.sqlite");
    let database = Connection::open(&path).expect("created");
    let rows = [
        "CREATE TABLE person (ssin INTEGER, day INTEGER, name TEXT)",
        "INSERT INTO person VALUES (85073099932, 20367, 'a'), (999100196, 1767322800000, 'b')",
        concat!("INSERT INTO person VALUES (85073", "000160, NULL, x'00')"),
    ];
    database.execute_batch(&rows.join("; ")).expect("written");
    database.close().expect("closed");
    assert_eq!(issued_in(&path).expect("a database"), [concat!("person: 85073", "000160")]);
}
