//! How many files and connections the system lets this process have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Asks the system for as many descriptors as the process may have; tells how many those are.
///
/// A process is born with few (often 1 024) for the sake of programs that cannot count further, and may raise that
/// itself up to the hard limit. This is the whole process's affair: for whoever starts it.
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
    fn what_may_be_open_is_what_the_system_says() {
        let held = raise_descriptor_limit();
        let soft = getrlimit(Resource::Nofile).current;
        assert_eq!(held, soft.map_or(usize::MAX, |soft| usize::try_from(soft).expect("64 bits")));
        assert!(held >= 256, "{held}");
    }
}
