//! Words for people that the audit log does not hold: names of organisations and applications, and the
//! purposes of legal contexts, from the policy files that it keeps.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::names::Names;
use crate::config::parse_policy;
use audit_log::policy_text;
use audit_log::report::Glossary;
use ehealth_core::model::{Application, Digest, EnterpriseNumber, LegalContext, Translated};
use ehealth_core::policy::{ContextDefinition, Register};

/// The words of one report.
pub(super) struct Words {
    folder: PathBuf,
    names: Names,
    /// The register of each policy file that was read; `None`: it is missing, or of another version.
    registers: RefCell<HashMap<Digest, Option<Rc<Register>>>>,
}

impl Words {
    /// Words for the audit log in this folder.
    pub(super) fn new(folder: &Path, names: Names) -> Self {
        Self { folder: folder.to_owned(), names, registers: RefCell::default() }
    }

    fn read_register(&self, policy: Digest) -> Option<Rc<Register>> {
        let text = policy_text(&self.folder, policy).ok().flatten()?;
        parse_policy(&self.folder, &text).ok().map(Rc::new)
    }

    fn register(&self, policy: Digest) -> Option<Rc<Register>> {
        let mut known = self.registers.borrow_mut();
        known.entry(policy).or_insert_with(|| self.read_register(policy)).clone()
    }
}

impl Glossary for Words {
    /// The name of `--names`, or that of the only consumer of the organisation, or of the one without applications.
    fn organisation(&self, number: EnterpriseNumber, policy: Option<Digest>) -> Option<String> {
        if let Some(name) = self.names.get(number) {
            return Some(name.to_owned());
        }
        let register = self.register(policy?)?;
        let consumers: Vec<_> = register.consumers().filter(|consumer| consumer.organisation == number).collect();
        let named = match consumers.as_slice() {
            [only] => Some(only),
            several => several.iter().find(|consumer| consumer.applications.is_empty()),
        };
        named.map(|consumer| consumer.name.clone())
    }

    fn application(
        &self,
        organisation: EnterpriseNumber,
        application: Application,
        policy: Option<Digest>,
    ) -> Option<String> {
        let register = self.register(policy?)?;
        let mut consumers = register.consumers().filter(|consumer| consumer.organisation == organisation);
        let named = consumers.find(|consumer| consumer.applications.contains(&application))?;
        Some(named.name.clone())
    }

    fn purpose(&self, context: LegalContext, policy: Option<Digest>) -> Option<Translated> {
        let Some(policy) = policy else {
            return ContextDefinition::built_in(context).map(|definition| definition.purpose);
        };
        let register = self.register(policy)?;
        register.contexts().get(context).map(|definition| definition.purpose.clone())
    }
}
