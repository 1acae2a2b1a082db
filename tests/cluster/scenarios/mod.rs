//! What the cluster promises, on a real database.

#![allow(clippy::print_stdout, reason = "the figures of a run are shown with it")]

mod failover;
mod load;
mod network;
mod nodes_lost;
mod preconditions;
mod quota;
mod schemas;
mod setup;
mod signed;
mod superuser;
