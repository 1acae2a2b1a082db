//! `policy test`: compares the decisions of a policy with what its operators expect of it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::super::exit::{Exit, fail};
use super::decision::Decision;
use crate::config::{Expectation, Expectations, Policy, read_expectations, read_policy};
use ehealth_core::policy::Register;

/// What to compare.
#[derive(Debug, Args)]
pub struct TestArguments {
    /// File of expectations
    pub file: PathBuf,
    /// Policy file [default: the one that FILE names]
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Runs the command to its end.
pub(super) fn run(arguments: &TestArguments) -> Exit {
    let expectations = match read_expectations(&arguments.file) {
        Ok(expectations) => expectations,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let Some(file) = arguments.policy.as_ref().or(expectations.policy.as_ref()) else {
        let text = format_args!("{}: name the policy file: --policy FILE, or policy = \"…\"", arguments.file.display());
        return fail(Exit::Usage, &text);
    };
    match read_policy(file) {
        Ok(Policy { register, .. }) => print(arguments, file, &register, &expectations),
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}

fn print(arguments: &TestArguments, policy: &Path, register: &Register, expectations: &Expectations) -> Exit {
    let compared: Vec<_> = expectations
        .expectations
        .iter()
        .map(|expectation| (expectation, compare(expectation, &Decision::new(register, &expectation.question))))
        .collect();
    let failed = compared.iter().filter(|(_, differences)| !differences.is_empty()).count();
    if arguments.json {
        let results: Vec<_> =
            compared.iter().map(|(expectation, differences)| to_json(expectation, differences)).collect();
        let sha256 = register.policy().map(|policy| policy.to_string());
        let report = json!({
            "policy": policy, "policySha256": sha256, "expectations": compared.len(), "failed": failed, "results": results
        });
        println!("{report:#}");
    } else {
        for (expectation, differences) in &compared {
            let place = format!("{}:{}", arguments.file.display(), expectation.line);
            let name = expectation.name.as_deref().unwrap_or("expectation");
            match differences.as_slice() {
                [] => println!("ok      {place}: {name}"),
                differences => println!("FAILED  {place}: {name}: {}", describe(differences)),
            }
        }
        println!("{}: {} of {} expectations hold", policy.display(), compared.len() - failed, compared.len());
    }
    if failed == 0 { Exit::Done } else { Exit::Failed }
}

/// Something that is not as expected.
struct Difference {
    what: &'static str,
    expected: String,
    found: String,
}

fn compare(expectation: &Expectation, decision: &Decision) -> Vec<Difference> {
    let Expectation { verdict, rule, fields, relation, .. } = expectation;
    let found_rule = match decision.reason().as_str() {
        "" => decision.rule().code().to_owned(),
        reason => format!("{} ({reason})", decision.rule().code()),
    };
    let rule_differs = rule.is_some_and(|rule| rule != decision.rule()) || *verdict != decision.verdict();
    [
        (*verdict != decision.verdict()).then(|| Difference {
            what: "verdict",
            expected: verdict.code().to_owned(),
            found: decision.verdict().code().to_owned(),
        }),
        rule_differs.then(|| Difference {
            what: "rule",
            expected: rule.map_or("any", |rule| rule.code()).to_owned(),
            found: found_rule,
        }),
        // A refused question discloses nothing; the verdict says so.
        fields.zip(decision.fields()).filter(|(expected, found)| expected != found).map(|(expected, found)| {
            Difference { what: "fields", expected: expected.numbers(", "), found: found.numbers(", ") }
        }),
        relation.zip(decision.relation()).filter(|(expected, found)| expected != found).map(|(expected, found)| {
            Difference { what: "relation", expected: expected.code().to_owned(), found: found.code().to_owned() }
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn describe(differences: &[Difference]) -> String {
    let describe = |one: &Difference| format!("{}: expected {}, found {}", one.what, one.expected, one.found);
    differences.iter().map(describe).collect::<Vec<_>>().join("; ")
}

fn to_json(expectation: &Expectation, differences: &[Difference]) -> Value {
    let differences =
        differences.iter().map(|one| json!({ "what": one.what, "expected": one.expected, "found": one.found }));
    json!({
        "name": expectation.name,
        "line": expectation.line,
        "holds": differences.len() == 0,
        "differences": differences.collect::<Vec<_>>(),
    })
}
