//! The header block `endUser`: the person at the caller for whom its software asks
//! (`docs/reference/contract.md` "End user").

use super::content::{Content, check_block_attributes};
use super::message_error::BadMessage;
use super::names::end_user;
use super::reader::Reader;
use super::reader::characters::is_space;
use ehealth_core::explained::Explained;
use ehealth_core::model::EndUser;

/// The type of each text as a fault describes it.
const TEXT: &str = "1 to 64 characters";

/// Reads the content of the block, whose start tag was read.
pub(super) fn read_end_user(reader: &mut Reader<'_>) -> Result<Option<EndUser>, Explained<BadMessage>> {
    check_block_attributes(reader, end_user::BLOCK)?;
    let mut content = Content::new(reader);
    let id = content.read_value(end_user::ID, TEXT, read_text)?;
    let quality = content.read_value(end_user::QUALITY, TEXT, read_text)?;
    let consent_reference = content.read_optional(end_user::CONSENT_REFERENCE, TEXT, read_text)?;
    content.leave("nothing more")?;
    // Each text was checked.
    Ok(EndUser::new(id, quality, consent_reference).ok())
}

/// Reads an xs:token of 1 to 64 characters (XML Schema 1.0 part 2, sections 3.3.2 and 4.3.6).
fn read_text(text: &str) -> Option<String> {
    let words: Vec<_> = text.split(is_space).filter(|word| !word.is_empty()).collect();
    Some(words.join(" ")).filter(|token| EndUser::is_text(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_token_of_1_to_64_characters() {
        for (text, token) in [(" a \n\t b\r\n", "a b"), ("é", "é"), (&"x".repeat(64), &"x".repeat(64))] {
            assert_eq!(read_text(text).as_deref(), Some(token));
        }
        for text in ["", " \n", &"x".repeat(65), "a\u{85}b", "\u{9b}"] {
            assert_eq!(read_text(text), None, "{text:?}");
        }
    }
}
