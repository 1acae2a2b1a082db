//! One source file as the rules look at it: its tokens, every path written in it, every module it declares.
//!
//! Paths come from `use` trees, one for each leaf, and from the code (`crate::a::b(…)`, `tokio::spawn`). Names that
//! macros make and names behind a glob are not followed; the `use` that brought them in was.

use std::collections::BTreeSet;

use super::lexer::{Kind, Token, tokens};

/// A file of the project.
#[derive(Debug)]
pub struct Source<'a> {
    /// Where it is, from the project's folder, with `/`.
    pub path: &'a str,
    /// All that is in it.
    pub text: &'a str,
    /// Whether only a test build has it.
    pub is_test: bool,
    /// Its tokens, if it is Rust.
    pub tokens: Vec<Token<'a>>,
    /// The same without comments.
    pub code: Vec<Token<'a>>,
    /// Every path in it.
    pub paths: Vec<Path<'a>>,
    /// Every module that it declares.
    pub modules: Vec<Module<'a>>,
}

/// A path, as `use` or code has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'a> {
    /// Its segments: from the crate's root (`crate` first) where it leads inside, as written elsewhere.
    pub segments: Vec<&'a str>,
    /// The line of its last segment.
    pub line: usize,
    /// Whether it stands in an item that only a test build has.
    pub in_test: bool,
    /// The name that a `use` gives it; `None` in code.
    pub bound: Option<&'a str>,
}

/// A module, as its parent declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module<'a> {
    /// Its name.
    pub name: &'a str,
    /// The line of the name.
    pub line: usize,
    /// Whether only a test build has it.
    pub in_test: bool,
    /// Where its file is, if not where the name says: `#[path = "…"]`.
    pub file: Option<&'a str>,
}

/// The crate as its binary and its tests call it.
const OWN_NAME: &str = "ehealth_attributes";

impl<'a> Source<'a> {
    /// Reads a file.
    pub fn new(path: &'a str, text: &'a str) -> Self {
        let is_rust = std::path::Path::new(path).extension().is_some_and(|extension| extension == "rs");
        let tokens = if is_rust { tokens(text) } else { Vec::new() };
        let code: Vec<_> = tokens.iter().filter(|token| !token.is_comment()).copied().collect();
        let mut scan = Scan { code: &code, modules: Vec::new(), paths: Vec::new() };
        scan.run(&module_of(path));
        let Scan { modules, paths, .. } = scan;
        Self { path, text, is_test: false, tokens, code, paths, modules }
    }

    /// The room in which the file lies (`lib` and `main` for these two files); `None` outside `src`.
    pub fn room(&self) -> Option<&'a str> {
        let inside = self.path.strip_prefix("src/")?;
        Some(inside.split_once('/').map_or(inside.trim_end_matches(".rs"), |(room, _)| room))
    }

    /// The paths that lead to another package, with its name as code writes it.
    pub fn libraries(&self) -> impl Iterator<Item = (&'a str, &Path<'a>)> {
        let own: BTreeSet<&str> = self.modules.iter().map(|module| module.name).collect();
        let bound = self.paths.iter().filter(|path| path.is_inside()).filter_map(|path| path.bound);
        let own: BTreeSet<&str> = own.into_iter().chain(bound).collect();
        let outside = self.paths.iter().filter(|path| !path.is_inside());
        outside.filter_map(move |path| {
            let name = *path.segments.first()?;
            (!own.contains(name)).then_some((name, path))
        })
    }

    /// The files that only a test build has, by this one's declarations: `#[cfg(test)] mod name;`.
    fn test_files(&self) -> Vec<String> {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", self.path));
        let own = match name.trim_end_matches(".rs") {
            "mod" | "lib" | "main" => folder.to_owned(),
            stem => format!("{folder}/{stem}"),
        };
        let of_module = |module: &Module<'_>| match module.file {
            Some(file) => vec![format!("{folder}/{file}")],
            None => vec![format!("{own}/{}.rs", module.name), format!("{own}/{}/mod.rs", module.name)],
        };
        self.modules.iter().filter(|module| module.in_test).flat_map(of_module).collect()
    }

    /// The lines before the tests at the file's end.
    pub fn production_lines(&self) -> usize {
        if self.is_test {
            return 0;
        }
        let tests = self.code.windows(7).find(|window| {
            let words = ["#", "[", "cfg", "(", "test", ")", "]"];
            window.iter().zip(words).all(|(token, word)| token.is(word))
        });
        let last = tests.and_then(|window| window.first()).map(|token| token.line - 1);
        last.unwrap_or_else(|| self.text.lines().count())
    }
}

impl Path<'_> {
    /// Whether the path leads into this crate.
    pub fn is_inside(&self) -> bool {
        self.segments.first() == Some(&"crate")
    }
}

/// Reads the files of a project and tells those of the test build from the others.
pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Source<'a>> {
    let mut sources: Vec<_> = files.into_iter().map(|(path, text)| Source::new(path, text)).collect();
    let of_tests: BTreeSet<_> = sources.iter().flat_map(Source::test_files).collect();
    for source in &mut sources {
        source.is_test = of_tests.contains(source.path);
        for path in &mut source.paths {
            path.in_test |= source.is_test;
        }
    }
    sources
}

/// The module that a file is: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
fn module_of(path: &str) -> Vec<&str> {
    let inside = path.strip_prefix("src/").unwrap_or_default().trim_end_matches(".rs");
    let mut module: Vec<_> = inside.split('/').filter(|part| !part.is_empty()).collect();
    if matches!(module.as_slice(), [.., "mod"] | ["lib" | "main"]) {
        module.pop();
    }
    module
}

/// A walk over the code of a file.
struct Scan<'s, 'a> {
    code: &'s [Token<'a>],
    modules: Vec<Module<'a>>,
    paths: Vec<Path<'a>>,
}

/// What a brace opened.
struct Scope<'a> {
    module: Option<&'a str>,
    in_test: bool,
}

impl<'a> Scan<'_, 'a> {
    fn run(&mut self, file: &[&'a str]) {
        let mut scopes: Vec<Scope<'a>> = Vec::new();
        // The depth of ( and [ at which a test item was announced, and the module that was.
        let (mut depth, mut test_at, mut module) = (0_usize, None, None);
        let mut file_of_next = None;
        let mut at = 0;
        while let Some(token) = self.code.get(at) {
            let in_test = test_at.is_some() || scopes.iter().any(|scope| scope.in_test);
            let here: Vec<_> = file.iter().copied().chain(scopes.iter().filter_map(|scope| scope.module)).collect();
            let mut next = at + 1;
            match token.text {
                _ if token.kind == Kind::Text => {}
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                "{" => {
                    let announced = test_at.take_if(|announced| *announced == depth).is_some();
                    scopes.push(Scope { module: module.take(), in_test: announced });
                }
                "}" => drop(scopes.pop()),
                ";" => drop(test_at.take_if(|announced| *announced == depth)),
                "#" if self.is(next, "[") => {
                    let attribute = self.code.get(next..self.closing(next)).unwrap_or_default();
                    if is_for_tests(attribute) {
                        test_at = Some(depth);
                    }
                    if let [_, path, _, file, _] = attribute
                        && path.is("path")
                    {
                        file_of_next = Some(file.text.trim_matches('"'));
                    }
                }
                "mod" if token.kind == Kind::Word => {
                    if let Some(name) = self.code.get(next).filter(|name| name.kind == Kind::Word) {
                        let Token { text: name, line, .. } = *name;
                        self.modules.push(Module { name, line, in_test, file: file_of_next.take() });
                        module = self.is(next + 1, "{").then_some(name);
                        next += 1;
                    }
                }
                "use" if token.kind == Kind::Word && !self.is(next, "<") => {
                    next = self.read_tree(next, &[], &here, in_test);
                }
                _ if token.kind == Kind::Word && !self.is_behind_colons(at) && self.is_colons(next) => {
                    next = self.read_path(at, &here, in_test);
                }
                _ => {}
            }
            at = next;
        }
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.code.get(at).is_some_and(|token| token.is(text))
    }

    fn is_colons(&self, at: usize) -> bool {
        self.is(at, ":") && self.is(at + 1, ":")
    }

    fn is_behind_colons(&self, at: usize) -> bool {
        // A path may begin with `::`; then nothing to which it could belong stands before.
        at >= 3 && self.is_colons(at - 2) && {
            let before = self.code.get(at - 3);
            before.is_some_and(|token| token.kind == Kind::Word && token.text != "use" || token.is(">"))
        }
    }

    /// The place behind the bracket that closes the one at `open`.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.code.iter().enumerate().skip(open) {
            match token.text {
                "(" | "[" | "{" if token.kind == Kind::Mark => depth += 1,
                ")" | "]" | "}" if token.kind == Kind::Mark => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        self.code.len()
    }

    /// Reads a path in code; the place behind it.
    fn read_path(&mut self, start: usize, here: &[&'a str], in_test: bool) -> usize {
        let (mut at, mut segments, mut line) = (start, Vec::new(), 0);
        while let Some(word) = self.code.get(at).filter(|token| token.kind == Kind::Word) {
            segments.push(word.text);
            line = word.line;
            at += 1;
            let goes_on = self.is_colons(at) && self.code.get(at + 2).is_some_and(|token| token.kind == Kind::Word);
            if !goes_on {
                break;
            }
            at += 2;
        }
        self.paths.push(Path { segments: from_root(&segments, here), line, in_test, bound: None });
        at
    }

    /// Reads a `use` tree, one path a leaf; the place behind it.
    fn read_tree(&mut self, start: usize, prefix: &[&'a str], here: &[&'a str], in_test: bool) -> usize {
        let (mut at, mut segments) = (start, prefix.to_vec());
        while let Some(token) = self.code.get(at) {
            at += 1;
            match token.text {
                "{" => {
                    while !self.is(at, "}") && at < self.code.len() {
                        at = self.read_tree(at, &segments, here, in_test);
                        at += usize::from(self.is(at, ","));
                    }
                    return at + 1;
                }
                ":" => continue,
                _ if token.kind == Kind::Word || token.is("*") => segments.push(token.text),
                _ => return at,
            }
            if !self.is_colons(at) {
                let line = token.line;
                if segments.len() > 1 && segments.last() == Some(&"self") {
                    segments.pop();
                }
                let mut bound = segments.last().copied();
                if self.is(at, "as") {
                    bound = self.code.get(at + 1).map(|name| name.text);
                    at += 2;
                }
                self.paths.push(Path { segments: from_root(&segments, here), line, in_test, bound });
                return at;
            }
        }
        at
    }
}

/// Whether an attribute makes its item one of the test build.
fn is_for_tests(attribute: &[Token<'_>]) -> bool {
    let has = |word| attribute.iter().any(|token| token.is(word));
    let is_cfg = attribute.get(1).is_some_and(|token| token.is("cfg"));
    (is_cfg && has("test") && !has("not")) || (attribute.len() == 3 && has("test"))
}

/// Makes `self`, `super` and the crate's own name begin at `crate`.
fn from_root<'a>(segments: &[&'a str], here: &[&'a str]) -> Vec<&'a str> {
    let mut module = here.to_vec();
    let mut rest = segments;
    match segments {
        ["crate" | OWN_NAME, behind @ ..] => (module, rest) = (Vec::new(), behind),
        ["self", behind @ ..] => rest = behind,
        ["super", ..] => {
            while let ["super", behind @ ..] = rest {
                module.pop();
                rest = behind;
            }
        }
        _ => return segments.to_vec(),
    }
    ["crate"].into_iter().chain(module).chain(rest.iter().copied()).collect()
}

#[cfg(test)]
fn written(source: &Source<'_>) -> Vec<String> {
    source.paths.iter().map(|path| path.segments.join("::")).collect()
}

#[test]
fn every_leaf_of_a_use_tree_is_a_path() {
    let text = "use crate::{a, b::{self, c as d}, e::*}; use ::f; use super::g; pub(crate) use self::h;
        fn i() -> impl Sized + use<> { j::k::<l::m>(n.o); \"crate::p\"; <q::R as S>::t() }
        mod u { use super::super::v; mod w { use super::x; } } use ehealth_attributes::y; use z;";
    let source = Source::new("src/room/file.rs", text);
    let expected = "crate::a crate::b crate::b::c crate::e::* f crate::room::g crate::room::file::h j::k l::m q::R \
                    crate::room::v crate::room::file::u::x crate::y z";
    assert_eq!(written(&source).join(" "), expected);
    let modules: Vec<_> = source.modules.iter().map(|module| (module.name, module.line)).collect();
    assert_eq!(modules, [("u", 3), ("w", 3)]);
    let of_room = Source::new("src/room/mod.rs", "use super::a; use self::b;");
    assert_eq!(written(&of_room), ["crate::a", "crate::room::b"]);
}

#[test]
fn items_of_the_test_build_are_told_from_the_others() {
    let text = "#![cfg_attr(not(test), deny(x))]\nuse a;\n#[cfg(test)]\nuse b;\nuse c;
        #[cfg(not(test))] use d;\n#[cfg(test)]\nmod tests { use e; #[test] fn x(y: [u8; 1]) { f::g } }
        #[test] fn z(y: [u8; 1]) { h::i } fn last() { j::k }";
    let source = Source::new("src/room/file.rs", text);
    let in_test: Vec<_> = source.paths.iter().filter(|path| path.in_test).map(|path| path.segments[0]).collect();
    assert_eq!(in_test, ["b", "e", "f", "h"]);
    assert_eq!(source.production_lines(), 2);
}

#[test]
fn a_module_of_a_librarys_name_is_not_the_library() {
    let source =
        Source::new("src/feed/mod.rs", "mod csv; use crate::a::toml; fn a() { csv::b(); toml::c(); zstd::d() }");
    let names: Vec<_> = source.libraries().map(|(name, _)| name).collect();
    assert_eq!(names, ["zstd"]);
}

#[test]
fn a_file_that_a_test_module_names_belongs_to_the_test_build() {
    let files = [
        ("src/soap/mod.rs", "#[cfg(test)]\nmod tests;\nmod reader;"),
        ("src/soap/reader.rs", "#[cfg(test)]\n#[path = \"reader_tests.rs\"]\nmod tests;\n#[cfg(test)] mod more;"),
        ("src/soap/tests.rs", "use a;"),
        ("src/soap/reader_tests.rs", ""),
        ("src/soap/reader/more.rs", ""),
        ("src/soap/reader/tests.rs", ""),
    ];
    let of_tests: Vec<_> = read(files).into_iter().filter(|source| source.is_test).collect();
    let paths: Vec<_> = of_tests.iter().map(|source| source.path).collect();
    assert_eq!(paths, ["src/soap/tests.rs", "src/soap/reader_tests.rs", "src/soap/reader/more.rs"]);
    assert!(of_tests[0].paths[0].in_test && of_tests[0].production_lines() == 0);
}
