//! The async runtime of the commands that need one.

use std::future::Future;

use super::exit::{Exit, fail};
use super::log::LogWriter;

/// Starts the log thread and the runtime, and runs the command. No thread was started before, so a
/// command that confines the process does that before it calls this.
pub(super) fn block_on(log: &mut LogWriter, command: impl Future<Output = Exit>) -> Exit {
    let build = |()| tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match log.start().and_then(build) {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => fail(Exit::Failed, &format_args!("cannot start the runtime: {error}")),
    }
}
