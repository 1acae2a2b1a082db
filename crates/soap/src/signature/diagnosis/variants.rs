//! Forms of an element that signers hash in error, from likely to unlikely.

use super::cause::{Cause, Explanation};
use super::form::{Declarations, Form, Part, write};
use super::tree::{ElementIndex, Tree};
use super::white_space::Space;

/// Maximum octets of all forms of one report: a document with many long namespace URIs has forms of
/// 1 MiB each.
const OCTETS: usize = 64 * 1_024 * 1_024;

/// Work that is left for one report.
pub(super) struct Budget {
    octets: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { octets: OCTETS }
    }

    /// The element in a form; `None` if the form or all forms together are too long.
    pub(super) fn write(&mut self, tree: &Tree<'_>, index: ElementIndex, form: &Form) -> Option<Vec<u8>> {
        if self.octets == 0 {
            return None;
        }
        let octets = write(tree, index, form)?;
        self.octets = self.octets.saturating_sub(octets.len());
        Some(octets)
    }
}

/// Prefix lists that a signer may have used.
pub(super) struct PrefixLists {
    /// That of the message.
    pub(super) own: Vec<String>,
    /// Others, each with its description.
    pub(super) others: Vec<(String, Vec<String>)>,
}

impl PrefixLists {
    /// Lists for an element: the empty one, those of the other parts of the signature, and one with
    /// every prefix in scope.
    pub(super) fn of(
        tree: &Tree<'_>,
        index: ElementIndex,
        own: Vec<String>,
        named: Vec<(String, Vec<String>)>,
    ) -> Self {
        let in_scope = tree.element(index).into_iter().chain(tree.ancestors(index));
        let mut every: Vec<String> = Vec::new();
        for (prefix, _) in in_scope.flat_map(|element| &element.declared) {
            if !every.contains(prefix) {
                every.push(prefix.clone());
            }
        }
        let mut others = vec![("an empty list".to_owned(), Vec::new())];
        others.extend(named);
        others.push(("every prefix in scope".to_owned(), every));
        others.retain(|(_, list)| *list != own);
        Self { own, others }
    }
}

/// How the octets of a form are encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
    Latin1,
}

impl Encoding {
    const OTHERS: [(Self, &'static str); 3] =
        [(Self::Utf16Little, "UTF-16LE"), (Self::Utf16Big, "UTF-16BE"), (Self::Latin1, "ISO-8859-1")];

    fn encode(self, octets: Vec<u8>) -> Option<Vec<u8>> {
        let text = || std::str::from_utf8(&octets).ok();
        match self {
            Self::Utf8 => Some(octets),
            Self::Utf16Little => Some(text()?.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Self::Utf16Big => Some(text()?.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Self::Latin1 => text()?.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect(),
        }
    }
}

/// One form to try.
struct Variant {
    explanation: Explanation,
    form: Form,
    encoding: Encoding,
}

impl Variant {
    fn new(cause: Cause, detail: impl Into<String>, form: Form) -> Self {
        Self { explanation: Explanation::new(cause, detail), form, encoding: Encoding::Utf8 }
    }

    fn also(mut self, cause: Cause) -> Self {
        self.explanation.also = Some(cause);
        self
    }
}

/// Finds the form whose octets fit.
pub(super) fn find(
    tree: &Tree<'_>,
    index: ElementIndex,
    lists: &PrefixLists,
    budget: &mut Budget,
    fits: &mut dyn FnMut(&[u8]) -> bool,
) -> Option<Explanation> {
    let written = tree.written(index).unwrap_or_default();
    let with_feeds = written.replace("\r\n", "\n").replace('\r', "\n");
    let with_returns = with_feeds.replace('\n', "\r\n");
    let texts = [(written, "the octets of the file"), (&with_feeds, "with LF"), (&with_returns, "with CR LF")];
    let found = texts.into_iter().find(|(text, _)| fits(text.as_bytes()));
    if let Some((_, detail)) = found {
        return Some(Explanation::new(Cause::NotCanonical, detail));
    }
    let mut variants = single(tree, index, lists);
    variants.extend(double(lists));
    for Variant { explanation, form, encoding } in variants {
        let octets = budget.write(tree, index, &form).and_then(|octets| encoding.encode(octets));
        if octets.is_some_and(|octets| fits(&octets)) {
            return Some(explanation);
        }
    }
    None
}

fn exclusive(lists: &PrefixLists) -> Form {
    Form { declarations: Declarations::Exclusive(lists.own.clone()), ..Form::default() }
}

/// Changes of white space without new indentation.
const SPACES: [(Cause, &str, Space); 8] = [
    (Cause::SpaceAdded, "", Space::WithoutIndentation),
    (Cause::TrailingSpace, "at the ends of lines", Space::WithoutTrailing),
    (Cause::TrailingSpace, "at the ends of texts", Space::WithoutTextEnds),
    (Cause::SpaceAdded, "also around texts", Space::Trimmed),
    (Cause::LineEnds, "CR LF was signed", Space::LineEnds("\r\n")),
    (Cause::LineEnds, "CR was signed", Space::LineEnds("\r")),
    (Cause::LineEnds, "CR LF was hashed, not written as &#xD;", Space::WrittenReturns),
    (Cause::LineEnds, "LF was signed, without CR", Space::WithoutReturns),
];

fn declarations(lists: &PrefixLists) -> Vec<(Cause, String, Declarations)> {
    let mut found = vec![(Cause::InclusiveCanonicalization, String::new(), Declarations::Inclusive)];
    let other =
        |(name, list): &(String, Vec<String>)| (Cause::PrefixList, name.clone(), Declarations::Exclusive(list.clone()));
    found.extend(lists.others.iter().map(other));
    // Without unused declarations of the element itself this is an empty list.
    found.push((Cause::DetachedElement, String::new(), Declarations::Detached));
    let moved = |detail: &str, form| (Cause::MovedDeclarations, detail.to_owned(), form);
    found.push(moved("the listed prefixes were declared further out", Declarations::HoistedListed(lists.own.clone())));
    found.push(moved("the used prefixes were declared in the signed element", Declarations::HoistedUsed));
    found.push(moved("all prefixes were declared in the signed element", Declarations::HoistedAll));
    found.push((
        Cause::DetachedElement,
        "prefixes of outer elements were not declared".to_owned(),
        Declarations::Literal,
    ));
    found
}

/// Forms that differ from the canonical one in one respect.
fn single(tree: &Tree<'_>, index: ElementIndex, lists: &PrefixLists) -> Vec<Variant> {
    let own = exclusive(lists);
    let mut variants: Vec<_> = SPACES
        .into_iter()
        .map(|(cause, detail, space)| Variant::new(cause, detail, Form { space, ..own.clone() }))
        .collect();
    for (cause, detail, declarations) in declarations(lists) {
        variants.push(Variant::new(cause, detail, Form { declarations, ..own.clone() }));
    }
    variants.push(Variant::new(Cause::CommentsKept, "", Form { comments: true, ..own.clone() }));
    variants.push(Variant::new(Cause::IdAddedLater, "", Form { without_ids: true, ..own.clone() }));
    for (encoding, name) in Encoding::OTHERS {
        let variant = Variant::new(Cause::TextEncoding, name, own.clone());
        variants.push(Variant { encoding, ..variant });
    }
    for part in [Part::Content, Part::Children] {
        variants.push(Variant::new(Cause::ContentOnly, "", Form { part, ..own.clone() }));
    }
    let written = Form { written_style: true, ..own.clone() };
    variants.push(Variant::new(Cause::NotCanonical, "as a serialiser writes it", written.clone()));
    let literal = Form { declarations: Declarations::Literal, ..written };
    variants.push(Variant::new(Cause::NotCanonical, "as a serialiser writes it", literal));
    let depth = tree.ancestors(index).count();
    for unit in ["  ", "\t", "    ", " "] {
        for base in [0, depth] {
            for line in ["\n", "\r\n"] {
                let form = Form { space: Space::Indented { unit, base, line }, ..own.clone() };
                variants.push(Variant::new(Cause::SpaceRemoved, "indentation was signed", form));
            }
        }
    }
    variants
}

/// Forms that differ in two respects.
fn double(lists: &PrefixLists) -> Vec<Variant> {
    let own = exclusive(lists);
    let mut variants = Vec::new();
    for (cause, detail, declarations) in declarations(lists) {
        let form = Form { declarations, ..own.clone() };
        for (space_cause, _, space) in SPACES {
            variants.push(Variant::new(cause, detail.clone(), Form { space, ..form.clone() }).also(space_cause));
        }
        let with_comments = Form { comments: true, ..form.clone() };
        variants.push(Variant::new(cause, detail.clone(), with_comments).also(Cause::CommentsKept));
        let without_ids = Form { without_ids: true, ..form.clone() };
        variants.push(Variant::new(cause, detail.clone(), without_ids).also(Cause::IdAddedLater));
        for part in [Part::Content, Part::Children] {
            let form = Form { part, ..form.clone() };
            variants.push(Variant::new(Cause::ContentOnly, detail.clone(), form).also(cause));
        }
        for (encoding, name) in Encoding::OTHERS {
            let variant = Variant::new(cause, name, form.clone()).also(Cause::TextEncoding);
            variants.push(Variant { encoding, ..variant });
        }
    }
    for (cause, detail, space) in SPACES {
        let with_comments = Form { comments: true, space, ..own.clone() };
        variants.push(Variant::new(cause, detail, with_comments).also(Cause::CommentsKept));
        let without_ids = Form { without_ids: true, space, ..own.clone() };
        variants.push(Variant::new(cause, detail, without_ids).also(Cause::IdAddedLater));
        for part in [Part::Content, Part::Children] {
            let form = Form { space, part, ..own.clone() };
            variants.push(Variant::new(Cause::ContentOnly, detail, form).also(cause));
        }
    }
    variants
}
