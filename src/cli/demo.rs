//! `demo`: everything at once, for somebody who sees this for the first time.
//!
//! Makes a folder with a development authority, certificates and the fixture people, brings the datasets in step,
//! serves, asks both questions of domain.md as their callers would, and says how to go on.

use std::sync::Arc;

use super::args::DemoArguments;
use super::lookup::{AskError, Asked, Form, ask, open_client};
use super::serve::{Stop, exit_of};
use super::staging::Staging;
use super::workspace::{ORGANISATIONS, Prepared, Workspace};
use super::{Exit, fail};
use crate::app::SystemClock;
use client::Question;
use ehealth_core::lookup::Operation;
use ehealth_core::model::{CbeNumber, Clock, CustomerId, DatasetSet, LegalContext, Ssin, Window};
use soap::{example, names};

/// The person of the catalogue that both questions are about.
const ANNA: &str = "85073000160";

pub(super) async fn run(arguments: &DemoArguments) -> Exit {
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let clock = SystemClock;
    let workspace = Workspace::new(arguments.dir.clone());
    let question = example(Operation::ConsultAttributes);
    let prepared = if arguments.rsa {
        workspace.prepare_rsa(clock.now(), question)
    } else {
        workspace.prepare(clock.now(), question)
    };
    match prepared {
        Ok(Prepared::Made) => println!("Made a development authority and certificates in {}.", arguments.dir.display()),
        Ok(Prepared::Reused) => println!("Using what is in {}.", arguments.dir.display()),
        Err(error) => return fail(Exit::Failed, &error),
    }
    let staging = Staging {
        workspace: &workspace,
        port: arguments.port,
        missing: DatasetSet::EMPTY,
        stale: arguments.stale.into_iter().collect(),
        clock: Arc::new(clock),
    };
    let staged = match staging.raise(|_| {}, |world| world).await {
        Ok(staged) => staged,
        Err(exit) => return exit,
    };
    let url = &staged.url;
    println!("\nServing the fixture people at {url}");
    if let Some(address) = staged.admin {
        println!("What operators see: http://{address}/");
    }
    let asked = ask_both(&workspace, url).await;
    let shown = match asked {
        Ok(exit) => exit,
        Err(error) => fail(Exit::Failed, &error),
    };
    println!("{}", how_to_go_on(&workspace, url));
    if !arguments.once {
        println!("Ctrl-C ends the demonstration.");
        stop.wait().await;
    }
    // With a dataset that is over-age, an answer without all of its result is what was to be shown.
    let as_meant = shown == Exit::Done || (shown == Exit::NoResult && arguments.stale.is_some());
    match staged.finish().await {
        Ok(drained) if as_meant => exit_of(drained),
        Ok(_) => shown,
        Err(exit) => exit,
    }
}

/// Asks both questions of domain.md; the code of the first that failed.
async fn ask_both(workspace: &Workspace, url: &str) -> Result<Exit, AskError> {
    let mut shown = Exit::Done;
    for (word, context, why) in [
        (
            "fund",
            LegalContext::AdvisoryPhysician,
            "An advisory physician asks: which employer, which prevention service?",
        ),
        ("service", LegalContext::PreventionService, "A prevention service asks: which health-insurance fund?"),
    ] {
        println!("\n{why}\n");
        let (certificate, key) = workspace.client(word);
        let client = open_client(url, &workspace.authority(), &certificate, &key)?;
        let organisation = ORGANISATIONS.iter().find(|organisation| organisation.word == word);
        let number = organisation.and_then(|organisation| CbeNumber::parse(organisation.number));
        let (Some(number), Ok(ssin)) = (number, Ssin::parse(ANNA)) else { continue };
        let asked = Asked { ssin, window: Window::new(SystemClock.now().brussels_day()) };
        let question = Question::new(CustomerId::Cbe(number), context, ssin);
        let exit = ask(&client, &question, asked, Form::Text).await;
        if exit != Exit::Done && shown == Exit::Done {
            shown = exit;
        }
    }
    Ok(shown)
}

fn how_to_go_on(workspace: &Workspace, url: &str) -> String {
    let (certificate, key) = workspace.client("fund");
    let path = names::path(Operation::ConsultAttributes);
    let credentials = format!(
        "--cacert '{}' --cert '{}' --key '{}'",
        workspace.authority().display(),
        certificate.display(),
        key.display()
    );
    format!(
        "\nThe first question again, with curl:\n\n  curl {credentials} \\\n    -H 'Content-Type: text/xml; charset=utf-8' \
         --data-binary '@{}' {url}{path}\n\nThe contract, for client generators:\n\n  curl {credentials} \
         '{url}{path}?wsdl'\n\nThe people to ask about are the catalogue of the README.\n",
        workspace.question().display()
    )
}
