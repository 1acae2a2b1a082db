//! The pages that are served: the operations guide, and the reference pages that operators need.

/// A page of the book.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) struct Page {
    /// Name below `/guide/`.
    pub name: &'static str,
    /// Path of the source below `docs/`, without its extension.
    pub path: &'static str,
    /// The Markdown source.
    pub source: &'static str,
}

macro_rules! page {
    ($folder:literal, $name:literal) => {
        Page {
            name: $name,
            path: concat!($folder, "/", $name),
            source: include_str!(concat!("../../../docs/", $folder, "/", $name, ".md")),
        }
    };
}

/// Every page, in the order of the index. A test compares the operations pages with the folder.
pub(in crate::admin) const PAGES: [Page; 21] = [
    page!("operations", "install"),
    page!("operations", "configure"),
    page!("operations", "consumers"),
    page!("operations", "acme"),
    page!("operations", "diagnose"),
    page!("operations", "incident"),
    page!("operations", "rotate"),
    page!("operations", "back-up"),
    page!("operations", "restore"),
    page!("operations", "upgrade"),
    page!("operations", "audit-visit"),
    page!("operations", "gdpr-request"),
    page!("operations", "timetable"),
    page!("operations", "capacity"),
    page!("operations", "cluster"),
    page!("operations", "faults"),
    page!("reference", "codes"),
    page!("reference", "feeds"),
    page!("reference", "json"),
    page!("reference", "policy"),
    page!("reference", "settings"),
];

/// The page with this name.
pub(in crate::admin) fn find(name: &str) -> Option<&'static Page> {
    const ALL: &[Page] = &PAGES;
    ALL.iter().find(|page| page.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_page_of_the_operations_guide_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations");
        let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let names: BTreeSet<_> =
            files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
        let served = PAGES.iter().filter(|page| page.path.starts_with("operations/"));
        assert_eq!(names, served.map(|page| page.name.to_owned()).collect());
        assert!(names.iter().all(|name| find(name).is_some()) && find("absent").is_none());
    }
}
