//! Typed columns of the bookkeeping tables.

use rusqlite::Row;

use super::error::StoreError;
use ehealth_core::model::{Digest, Timestamp};

pub(super) fn digest(row: &Row<'_>, column: usize) -> Result<Digest, StoreError> {
    Ok(Digest::new(row.get::<_, [u8; 32]>(column)?))
}

pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}
