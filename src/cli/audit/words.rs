//! Words for people that the audit log does not hold: names of organisations, and the purposes of legal
//! contexts, from the policy files that it keeps.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::names::Names;
use crate::config::parse_policy;
use audit_log::policy_text;
use audit_log::report::Glossary;
use ehealth_core::model::{Digest, EnterpriseNumber, LegalContext, Translated};
use ehealth_core::policy::{ContextDefinition, Contexts};

/// The words of one report.
pub(super) struct Words {
    folder: PathBuf,
    names: Names,
    /// The contexts of each policy file that was read; `None`: it is missing, or of another version.
    contexts: RefCell<HashMap<Digest, Option<Contexts>>>,
}

impl Words {
    /// Words for the audit log in this folder.
    pub(super) fn new(folder: &Path, names: Names) -> Self {
        Self { folder: folder.to_owned(), names, contexts: RefCell::default() }
    }

    fn read_contexts(&self, policy: Digest) -> Option<Contexts> {
        let text = policy_text(&self.folder, policy).ok().flatten()?;
        parse_policy(&self.folder, &text).ok().map(|register| register.contexts().clone())
    }
}

impl Glossary for Words {
    fn organisation(&self, number: EnterpriseNumber) -> Option<String> {
        self.names.get(number).map(str::to_owned)
    }

    fn purpose(&self, context: LegalContext, policy: Option<Digest>) -> Option<Translated> {
        let Some(policy) = policy else {
            return ContextDefinition::built_in(context).map(|definition| definition.purpose);
        };
        let mut known = self.contexts.borrow_mut();
        let contexts = known.entry(policy).or_insert_with(|| self.read_contexts(policy));
        contexts.as_ref()?.get(context).map(|definition| definition.purpose.clone())
    }
}
