//! What a rotation prints.

use serde_json::{Value, json};

use super::super::replaced::previous;
use super::plan::Plan;

/// Prints the plan, and what was done with it.
pub(super) fn print(plan: &Plan, write: bool) {
    let (certificate, key) = (plan.files.certificate.display(), plan.files.key.display());
    if let Some(old) = &plan.old {
        println!("{certificate}, present");
        old.lines(plan.now).iter().for_each(|(name, text)| println!("  {name:<18} {text}"));
    }
    println!("{certificate}, new");
    plan.new.lines(plan.now).iter().for_each(|(name, text)| println!("  {name:<18} {text}"));
    println!("{key}: {}", if plan.key.is_some() { "replaced" } else { "kept" });
    plan.warnings.iter().for_each(|warning| println!("warning: {warning}"));
    plan.problems.iter().for_each(|problem| println!("PROBLEM: {problem}"));
    match (plan.problems.is_empty(), write) {
        (false, _) => println!("The certificate cannot be used. Nothing was changed."),
        (true, false) => println!("Nothing was changed. Run the command again with --write."),
        (true, true) => {
            let kept = previous(&plan.files.certificate);
            println!(
                "Installed. Old files: {}{}.",
                kept.display(),
                if plan.key.is_some() { ", and that of the key" } else { "" }
            );
            println!("Next: {}.", plan.next_step());
        }
    }
}

/// The plan as JSON.
pub(super) fn as_json(plan: &Plan, is_written: bool) -> Value {
    json!({
        "connection": plan.holder.code(),
        "written": is_written,
        "certificate": {
            "file": plan.files.certificate.display().to_string(),
            "present": plan.old.as_ref().map(|old| old.as_json(plan.now)),
            "new": plan.new.as_json(plan.now),
        },
        "key": { "file": plan.files.key.display().to_string(), "replaced": plan.key.is_some() },
        "problems": plan.problems,
        "warnings": plan.warnings,
        "nextStep": plan.problems.is_empty().then(|| plan.next_step()),
    })
}
