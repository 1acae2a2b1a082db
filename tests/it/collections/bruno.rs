//! The Bruno collection: a folder for each caller, a file for each case.
//!
//! Bruno selects a client certificate by the host of the address, which is the same for every caller. A
//! script of the folder therefore sets the variable `caller`, and the path of the certificate contains
//! it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use soap::names;

use super::Files;
use super::cases::Case;

const COLLECTION: &str = r#"{
  "version": "1",
  "name": "ehealth-attributes",
  "type": "collection",
  "ignore": ["node_modules", ".git"],
  "clientCertificates": {
    "enabled": true,
    "certs": [
      {
        "domain": "{{host}}",
        "type": "cert",
        "certFilePath": "{{demo}}/clients/{{caller}}.pem",
        "keyFilePath": "{{demo}}/clients/{{caller}}.key",
        "passphrase": ""
      }
    ]
  }
}
"#;

const ENVIRONMENT: &str = "vars {
  host: localhost:8443
  demo: ../../demo
}
";

/// Every file of the collection.
pub fn files(cases: &[Case]) -> Files {
    let mut files = Files::from([
        (PathBuf::from("bruno.json"), COLLECTION.to_owned()),
        (PathBuf::from("environments/demo.bru"), ENVIRONMENT.to_owned()),
    ]);
    let callers: BTreeSet<_> = cases.iter().map(|case| case.caller.as_str()).collect();
    for (place, caller) in callers.iter().enumerate() {
        files.insert(PathBuf::from(caller).join("folder.bru"), folder(caller, place + 1));
        for (place, case) in cases.iter().filter(|case| case.caller == *caller).enumerate() {
            files.insert(PathBuf::from(caller).join(format!("{}.bru", case.name)), request(case, place + 1));
        }
    }
    files
}

fn folder(caller: &str, place: usize) -> String {
    format!(
        "meta {{\n  name: {caller}\n  seq: {place}\n}}\n\nscript:pre-request {{\n  bru.setVar(\"caller\", \"{caller}\");\n}}\n"
    )
}

fn request(case: &Case, place: usize) -> String {
    let indented = |text: &str| text.trim_end().lines().map(|line| format!("  {line}\n")).collect::<String>();
    format!(
        "meta {{\n  name: {name}\n  type: http\n  seq: {place}\n}}\n\n\
         post {{\n  url: https://{{{{host}}}}{path}\n  body: xml\n  auth: none\n}}\n\n\
         headers {{\n  Content-Type: text/xml; charset=utf-8\n  SOAPAction: \"{action}\"\n}}\n\n\
         body:xml {{\n{body}}}\n\n\
         assert {{\n  res.status: eq {status}\n}}\n\n\
         tests {{\n{tests}}}\n\n\
         docs {{\n  {shows}\n}}\n",
        name = case.name,
        path = names::path(case.operation),
        action = names::soap_action(case.operation),
        body = indented(&case.body),
        status = case.status,
        tests = indented(&tests(case)),
        shows = case.shows,
    )
}

/// The checks of an answer, in JavaScript.
fn tests(case: &Case) -> String {
    let Some(code) = &case.code else {
        return "test(\"the answer has the certificate of the caller\", function () {\n  \
                expect(res.getBody()).to.match(/<sslCertificate>[^<]+<\\/sslCertificate>/);\n});\n"
            .to_owned();
    };
    let element = if case.status == 200 { "code" } else { "reasonCode" };
    let quoted: Vec<_> = case.disclosed.iter().map(|number| format!("\"{number}\"")).collect();
    format!(
        "test(\"the code is {code}\", function () {{\n  \
         expect(res.getBody()).to.contain(\"<{element}>{code}</{element}>\");\n}});\n\n\
         test(\"the answer discloses these organisations\", function () {{\n  \
         const result = res.getBody().split(\"<result>\")[1] || \"\";\n  \
         const numbers = [...result.matchAll(/<cbeNumber>(\\d+)<\\/cbeNumber>/g)].map((match) => match[1]);\n  \
         expect(numbers).to.eql([{numbers}]);\n}});\n",
        numbers = quoted.join(", ")
    )
}
