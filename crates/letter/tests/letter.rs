//! The letter in four languages and two outputs, and what a hostile value can do in it.
//!
//! `UPDATE_GOLDENS=1 cargo test -p letter` writes the pages in `tests/golden` again.

use std::path::Path;
use std::{env, fs};

use audit_log::SearchError;
use audit_log::report::{DisclosedOrganisations, Disclosure, Ground, Organisation, Report};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{
    Application, Date, EnterpriseNumber, Field, FieldSet, Language, LegalContext, StatusCode, Ticket, Timestamp, Window,
};
use ehealth_core::policy::ContextDefinition;
use letter::{Addressed, Institution, LetterError, Output, default_template, write};

fn organisation(number: &str, name: Option<&str>) -> Organisation {
    Organisation { number: EnterpriseNumber::parse(number).expect("a number"), name: name.map(str::to_owned) }
}

fn days(from: &str, to: &str) -> Window {
    let day = |text| Date::parse(text).expect("a day");
    Window::from_days(day(from), day(to)).expect("days")
}

fn ground(context: &str) -> Ground {
    let context = LegalContext::parse(context).expect("a context");
    Ground { context, purpose: ContextDefinition::built_in(context).map(|definition| definition.purpose) }
}

/// An exchange of the fund for itself.
fn exchange(number: u8, received: &str) -> Disclosure {
    let fund = organisation("0202239951", Some("Example fund"));
    Disclosure {
        sequence: u64::from(number),
        received: Timestamp::parse(received).expect("a time"),
        ticket: Ticket::new([number; 16]),
        operation: Operation::ConsultAttributes,
        caller: Some(fund.clone()),
        application: Some(Application::parse("MED").expect("an application")),
        application_name: Some("Example fund, medical software".to_owned()),
        organisation: Some(fund),
        ground: Some(ground("BACKTOWORK:ADVISORY_PHYSICIAN")),
        rule: None,
        policy: None,
        deliberation: Some("16/108".to_owned()),
        window: Some(days("2026-01-01", "2026-11-22")),
        fields: FieldSet::ALL,
        discloses_new_ssin: false,
        outcome: StatusCode::DataFound.outcome().into(),
        disclosed: DisclosedOrganisations::Readable(vec![
            organisation("0809394427", Some("Brouwerij \"De Kroon\" & <Zonen>")),
            organisation("0999010126", None),
        ]),
        quality: Some("ADVISORY_PHYSICIAN".to_owned()),
        relay: None,
        is_signed: false,
    }
}

fn report() -> Report {
    let second = Disclosure {
        relay: Some(organisation("0999010225", Some("Relay"))),
        organisation: Some(organisation("0809394427", Some("Brouwerij \"De Kroon\" & <Zonen>"))),
        ground: Some(ground("BACKTOWORK:EHEALTH_PLATFORM")),
        application: None,
        quality: None,
        window: Some(days("2026-08-01", "2026-08-01")),
        fields: [Field::Ssin, Field::Employer].into_iter().collect(),
        disclosed: DisclosedOrganisations::KeyMissing,
        ..exchange(2, "2026-10-25T01:30:07Z")
    };
    let refused = Disclosure {
        fields: FieldSet::EMPTY,
        outcome: StatusCode::NoGrant.outcome().into(),
        disclosed: DisclosedOrganisations::Readable(Vec::new()),
        ..exchange(3, "2026-11-30T13:05:07.900Z")
    };
    Report {
        made: Timestamp::parse("2026-11-30T23:30:00Z").expect("a time"),
        days: None,
        disclosures: vec![exchange(1, "2026-07-01T05:19:00Z"), second],
        refused: vec![refused],
        gaps: vec![SearchError::OtherKey(2025)],
    }
}

fn institution() -> Institution {
    let text = |text: &str| text.to_owned();
    Institution {
        name: text("Example institution"),
        address: vec![text("Example street 1"), text("1000 Brussels")],
        controller: text("Example institution, Example street 1, 1000 Brussels"),
        dpo: text("dpo@example.be"),
        retention: text("10 years."),
        logo: None,
    }
}

fn addressed(language: Language) -> Addressed {
    Addressed {
        language,
        reference: Some("2026/0042".to_owned()),
        addressee: vec!["Jan Peeters".to_owned(), "Kerkstraat 1".to_owned(), "1000 Brussel".to_owned()],
    }
}

fn page(report: &Report, language: Language) -> String {
    let template = default_template(language);
    let page = write(report, &institution(), &addressed(language), template, Output::Html).expect("a letter");
    String::from_utf8(page).expect("text")
}

fn pdf(report: &Report, language: Language) -> Vec<u8> {
    write(report, &institution(), &addressed(language), default_template(language), Output::Pdf).expect("a letter")
}

/// The text of a page, without its markup.
fn text_of(page: &str) -> String {
    let (_, body) = page.split_once("<body>").expect("a body");
    let mut text = String::new();
    let mut is_text = true;
    for character in body.chars() {
        match character {
            '<' => is_text = false,
            '>' => is_text = true,
            other if is_text => text.push(other),
            _ => {}
        }
    }
    text.replace("&amp;", "&").replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
}

#[test]
fn the_letter_is_as_agreed_in_each_language() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for language in Language::ALL {
        let page = page(&report(), language);
        let file = folder.join(format!("letter.{}.html", language.code()));
        if env::var_os("UPDATE_GOLDENS").is_some() {
            fs::write(&file, &page).expect("ours");
        }
        let agreed = fs::read_to_string(&file).unwrap_or_default();
        assert!(page == agreed, "{} differs; UPDATE_GOLDENS=1 writes it again", file.display());
    }
}

#[test]
fn french_never_parts_a_sign_from_its_word() {
    let text = text_of(&page(&report(), Language::French));
    for (at, sign) in text.match_indices([':', ';', '?', '!']) {
        let is_clock = text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
        let is_code = sign == ":" && text[..at].ends_with(char::is_uppercase);
        assert!(is_clock || is_code || text[..at].ends_with('\u{a0}'), "…{}", &text[at.saturating_sub(40)..=at]);
    }
    assert!(text.contains("«\u{a0}Données communiquées\u{a0}»"));
}

#[test]
fn a_letter_says_that_nothing_was_found() {
    let empty = Report { disclosures: Vec::new(), refused: Vec::new(), gaps: Vec::new(), ..report() };
    let sentences = [
        "We hebben voor de vermelde periode geen raadpleging van uw gegevens via deze dienst gevonden",
        "nous n’avons trouvé aucune consultation de vos données via ce service",
        "haben wir keine Abfrage Ihrer Daten über diesen Dienst gefunden",
        "we found no consultation of your data through this service",
    ];
    for (language, sentence) in Language::ALL.into_iter().zip(sentences) {
        let text = text_of(&page(&empty, language));
        assert!(text.contains(sentence), "{text}");
        assert!(!text_of(&page(&report(), language)).contains(sentence));
        assert!(pdf(&empty, language).starts_with(b"%PDF-1.7"));
    }
}

#[test]
fn only_what_left_is_listed() {
    let text = text_of(&page(&report(), Language::English));
    let second = text.split("2 – 25 October 2026, 02:30:07 CET").nth(1).expect("the second exchange");
    let (second, _) = second.split_once("Ticket number").expect("its end");
    assert!(second.contains("identification number (SSIN); employer\n"), "{second}");
    assert!(second.contains("not readable here: the key of this month is not available here"), "{second}");
    assert!(!second.contains("fund (") || !second.contains("health-insurance fund\n"), "{second}");
    assert!(second.contains("Forwarded by\nRelay (0999010225)"), "{second}");
    let first = text.split("1 – 1 July 2026, 07:19:00 CEST").nth(1).expect("the first exchange");
    assert!(first.contains("Brouwerij \"De Kroon\" & <Zonen> (0809394427); 0999010126"), "{first}");
}

#[test]
fn the_pdf_is_tagged_and_conforms() {
    for language in Language::ALL {
        let pdf = pdf(&report(), language);
        let has = |needle: &str| pdf.windows(needle.len()).any(|window| window == needle.as_bytes());
        assert!(pdf.starts_with(b"%PDF-1.7"));
        assert!(has("pdfuaid:part>1<"), "PDF/UA-1");
        assert!(has(&format!("/Lang ({})", language.code())) || has(&format!("/Lang({})", language.code())));
        if let Some(folder) = env::var_os("LETTERS") {
            fs::write(Path::new(&folder).join(format!("letter.{}.pdf", language.code())), &pdf).expect("ours");
        }
    }
}

#[test]
fn a_hostile_value_is_text() {
    let hostile = "<script>alert(1)</script> [x](https://e.example) {{ institution.name }} {% for %} **b** | \u{202e}evil\u{0}\n\n# x \u{5d0}\u{5d1}";
    let mut report = report();
    report.disclosures[0].caller = Some(organisation("0202239951", Some(hostile)));
    report.disclosures[0].application_name = Some(hostile.to_owned());
    report.disclosures[0].quality = Some(hostile.to_owned());
    report.disclosures[0].deliberation = Some(hostile.to_owned());
    report.disclosures[0].disclosed =
        DisclosedOrganisations::Readable(vec![organisation("0999010126", Some(hostile)); 3]);
    report.refused[0].caller = Some(organisation("0202239951", Some(hostile)));
    let addressed = Addressed {
        language: Language::English,
        reference: Some(hostile.to_owned()),
        addressee: vec![hostile.to_owned(); 3],
    };
    let institution = Institution {
        name: hostile.to_owned(),
        address: vec![hostile.to_owned(); 2],
        controller: hostile.to_owned(),
        dpo: hostile.to_owned(),
        retention: hostile.to_owned(),
        logo: None,
    };
    let template = default_template(Language::English);
    let page = write(&report, &institution, &addressed, template, Output::Html).expect("a letter");
    let page = String::from_utf8(page).expect("text");
    assert!(!page.contains("<script") && !page.contains("href=\"https://e.example") && !page.contains('\u{202e}'));
    let shown = "<script>alert(1)</script> [x](https://e.example) {{ institution.name }} {% for %} **b** | \u{fffd}evil\u{fffd} # x";
    assert!(text_of(&page).matches(shown).count() >= 17, "{}", text_of(&page));
    let headings = |page: &str| page.matches("<h2>").count();
    assert_eq!(headings(&page), headings(&self::page(&self::report(), Language::English)));
    let pdf = write(&report, &institution, &addressed, template, Output::Pdf).expect("a letter");
    assert!(pdf.starts_with(b"%PDF-1.7"));
}

#[test]
fn a_logo_is_a_picture_with_a_text() {
    // One grey dot.
    let png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82";
    let with = |logo: &[u8], output| {
        let institution = Institution { logo: Some(logo.to_vec()), ..institution() };
        let language = Language::French;
        write(&report(), &institution, &addressed(language), default_template(language), output)
    };
    let page = String::from_utf8(with(png, Output::Html).expect("a letter")).expect("text");
    assert!(page.contains("alt=\"Example institution\"") && page.contains("src=\"data:image/png;base64,iVBOR"));
    assert!(with(png, Output::Pdf).expect("a letter").starts_with(b"%PDF"));
    assert!(matches!(with(b"GIF89a", Output::Pdf), Err(LetterError::Pdf(_))));
}

#[test]
fn a_long_letter_has_all_its_exchanges() {
    let mut report = report();
    let one = report.disclosures[0].clone();
    report.disclosures = (0..300).map(|_| one.clone()).collect();
    report.refused = (0..300).map(|_| report.refused[0].clone()).collect();
    let text = text_of(&page(&report, Language::Dutch));
    assert!(text.contains("300 – 1 juli 2026, 07:19:00 CEST"));
    let pdf = pdf(&report, Language::Dutch);
    if let Some(folder) = env::var_os("LETTERS") {
        fs::write(Path::new(&folder).join("long.nl.pdf"), &pdf).expect("ours");
    }
    let pages = pdf.windows(12).filter(|window| *window == b"/Type /Page\n" || *window == b"/Type/Page/P").count();
    assert!(pages == 0 || pages > 20, "{pages}");
}
