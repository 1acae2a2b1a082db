//! Verdicts on the clock, the kernel and what it gives to the service: entropy, limits, swap, sandbox,
//! memory, processors.

use super::check::{Check, CheckName, size};
use super::facts::{ClockFacts, Facts, MemoryFacts, Swap, SwapMedium};
use crate::server::Limits;

/// Error of the clock above which a warning is due, in microseconds: 1 s. Signed messages allow
/// `message_signature.clock_skew`, and records are ordered by their sequence, not by time.
const CLOCK_MICROS: u64 = 1_000_000;
/// Resident memory above which operators act (docs/operations/capacity.md "Memory").
const MEMORY_BYTES: u64 = 512 << 20;
/// Memory that the chart requests.
const LEAST_MEMORY_BYTES: u64 = 256 << 20;
/// First version of Landlock with rights on TCP connections (Linux 6.7).
const NETWORK_VERSION: u32 = 4;

/// The check of the clock.
pub(super) fn clock(clock: Option<&ClockFacts>) -> Check {
    let name = CheckName::Clock;
    let Some(ClockFacts { is_synchronised, source, error_micros }) = clock else {
        let action = "see that a time service runs here or on the host (`timedatectl`, `chronyc tracking`)";
        return Check::not_checked(name, "neither timedatectl nor chronyc answers", action);
    };
    let error = error_micros.map_or(String::new(), |micros| format!(", estimated error {micros} us"));
    if !is_synchronised {
        let action =
            "start a time service: certificates, freshness of datasets and times of records depend on the clock";
        return Check::problem(name, format!("not synchronised ({source})"), action);
    }
    let seen = format!("synchronised ({source}{error})");
    if error_micros.is_some_and(|micros| micros > CLOCK_MICROS) {
        return Check::warning(name, seen, "check the servers of the time service");
    }
    Check::ok(name, seen)
}

/// All other checks.
pub(super) fn assess(facts: &Facts) -> Vec<Check> {
    vec![
        entropy(facts.has_entropy),
        descriptors(facts.descriptors),
        core_dumps(facts.core_bytes),
        swap(facts.swaps.as_deref()),
        landlock(facts.landlock, facts.kernel.as_deref()),
        memory(facts.memory),
        processors(facts.processors),
    ]
}

fn entropy(has_entropy: Option<bool>) -> Check {
    let name = CheckName::Entropy;
    match has_entropy {
        Some(true) => Check::ok(name, "the kernel's random numbers are ready"),
        Some(false) => {
            let action =
                "give the machine a source of entropy (virtio-rng, rng-tools): handshakes and keys wait for it";
            Check::problem(name, "the kernel's random numbers are not ready", action)
        }
        None => Check::not_checked(name, "/dev/random cannot be read", ""),
    }
}

fn descriptors(held: Option<u64>) -> Check {
    let name = CheckName::Descriptors;
    let needed = u64::try_from(Limits::default().descriptors()).unwrap_or(u64::MAX);
    match held {
        Some(held) if held < needed => {
            let action = "set LimitNOFILE=16384 for the service; the packaged unit does. With fewer it accepts fewer connections";
            Check::warning(name, format!("{held} for a process of this user; {needed} are needed"), action)
        }
        Some(held) => Check::ok(name, format!("{held} for a process of this user; {needed} are needed")),
        None => Check::ok(name, format!("unlimited; {needed} are needed")),
    }
}

fn core_dumps(bytes: Option<u64>) -> Check {
    let name = CheckName::CoreDumps;
    match bytes {
        Some(0) => Check::ok(name, "limit 0 bytes: the program forbids core dumps of itself"),
        Some(_) | None => {
            let action = "set LimitCORE=0 for the service: a dump has persons' numbers and keys";
            Check::problem(name, "core dumps are permitted", action)
        }
    }
}

fn swap(swaps: Option<&[Swap]>) -> Check {
    let name = CheckName::Swap;
    let Some(swaps) = swaps else {
        return Check::not_checked(name, "/proc/swaps cannot be read", "");
    };
    let plain: Vec<_> = swaps.iter().filter(|swap| swap.medium == SwapMedium::Disk).collect();
    if let Some(Swap { device, bytes, .. }) = plain.first() {
        let seen = format!("{device} ({}), not encrypted; devices of this kind: {}", size(*bytes), plain.len());
        let action = "turn swap off or encrypt it: memory with persons' numbers may reach the disk. The packaged units \
                      forbid it for the service (MemorySwapMax=0); a start without systemd does not";
        return Check::warning(name, seen, action);
    }
    match swaps.len() {
        0 => Check::ok(name, "off"),
        count => Check::ok(name, format!("{count} devices, in memory or encrypted")),
    }
}

fn landlock(version: Option<u32>, kernel: Option<&str>) -> Check {
    let name = CheckName::Landlock;
    let kernel = kernel.unwrap_or("of unknown release");
    match version {
        None => Check::not_checked(name, format!("kernel {kernel}; the system does not say it"), ""),
        Some(0) => {
            let action =
                "add `landlock` to the kernel's parameter `lsm=`: systemd's sandbox alone confines the service now";
            Check::warning(name, format!("kernel {kernel} without Landlock"), action)
        }
        Some(version) if version < NETWORK_VERSION => Check::ok(
            name,
            format!("kernel {kernel}, Landlock {version}: files; connections are limited by systemd alone"),
        ),
        Some(version) => Check::ok(name, format!("kernel {kernel}, Landlock {version}: files and connections")),
    }
}

fn memory(MemoryFacts { total, limit, datasets }: MemoryFacts) -> Check {
    let name = CheckName::Memory;
    let Some(usable) = [total, limit].into_iter().flatten().min() else {
        return Check::not_checked(name, "/proc/meminfo cannot be read", "");
    };
    let what = if limit == Some(usable) { "limit of the control group" } else { "machine" };
    let seen = format!("{} ({what}); the loaded datasets have {}", size(usable), size(datasets));
    if usable < LEAST_MEMORY_BYTES {
        Check::problem(name, seen, "give the service at least 512 MiB (docs/operations/capacity.md \"Memory\")")
    } else if usable < MEMORY_BYTES {
        Check::warning(name, seen, "give the service at least 512 MiB (docs/operations/capacity.md \"Memory\")")
    } else if usable.saturating_sub(MEMORY_BYTES) < datasets {
        let action = "give the machine memory of the size of the datasets: lookups otherwise wait for the disk";
        Check::warning(name, seen, action)
    } else {
        Check::ok(name, seen)
    }
}

fn processors(count: Option<usize>) -> Check {
    let name = CheckName::Processors;
    match count {
        None => Check::not_checked(name, "the system does not say it", ""),
        Some(1) => {
            let action = "two are better: verification and feeds run beside the answers (docs/operations/capacity.md)";
            Check::warning(name, "1", action)
        }
        Some(count) => Check::ok(name, format!("{count}")),
    }
}
