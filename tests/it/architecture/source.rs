//! A file of the project as the rules see it: text, and for Rust what `syn` reads in it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A file of the project.
#[derive(Debug, Default)]
pub struct Source {
    /// Path from the project's folder.
    pub path: String,
    /// Contents.
    pub text: String,
    /// Whether only a test build compiles it.
    pub is_test: bool,
    /// Imports: one for each leaf of a `use` tree.
    pub uses: Vec<Use>,
    /// Paths in code, at least two segments.
    pub paths: Vec<Found<Vec<String>>>,
    /// Names of called functions and methods.
    pub calls: Vec<Found<String>>,
    /// Functions and methods with a body.
    pub functions: Vec<Found<Function>>,
    /// Module declarations.
    pub modules: Vec<Found<Module>>,
    /// Patterns and attributes that a rule forbids, by name: `ignore`, `allow`, `_ =>`,
    /// `Other(String)`.
    pub marks: Vec<Found<&'static str>>,
    /// Every identifier, with the number of its occurrences.
    pub names: BTreeMap<String, usize>,
    /// String literals.
    pub strings: Vec<Found<String>>,
    /// Names of the items at the top level.
    pub items: BTreeSet<String>,
    /// Lines that only a test build compiles.
    test_lines: usize,
}

/// Something in a file.
#[derive(Debug, Clone)]
pub struct Found<T> {
    pub what: T,
    /// Line, from 1.
    pub line: usize,
    /// Whether it is in an item that only a test build compiles.
    pub in_test: bool,
}

/// An imported path.
#[derive(Debug, Clone)]
pub struct Use {
    /// Segments; `*` for a glob.
    pub path: Vec<String>,
    /// Name that the import binds.
    pub bound: String,
    /// Whether the import is visible outside its module.
    pub is_reexport: bool,
    pub line: usize,
    pub in_test: bool,
}

#[derive(Debug, Clone)]
pub struct Function {
    pub name: String,
    pub lines: usize,
    /// Whether the function is `pub` and a parameter's whole type is `bool`.
    pub takes_bool: bool,
}

#[derive(Debug, Clone)]
pub struct Module {
    pub name: String,
    /// File of a `#[path]` attribute.
    pub file: Option<String>,
}

impl Source {
    /// Reads a file. Rust that `syn` cannot parse fails the test: rustc would refuse it too.
    pub fn new(path: &str, text: &str) -> Self {
        let mut source = Self { path: path.to_owned(), text: text.to_owned(), ..Self::default() };
        if source.is_rust() {
            let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
            source.items = file.items.iter().filter_map(name_of).collect();
            let mut reading = Reading { source, in_test: false };
            reading.visit_file(&file);
            source = reading.source;
            let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
            source.count_names(tokens);
        }
        source
    }

    pub fn is_rust(&self) -> bool {
        std::path::Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Number of lines outside test items.
    pub fn production_lines(&self) -> usize {
        if self.is_test { 0 } else { self.text.lines().count() - self.test_lines }
    }

    /// Files that only a test build compiles, because this file declares them under `#[cfg(test)]`.
    pub fn test_files(&self) -> Vec<String> {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let own = match name.trim_end_matches(".rs") {
            "mod" | "lib" | "main" => folder.to_owned(),
            stem => format!("{folder}/{stem}"),
        };
        let of_test = self.modules.iter().filter(|module| module.in_test || self.is_test);
        of_test
            .flat_map(|module| match &module.what.file {
                Some(file) => vec![format!("{folder}/{file}")],
                None => [".rs", "/mod.rs"].map(|end| format!("{own}/{}{end}", module.what.name)).to_vec(),
            })
            .collect()
    }

    fn count_names(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.count_names(group.stream()),
                TokenTree::Ident(name) => *self.names.entry(name.to_string()).or_default() += 1,
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

/// Name of an item that another module can import.
#[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
fn name_of(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

struct Reading {
    source: Source,
    in_test: bool,
}

impl Reading {
    fn found<T>(&self, what: T, at: &impl Spanned) -> Found<T> {
        Found { what, line: at.span().start().line, in_test: self.in_test }
    }

    /// Runs `visit` for an item with these attributes.
    fn item(&mut self, attributes: &[syn::Attribute], item: &impl Spanned, visit: impl FnOnce(&mut Self)) {
        let before = self.in_test;
        self.in_test |= attributes.iter().any(is_for_tests);
        if self.in_test && !before {
            let span = item.span();
            self.source.test_lines += span.end().line + 1 - span.start().line;
        }
        visit(self);
        self.in_test = before;
    }

    fn function(&mut self, visibility: Option<&syn::Visibility>, signature: &syn::Signature, block: &syn::Block) {
        let takes_bool = matches!(visibility, Some(syn::Visibility::Public(_)))
            && signature.inputs.iter().any(
                |input| matches!(input, syn::FnArg::Typed(input) if matches!(&*input.ty, syn::Type::Path(ty) if ty.path.is_ident("bool"))),
            );
        let lines = block.span().end().line + 1 - signature.span().start().line;
        let function = Function { name: signature.ident.to_string(), lines, takes_bool };
        let found = self.found(function, &signature.ident);
        self.source.functions.push(found);
    }

    fn use_tree(&mut self, tree: &syn::UseTree, prefix: &[String], is_reexport: bool) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        let (path, bound) = match tree {
            syn::UseTree::Path(tree) => return self.use_tree(&tree.tree, &with(&tree.ident), is_reexport),
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.use_tree(tree, prefix, is_reexport));
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                (prefix.to_vec(), prefix.last().cloned().unwrap_or_default())
            }
            syn::UseTree::Name(name) => (with(&name.ident), name.ident.to_string()),
            syn::UseTree::Rename(name) if name.ident == "self" => (prefix.to_vec(), name.rename.to_string()),
            syn::UseTree::Rename(name) => (with(&name.ident), name.rename.to_string()),
            syn::UseTree::Glob(_) => ([prefix, &["*".to_owned()]].concat(), "*".to_owned()),
        };
        let Found { line, in_test, .. } = self.found((), tree);
        self.source.uses.push(Use { path, bound, is_reexport, line, in_test });
    }

    /// Reads calls, paths and strings from a macro's tokens, which `syn` leaves alone.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let is = |at: usize, mark: char| matches!(tokens.get(at), Some(TokenTree::Punct(it)) if it.as_char() == mark);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => self.literal(&literal.to_string(), literal.span()),
                TokenTree::Punct(_) => {}
                TokenTree::Ident(first) => {
                    let (mut path, span) = (vec![first.to_string()], first.span());
                    while let (true, true, Some(TokenTree::Ident(next))) =
                        (is(at, ':'), is(at + 1, ':'), tokens.get(at + 2))
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    if matches!(tokens.get(at), Some(TokenTree::Group(it)) if it.delimiter() == Delimiter::Parenthesis)
                    {
                        let name = path.last().cloned().unwrap_or_default();
                        self.source.calls.push(Found { what: name, line: span.start().line, in_test: self.in_test });
                    }
                    if path.len() > 1 {
                        self.source.paths.push(Found { what: path, line: span.start().line, in_test: self.in_test });
                    }
                }
            }
        }
    }

    fn literal(&mut self, text: &str, span: proc_macro2::Span) {
        if let Some(text) = text.strip_prefix('"') {
            let (what, line) = (text.trim_end_matches('"').to_owned(), span.start().line);
            self.source.strings.push(Found { what, line, in_test: self.in_test });
        }
    }

    fn mark(&mut self, what: &'static str, at: &impl Spanned) {
        let found = self.found(what, at);
        self.source.marks.push(found);
    }
}

impl<'ast> Visit<'ast> for Reading {
    #[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes: &[syn::Attribute] = match item {
            syn::Item::Const(item) => &item.attrs,
            syn::Item::Enum(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Macro(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Static(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Trait(item) => &item.attrs,
            syn::Item::Type(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => &[],
        };
        self.item(attributes, item, |this| visit::visit_item(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.item(&item.attrs, item, |this| {
            this.function(Some(&item.vis), &item.sig, &item.block);
            visit::visit_impl_item_fn(this, item);
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(None, &item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(Some(&item.vis), &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let file = item.attrs.iter().find(|attribute| attribute.path().is_ident("path"));
        let file = file.and_then(|attribute| {
            let syn::Meta::NameValue(syn::MetaNameValue { value: syn::Expr::Lit(value), .. }) = &attribute.meta else {
                return None;
            };
            if let syn::Lit::Str(text) = &value.lit { Some(text.value()) } else { None }
        });
        let module = Module { name: item.ident.to_string(), file };
        let found = self.found(module, &item.ident);
        self.source.modules.push(found);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_reexport = !matches!(item.vis, syn::Visibility::Inherited);
        self.use_tree(&item.tree, &[], is_reexport);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let converts = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        if converts.is_some_and(|name| name.ident == "From") {
            self.mark("impl From", item);
            CatchAlls(self).visit_item_impl(item);
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let found = self.found(segments, path);
            self.source.paths.push(found);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*call.func
            && let Some(name) = path.path.segments.last()
        {
            let found = self.found(name.ident.to_string(), &name.ident);
            self.source.calls.push(found);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let found = self.found(call.method.to_string(), &call.method);
        self.source.calls.push(found);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        let is_text = |field: &syn::Field| matches!(&field.ty, syn::Type::Path(ty) if ty.path.is_ident("String"));
        if variant.ident == "Other" && variant.fields.iter().any(is_text) {
            self.mark("Other(String)", variant);
        }
        visit::visit_variant(self, variant);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let is_inner = matches!(attribute.style, syn::AttrStyle::Inner(_));
        if attribute.path().is_ident("ignore") {
            self.mark("#[ignore]", attribute);
        } else if is_inner && attribute.path().is_ident("allow") {
            self.mark("#![allow]", attribute);
        } else if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        let found = self.found(text.value(), text);
        self.source.strings.push(found);
    }
}

/// Marks the `_ =>` arms of a conversion.
struct CatchAlls<'a>(&'a mut Reading);

impl<'ast> Visit<'ast> for CatchAlls<'_> {
    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if matches!(arm.pat, syn::Pat::Wild(_)) {
            self.0.mark("_ =>", arm);
        }
        visit::visit_arm(self, arm);
    }
}

/// Whether an attribute makes its item part of the test build only.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return attribute.path().is_ident("test") };
    attribute.path().is_ident("cfg") && {
        let words: Vec<_> = list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect();
        words.iter().any(|word| word == "test") && !words.iter().any(|word| word == "not")
    }
}

/// Reads the files of a project.
pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Source> {
    let mut sources: Vec<_> = files.into_iter().map(|(path, text)| Source::new(path, text)).collect();
    // A module that a test file declares is a test file, too.
    loop {
        let of_tests: BTreeSet<_> = sources.iter().flat_map(Source::test_files).collect();
        let mut has_changed = false;
        for source in sources.iter_mut().filter(|source| !source.is_test && of_tests.contains(&source.path)) {
            (source.is_test, has_changed) = (true, true);
        }
        if !has_changed {
            return sources;
        }
    }
}

#[test]
fn every_leaf_of_a_use_tree_is_an_import() {
    let text = "use crate::{a, b::{self, c as d}, e::*}; pub(crate) use self::f; #[cfg(test)] mod t { use g; }";
    let source = Source::new("src/room.rs", text);
    let uses: Vec<_> = source.uses.iter().map(|it| (it.path.join("::"), it.bound.as_str(), it.is_reexport)).collect();
    let expected = [
        ("crate::a", "a", false),
        ("crate::b", "b", false),
        ("crate::b::c", "d", false),
        ("crate::e::*", "*", false),
        ("self::f", "f", true),
        ("g", "g", false),
    ];
    assert_eq!(uses, expected.map(|(path, bound, is_reexport)| (path.to_owned(), bound, is_reexport)));
    assert!(source.uses[5].in_test && !source.uses[4].in_test);
}

#[test]
fn test_items_and_test_files_are_not_production() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n}\n#[cfg(not(test))]\nfn b() {}\n";
    assert_eq!(Source::new("src/a.rs", text).production_lines(), 3);
    let files = [
        ("src/soap/mod.rs", "#[cfg(test)]\nmod tests;\nmod reader;"),
        ("src/soap/reader.rs", "#[cfg(test)]\n#[path = \"reader_tests.rs\"]\nmod tests;\n#[cfg(test)] mod more;"),
        ("src/soap/tests.rs", "mod deeper;"),
        ("src/soap/tests/deeper.rs", ""),
        ("src/soap/reader_tests.rs", ""),
        ("src/soap/reader/more.rs", ""),
        ("src/soap/reader/tests.rs", ""),
    ];
    let sources = read(files);
    let of_tests: Vec<_> = sources.iter().filter(|it| it.is_test).map(|it| it.path.as_str()).collect();
    let expected =
        ["src/soap/tests.rs", "src/soap/tests/deeper.rs", "src/soap/reader_tests.rs", "src/soap/reader/more.rs"];
    assert_eq!(of_tests, expected);
}
