//! Where the links of a page lead on the listener.

use super::pages::{PAGES, Page};

/// Target of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// An address of the listener, or of the web.
    Address(String),
    /// A page that the listener does not serve: the link becomes plain text.
    NotServed,
}

/// Target of a link on this page.
pub(super) fn resolve(page: &Page, link: &str) -> Target {
    if link.starts_with("https://") || link.starts_with("http://") || link.starts_with('#') {
        return Target::Address(link.to_owned());
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let folder = page.path.split_once('/').map_or("", |(folder, _)| folder);
    let path = match path.strip_prefix("../") {
        Some(path) => path.to_owned(),
        None => format!("{folder}/{path}"),
    };
    served(path.strip_suffix(".md").unwrap_or_default(), anchor)
}

/// Target of a citation such as `docs/reference/policy.md`.
pub(super) fn resolve_citation(code: &str) -> Option<String> {
    let path = code.strip_prefix("docs/")?.strip_suffix(".md")?;
    match served(path, None) {
        Target::Address(address) => Some(address),
        Target::NotServed => None,
    }
}

fn served(path: &str, anchor: Option<&str>) -> Target {
    let anchor = anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
    match PAGES.iter().find(|page| page.path == path) {
        Some(page) => Target::Address(format!("/guide/{}{anchor}", page.name)),
        None => Target::NotServed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pages::find;
    use super::*;

    #[test]
    fn a_link_leads_to_a_served_page_or_becomes_text() {
        let page = find("incident").expect("served");
        let address = |text: &str| Target::Address(text.to_owned());
        for (link, target) in [
            ("cluster.md#nodesilent", address("/guide/cluster#nodesilent")),
            ("../reference/codes.md", address("/guide/codes")),
            ("#disk-full", address("#disk-full")),
            ("https://example.be/a", address("https://example.be/a")),
            ("../reference/contract.md", Target::NotServed),
            ("../../README.md", Target::NotServed),
            ("javascript:alert(1)", Target::NotServed),
            ("json/health.schema.json", Target::NotServed),
        ] {
            assert_eq!(resolve(page, link), target, "{link}");
        }
        assert_eq!(resolve_citation("docs/reference/policy.md").as_deref(), Some("/guide/policy"));
        assert_eq!([resolve_citation("docs/design/scale.md"), resolve_citation("policy.md")], [None, None]);
    }
}
