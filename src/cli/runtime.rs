//! The async runtime of the commands that need one.

use std::future::Future;
use std::time::Duration;

use super::exit::{Exit, fail};
use super::log::LogWriter;

/// Time that the end of a command waits for blocking work, 2 s: a disk that does not respond must
/// not keep the process from ending.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts the log thread and the runtime, and runs the command. No thread was started before, so a
/// command that confines the process does that before it calls this.
pub(super) fn block_on(log: &mut LogWriter, command: impl Future<Output = Exit>) -> Exit {
    let build = |()| tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match log.start().and_then(build) {
        Ok(runtime) => {
            let exit = runtime.block_on(command);
            runtime.shutdown_timeout(END_TIMEOUT);
            exit
        }
        Err(error) => fail(Exit::Failed, &format_args!("cannot start the runtime: {error}")),
    }
}
