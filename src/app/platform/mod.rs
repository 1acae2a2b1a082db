//! What only Linux has, and what stands for it elsewhere: the one place that names the operating system.

mod reach;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

pub use reach::Confined;
pub(super) use reach::Reach;

#[cfg(target_os = "linux")]
pub use linux::ProcessFiles;
#[cfg(target_os = "linux")]
pub(super) use linux::{abstract_address, forbid_dumps, landlock_version, restrict, restrict_to_folder, uptime};
#[cfg(not(target_os = "linux"))]
pub use other::ProcessFiles;
#[cfg(not(target_os = "linux"))]
pub(super) use other::{abstract_address, forbid_dumps, landlock_version, restrict, restrict_to_folder, uptime};
