//! Reads a document with expat, a widely used parser that shares no code with ours.
//!
//! The only file of the project that calls C. It returns the document as [`crate::Content`]; a
//! document that is not well-formed is `None`. Two things that expat accepts are `None` here as
//! well: a declaration with an empty version (`version=""`), which production 26 of XML 1.0
//! forbids, and half a surrogate pair, which is not a character of UTF-16 (RFC 2781, section 2.2).

use std::ffi::{CStr, c_char, c_int, c_void};
use std::slice;

use crate::Content;

/// Separator of namespace and name; no document can contain it.
const SEPARATOR: u8 = 1;

#[repr(C)]
struct Parser {
    _opaque: [u8; 0],
}

type OnStart = extern "C" fn(*mut c_void, *const c_char, *const *const c_char);
type OnEnd = extern "C" fn(*mut c_void, *const c_char);
type OnText = extern "C" fn(*mut c_void, *const c_char, c_int);
type OnDeclaration = extern "C" fn(*mut c_void, *const c_char, *const c_char, c_int);

#[link(name = "expat")]
unsafe extern "C" {
    fn XML_ParserCreateNS(encoding: *const c_char, separator: c_char) -> *mut Parser;
    fn XML_SetUserData(parser: *mut Parser, data: *mut c_void);
    fn XML_SetElementHandler(parser: *mut Parser, start: OnStart, end: OnEnd);
    fn XML_SetCharacterDataHandler(parser: *mut Parser, text: OnText);
    fn XML_SetXmlDeclHandler(parser: *mut Parser, declaration: OnDeclaration);
    fn XML_Parse(parser: *mut Parser, bytes: *const c_char, length: c_int, is_final: c_int) -> c_int;
    fn XML_ParserFree(parser: *mut Parser);
}

/// State of the handlers.
#[derive(Default)]
struct Found {
    content: Content,
    has_empty_version: bool,
}

/// Reads a document; `None` if it is not well-formed.
pub fn read(bytes: &[u8]) -> Option<Content> {
    let length = c_int::try_from(bytes.len()).ok()?;
    let mut found = Found::default();
    // SAFETY: the parser lives from its creation to XML_ParserFree; `found` outlives it and has no
    // other borrow while XML_Parse runs; expat reads `length` bytes and no more.
    unsafe {
        let parser = XML_ParserCreateNS(std::ptr::null(), SEPARATOR.cast_signed());
        assert!(!parser.is_null(), "out of memory");
        XML_SetUserData(parser, (&raw mut found).cast());
        XML_SetElementHandler(parser, on_start, on_end);
        XML_SetCharacterDataHandler(parser, on_text);
        XML_SetXmlDeclHandler(parser, on_declaration);
        let status = XML_Parse(parser, bytes.as_ptr().cast(), length, 1);
        XML_ParserFree(parser);
        (status == 1 && !found.has_empty_version && !has_half_pair(bytes)).then_some(found.content)
    }
}

/// Whether the bytes are UTF-16 by their byte order mark, and contain half a surrogate pair.
fn has_half_pair(bytes: &[u8]) -> bool {
    let unit = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return false,
    };
    char::decode_utf16(bytes.as_chunks().0.iter().map(|pair| unit(*pair))).any(|character| character.is_err())
}

/// A name or a value from expat, in UTF-8.
///
/// # Safety
/// `text` must end with a NUL, and live for `'a`.
unsafe fn text_of<'a>(text: *const c_char) -> &'a str {
    // SAFETY: required of the caller.
    unsafe { CStr::from_ptr(text) }.to_str().expect("expat returns UTF-8")
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(char::from(SEPARATOR)).unwrap_or(("", name))
}

extern "C" fn on_start(data: *mut c_void, name: *const c_char, mut attributes: *const *const c_char) {
    // SAFETY: `data` is the pointer that `read` passed; names and values come in pairs up to a
    // null.
    unsafe {
        let content = &mut (*data.cast::<Found>()).content;
        let mut pairs = Vec::new();
        while !(*attributes).is_null() {
            let (space, local) = split(text_of(*attributes));
            pairs.push((space, local, text_of(*attributes.add(1))));
            attributes = attributes.add(2);
        }
        let (space, local) = split(text_of(name));
        content.open(space, local, pairs);
    }
}

extern "C" fn on_end(data: *mut c_void, _: *const c_char) {
    // SAFETY: `data` is the pointer that `read` passed.
    unsafe { &mut *data.cast::<Found>() }.content.close();
}

extern "C" fn on_text(data: *mut c_void, text: *const c_char, length: c_int) {
    // SAFETY: `data` is the pointer that `read` passed; expat passes `length` bytes.
    unsafe {
        let bytes = slice::from_raw_parts(text.cast::<u8>(), usize::try_from(length).expect("a length"));
        (*data.cast::<Found>()).content.text(str::from_utf8(bytes).expect("expat returns UTF-8"));
    }
}

extern "C" fn on_declaration(data: *mut c_void, version: *const c_char, _: *const c_char, _: c_int) {
    // SAFETY: `data` is the pointer that `read` passed; the version is null only in the declaration
    // of an external entity.
    unsafe { (*data.cast::<Found>()).has_empty_version = !version.is_null() && text_of(version).is_empty() };
}
