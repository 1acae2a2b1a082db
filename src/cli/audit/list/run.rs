//! Runs `audit list`.

use std::ops::ControlFlow;

use super::args::ListArguments;
use super::rows::Form;
use crate::cli::audit::exchanges::walk;
use crate::cli::audit::inputs::{Failure, exit_with_gaps};
use crate::cli::exit::Exit;
use crate::cli::output::is_lost;

/// Bytes that are printed at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// Prints each exchange that is asked for.
pub(in crate::cli::audit) fn run_list(arguments: &ListArguments) -> Result<Exit, Failure> {
    let form = match (arguments.csv, arguments.json) {
        (true, _) => Form::Csv,
        (false, true) => Form::Json,
        (false, false) => Form::Table,
    };
    let (mut out, mut printed, mut is_cut) = (form.header(), 0, false);
    let limit = arguments.limit.map_or(u64::MAX, std::num::NonZeroU64::get);
    let gaps = walk(&arguments.settings, &arguments.nodes, &arguments.filter, &mut |row| {
        if printed >= limit {
            is_cut = true;
            return ControlFlow::Break(());
        }
        printed = printed.saturating_add(1);
        form.put(&mut out, row);
        if out.len() >= CHUNK_BYTES {
            print!("{out}");
            out.clear();
            // The reader is gone.
            if is_lost() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    print!("{out}");
    if is_cut {
        eprintln!("--limit {limit} is reached; there are more exchanges");
    }
    Ok(exit_with_gaps(&gaps))
}
