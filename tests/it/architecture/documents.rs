//! Citations and links: every cited document and section exists, every relative link leads
//! somewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;
use super::{Finding, finding};

/// Citations of a document: its path, and the quoted titles of sections after it.
pub fn citations(sources: &[Source]) -> Vec<Finding> {
    let documents = Documents::new(sources);
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !source.path.starts_with("tests/it/architecture/")) {
        let text = unwrapped(&source.text);
        for (start, _) in text.match_indices("docs/") {
            // `../docs/`, a file below another folder, is a link or an argument, not a citation.
            if text[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '.')) {
                continue;
            }
            let end = text[start..].find(|c: char| !c.is_alphanumeric() && !"/-_.".contains(c));
            let (cited, mut behind) = text[start..].split_at(end.unwrap_or(text.len() - start));
            let cited = cited.trim_end_matches('.');
            if !cited.ends_with(".md") {
                continue;
            }
            let line = text[..start].matches('\u{1}').count() + 1;
            let Some(titles) = documents.titles.get(cited) else {
                findings.push(finding(source, line, format!("{cited} does not exist")));
                continue;
            };
            // Right behind a closing quote there is code, not a title.
            behind = if behind.starts_with('"') { "" } else { behind };
            while let Some((title, rest)) = next_title(behind) {
                if !titles.contains(title.as_str()) {
                    findings.push(finding(source, line, format!("{cited} has no section \"{title}\"")));
                }
                behind = rest;
            }
        }
    }
    findings
}

/// Relative links of `*.md` files, with or without an anchor.
pub fn links(sources: &[Source]) -> Vec<Finding> {
    let documents = Documents::new(sources);
    let mut findings = Vec::new();
    // A template of a letter names its logo, which is no file of the project.
    let is_document = |path: &str| path.ends_with(".md") && !path.starts_with("crates/letter/templates/");
    for source in sources.iter().filter(|source| is_document(&source.path)) {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, target) in targets(&source.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
            let path = if path.is_empty() { source.path.clone() } else { joined(folder, path) };
            if !documents.paths.contains(path.as_str()) {
                findings.push(finding(source, line, format!("{target} does not exist")));
            } else if let Some(anchor) = anchor
                && documents.anchors.get(path.as_str()).is_some_and(|anchors| !anchors.contains(anchor))
            {
                findings.push(finding(source, line, format!("{path} has no #{anchor}")));
            }
        }
    }
    findings
}

/// The documents of the project, and the files and folders to which a link may lead.
struct Documents<'a> {
    titles: BTreeMap<&'a str, BTreeSet<&'a str>>,
    anchors: BTreeMap<&'a str, BTreeSet<String>>,
    paths: BTreeSet<&'a str>,
}

impl<'a> Documents<'a> {
    fn new(sources: &'a [Source]) -> Self {
        let documents = || sources.iter().filter(|source| source.path.ends_with(".md"));
        let titles = |source: &'a Source| (source.path.as_str(), headings(&source.text).collect());
        let anchors = |source: &'a Source| (source.path.as_str(), anchors(&source.text));
        let mut paths = BTreeSet::new();
        for source in sources {
            paths.insert(source.path.as_str());
            paths.extend(source.path.match_indices('/').map(|(at, _)| source.path.split_at(at).0));
        }
        Self { titles: documents().map(titles).collect(), anchors: documents().map(anchors).collect(), paths }
    }
}

/// The lines outside code fences, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((at + 1, line))
    })
}

/// Titles of the sections, without a leading number.
fn headings(text: &str) -> impl Iterator<Item = &str> {
    let headings = prose(text)
        .filter_map(|(_, line)| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    headings.map(|title| title.trim().trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start())
}

/// Anchors as GitHub and mdBook make them of headings, and those that `<a id="…">` sets.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        if let Some(title) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')) {
            let kept = title.trim().to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let again = (1..).map(|number| format!("{anchor}-{number}"));
            let free = std::iter::once(anchor.clone()).chain(again).find(|anchor| !anchors.contains(anchor));
            anchors.extend(free);
        }
        anchors.extend(line.split("id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    anchors
}

/// Targets of the links of a document, with their lines: `](target)` and `[label]: target`.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut targets = Vec::new();
    for (number, line) in prose(text) {
        let mut is_code = false;
        for part in line.split('`') {
            if !is_code || line.matches('`').count() % 2 == 1 {
                targets.extend(part.split("](").skip(1).filter_map(|rest| Some((number, rest.split_once(')')?.0))));
            }
            is_code = !is_code;
        }
        // `[`code`](target)` is cut at its backticks.
        let of_code = line.split("`](").skip(1).filter_map(|rest| Some((number, rest.split_once(')')?.0)));
        targets.extend(of_code);
        let label = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        targets.extend(label.map(|(_, target)| (number, target.trim())));
    }
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// A relative path from a folder.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// The text with comment markers removed and lines joined; U+0001 stands for a line break.
fn unwrapped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_start();
        let body = ["//!", "///", "//", "# "].iter().find_map(|marker| line.strip_prefix(marker));
        whole += body.unwrap_or(line).trim();
        whole += " \u{1}";
    }
    whole
}

/// The quoted title at the begin of a text, after a backtick, a comma or "and", and what is behind
/// it.
fn next_title(text: &str) -> Option<(String, &str)> {
    let blank = |c: char| c.is_whitespace() || matches!(c, '\u{1}' | '`' | ',');
    let text = text.trim_start_matches(blank);
    let text = text.strip_prefix("and ").unwrap_or(text).trim_start_matches(blank);
    let (title, behind) = text.strip_prefix('"')?.split_once('"')?;
    let title: Vec<_> =
        title.split(|c: char| c.is_whitespace() || c == '\u{1}').filter(|word| !word.is_empty()).collect();
    Some((title.join(" "), behind))
}
