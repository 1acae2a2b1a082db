//! Base64 decoder.

/// Decodes base64 with padding (RFC 4648, section 4). Only the canonical form is valid: unused bits
/// are zero.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let last = groups.len().saturating_sub(1);
    for (number, group) in groups.iter().enumerate() {
        let padding = match group {
            [_, _, b'=', b'='] => 2,
            [_, _, _, b'='] => 1,
            _ => 0,
        };
        if padding > 0 && number != last {
            return None;
        }
        let mut bits = 0_u32;
        for digit in group.iter().take(4_usize.saturating_sub(padding)) {
            bits = bits << 6 | value(*digit)?;
        }
        bits = [bits, bits << 6, bits << 12].get(padding).copied()?;
        let [_, three @ ..] = bits.to_be_bytes();
        let (kept, dropped) = three.split_at_checked(3_usize.saturating_sub(padding))?;
        if dropped.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    let (first, from) = match digit {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => (b'+', 62),
        b'/' => (b'/', 63),
        _ => return None,
    };
    Some(u32::from(digit.abs_diff(first)).saturating_add(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_one_valid_form() {
        assert_eq!(decode("Zm9vYg=="), Some(b"foob".to_vec()));
        assert_eq!(decode("Zm9vYmE="), Some(b"fooba".to_vec()));
        assert_eq!(decode("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(decode(""), Some(vec![]));
        for text in ["Zm9vYh==", "Zm9vYmF=", "Zg==Zg==", "Zg=", "Z", "Zg=a", "====", "Zm9v Yg=", "Zm-v"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
