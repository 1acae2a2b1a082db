//! Memory that a hostile document costs: at most 2 MiB at any time, as the allocator counts it.
//!
//! One test in its own binary, because the allocator counts for the whole process. The processor
//! time of documents is counted by `cargo bench --bench reading_work`.

#[path = "it/support/documents.rs"]
mod documents;
#[path = "it/support/requests.rs"]
mod requests;

use std::io::Write;

use documents::{bulky, costly};
use ehealth_core::lookup::Operation;
use peak_alloc::PeakAlloc;
use soap::read_request;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1_024 * 1_024;

#[test]
fn no_document_takes_more_than_two_mebibytes() {
    let made = costly().into_iter().map(|(name, body)| (name.to_owned(), body.into_bytes()));
    let made = made.chain(bulky().into_iter().map(|(name, body, _)| (name.to_owned(), body.into_bytes())));
    let utf_16 = |(name, body, _): (&str, String, _)| {
        let mark = [0xff, 0xfe];
        (format!("{name}, in UTF-16"), mark.into_iter().chain(body.encode_utf16().flat_map(u16::to_le_bytes)).collect())
    };
    let made = made.chain(bulky().into_iter().map(utf_16));
    let files = ["accepted", "refused"].into_iter().flat_map(requests::fixtures);
    let documents: Vec<(String, Vec<u8>)> =
        made.chain(files.map(|fixture| (fixture.path.display().to_string(), fixture.body))).collect();
    let mut dearest = (0, String::new());
    for (name, body) in &documents {
        for operation in Operation::ALL {
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            let outcome = read_request(body, None, &[], operation);
            let took = MEMORY.peak_usage() - before;
            drop(outcome);
            assert_eq!(MEMORY.current_usage(), before, "{name}: files are left");
            if took > dearest.0 {
                dearest = (took, name.clone());
            }
        }
    }
    let (took, name) = dearest;
    let _ =
        writeln!(std::io::stderr(), "\n{} documents; at most {took} bytes at one time, for {name:?}", documents.len());
    assert!(took > 100, "nothing was counted");
    assert!(took <= 2 * MIB, "{name}: {took} bytes");
}
