//! A service out of a workspace, on a port of this machine: what `demo` and `simulate` have in common.
//!
//! It is composed as `serve` composes it, from the settings that lie in the workspace; the datasets come in by the sync
//! that publishers' feeds go through.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::serve::exit_of_error;
use super::workspace::Workspace;
use super::{Exit, fail, sync};
use crate::app::App;
use crate::config::{Settings, read_settings};
use crate::server::{Dependencies, Drained};
use datasets::sync::run_all;
use ehealth_core::model::{Clock, Dataset, DatasetSet};

/// Where and with what a service is raised.
pub(super) struct Staging<'a> {
    /// The folder, prepared.
    pub workspace: &'a Workspace,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Datasets that are not loaded.
    pub missing: DatasetSet,
    /// Datasets that are taken for over-age.
    pub stale: DatasetSet,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

/// A service that answers.
pub(super) struct Staged {
    pub port: u16,
    /// Scheme and authority under which it answers.
    pub url: String,
    /// Where operators are answered.
    pub admin: Option<SocketAddr>,
    finish: oneshot::Sender<()>,
    serving: JoinHandle<Drained>,
}

impl Staging<'_> {
    /// Loads the datasets and serves them. `adapt` may change the settings first; `stage` makes the service's world.
    ///
    /// Prints what was loaded; what is wrong is told, and its code given back.
    pub async fn raise(
        self,
        adapt: impl FnOnce(&mut Settings),
        stage: impl FnOnce(Dependencies) -> Dependencies,
    ) -> Result<Staged, Exit> {
        let settings = read_settings(&self.workspace.settings());
        let mut settings = settings.map_err(|problems| fail(Exit::Configuration, &problems))?;
        // Two of them on one machine differ in their ports: operators' is then any that is free.
        if self.port != settings.listen.port()
            && let Some(admin) = &mut settings.admin
        {
            admin.listen.set_port(0);
        }
        settings.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        self.stale.iter().for_each(|dataset| make_stale(&mut settings, dataset));
        settings.sync.feeds.retain(|feed| !self.missing.contains(feed.dataset));
        adapt(&mut settings);
        let reports = run_all(&settings.sync, self.clock.as_ref());
        print!("\n{}", sync::table(&reports));
        match sync::exit_of(&reports) {
            Exit::Done => {}
            exit => return Err(exit),
        }
        if let Some(report) = reports.iter().find(|report| report.rejected > 0) {
            let (count, dataset) = (report.rejected, report.dataset.code());
            let folder = settings.sync.rejected.display();
            return Err(fail(
                Exit::Configuration,
                &format_args!("{count} records of {dataset} cannot stand; which, and why, is told in {folder}"),
            ));
        }
        // The port must be known before the contract can name it.
        let bound = match App::bind(&settings).await {
            Ok(bound) => bound,
            Err(error) => {
                return Err(fail(exit_of_error(&error), &format_args!("{error}\n--port 0 takes a free port")));
            }
        };
        let port = bound.address().port();
        let url = format!("https://localhost:{port}");
        settings.replace_public_url(&url);
        let app = App::open_with(bound, &settings, self.clock, stage);
        let app = app.map_err(|error| fail(exit_of_error(&error), &error))?;
        let admin = app.admin_address();
        let (finish, finished) = oneshot::channel::<()>();
        let serving = tokio::spawn(app.run(async move {
            let _ = finished.await;
        }));
        Ok(Staged { port, url, admin, finish, serving })
    }
}

impl Staged {
    /// Ends the service; how it ended.
    pub async fn finish(self) -> Result<Drained, Exit> {
        let _ = self.finish.send(());
        self.serving.await.map_err(|error| fail(Exit::Failed, &error))
    }
}

fn make_stale(settings: &mut Settings, dataset: Dataset) {
    let limits = &mut settings.server.freshness;
    let limit = match dataset {
        Dataset::Dimona => &mut limits.dimona,
        Dataset::Coprev => &mut limits.coprev,
        Dataset::Federated => &mut limits.federated,
        Dataset::Insurance => &mut limits.insurance,
        Dataset::Persons => &mut limits.persons,
    };
    *limit = Duration::ZERO;
}
