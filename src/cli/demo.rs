//! `demo`: everything at once, for somebody who sees this for the first time.
//!
//! Makes a folder with a development authority, certificates and the fixture people, brings the datasets in step,
//! serves, asks both questions of domain.md as their callers would, and says how to go on.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::args::DemoArguments;
use super::lookup::{AskError, Asked, Form, ask, open_client};
use super::serve::{Stop, exit_of, exit_of_error};
use super::workspace::{ORGANISATIONS, Prepared, Workspace};
use super::{Exit, fail, sync};
use crate::app::{App, SystemClock};
use crate::client::Question;
use crate::config::{Given, read_settings_with};
use crate::lookup::Operation;
use crate::model::{CbeNumber, Clock, CustomerId, LegalContext, Ssin, Window};
use crate::soap::names;
use crate::sync::run_all;

/// The person of the catalogue that both questions are about.
const ANNA: &str = "85073000160";

pub(super) async fn run(arguments: &DemoArguments) -> Exit {
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let clock = SystemClock;
    let workspace = Workspace::new(arguments.dir.clone());
    let prepared = if arguments.rsa {
        workspace.prepare_rsa(clock.now(), &example_question())
    } else {
        workspace.prepare(clock.now(), &example_question())
    };
    match prepared {
        Ok(Prepared::Made) => println!("Made a development authority and certificates in {}.", arguments.dir.display()),
        Ok(Prepared::Reused) => println!("Using what is in {}.", arguments.dir.display()),
        Err(error) => return fail(Exit::Failed, &error),
    }
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let mut given = vec![format!("server.listen={listen}")];
    if arguments.port == 0 {
        given.push(format!("admin.listen={listen}"));
    }
    if let Some(stale) = arguments.stale {
        given.push(format!("freshness.{}=0s", stale.code()));
    }
    let mut settings = match read_settings_with(&workspace.settings(), &Given::new([], &given)) {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let reports = run_all(&settings.sync, &clock);
    print!("\n{}", sync::table(&reports));
    let synced = sync::exit_of(&reports);
    if synced != Exit::Done {
        return synced;
    }
    // The port must be known before the contract can name it.
    let listener = match App::bind(&settings).await {
        Ok(listener) => listener,
        Err(error) => {
            return fail(exit_of_error(&error), &format_args!("{error}\n--port 0 takes a free port"));
        }
    };
    let url = format!("https://localhost:{}", listener.address().port());
    settings.replace_public_url(&url);
    let app = match App::open_on(listener, &settings, Arc::new(clock)) {
        Ok(app) => app,
        Err(error) => return fail(exit_of_error(&error), &error),
    };
    println!("\nServing the fixture people at {url}");
    if let Some(address) = app.admin_address() {
        println!("What operators see: http://{address}/");
    }

    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(app.run(async move {
        let _ = finished.await;
    }));
    let asked = ask_both(&workspace, &url).await;
    let shown = match asked {
        Ok(exit) => exit,
        Err(error) => fail(Exit::Failed, &error),
    };
    println!("{}", how_to_go_on(&workspace, &url));
    if !arguments.once {
        println!("Ctrl-C ends the demonstration.");
        stop.wait().await;
    }
    let _ = finish.send(());
    // With a dataset that is over-age, an answer without all of its result is what was to be shown.
    let as_meant = shown == Exit::Done || (shown == Exit::NoResult && arguments.stale.is_some());
    match serving.await {
        Ok(drained) if as_meant => exit_of(drained),
        Ok(_) => shown,
        Err(error) => fail(Exit::Failed, &error),
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

/// The first question again, as an envelope for curl.
fn example_question() -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:intf="http://kszbcss.fgov.be/intf/eHealthAttributesService/v1">
  <soapenv:Body>
    <intf:consultAttributesRequest>
      <informationCustomer>
        <customerIdentification><cbeNumber>0999010126</cbeNumber></customerIdentification>
      </informationCustomer>
      <legalContext>BACKTOWORK:ADVISORY_PHYSICIAN</legalContext>
      <criteria><ssin>{ANNA}</ssin></criteria>
    </intf:consultAttributesRequest>
  </soapenv:Body>
</soapenv:Envelope>
"#
    )
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
