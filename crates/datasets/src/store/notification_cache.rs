//! The cached notification of a web server, which the next run asks for conditionally.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;

/// Validator of a web server's document (RFC 9110, section 8.8), as the server wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validator {
    /// Value of `ETag`.
    EntityTag(Vec<u8>),
    /// Value of `Last-Modified`.
    Date(Vec<u8>),
}

/// The notification that the loaded state is up to date with, and the validator for a conditional
/// request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedNotification {
    /// URL of the feed.
    pub url: String,
    /// Validator of the document.
    pub validator: Validator,
    /// The document as sent.
    pub document: Vec<u8>,
}

/// Reads the cached notification; `None` if absent.
pub(super) fn read_notification(connection: &Connection) -> Result<Option<CachedNotification>, StoreError> {
    let mut select = connection.prepare_cached("SELECT url, kind, validator, document FROM notice")?;
    let cached = select.query_row([], |row| {
        let validator = row.get(2)?;
        let validator =
            if row.get::<_, i64>(1)? == 0 { Validator::EntityTag(validator) } else { Validator::Date(validator) };
        Ok(CachedNotification { url: row.get(0)?, validator, document: row.get(3)? })
    });
    Ok(cached.optional()?)
}

/// Replaces the cached notification; `None` removes it.
pub(super) fn write_notification(
    connection: &Connection,
    cached: Option<&CachedNotification>,
) -> Result<(), StoreError> {
    let Some(CachedNotification { url, validator, document }) = cached else {
        connection.execute("DELETE FROM notice", [])?;
        return Ok(());
    };
    let (kind, validator) = match validator {
        Validator::EntityTag(tag) => (0, tag),
        Validator::Date(date) => (1, date),
    };
    connection.execute(
        "INSERT OR REPLACE INTO notice (one, url, kind, validator, document) VALUES (1, ?1, ?2, ?3, ?4)",
        params![url, kind, validator, document],
    )?;
    Ok(())
}
