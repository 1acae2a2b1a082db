//! The operations guide: pages of the book that the listener serves, in the version that runs, and the
//! section for each reason and warning.
//!
//! The Markdown files are compiled in, so that a link works without a network and without a browser's
//! memory of another version.

mod guidance;
mod headings;
mod links;
mod pages;
mod render;
mod section;

use std::sync::LazyLock;

pub(super) use guidance::Guidance;
pub(super) use render::Rendered;
pub(super) use section::Section;

use pages::{PAGES, find};
use render::render;

/// All pages, rendered at the first use: 5 ms, once.
static GUIDE: LazyLock<Vec<(&'static str, Rendered)>> =
    LazyLock::new(|| PAGES.iter().map(|page| (page.name, render(page))).collect());

/// Every page with its name, in the order of the index.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static Rendered)> {
    GUIDE.iter().map(|(name, rendered)| (*name, rendered))
}

/// The page with this name.
pub(super) fn rendered(name: &str) -> Option<&'static Rendered> {
    let page = find(name)?;
    all().find(|(name, _)| *name == page.name).map(|(_, rendered)| rendered)
}

impl Section {
    /// Title of the section.
    pub(super) fn title(self) -> Option<&'static str> {
        let (page, anchor) = self.code().split_once('#')?;
        rendered(page)?.ids.get(anchor).map(String::as_str)
    }
}
