//! Every request in `fixtures/requests`, read without a server: what is understood of it, or which fault it gets.
//!
//! `fixtures/requests/README.md` says how the files are to be read; a new one needs no line here. Requests too big for a
//! file are made below.

#[path = "support/requests.rs"]
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ehealth_attributes::lookup::Operation;
use ehealth_attributes::model::{AskedDates, CustomerId, Date, Question};
use ehealth_attributes::soap::{
    BadMessage, Fault, Flaw, MediaType, Mistake, Note, Payload, RefusedRequest, Request, limits, read_request,
};
use requests::{Fixture, fixtures};

#[test]
fn understands_every_accepted_request() {
    for fixture in fixtures("accepted") {
        let request = match read(&fixture) {
            Some(Ok(request)) => request,
            Some(Err(refused)) => panic!("{}: {}", fixture.path.display(), refused.fault.diagnostic()),
            None => panic!("{}: not a media type", fixture.path.display()),
        };
        let mut found = BTreeMap::from([("expect", "ok".to_owned()), ("asked", spell(&request.payload))]);
        found.extend(request.addressing.message_id.map(|id| ("relates-to", id)));
        assert_same(&fixture, &found);
    }
}

#[test]
fn refuses_every_refused_request_for_its_own_reason() {
    for fixture in fixtures("refused") {
        let Some(outcome) = read(&fixture) else {
            assert_same(&fixture, &BTreeMap::from([("expect", "415".to_owned())]));
            continue;
        };
        let refused = outcome.expect_err(&fixture.path.display().to_string());
        let fault = &refused.fault;
        let mut found = BTreeMap::from([("expect", format!("{} {}", fault.code(), fault.fault_code().name()))]);
        found.extend(refused.customer.as_ref().map(|_| ("customer", "given".to_owned())));
        found.extend(refused.addressing.message_id.clone().map(|id| ("relates-to", id)));
        if fixture.expected.contains_key("at") {
            let place = bad_message(&refused).place().expect("it is in the message");
            found.insert("at", format!("{} {}", place.line, place.path));
        }
        assert_same(&fixture, &found);
    }
}

#[test]
fn no_fault_tells_what_the_caller_wrote() {
    let fixed: BTreeSet<_> = Fault::table().map(|row| row.sentence).collect();
    for fixture in fixtures("refused") {
        let Some(Err(refused)) = read(&fixture) else { continue };
        let diagnostic = refused.fault.diagnostic();
        assert!(fixed.contains(refused.fault.sentence()), "{diagnostic}");
        assert!(diagnostic.chars().count() <= 256, "{diagnostic}");
        assert!(
            !diagnostic.contains("85073000160") && !format!("{:?}", refused.fault).contains("85073000160"),
            "{diagnostic}"
        );
        let said = |c: char| c.is_ascii_alphanumeric() || " .,;/*':-".contains(c);
        assert!(diagnostic.chars().all(said), "{diagnostic}");
    }
}

#[test]
fn every_mistake_and_every_flaw_has_a_request() {
    let (mut mistakes, mut flaws) = (Vec::new(), Vec::new());
    let of_files = fixtures("refused").into_iter().filter_map(|fixture| read(&fixture)?.err());
    let made = bulky().into_iter().filter_map(|(_, body, _)| read_body(&body).err());
    for refused in of_files.chain(made) {
        let bad = bad_message(&refused);
        mistakes.push(bad.mistake());
        if let Some(Note::Flaw(flaw)) = bad.note() {
            flaws.push(flaw);
        }
    }
    let missing: Vec<_> = Mistake::ALL.into_iter().filter(|mistake| !mistakes.contains(mistake)).collect();
    assert_eq!(missing, []);
    let missing: Vec<_> = Flaw::ALL.into_iter().filter(|flaw| !flaws.contains(flaw)).collect();
    assert_eq!(missing, []);
}

#[test]
fn requests_too_big_for_a_file_are_refused_at_their_bound() {
    for (name, body, mistake) in bulky() {
        let refused = read_body(&body).expect_err(name);
        assert_eq!(bad_message(&refused).mistake(), mistake, "{name}");
    }
}

#[test]
fn no_document_costs_much_more_than_another_of_its_length() {
    let cost = |name: &str, body: &str| {
        let read = |_| {
            let begin = Instant::now();
            assert!(read_body(body).is_err(), "{name}");
            begin.elapsed()
        };
        // The least of several: what the machine does beside it is not the document's cost.
        (0..5).map(read).min().expect("five times")
    };
    let words = "one word after another ".repeat(2_600);
    let plain = format!("<a xmlns='urn:a'>{}", format!("<b>{words}</b>").repeat(4));
    let plain = cost(
        "plain text",
        &format!("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header>{plain}"),
    );
    for (name, body) in costly() {
        let ratio = cost(name, &body).as_secs_f64() / plain.as_secs_f64();
        // What grows with the square of anything is slower by thousands.
        assert!(ratio < 100.0, "{name}: {ratio:.0} times plain text");
    }
}

/// Documents of the greatest length, each made to cost as much as it can.
fn costly() -> Vec<(&'static str, String)> {
    let fill = |begin: String, unit: &str| {
        let mut body = format!("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header>{begin}");
        // A thousand children an element, as many as may be.
        let thousand = format!("<n>{}</n>", unit.repeat(1_000));
        while body.len() + thousand.len() < limits::DOCUMENT_BYTES {
            body.push_str(&thousand);
        }
        body.push_str("<n>");
        body.push_str(&unit.repeat((limits::DOCUMENT_BYTES - body.len()) / unit.len()));
        body
    };
    let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let scopes =
        many(28, &|level| format!("<b xmlns='urn:b'{}>", many(15, &|n| format!(" xmlns:p{}='u{0}'", level * 15 + n))));
    let long = "u".repeat(60_000);
    vec![
        (
            "420 prefixes, the outermost used",
            fill(scopes.clone(), &format!("<c{}/>", many(15, &|n| format!(" p{n}:x=''")))),
        ),
        ("420 prefixes, one used", fill(scopes, &format!("<c{}/>", many(32, &|n| format!(" p0:x{n}=''"))))),
        (
            "long namespaces that differ at their ends",
            fill(format!("<b xmlns:p='{long}1' xmlns:q='{long}2' xmlns:r='{long}3'>"), "<c p:x='' q:x='' r:x=''/>"),
        ),
        (
            "declarations",
            fill("<b xmlns='urn:b'>".to_owned(), &format!("<c{}/>", many(16, &|n| format!(" xmlns:p{n}='u'")))),
        ),
        ("attributes", fill("<b xmlns='urn:b'>".to_owned(), &format!("<c{}/>", many(32, &|n| format!(" a{n}=''"))))),
        (
            "attribute values to be normalized",
            fill("<b xmlns='urn:b'>".to_owned(), &format!("<c a='{}'/>", "\t&#65;".repeat(9_000))),
        ),
        (
            "line ends to be normalized",
            fill("<b xmlns='urn:b'>".to_owned(), &format!("<c>{}</c>", "\r\n".repeat(30_000))),
        ),
        ("elements", fill("<b xmlns='urn:b'>".to_owned(), "<c/>")),
        ("references", fill("<b xmlns='urn:b'>".to_owned(), "&#65;")),
        ("a tag without end", fill("<b xmlns='urn:b'>".to_owned(), "<c '>")),
        ("names beyond ASCII", fill("<b xmlns='urn:b'>".to_owned(), &format!("<{}/>", "中".repeat(85)))),
    ]
}

/// Requests at a bound, and what is wrong with them.
fn bulky() -> Vec<(&'static str, String, Mistake)> {
    let block = |content: String| {
        format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header><a xmlns='urn:a'{content}</a>\
             </s:Header></s:Envelope>"
        )
    };
    let long = |count: usize| "x".repeat(count);
    let events = |flood: &str| block([">", &flood.repeat(16_384)].concat());
    vec![
        ("a text one byte too long", block(format!(">{}", long(65_537))), Mistake::TextLength),
        ("a text at its bound", block(format!(">{}", long(65_536))), Mistake::EnvelopeStructure),
        ("a section one byte too long", block(format!("><![CDATA[{}]]>", long(65_537))), Mistake::TextLength),
        ("a text in two pieces, one byte too long", block(format!(">{0}<b/>{0}x", long(32_768))), Mistake::TextLength),
        ("a comment one byte too long", block(format!("><!--{}-->", long(65_537))), Mistake::TextLength),
        ("an attribute one byte too long", block(format!(" b='{}'>", long(65_537))), Mistake::TextLength),
        ("an attribute at its bound", block(format!(" b='{}'>", long(65_536))), Mistake::EnvelopeStructure),
        ("a flood of sections", events("<![CDATA[]]>"), Mistake::Events),
        ("a flood of references", events("&#65;"), Mistake::Events),
        ("a flood of comments", events("<!---->"), Mistake::Events),
        (
            "a flood of elements",
            block([">", &["<b>", &"<c/>".repeat(999), "</b>"].concat().repeat(9)].concat()),
            Mistake::Events,
        ),
        ("a hundred thousand open elements", "<a>".repeat(87_000), Mistake::NotAnEnvelope),
        ("a hundred thousand open blocks", block([">", &"<b>".repeat(80_000)].concat()), Mistake::Depth),
    ]
}

fn read(fixture: &Fixture) -> Option<Result<Request, Box<RefusedRequest>>> {
    let media_type = MediaType::parse(&fixture.content_type)?;
    let soap_actions: Vec<_> = fixture.soap_actions.iter().map(String::as_bytes).collect();
    Some(read_request(&fixture.body, media_type.charset, &soap_actions, fixture.operation))
}

fn read_body(body: &str) -> Result<Request, Box<RefusedRequest>> {
    read_request(body.as_bytes(), None, &[], Operation::ConsultAttributes)
}

fn bad_message(refused: &RefusedRequest) -> &BadMessage {
    match &refused.fault {
        Fault::BadMessage(bad) => bad,
        other => panic!("{other:?} is not the message's"),
    }
}

fn assert_same(fixture: &Fixture, found: &BTreeMap<&str, String>) {
    let expected: BTreeMap<_, _> = fixture.expected.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    assert_eq!(*found, expected, "found, expected of {}", fixture.path.display());
}

/// One line for what was understood, as `fixtures/requests/README.md` has it.
fn spell(payload: &Payload) -> String {
    let Question { customer, legal_context, criteria } = match payload {
        Payload::Test { echo } => return format!("test {echo:?}"),
        Payload::Consult(question) => question,
    };
    let mut parts = vec![match customer.id {
        CustomerId::Cbe(number) => format!("consult cbe {number}"),
        CustomerId::Pair { sector, institution } => format!("consult sector {sector} institution {institution}"),
    }];
    parts.extend(customer.ticket.as_ref().map(|ticket| format!("ticket {ticket:?}")));
    parts.extend(customer.timestamp_sent.as_ref().map(|sent| format!("sent {sent:?}")));
    parts.push(format!("context {legal_context:?}"));
    let ssin = criteria.ssin.map_or("none".to_owned(), |ssin| ssin.digits().map(char::from).iter().collect());
    parts.push(format!("ssin {ssin}"));
    let spell_day = |day: Result<Date, _>| day.map_or("none".to_owned(), |day| day.to_string());
    parts.push(match criteria.dates {
        AskedDates::Today => "today".to_owned(),
        AskedDates::ReferenceDate(day) => format!("on {}", spell_day(day)),
        AskedDates::Period { begin, end } => format!("from {} to {}", spell_day(begin), spell_day(end)),
    });
    parts.join(", ")
}
