//! A service that runs from a demo workspace on a port of this machine, for `demo` and `simulate`.
//!
//! It is composed as `serve` composes it, from the settings of the workspace; the same sync as for
//! publishers' feeds loads the datasets.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::exit::{Exit, fail};
use super::sync_report;
use crate::app::{App, Prepared};
use crate::config::{Settings, read_settings};
use crate::server::{Dependencies, Drained, FaultInjection, Readers};
use datasets::sync::run_all;
use ehealth_core::model::Clock;
use testkit::{ADMIN_PORT, PORT, Workspace};

/// A service that does not run yet.
pub(super) struct TestService<'a> {
    /// Folder of the service, prepared.
    pub workspace: &'a Workspace,
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Name of the host in the URL of the service.
    pub host: &'a str,
    /// Clock of the service.
    pub clock: Arc<dyn Clock>,
}

/// A service that answers.
pub(super) struct RunningService {
    pub port: u16,
    /// Scheme and authority.
    pub url: String,
    /// Address of the admin listener.
    pub admin: Option<SocketAddr>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Drained>,
}

impl TestService<'_> {
    /// Loads the datasets and serves them. `adapt` may change the settings first; `inject` may
    /// replace dependencies of the service; `faults` makes the faults of its connections.
    ///
    /// Prints the result of the sync. An error is printed, and its exit code returned.
    pub async fn start<F: FaultInjection>(
        self,
        adapt: impl FnOnce(&mut Settings),
        inject: impl FnOnce(Dependencies, &Arc<Readers>) -> Dependencies,
        faults: impl FnOnce(&Settings) -> Result<F, Exit>,
    ) -> Result<RunningService, Exit> {
        let mut settings = self.read_settings()?;
        adapt(&mut settings);
        self.load_datasets(&settings)?;
        let faults = faults(&settings)?;
        // The WSDL contains the port, so it must be known before the service is composed.
        let bound = match App::bind(&settings).await {
            Ok(bound) => bound,
            Err(error) => {
                return Err(fail(Exit::from(&error), &format_args!("{error}\n--port 0 takes a free port")));
            }
        };
        let port = bound.address().port();
        let url = url_of(self.host, port);
        settings.replace_public_url(&url);
        let app = Prepared::on(bound, &settings, self.clock).and_then(|prepared| App::start_with(prepared, inject));
        let app = app.map_err(|error| fail(Exit::from(&error), &error))?;
        let admin = app.admin_address();
        let listen = SocketAddr::new(self.listen.ip(), port);
        let written = self.workspace.write_addresses(listen, &url, admin.map(|admin| admin.port()));
        written.map_err(|error| fail(Exit::Failed, &error))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(app.run_with(faults, async move {
            let _ = stopped.await;
        }));
        Ok(RunningService { port, url, admin, stop, serving })
    }

    fn read_settings(&self) -> Result<Settings, Exit> {
        let settings = read_settings(&self.workspace.settings());
        let mut settings = settings.map_err(|problems| fail(Exit::Configuration, &problems))?;
        // Two services on one machine differ in their ports: the second takes a free port for the
        // admin listener too.
        if self.listen.port() != settings.listen.port()
            && let Some(admin) = &mut settings.admin
        {
            admin.listen.set_port(if self.listen.port() == PORT { ADMIN_PORT } else { 0 });
        }
        settings.listen = self.listen;
        Ok(settings)
    }

    fn load_datasets(&self, settings: &Settings) -> Result<(), Exit> {
        let reports = run_all(&settings.sync, self.clock.as_ref());
        print!("\n{}", sync_report::table(&reports));
        let exit = sync_report::exit_of(&reports);
        if exit != Exit::Done {
            return Err(exit);
        }
        let Some(report) = reports.iter().find(|report| report.rejected > 0) else { return Ok(()) };
        let (count, dataset, folder) = (report.rejected, report.dataset.code(), settings.sync.rejected.display());
        let error =
            format_args!("{count} records of {dataset} are invalid; see {folder} for the records and the reasons");
        Err(fail(Exit::Configuration, &error))
    }
}

impl RunningService {
    /// Stops the service.
    pub async fn finish(self) -> Result<Drained, Exit> {
        let _ = self.stop.send(());
        self.serving.await.map_err(|error| fail(Exit::Failed, &error))
    }
}

/// Scheme and authority of a service.
fn url_of(host: &str, port: u16) -> String {
    if host.contains(':') { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{parse_scenario, read_policy};
    use ehealth_core::model::Timestamp;
    use testkit::ClientKeys;

    #[test]
    fn the_demo_policy_and_settings_are_valid() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (demo, simulation) = (folder.path().join("demo"), folder.path().join("simulation"));
        let now = Timestamp::parse("2026-01-15T09:30:00Z").expect("a timestamp");
        Workspace::new(demo.clone()).prepare(now, "").expect("made");
        let scenario = parse_scenario(Path::new("no scenario"), "").expect("no errors");
        Workspace::new(simulation.clone()).prepare_scenario(&scenario, ClientKeys::P256, &[]).expect("made");
        for folder in [demo, simulation] {
            let settings = read_settings(&Workspace::new(folder).settings()).expect("no errors");
            let policy = read_policy(&settings.policy).expect("no errors");
            assert_eq!(policy.register.consumers().count(), 5);
        }
    }
}
