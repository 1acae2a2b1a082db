//! Circles of files: what each `use` line of a crate leads to, and which files lead back to
//! themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, Use};

/// Circles of files, each sorted: every file of one reaches every other over `use` lines of
/// production code.
///
/// An import of a re-exported name leads to the file that defines it. A parent that re-exports from
/// its own children does not depend on them: a facade may stand above files that use it.
pub fn circles(sources: &[Source]) -> Vec<Vec<&str>> {
    let mut circles = Vec::new();
    let crates: BTreeSet<_> = sources.iter().filter_map(|source| Some(place(&source.path)?.0)).collect();
    for of_crate in crates {
        let tree = Tree::new(sources, of_crate);
        let edges: BTreeMap<&str, BTreeSet<&str>> =
            tree.modules.iter().map(|(module, source)| (source.path.as_str(), tree.edges(module, source))).collect();
        let mut seen = BTreeSet::new();
        for file in edges.keys().copied() {
            let there = reached(&edges, file);
            let circle: Vec<_> = there.iter().copied().filter(|other| reached(&edges, other).contains(file)).collect();
            if !circle.is_empty() && seen.insert(circle.clone()) {
                circles.push(circle);
            }
        }
    }
    circles
}

/// The crate's source folder and the module of a file; `None` outside a crate's library.
fn place(path: &str) -> Option<(&str, Vec<&str>)> {
    let at = if path.starts_with("src/") { 0 } else { path.find("/src/")? + 1 };
    let (folder, inside) = path.split_at(at + "src/".len());
    if !(folder == "src/" || folder.starts_with("crates/")) || inside.starts_with("bin/") || inside == "main.rs" {
        return None;
    }
    let mut module: Vec<_> = inside.strip_suffix(".rs")?.split('/').collect();
    if matches!(module.as_slice(), [.., "mod"] | ["lib"]) {
        module.pop();
    }
    Some((folder, module))
}

/// Every file that is reached from a file.
fn reached<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = vec![from];
    while let Some(file) = open.pop() {
        for next in edges.get(file).into_iter().flatten().copied() {
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached
}

/// The modules of a crate.
struct Tree<'a> {
    modules: BTreeMap<Vec<&'a str>, &'a Source>,
}

impl<'a> Tree<'a> {
    fn new(sources: &'a [Source], of_crate: &str) -> Self {
        let module = |source: &'a Source| {
            let (folder, module) = place(&source.path).filter(|_| !source.is_test)?;
            (folder == of_crate).then_some((module, source))
        };
        Self { modules: sources.iter().filter_map(module).collect() }
    }

    /// The files to which the imports of a file lead.
    fn edges(&self, module: &[&'a str], source: &'a Source) -> BTreeSet<&'a str> {
        let mut edges = BTreeSet::new();
        for import in source.uses.iter().filter(|import| !import.in_test) {
            let Some(target) = self.target(module, import, 0) else { continue };
            let is_own_child = target.len() > module.len() && target.starts_with(module);
            if target != module && !(import.is_reexport && is_own_child) {
                edges.extend(self.modules.get(&target).map(|target| target.path.as_str()));
            }
        }
        edges
    }

    /// The module that defines what is imported; `None` where the import leaves the crate.
    fn target(&self, module: &[&'a str], import: &'a Use, depth: usize) -> Option<Vec<&'a str>> {
        let mut path = import.path.iter().map(String::as_str).peekable();
        let mut at = module.to_vec();
        match *path.peek()? {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                while path.next_if_eq(&"super").is_some() {
                    at.pop();
                }
                return self.descend(at, path, depth);
            }
            // Since edition 2018 an import may begin with a child of the module that imports.
            name if self.modules.contains_key([module, &[name]].concat().as_slice()) => {
                return self.descend(at, path, depth);
            }
            _ => return None,
        }
        path.next();
        self.descend(at, path, depth)
    }

    fn descend(&self, mut at: Vec<&'a str>, path: impl Iterator<Item = &'a str>, depth: usize) -> Option<Vec<&'a str>> {
        for name in path {
            at.push(name);
            if self.modules.contains_key(&at) {
                continue;
            }
            at.pop();
            let here = self.modules.get(&at)?;
            // The name may be imported here from elsewhere, alone or with a glob.
            if depth < 8 && name != "*" && !here.items.contains(name) {
                let imports = here.uses.iter().filter(|import| !import.in_test);
                for import in imports.filter(|import| import.bound == name || import.bound == "*") {
                    let Some(target) = self.target(&at, import, depth + 1) else { continue };
                    let is_there = || self.modules.get(&target).is_some_and(|source| source.items.contains(name));
                    if import.bound == name || is_there() {
                        return Some(target);
                    }
                }
            }
            break;
        }
        Some(at)
    }
}
