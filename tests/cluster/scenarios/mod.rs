//! What the cluster promises, on a real database.

mod failover;
mod load;
mod network;
mod nodes_lost;
mod preconditions;
mod quota;
mod superuser;
mod world;
