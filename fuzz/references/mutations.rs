//! Mutations of a signed message, for the fuzz target `signature` and for
//! `tests/it/signatures/mutations.rs`: edits of bytes, and moves and copies of ranges that may be
//! whole elements.

use std::ops::Range;

/// Texts that are inserted. Some of them change what an element means and not its canonical form.
const TEXTS: [&str; 24] = [
    " ",
    "\n",
    "\r\n",
    "<!-- a -->",
    "<![CDATA[]]>",
    "&#32;",
    "&#10;",
    "&amp;",
    "<a/>",
    "<a xmlns=\"\"/>",
    " xmlns=\"\"",
    " xmlns:a=\"urn:a\"",
    " xmlns:wsu=\"urn:a\"",
    " Id=\"a\"",
    " wsu:Id=\"a\"",
    " a=\"b\"",
    " mustUnderstand=\"1\"",
    " actor=\"urn:a\"",
    "<soapenv:Body/>",
    "</soapenv:Header><soapenv:Header>",
    "<wsu:Timestamp/>",
    "<ds:Reference/>",
    "==",
    "?>",
];

/// Mutates a message in a number of steps. `choose` returns a number below its argument, which is
/// not 0.
pub fn mutate(message: &[u8], steps: usize, choose: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut mutated = message.to_vec();
    for _ in 0..steps {
        // Copies of copies would take all of the memory.
        if mutated.len() < 8 * message.len() {
            step(&mut mutated, choose);
        }
    }
    mutated
}

fn step(message: &mut Vec<u8>, choose: &mut impl FnMut(usize) -> usize) {
    match choose(8) {
        0 => {
            let at = choose(message.len().max(1));
            let byte = u8::try_from(choose(256)).unwrap_or(0);
            if let Some(changed) = message.get_mut(at) {
                *changed = byte;
            }
        }
        1 => {
            let range = range(message, choose);
            message.drain(range);
        }
        2 => insert(message, TEXTS[choose(TEXTS.len())].as_bytes(), choose),
        3 | 4 => {
            let copied = message[range(message, choose)].to_vec();
            insert(message, &copied, choose);
        }
        5 | 6 => {
            let moved: Vec<_> = {
                let range = range(message, choose);
                message.drain(range).collect()
            };
            insert(message, &moved, choose);
        }
        _ => {
            let (from, to) = (range(message, choose), range(message, choose));
            let copied = message[from].to_vec();
            message.splice(to, copied);
        }
    }
}

/// Inserts bytes: anywhere, before a tag, or behind one.
fn insert(message: &mut Vec<u8>, bytes: &[u8], choose: &mut impl FnMut(usize) -> usize) {
    let at = match choose(3) {
        0 => choose(message.len() + 1),
        1 => choice(positions(message, b'<'), choose),
        _ => choice(positions(message, b'>'), choose).saturating_add(1),
    };
    let at = at.min(message.len());
    message.splice(at..at, bytes.iter().copied());
}

/// A range of bytes, or an element.
fn range(message: &[u8], choose: &mut impl FnMut(usize) -> usize) -> Range<usize> {
    let elements = elements(message);
    if choose(2) == 0 && !elements.is_empty() {
        return elements[choose(elements.len())].clone();
    }
    let start = choose(message.len() + 1);
    let length = choose(64);
    start..start.saturating_add(length).min(message.len())
}

fn choice(positions: Vec<usize>, choose: &mut impl FnMut(usize) -> usize) -> usize {
    if positions.is_empty() { 0 } else { positions[choose(positions.len())] }
}

fn positions(message: &[u8], byte: u8) -> Vec<usize> {
    message.iter().enumerate().filter(|(_, found)| **found == byte).map(|(at, _)| at).collect()
}

/// The elements of the message, from the `<` of the start tag to behind the end tag. In a message that
/// is not well-formed they may be anything.
fn elements(message: &[u8]) -> Vec<Range<usize>> {
    let (mut elements, mut open) = (Vec::new(), Vec::new());
    for start in positions(message, b'<') {
        let Some(length) = message[start..].iter().position(|byte| *byte == b'>') else { break };
        let end = start + length + 1;
        match message.get(start + 1) {
            Some(b'/') => elements.extend(open.pop().map(|begin: usize| begin..end)),
            Some(b'?' | b'!') | None => {}
            Some(_) if message[..end].ends_with(b"/>") => elements.push(start..end),
            Some(_) => open.push(start),
        }
    }
    elements
}
