//! Every request over the wire: what a caller sends, valid or not, and the answer.
//!
//! The messages are those of `fixtures/requests`; cases that concern only HTTP are in a table here.
//! After all requests the test searches the whole log for SSINs.

use bytes::Bytes;
use ehealth_attributes::server::HttpRefusal;
use ehealth_core::lookup::Operation;
use ehealth_core::model::StatusCode;
use http_body_util::Full;
use hyper::Request;
use soap::{Fault, names, wsdl};

use crate::support::canary;
use crate::support::requests::{Fixture, fixtures};
use crate::support::service::{Answered, CONSULT, TEST, TestService, question};

const FUND: &str = "0999010126";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

/// Words that would reveal the implementation to a stranger.
const INSIDE: [&str; 15] = [
    "hyper",
    "rustls",
    "tokio",
    "quick",
    "sqlite",
    "serde",
    "webpki",
    "ehealth_attributes",
    "server/",
    ".rs",
    "::",
    "panick",
    "unwrap",
    "/tmp",
    "rust",
];

fn tells_nothing_of_the_inside(answered: &Answered) -> bool {
    let said = format!("{:?}\n{}", answered.headers, answered.body).to_lowercase();
    // The text of the contract is no secret.
    INSIDE.iter().all(|word| !said.contains(word)) && !answered.headers.contains_key("server")
}

async fn send(service: &TestService, fixture: &Fixture) -> Answered {
    let path = match fixture.operation {
        Operation::ConsultAttributes => CONSULT,
        Operation::SendTestMessage => TEST,
    };
    let mut fields = vec![("content-type", fixture.content_type.as_str())];
    fields.extend(fixture.soap_actions.iter().map(|action| ("soapaction", action.as_str())));
    service.post_with("fund", path, fixture.body.clone(), &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refused_request_gets_its_fault_and_logs_no_ssin() {
    let service = TestService::start().await;
    for fixture in fixtures("refused") {
        let answered = send(&service, &fixture).await;
        let name = fixture.path.display();
        let expected = &fixture.expected["expect"];
        assert!(answered.headers.contains_key("x-request-id"), "{name}");
        assert!(tells_nothing_of_the_inside(&answered), "{name}: {answered:?}");
        match expected.split_once(' ') {
            None => assert_eq!(&answered.status.to_string(), expected, "{name}"),
            Some((code, fault_code)) => {
                assert_eq!(answered.status, 500, "{name}: {answered:?}");
                assert_eq!(answered.text("faultcode"), Some(format!("soap:{fault_code}").as_str()), "{name}");
                let has_detail = !matches!(fault_code, "VersionMismatch" | "MustUnderstand");
                assert_eq!(answered.code(), has_detail.then_some(code), "{name}: {answered:?}");
            }
        }
    }
    for fixture in fixtures("accepted") {
        let answered = send(&service, &fixture).await;
        let of_message =
            |code: &str| Fault::table().any(|row| row.code() == code && code < "MSG90051" && code > "MSG90000");
        let name = fixture.path.display();
        assert!(answered.status == 200 || !answered.code().is_some_and(of_message), "{name}: {answered:?}");
        assert!(answered.body.starts_with("<?xml"), "{name}: {answered:?}");
    }
    let logged = canary::logged();
    assert!(logged.contains("answered") && logged.contains("refused below SOAP"), "the log was not captured");
    // It searches the log for SSINs.
    service.finish().await;
}

#[tokio::test]
async fn http_refusals_are_plain_text() {
    let service = TestService::start().await;
    let whole = question(FUND, PHYSICIAN, "85073099932", "");
    let get = |target: &str| Request::get(target);
    let post = |target: &str| Request::post(target);
    let xml = "text/xml; charset=utf-8";
    let cases = [
        (get("/a"), "", 404, "GET / lists the services"),
        (get("/ehealthattributesservice/v1/consult"), "", 404, "/eHealthAttributesService/v1/consult?wsdl"),
        (get(&format!("{CONSULT}/")), "", 404, "/eHealthAttributesService/v1/consult?wsdl"),
        (get(&format!("{CONSULT}?wsdl=1")), "", 404, "/eHealthAttributesService/v1/consult?wsdl"),
        (get("/TestConnectionService"), "", 404, "/TestConnectionServiceService/sendTestMessage?wsdl"),
        (get("/TestConnectionService/v1/sendTestMessage"), "", 404, "/TestConnectionServiceService/sendTestMessage,"),
        (get("/soa4520/testConnectionServiceService/"), "", 404, "/TestConnectionServiceService/sendTestMessage,"),
        (get("/SOA4520/SOA4520/TestConnectionServiceService/sendTestMessage"), "", 404, "GET / lists the services"),
        (get("/SOA4520"), "", 404, "GET / lists the services"),
        (get(&format!("{CONSULT}?xsd=../Cargo.toml")), "", 404, "?wsdl"),
        (get(&format!("{CONSULT}?xsd=TestConnectionServiceV1.xsd")), "", 404, "?wsdl"),
        (get(&format!("/{}", "a".repeat(2_000))), "", 414, "too long"),
        (Request::put(CONSULT), "", 405, "POST for a message"),
        (Request::options("/"), "", 405, "POST for a message"),
        (post("/").header("content-type", xml), &whole, 405, "POST for a message"),
        (post(&format!("{CONSULT}?wsdl")).header("content-type", xml), whole.as_str(), 404, "without a query"),
        (post(&format!("{CONSULT}?singleWsdl")).header("content-type", xml), &whole, 404, "without a query"),
        (post(&format!("{CONSULT}?xsd=CommonV3.xsd")).header("content-type", xml), &whole, 404, "without a query"),
        (post("/eHealthAttributesService/v1/%63onsult").header("content-type", xml), &whole, 404, "POST to"),
        (post(CONSULT), &whole, 415, "no Content-Type"),
        (post(CONSULT).header("content-type", "application/soap+xml"), &whole, 415, "SOAP 1.2"),
        (post(CONSULT).header("content-type", "multipart/related; type=\"text/xml\""), &whole, 415, "MTOM"),
        (post(CONSULT).header("content-type", "application/xml"), &whole, 415, "must be text/xml"),
        (post(CONSULT).header("content-type", "text/xml; charset=iso-8859-1"), &whole, 415, "charset must be"),
        (post(CONSULT).header("content-type", "text/xml; charset"), &whole, 415, "malformed"),
        (post(CONSULT).header("content-type", xml).header("content-type", xml), &whole, 415, "given twice"),
        (post(CONSULT).header("content-type", xml).header("content-encoding", "gzip"), &whole, 415, "Content-Encoding"),
        (post(CONSULT).header("content-type", xml).header("content-encoding", "identity"), &whole, 415, "Compressed"),
        (
            post(CONSULT).header("content-type", xml).header("content-encoding", "deflate, br"),
            &whole,
            415,
            "Compressed",
        ),
        (post(CONSULT).header("content-type", "Application/SOAP+XML; action=\"a\""), &whole, 415, "SOAP 1.2"),
        (post(CONSULT).header("content-type", "Multipart/Form-Data; boundary=b"), &whole, 415, "MTOM"),
    ];
    for (request, body, status, text) in cases {
        let request =
            request.header("host", "localhost").body(Full::new(Bytes::from(body.to_owned()))).expect("a request");
        let shown = format!("{} {}", request.method(), request.uri());
        let is_encoded = request.headers().contains_key("content-encoding");
        let answered = service.send("fund", request).await;
        assert_eq!(answered.status, status, "{shown}: {answered:?}");
        assert_eq!(answered.headers["content-type"], "text/plain; charset=utf-8", "{shown}");
        assert!(answered.headers.contains_key("x-request-id"), "{shown}");
        assert!(answered.body.ends_with(".\n") && answered.body.contains(text), "{shown}: {answered:?}");
        let value = |name: &str| answered.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
        let accepts = (value("accept"), value("accept-encoding"));
        let expected = match (status, is_encoded) {
            (415, true) => (None, Some("identity".to_owned())),
            (415, false) => (Some("text/xml".to_owned()), None),
            _ => (None, None),
        };
        assert_eq!(accepts, expected, "{shown}");
        assert_eq!(value("allow").as_deref(), (status == 405).then_some("GET, HEAD, POST"), "{shown}");
        let closes = answered.headers.get("connection").is_some_and(|value| value == "close");
        assert_eq!(closes, !matches!(status, 404 | 405 | 415), "{shown}");
    }
    service.finish().await;
}

#[tokio::test]
async fn head_is_get_without_content() {
    let service = TestService::start().await;
    for target in ["/", CONSULT, &format!("{CONSULT}?wsdl"), &format!("{CONSULT}?xsd=CommonV3.xsd")] {
        let ask = |method: &str| {
            Request::builder()
                .method(method)
                .uri(target)
                .header("host", "localhost")
                .body(Full::new(Bytes::new()))
                .expect("a request")
        };
        let (whole, head) = (service.send("fund", ask("GET")).await, service.send("fund", ask("HEAD")).await);
        assert_eq!((whole.status, head.status, head.body.as_str()), (200, 200, ""), "{target}");
        for name in ["content-type", "content-length"] {
            assert_eq!(whole.headers.get(name), head.headers.get(name), "{target}: {name}");
        }
        assert_eq!(whole.headers["keep-alive"], "timeout=60", "{target}");
    }
    service.finish().await;
}

#[tokio::test]
async fn the_wsdl_is_found_in_any_case_and_the_old_path_answers() {
    let service = TestService::start().await;
    let get = |target: &str| Request::get(target).header("host", "localhost").body(Full::new(Bytes::new()));
    for query in ["wsdl", "WSDL", "Wsdl"] {
        let answered = service.send("fund", get(&format!("{CONSULT}?{query}")).expect("a request")).await;
        assert_eq!(answered.status, 200, "{query}");
        assert!(answered.body.contains(&format!("{CONSULT}\"/>")), "{query}: {}", answered.body);
    }
    for query in ["singleWsdl", "singlewsdl"] {
        let answered = service.send("fund", get(&format!("{CONSULT}?{query}")).expect("a request")).await;
        assert_eq!(answered.status, 200, "{query}");
        assert!(!answered.body.contains("schemaLocation"), "{query}: {}", answered.body);
    }
    let answered = service.post("fund", names::CONSULT_ALIAS, question(FUND, PHYSICIAN, "85073099932", "")).await;
    assert_eq!((answered.status, answered.code()), (200, Some("MSG00000")));
    // The connection test below the segment of KSZ's platform, and nothing else there.
    let below = |path: &str| format!("{}{path}", names::PLATFORM);
    let answered = service.post("fund", &below(TEST), soap::example(Operation::SendTestMessage).to_owned()).await;
    assert_eq!((answered.status, answered.text("echo")), (200, Some("Does the connection work?")), "{answered:?}");
    let answered = service.send("fund", get(&format!("{}?wsdl", below(TEST))).expect("a request")).await;
    assert!(answered.status == 200 && answered.body.contains(&format!("{TEST}\"/>")), "{}", answered.body);
    for path in [below(CONSULT), below(&below(TEST)), "/SOA4521".to_owned() + TEST] {
        let answered = service.send("fund", get(&path).expect("a request")).await;
        assert_eq!(answered.status, 404, "{path}");
    }
    service.finish().await;
}

#[tokio::test]
async fn utf_16_is_read_in_the_byte_order_of_its_label() {
    let service = TestService::start().await;
    let whole = question(FUND, PHYSICIAN, "85073099932", "");
    // Without its declaration, which names UTF-8.
    let whole = whole.split_once("?>").map_or(whole.as_str(), |(_, content)| content);
    let bytes = |unit: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter().chain(whole.encode_utf16()).flat_map(unit).collect()
    };
    let (big, little) = (u16::to_be_bytes as fn(u16) -> [u8; 2], u16::to_le_bytes as fn(u16) -> [u8; 2]);
    for (label, body, status) in [
        ("utf-16le", bytes(little, false), 200),
        ("utf-16le", bytes(little, true), 200),
        ("UTF-16BE", bytes(big, false), 200),
        ("utf-16be", bytes(big, true), 200),
        ("utf-16", bytes(little, true), 200),
        ("utf-16", bytes(little, false), 500),
        ("utf-16le", bytes(big, true), 500),
        ("utf-16be", bytes(little, true), 500),
        ("utf-8", bytes(little, true), 500),
    ] {
        let request = Request::post(CONSULT)
            .header("host", "localhost")
            .header("content-type", format!("text/xml; charset={label}"))
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        let answered = service.send("fund", request).await;
        assert_eq!(answered.status, status, "{label}: {answered:?}");
    }
    service.finish().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_it_is_read() {
    let service = TestService::start().await;
    let whole = question(FUND, PHYSICIAN, "85073099932", "");
    let padded = |bytes: usize| format!("{whole}{}", " ".repeat(bytes - whole.len()));
    let answered = service.post("fund", CONSULT, padded(256 * 1_024)).await;
    assert_eq!((answered.status, answered.code()), (200, Some("MSG00000")));
    let answered = service.post("fund", CONSULT, padded(256 * 1_024 + 1)).await;
    assert_eq!(answered.status, 413);
    assert_eq!(answered.headers["connection"], "close");
    service.finish().await;
}

#[tokio::test]
async fn the_contract_is_served_under_the_public_url() {
    let service = TestService::start().await;
    let url = &service.settings.server.public_url;
    for operation in Operation::ALL {
        let path = names::path(operation);
        let wsdl = service.get("fund", &format!("{path}?wsdl")).await;
        assert_eq!((wsdl.status, wsdl.headers["content-type"].as_bytes()), (200, &b"text/xml; charset=utf-8"[..]));
        assert!(wsdl.body.contains(&format!("location=\"{url}{path}\"")), "{}", wsdl.body);
        for file in wsdl::schema_files(operation) {
            let schema = service.get("fund", &format!("{path}?xsd={file}")).await;
            assert!(schema.status == 200 && schema.body.contains("Type name="), "{schema:?}");
        }
        let text = service.get("fund", path).await;
        assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
        assert!(text.status == 200 && text.body.contains("?wsdl"), "{text:?}");
    }
    service.finish().await;
}

#[tokio::test]
async fn a_browser_gets_a_page_whose_links_and_request_work() {
    let service = TestService::start().await;
    let url = &service.settings.server.public_url;
    for operation in Operation::ALL {
        let path = names::path(operation);
        let browser = || Request::get(path).header("host", "localhost").header("accept", "text/html,*/*;q=0.8");
        let page = service.send("fund", browser().body(Full::default()).expect("a request")).await;
        assert_eq!((page.status, page.headers["content-type"].as_bytes()), (200, &b"text/html; charset=utf-8"[..]));
        let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert_eq!(
            (&page.headers["vary"], &page.headers["x-content-type-options"]),
            (&"accept, accept-language".parse().expect("a value"), &"nosniff".parse().expect("a value"))
        );
        let links: Vec<_> = page.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() >= 8 && links[0] == "#content", "{links:?}");
        for link in &links[1..] {
            let target = link.strip_prefix(url.as_str()).expect("nothing from other origins");
            assert_eq!(service.get("fund", target).await.status, 200, "{link}");
        }
        let (_, request) = page.body.split_once("<pre ").expect("a request");
        let (_, request) = request.split_once('>').expect("the end of the tag");
        let (request, _) = request.split_once("</pre>").expect("its end");
        let request = request.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        let answered = service.post("fund", path, request).await;
        assert_eq!(answered.status, 200, "{answered:?}");
    }
    service.finish().await;
}

#[tokio::test]
async fn a_page_is_in_the_language_that_the_browser_prefers() {
    let service = TestService::start().await;
    let consult = names::path(Operation::ConsultAttributes);
    let huge = format!("{}nl;q=0.2,fr;q=0.1", "de;q=0.9,".repeat(40));
    for (path, accepted, language, shown) in [
        ("/", Some("nl-BE,nl;q=0.9,en;q=0.5"), "nl", "<h1>Diensten</h1>"),
        ("/", Some("de,fr;q=0.7"), "fr", "Par où commencer"),
        ("/", None, "en", "<h1>Services</h1>"),
        ("/codes", Some("fr"), "fr", "Des données ont été trouvées."),
        ("/codes", Some("de, x;q=\"</html>\""), "en", "The SSIN is not a valid"),
        (consult, Some(huge.as_str()), "nl", "rijksregisternummer (INSZ)"),
        (consult, Some("*;q=0"), "en", "competent prevention service"),
    ] {
        let browser = Request::get(path).header("host", "localhost").header("accept", "text/html");
        let browser = accepted.iter().fold(browser, |browser, value| browser.header("accept-language", *value));
        let page = service.send("fund", browser.body(Full::default()).expect("a request")).await;
        assert_eq!((page.status, page.headers["content-language"].as_bytes()), (200, language.as_bytes()), "{path}");
        assert!(page.body.contains(&format!("<html lang=\"{language}\">")) && page.body.contains(shown), "{page:?}");
        // A program gets plain text in English, whatever languages it names.
        let program = Request::get(path).header("host", "localhost").header("accept-language", "nl");
        let text = service.send("fund", program.body(Full::default()).expect("a request")).await;
        assert_eq!((text.status, text.headers["content-type"].as_bytes()), (200, &b"text/plain; charset=utf-8"[..]));
        assert_eq!(text.headers["content-language"], "en");
        assert_eq!(text.headers["vary"], page.headers["vary"]);
        assert!(text.body.starts_with("ehealth-attributes: "), "{text:?}");
    }
    service.finish().await;
}

#[tokio::test]
async fn the_page_of_codes_has_every_code() {
    let service = TestService::start().await;
    let browser = Request::get("/codes").header("host", "localhost").header("accept", "text/html");
    let page = service.send("fund", browser.body(Full::default()).expect("a request")).await.body;
    let text = service.get("fund", "/codes").await.body;
    let statuses = StatusCode::ALL.map(StatusCode::code).into_iter();
    let faults = Fault::table().map(|row| row.code());
    for code in statuses.chain(faults) {
        assert!(page.contains(&format!(">{code}")) && text.contains(&format!("\n{code} ")), "{code}");
    }
    for refusal in HttpRefusal::ALL {
        let sentence = refusal.text().trim_ascii_end();
        assert!(page.contains(sentence) && text.contains(sentence), "{sentence}");
    }
    let posted = Request::post("/codes").header("host", "localhost").header("content-length", "0");
    assert_eq!(service.send("fund", posted.body(Full::default()).expect("a request")).await.status, 405);
    for near in ["/codes/", "/Codes", "/codes?a"] {
        assert_eq!(service.get("fund", near).await.status, 404, "{near}");
    }
    service.finish().await;
}

#[tokio::test]
async fn one_connection_carries_many_requests_even_after_a_fault() {
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;

    let service = TestService::start().await;
    let stream = service.connect("fund").await;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    let connection = tokio::spawn(connection);
    let whole = question(FUND, PHYSICIAN, "85073099932", "");
    for (body, status) in [(whole.as_str(), 200), ("<a/>", 500), ("no XML", 500), (whole.as_str(), 200)] {
        sender.ready().await.expect("the connection is open");
        let request = Request::post(CONSULT).header("host", "localhost").header("content-type", "text/xml");
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        assert_eq!(response.status(), status, "{body}");
        http_body_util::BodyExt::collect(response.into_body()).await.expect("a complete body");
    }
    drop(sender);
    connection.await.expect("no panic").expect("a clean end");
    service.finish().await;
}
