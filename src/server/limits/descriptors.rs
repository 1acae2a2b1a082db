//! The process's limit on open file descriptors.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit on open descriptors to the hard limit; returns the limit that then holds.
///
/// A process starts with a low limit (often 1 024) for the sake of programs that use `select`, and
/// may raise it up to the hard limit by itself. The limit is the whole process's: call this from
/// `main`.
#[must_use]
pub fn raise_descriptor_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let held = if raised.is_ok() { maximum } else { current };
    held.and_then(|held| usize::try_from(held).ok()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_returned_limit_is_the_soft_limit_of_the_system() {
        let held = raise_descriptor_limit();
        let soft = getrlimit(Resource::Nofile).current;
        assert_eq!(held, soft.map_or(usize::MAX, |soft| usize::try_from(soft).expect("64 bits")));
        assert!(held >= 256, "{held}");
    }
}
