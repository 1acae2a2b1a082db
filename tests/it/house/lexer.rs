//! Rust source as tokens, so that a rule never mistakes a string or a comment for code.
//!
//! Knows comments (nested ones too), every form of string and character, lifetimes and raw identifiers; gives numbers and
//! marks as they come. It does not judge: what rustc would refuse is cut into some tokens all the same. Every byte that
//! is not blank is in exactly one token.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword; of a raw one, the part behind `r#`.
    Word,
    /// One character of punctuation.
    Mark,
    /// A string, byte string, C string, character or byte, quotes included.
    Text,
    /// A number with its suffix.
    Number,
    /// A lifetime or label.
    Lifetime,
    /// A comment that documents nothing.
    Comment,
    /// `//!` or `/*!`.
    InnerDoc,
    /// `///` or `/**`.
    OuterDoc,
}

/// A piece of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// How it is written.
    pub text: &'a str,
    /// The line on which it begins, from 1.
    pub line: usize,
}

impl Token<'_> {
    /// Whether this is that identifier, keyword or mark.
    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Mark) && self.text == text
    }

    /// Whether this is a comment of any kind.
    pub fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::Comment | Kind::InnerDoc | Kind::OuterDoc)
    }
}

/// Cuts a source into tokens.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            line += usize::from(first == '\n');
            rest = rest.split_at(first.len_utf8()).1;
            continue;
        }
        let (kind, length) = measure(rest, first);
        let (text, behind) = rest.split_at(length);
        let raw = text.strip_prefix("r#").filter(|_| kind == Kind::Word);
        tokens.push(Token { kind, text: raw.unwrap_or(text), line });
        line += text.matches('\n').count();
        rest = behind;
    }
    tokens
}

/// The kind and the length in bytes of the token at the begin of `rest`.
fn measure(rest: &str, first: char) -> (Kind, usize) {
    if rest.starts_with("//") {
        let kind = match rest {
            _ if rest.starts_with("//!") => Kind::InnerDoc,
            _ if rest.starts_with("///") && !rest.starts_with("////") => Kind::OuterDoc,
            _ => Kind::Comment,
        };
        return (kind, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        let kind = match rest {
            _ if rest.starts_with("/*!") => Kind::InnerDoc,
            _ if rest.starts_with("/**") && !rest.starts_with("/***") && !rest.starts_with("/**/") => Kind::OuterDoc,
            _ => Kind::Comment,
        };
        return (kind, measure_block(rest));
    }
    match first {
        '"' => (Kind::Text, measure_quoted(rest, '"')),
        '\'' => measure_tick(rest),
        _ if first.is_ascii_digit() => (Kind::Number, measure_number(rest)),
        _ if is_word(first) => measure_word(rest),
        _ => (Kind::Mark, first.len_utf8()),
    }
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// A block comment; one inside another must end, too.
fn measure_block(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if here.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// From an opening quote to the closing one; a backslash hides the character behind it.
fn measure_quoted(rest: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `'a'` and `'\n'` are characters, `'a` is a lifetime.
fn measure_tick(rest: &str) -> (Kind, usize) {
    let mut behind = rest.chars().skip(1);
    match (behind.next(), behind.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => (Kind::Text, measure_quoted(rest, '\'')),
        _ => (Kind::Lifetime, 1 + measure_while(rest.split_at(1).1)),
    }
}

fn measure_number(rest: &str) -> usize {
    let whole = measure_while(rest);
    let behind = rest.split_at(whole).1;
    match behind.strip_prefix('.') {
        // `1..2` is a range, `1.max(2)` a call.
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => whole + 1 + measure_while(fraction),
        _ => whole,
    }
}

/// An identifier, or a string or character that begins with letters.
fn measure_word(rest: &str) -> (Kind, usize) {
    let length = measure_while(rest);
    let (word, behind) = rest.split_at(length);
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    let is_string = behind.split_at(hashes).1.starts_with('"');
    match word {
        "r" | "br" | "cr" if is_string => {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = length + hashes + 1;
            let rest_of_it = rest.split_at(body).1;
            (Kind::Text, rest_of_it.find(&end).map_or(rest.len(), |at| body + at + end.len()))
        }
        "b" | "c" if behind.starts_with('"') => (Kind::Text, length + measure_quoted(behind, '"')),
        "b" if behind.starts_with('\'') => (Kind::Text, length + measure_quoted(behind, '\'')),
        "r" if hashes == 1 => (Kind::Word, length + 1 + measure_while(behind.split_at(1).1)),
        _ => (Kind::Word, length),
    }
}

fn measure_while(rest: &str) -> usize {
    rest.find(|character| !is_word(character)).unwrap_or(rest.len())
}

#[test]
fn code_in_strings_and_comments_is_not_code() {
    let source = r###"
        //! inner
        /// outer
        //// neither
        let a = "use crate::x; // \" no"; /* a /* nested */ comment */
        let b = r#"mod "x" {"#; let c = b"\"x"; let d = br##"a"#b"##; let e = c"x";
        fn r#type<'a>(x: &'a str) { 'b: loop { x.0 .1; 1..2; 0x1f_u8; 1.5; ('\'', 'c', b'\\', '"') } }
        /** outer */ /*! inner */ /**/
    "###;
    let of = |kind: Kind| -> Vec<&str> {
        tokens(source).iter().filter(|token| token.kind == kind).map(|token| token.text).collect()
    };
    assert_eq!(
        of(Kind::Word),
        ["let", "a", "let", "b", "let", "c", "let", "d", "let", "e", "fn", "type", "x", "str", "loop", "x"]
    );
    assert_eq!(
        of(Kind::Text),
        [
            r#""use crate::x; // \" no""#,
            r##"r#"mod "x" {"#"##,
            r#"b"\"x""#,
            r###"br##"a"#b"##"###,
            r#"c"x""#,
            r"'\''",
            "'c'",
            r"b'\\'",
            "'\"'"
        ]
    );
    assert_eq!(of(Kind::Lifetime), ["'a", "'a", "'b"]);
    assert_eq!(of(Kind::Number), ["0", "1", "1", "2", "0x1f_u8", "1.5"]);
    assert_eq!(of(Kind::InnerDoc), ["//! inner", "/*! inner */"]);
    assert_eq!(of(Kind::OuterDoc), ["/// outer", "/** outer */"]);
    assert_eq!(of(Kind::Comment), ["//// neither", "/* a /* nested */ comment */", "/**/"]);
}

#[test]
fn what_does_not_end_is_one_token_to_the_end() {
    for source in ["\"a\nb", "r#\"a\"", "/* a /* b */ c", "'\\", "b'", "'"] {
        let last = tokens(source).last().map(|token| token.text);
        assert!(last.is_some_and(|text| source.ends_with(text)), "{source}");
    }
    assert_eq!(tokens("a\n\"\n\"\nb").last().map(|token| token.line), Some(4));
}
