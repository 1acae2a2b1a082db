//! Accessibility of the pages for people: axe-core in Chromium finds nothing on the service pages, in
//! each language, and on the pages for operators, in both colour schemes and two widths, and no page
//! scrolls sideways.
//!
//! axe-core and playwright-core come from npm into `target/`. Without them, Node or Chromium the test
//! is skipped and says so; where `CI` is set it fails.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use ehealth_core::lookup::Operation;
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;
use soap::names;

use crate::support::environment::{say, skip, with_real_clock};
use crate::support::npm;
use crate::support::python::project;
use crate::support::service::{CONSULT, TestService, question};

/// Packages of npm.
pub const PACKAGES: [&str; 2] = ["axe-core@4.14.1", "playwright-core@1.65.1"];

/// Languages of the service pages.
const LANGUAGES: [&str; 3] = ["en", "fr", "nl"];

/// Pages for operators: name and path.
const OPERATORS_PAGES: [(&str, &str); 4] = [
    ("operators", "/?range=24h"),
    ("guide", "/guide/"),
    ("guide-incident", "/guide/incident"),
    ("guide-settings", "/guide/settings"),
];

/// Checks of a page: two colour schemes at two widths.
const CHECKS_PER_PAGE: usize = 4;

/// Path of Chromium; `None` if it is not on the path.
pub fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|file| file.is_file())
}

/// Writes every service page in every language to a folder; returns the files.
async fn save_service_pages(service: &TestService, folder: &Path) -> Vec<PathBuf> {
    let pages = Operation::ALL.map(|operation| (operation.code(), names::path(operation)));
    let mut files = Vec::new();
    for (name, path) in pages.into_iter().chain([("services", "/"), ("codes", "/codes")]) {
        for language in LANGUAGES {
            let request = Request::get(path)
                .header("host", "localhost")
                .header("accept", "text/html")
                .header("accept-language", language)
                .body(Full::<Bytes>::default())
                .expect("a request");
            let page = service.send("fund", request).await;
            assert_eq!((page.status, page.headers["content-language"].as_bytes()), (200, language.as_bytes()));
            let file = folder.join(format!("{name}-{language}.html"));
            fs::write(&file, page.body).expect("written");
            files.push(file);
        }
    }
    files
}

/// Writes the pages for operators with their style sheet inside to a folder; all details are open.
async fn save_operators_pages(service: &TestService, folder: &Path) -> Vec<PathBuf> {
    let body = |answer: Vec<u8>| {
        let text = String::from_utf8(answer).expect("UTF-8");
        text.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
    };
    let style = body(service.read_admin("/style.css").await);
    let link = "<link rel=\"stylesheet\" href=\"/style.css\">";
    let mut files = Vec::new();
    for (name, path) in OPERATORS_PAGES {
        let page = body(service.read_admin(path).await);
        assert!(page.contains(link), "{page}");
        let page = page.replace(link, &format!("<style>{style}</style>")).replace("<details", "<details open");
        let file = folder.join(format!("{name}.html"));
        fs::write(&file, page).expect("written");
        files.push(file);
    }
    files
}

/// Runs axe-core over the pages; one JSON object a check.
fn check(modules: &Path, browser: &Path, files: &[PathBuf]) -> Vec<Value> {
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("accessibility");
    fs::create_dir_all(&pictures).expect("a folder");
    let mut node = with_real_clock(&mut Command::new("node"))
        .arg(project().join("tests/it/support/check_accessibility.js"))
        .args([modules, browser, &pictures])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut input = node.stdin.take().expect("piped");
    for file in files {
        writeln!(input, "{}", file.display()).expect("sent");
    }
    drop(input);
    let output = node.wait_with_output().expect("node ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_the_pages() {
    let Some(browser) = chromium() else { return skip("chromium is missing; axe-core checks no page") };
    let modules = match npm::install("accessibility", &PACKAGES) {
        Ok(modules) => modules,
        Err(reason) => return skip(&format!("axe-core checks no page: {reason}")),
    };
    let service = TestService::start().await;
    // A warning, a rejected reload and a consumer's traffic are on the page.
    let question = question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", "85073099932", "");
    assert_eq!(service.post("fund", CONSULT, question).await.status, 200);
    let right = fs::read_to_string(&service.settings.policy).expect("a policy");
    fs::write(&service.settings.policy, "nonsense").expect("written");
    service.reloader.reload().expect_err("the policy has an error");
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = save_service_pages(&service, folder.path()).await;
    files.extend(save_operators_pages(&service, folder.path()).await);
    fs::write(&service.settings.policy, right).expect("written");
    let pages = files.len();
    let checks = tokio::task::spawn_blocking(move || check(&modules, &browser, &files)).await.expect("no panic");
    assert_eq!(checks.len(), pages * CHECKS_PER_PAGE);
    let mut wrong = Vec::new();
    for check in &checks {
        assert!(check["passed"].as_u64().is_some_and(|passed| passed >= 15), "too few rules ran: {check}");
        if check["overflow"] != false || check["findings"].as_array().is_none_or(|findings| !findings.is_empty()) {
            wrong.push(format!("{check:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    say(&format!("axe-core: {pages} pages, {} checks, no finding", checks.len()));
    service.finish().await;
}
