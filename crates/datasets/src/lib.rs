//! The five datasets: reading publishers' feeds ([`feed`]), storing them in SQLite ([`store`]), and
//! keeping the store up to date with the feeds ([`sync`]).

mod outcome;

pub mod feed;
pub mod store;
pub mod sync;
