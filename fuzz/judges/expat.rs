//! What expat, the parser of half the world and written apart from ours, makes of a document.
//!
//! The only file of the project that calls C by hand. It spells what was read as [`crate::Spelling`] says; a document that
//! is not well-formed is `None`. Two things that expat takes are `None` here as well: a declaration without a version in it
//! (`version=""`), which production 26 of XML 1.0 rules out, and half a surrogate pair, which is no character of UTF-16 (RFC
//! 2781, section 2.2).

use std::ffi::{CStr, c_char, c_int, c_void};
use std::slice;

use crate::Spelling;

/// Stands between namespace and name; no document can hold it.
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

/// What was read so far.
#[derive(Default)]
struct Found {
    spelling: Spelling,
    has_empty_version: bool,
}

/// What the document says, if it is well-formed.
pub fn read(bytes: &[u8]) -> Option<Spelling> {
    let length = c_int::try_from(bytes.len()).ok()?;
    let mut found = Found::default();
    // SAFETY: the parser lives from its creation to XML_ParserFree; `found` outlives it and is borrowed by nobody else
    // while XML_Parse runs; expat reads `length` bytes and no more.
    unsafe {
        let parser = XML_ParserCreateNS(std::ptr::null(), SEPARATOR.cast_signed());
        assert!(!parser.is_null(), "out of memory");
        XML_SetUserData(parser, (&raw mut found).cast());
        XML_SetElementHandler(parser, on_start, on_end);
        XML_SetCharacterDataHandler(parser, on_text);
        XML_SetXmlDeclHandler(parser, on_declaration);
        let status = XML_Parse(parser, bytes.as_ptr().cast(), length, 1);
        XML_ParserFree(parser);
        (status == 1 && !found.has_empty_version && !has_half_pair(bytes)).then_some(found.spelling)
    }
}

/// Whether these bytes say that they are UTF-16, and have half a surrogate pair somewhere.
fn has_half_pair(bytes: &[u8]) -> bool {
    let unit = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return false,
    };
    char::decode_utf16(bytes.as_chunks().0.iter().map(|pair| unit(*pair))).any(|character| character.is_err())
}

/// A name or a value that expat tells, in UTF-8.
///
/// # Safety
/// `text` ends with a NUL, and lives for `'a`.
unsafe fn told<'a>(text: *const c_char) -> &'a str {
    // SAFETY: the caller's word.
    unsafe { CStr::from_ptr(text) }.to_str().expect("expat tells UTF-8")
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(char::from(SEPARATOR)).unwrap_or(("", name))
}

extern "C" fn on_start(data: *mut c_void, name: *const c_char, mut attributes: *const *const c_char) {
    // SAFETY: `data` is what `read` handed over; names and values come in pairs up to a null.
    unsafe {
        let spelling = &mut (*data.cast::<Found>()).spelling;
        let mut pairs = Vec::new();
        while !(*attributes).is_null() {
            let (space, local) = split(told(*attributes));
            pairs.push((space, local, told(*attributes.add(1))));
            attributes = attributes.add(2);
        }
        let (space, local) = split(told(name));
        spelling.open(space, local, pairs);
    }
}

extern "C" fn on_end(data: *mut c_void, _: *const c_char) {
    // SAFETY: `data` is what `read` handed over.
    unsafe { &mut *data.cast::<Found>() }.spelling.close();
}

extern "C" fn on_text(data: *mut c_void, text: *const c_char, length: c_int) {
    // SAFETY: `data` is what `read` handed over; expat tells `length` bytes.
    unsafe {
        let bytes = slice::from_raw_parts(text.cast::<u8>(), usize::try_from(length).expect("a length"));
        (*data.cast::<Found>()).spelling.text(str::from_utf8(bytes).expect("expat tells UTF-8"));
    }
}

extern "C" fn on_declaration(data: *mut c_void, version: *const c_char, _: *const c_char, _: c_int) {
    // SAFETY: `data` is what `read` handed over; the version is null in the declaration of an external entity alone.
    unsafe { (*data.cast::<Found>()).has_empty_version = !version.is_null() && told(version).is_empty() };
}
