//! A bounded XML reader: the only XML parser that reads what callers send.
//!
//! `pieces` cuts a document into pieces, and [`Reader`] checks each one as it comes: characters,
//! names, tags and their pairs, references, comments, namespaces, what may be outside the root
//! element. A DOCTYPE or a processing instruction is refused where it begins, before it is cut. The
//! bounds of [`limits`](crate::limits) are counted on the way. The reader makes one pass. What it
//! returns borrows from the document, unless a reference or a line end had to be replaced.
//!
//! The reader knows no SOAP and no schema. It is public so that tests can compare it with other
//! parsers. A document that was read to [`Token::End`] is well-formed (XML 1.0, fourth edition;
//! Namespaces in XML 1.0), has no DOCTYPE and no processing instruction, and keeps every bound.
//! Nothing was expanded, fetched or opened. A document that was not read to its end has no such
//! guarantee.

// From bytes to characters.
pub(super) mod characters;
mod encoding;

// From characters to tokens.
mod namespaces;
mod pieces;
mod scanner;
mod tag;
mod text;
mod token_reader;

// What schemas need of a reader: locations of errors, steps through elements.
mod found;
pub(super) mod location;
mod navigation;

// What canonicalisation needs of a reader: names as written, and the declarations behind them.
mod scope;

pub use encoding::Document;
pub(crate) use namespaces::{BindingIndex, Declaration};
pub use namespaces::{Name, Space};
pub(crate) use scope::is_prefix;
pub use tag::Attribute;
pub use token_reader::{Reader, ReaderLimits, Token};

#[cfg(test)]
mod tests;
