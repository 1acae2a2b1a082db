//! One message, from bytes to bytes: read, decide, look up, record, write.
//!
//! The order is the pipeline's ([`ehealth_core::lookup`]) and cannot be changed here. Every SOAP
//! answer and fault is a recorded outcome. The one exception is the fault that says that the
//! exchange could not be recorded. Work on the processor is done in two pieces: before the record
//! ([`ExchangeContext::begin`]) and after it ([`ExchangeContext::write`]). Between them is the only
//! wait ([`PendingExchange::record`]). A lookup runs on the thread that read the message: with warm
//! caches it costs less than handing it to another thread.
//!
//! [`PendingExchange::record`]: pending::PendingExchange::record

// What all steps share.
mod context;

// The steps: before the record, the record, after it.
mod begin;
mod pending;
mod write;

pub(super) use begin::{Begun, Message};
pub(super) use context::ExchangeContext;
pub(super) use write::Reply;
