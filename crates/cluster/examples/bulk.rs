//! Fills the database with the records of an invented node, and times the search for a person.
//!
//! `bulk DATABASE CERTIFICATE KEY CA KEYS MILLIONS SSIN` connects as the owner of the schema. The rows are random: their
//! frames are no records, but tokens, sums and indexes are as a node makes them, so that a search reads and
//! checks what it would read and check of real ones. Records of the person come from a real node.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a tool that measures"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use audit_log::{KeyFolder, MissingKeys, Month, Whom};
use cluster::{Connector, Durability, NodeKeys, Settings, search};
use ehealth_core::model::Ssin;
use tokio_postgres::Client;

/// Months of the invented node.
const MONTHS: u64 = 12;

/// Rows of one statement.
const CHUNK: u64 = 500_000;

struct OneFolder(KeyFolder);

impl NodeKeys for OneFolder {
    fn of_node(&self, _: &str) -> Option<&KeyFolder> {
        Some(&self.0)
    }
}

fn month(index: u64) -> Month {
    let number = u8::try_from(index % 12 + 1).expect("1 to 12");
    Month::from_calendar(2026, number).expect("a month")
}

async fn fill(client: &Client, node: i16, rows: u64) {
    client.batch_execute("set synchronous_commit = off").await.expect("set");
    let each = rows / MONTHS;
    let insert = "insert into ehealth.record (month, node, sequence, frame, code, subject, ticket) \
        select $1, $2, s, decode(repeat(md5(s::text), 26), 'hex'), decode(md5(s::text || 'c'), 'hex'), \
        ('x' || substr(md5(s::text || 'p'), 1, 16))::bit(64)::bigint, ('x' || substr(md5(s::text || 't'), 1, 16))::bit(64)::bigint \
        from generate_series($3::bigint, $4::bigint) as s on conflict do nothing";
    for index in 0..MONTHS {
        let month = month(index);
        let number = i32::from(month.year()) * 100 + i32::from(month.number());
        client.execute("select ehealth.begin_month($1)", &[&number]).await.expect("a partition");
        let mut first = index * each;
        while first < (index + 1) * each {
            let end = (first + CHUNK).min((index + 1) * each);
            let bounds = [first, end - 1].map(|bound| i64::try_from(bound).expect("small"));
            client.execute(insert, &[&number, &node, &bounds[0], &bounds[1]]).await.expect("inserted");
            first = end;
        }
        println!("{month}: {first} rows");
    }
}

/// Inserts the sums of each month, as a node does at its end.
async fn insert_sums(client: &Client, node: i16, name: &str, keys: &KeyFolder) {
    for index in 0..MONTHS {
        let month = month(index);
        let number = i32::from(month.year()) * 100 + i32::from(month.number());
        let key = keys.subject_key(month.year()).expect("a key");
        let (mut slots, mut until) = (vec![(0_u32, 0_u128); 256], 0);
        let text = "select sequence, subject from ehealth.record where month = $1 and node = $2 and sequence >= $3 \
                    order by sequence limit 200000";
        loop {
            let rows = client.query(text, &[&number, &node, &until]).await.expect("read");
            for row in &rows {
                let (sequence, token): (i64, i64) = (row.get(0), row.get(1));
                let slot = &mut slots[usize::from(token.to_be_bytes()[0])];
                slot.0 += 1;
                slot.1 = slot.1.wrapping_add(key.entry_code(token, u64::try_from(sequence).expect("positive")));
                until = sequence + 1;
            }
            if rows.is_empty() {
                break;
            }
        }
        let sums: Vec<u8> =
            slots.iter().flat_map(|(count, sum)| [&count.to_be_bytes()[..], &sum.to_be_bytes()].concat()).collect();
        let code = key.sums_code(name, month, u64::try_from(until).expect("positive"), &sums);
        let insert = "insert into ehealth.person_index (node, month, until, sums, code) values ($1, $2, $3, $4, $5)";
        client.execute(insert, &[&node, &number, &until, &sums, &&code[..]]).await.expect("inserted");
        println!("{month}: sums until {until}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [database, certificate, key, authorities, keys, millions, ssin] = arguments.as_slice() else {
        println!("bulk DATABASE CERTIFICATE KEY CA KEYS MILLIONS SSIN");
        return;
    };
    let settings = Settings {
        database: database.parse().expect("a database"),
        certificate: certificate.into(),
        key: key.into(),
        authorities: authorities.into(),
        node: "bulk".parse().expect("a name"),
        durability: Durability::Replicated,
        timeout: Duration::from_secs(30),
    };
    let session = Connector::new(&settings).expect("files").connect().await.expect("a connection");
    let client = &session.client;
    let keys = KeyFolder::open(Path::new(keys), MissingKeys::Refuse).expect("keys");
    let rows = millions.parse::<u64>().expect("a number") * 1_000_000;
    if rows > 0 {
        let add = "insert into ehealth.node (name, origin, verifying_key) values ('bulk', 'bulk', 'none') on conflict do nothing";
        client.execute(add, &[]).await.expect("a node");
        let row = client.query_one("select id from ehealth.node where name = 'bulk'", &[]).await.expect("there");
        let node: i16 = row.get(0);
        let began = Instant::now();
        fill(client, node, rows).await;
        println!("filled in {:?}", began.elapsed());
        insert_sums(client, node, "bulk", &keys).await;
        println!("with sums after {:?}", began.elapsed());
        client.batch_execute("vacuum analyze ehealth.record").await.expect("the owner");
    }
    let whom = Whom::Subject(Ssin::parse(ssin).expect("an SSIN"));
    let keys = OneFolder(keys);
    for _ in 0..5 {
        let began = Instant::now();
        let found = search(client, &keys, &whom, None).await.expect("searched");
        let problems: Vec<_> = found.iter().filter_map(|found| found.as_ref().err()).collect();
        println!("{} records, {} problems, {:?}", found.len() - problems.len(), problems.len(), began.elapsed());
        problems.iter().for_each(|problem| println!("  {problem}"));
    }
}
