//! `demo`: a demonstration for a first look.
//!
//! Makes a folder with a development authority, certificates and the feeds of the catalogue, loads
//! the datasets, serves them, runs the two example lookups of `docs/reference/domain.md "Purpose"`,
//! and prints the next steps.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::exit::{Exit, fail};
use super::lookup::{Asked, ClientFiles, LookupError, OutputFormat, SignatureFiles, ask, open_client};
use super::parsers::parse_dataset;
use super::process::Stop;
use super::test_service::TestService;
use crate::app::SystemClock;
use crate::config::Settings;
use crate::server::NoFaults;
use client::Question;
use ehealth_core::lookup::Operation;
use ehealth_core::model::{CbeNumber, Clock, CustomerId, Dataset, LegalContext, Ssin, Window};
use soap::{example, names};
use testkit::{ORGANISATIONS, Prepared, Workspace, WorkspaceError};

/// Person of the catalogue whom both lookups are about.
const ANNA: &str = "85073099932";

const AFTER_HELP: &str = "\
Examples:
  ehealth-attributes demo
  ehealth-attributes demo --once --port 0
  ehealth-attributes demo --stale coprev

Exit codes:
  0  both lookups were answered
  1  failed
  4  the service cannot be reached, or the TLS handshake failed
  5  a lookup was answered without a result
  6  a lookup was answered with a SOAP fault";

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct DemoArguments {
    /// Folder for certificates, settings and data; an existing one is used again
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub dir: PathBuf,
    /// Exit after the two lookups
    #[arg(long)]
    pub once: bool,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8443, env = "EHEALTH_ATTRIBUTES_PORT")]
    pub port: u16,
    /// Make RSA client certificates in DIR/clients-rsa too, for SOAP stacks that read no other
    #[arg(long)]
    pub rsa: bool,
    /// Treat a dataset as stale, to see INCOMPLETE_DATA: dimona, coprev, federated, insurance,
    /// persons
    #[arg(long, value_name = "DATASET", value_parser = parse_dataset)]
    pub stale: Option<Dataset>,
}

/// Runs the command to its end.
pub(super) async fn run(arguments: &DemoArguments) -> Exit {
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let workspace = Workspace::new(arguments.dir.clone());
    match prepare(&workspace, arguments.rsa) {
        Ok(Prepared::Made) => println!("Made a development authority and certificates in {}.", arguments.dir.display()),
        Ok(Prepared::Reused) => println!("Using the files in {}.", arguments.dir.display()),
        Err(error) => return fail(Exit::Failed, &error),
    }
    let service = TestService {
        workspace: &workspace,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port)),
        host: "localhost",
        clock: Arc::new(SystemClock),
    };
    let adapt = |settings: &mut Settings| {
        settings.server.freshness = settings.server.freshness.with_stale(arguments.stale.into_iter().collect());
    };
    let running = match service.start(adapt, |dependencies, _| dependencies, |_| Ok(NoFaults)).await {
        Ok(running) => running,
        Err(exit) => return exit,
    };
    println!("\nServing the catalogue at {}", running.url);
    if let Some(address) = running.admin {
        println!("Admin page: http://{address}/");
    }
    let lookups = look_up_both(&workspace, &running.url).await.unwrap_or_else(|error| fail(Exit::Failed, &error));
    println!("{}", next_steps(&workspace, &running.url));
    if !arguments.once {
        println!("Press Ctrl-C to end the demonstration.");
        stop.wait().await;
    }
    // With a stale dataset, an answer without all of its result is the expected one.
    let is_expected = lookups == Exit::Done || (lookups == Exit::NoResult && arguments.stale.is_some());
    match running.finish().await {
        Ok(drained) if is_expected => Exit::from(drained),
        Ok(_) => lookups,
        Err(exit) => exit,
    }
}

fn prepare(workspace: &Workspace, with_rsa: bool) -> Result<Prepared, WorkspaceError> {
    let (now, question) = (SystemClock.now(), example(Operation::ConsultAttributes));
    if with_rsa { workspace.prepare_rsa(now, question) } else { workspace.prepare(now, question) }
}

/// Runs both lookups; the exit code of the first that failed.
async fn look_up_both(workspace: &Workspace, url: &str) -> Result<Exit, LookupError> {
    let mut worst = Exit::Done;
    for (word, context, title) in [
        (
            "fund",
            LegalContext::ADVISORY_PHYSICIAN,
            "An advisory physician asks: which employer, which prevention service?",
        ),
        ("service", LegalContext::PREVENTION_SERVICE, "A prevention service asks: which health-insurance fund?"),
    ] {
        println!("\n{title}\n");
        let (certificate, key) = workspace.client(word);
        let signatures = SignatureFiles::default();
        let files = ClientFiles { ca: &workspace.authority(), certificate: &certificate, key: &key, signatures };
        let client = open_client(url, files)?;
        let organisation = ORGANISATIONS.iter().find(|organisation| organisation.word == word);
        let number = organisation.and_then(|organisation| CbeNumber::parse(organisation.number));
        let (Some(number), Ok(ssin)) = (number, Ssin::parse(ANNA)) else { continue };
        let asked = Asked { ssin, window: Window::new(SystemClock.now().brussels_day()) };
        let question = Question::new(CustomerId::Cbe(number), context, ssin);
        let exit = ask(&client, &question, asked, OutputFormat::Text).await;
        if exit != Exit::Done && worst == Exit::Done {
            worst = exit;
        }
    }
    Ok(worst)
}

fn next_steps(workspace: &Workspace, url: &str) -> String {
    let (certificate, key) = workspace.client("fund");
    let path = names::path(Operation::ConsultAttributes);
    let credentials = format!(
        "--cacert '{}' --cert '{}' --key '{}'",
        workspace.authority().display(),
        certificate.display(),
        key.display()
    );
    format!(
        "\nSend the first request with curl:\n\n  curl {credentials} \\\n    -H 'Content-Type: text/xml; charset=utf-8' \
         --data-binary '@{}' {url}{path}\n\nGet the WSDL for client generators:\n\n  curl {credentials} \
         '{url}{path}?wsdl'\n\nfixtures/catalogue.md lists the people of the demonstration.\n",
        workspace.question().display()
    )
}
