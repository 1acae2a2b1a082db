//! A report as an HTML page: it loads nothing, runs nothing, and escapes every text.

use ehealth_core::model::Language;

use super::disclosures::{Disclosure, Report};
use super::lines::{covered, gap, lines};
use super::words::Words;

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
                     section{border-top:1px solid #999;break-inside:avoid}dl{display:grid;grid-template-columns:\
                     minmax(10em,1fr) 3fr;gap:.2em 1em}dt{font-weight:bold}dd{margin:0;overflow-wrap:anywhere}";

pub(super) fn render(report: &Report, words: &Words, language: Language) -> String {
    let title = escaped(words.title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<p>{}</p>\n",
        language.code(),
        escaped(words.introduction)
    );
    page.push_str(&list(&[
        (words.made, report.made.to_string()),
        (words.days, covered(report, words)),
        (words.count, report.disclosures.len().to_string()),
        (words.refused_count, report.refused.len().to_string()),
    ]));
    if !report.gaps.is_empty() {
        page.push_str(&format!("<h2>{}</h2>\n<ul>\n", escaped(words.gaps)));
        report.gaps.iter().for_each(|one| page.push_str(&format!("<li>{}</li>\n", escaped(&gap(one, words)))));
        page.push_str("</ul>\n");
    }
    sections(&mut page, &report.disclosures, words, language, "h2");
    if !report.refused.is_empty() {
        page.push_str(&format!("<h2>{}</h2>\n", escaped(words.refused)));
        sections(&mut page, &report.refused, words, language, "h3");
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn sections(page: &mut String, disclosures: &[Disclosure], words: &Words, language: Language, heading: &str) {
    for (number, disclosure) in (1_u64..).zip(disclosures) {
        let lines = list(&lines(disclosure, words, language));
        page.push_str(&format!("<section>\n<{heading}>{number}</{heading}>\n{lines}</section>\n"));
    }
}

fn list(lines: &[(&'static str, String)]) -> String {
    let line = |(name, value): &(&str, String)| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
    format!("<dl>\n{}</dl>\n", lines.iter().map(line).collect::<String>())
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn markup_in_a_name_is_escaped() {
        assert_eq!(escaped("<b a='1' c=\"2\">&"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
    }
}
