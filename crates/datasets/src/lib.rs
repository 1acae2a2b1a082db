//! The five datasets: what publishers' feeds bring ([`feed`]), the SQLite files that hold it ([`store`]), and what keeps
//! the second in step with the first ([`sync`]).

pub mod feed;
pub mod store;
pub mod sync;
