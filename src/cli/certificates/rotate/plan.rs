//! What a rotation changes, why it cannot be done, and what to know before it is done.

use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use tls_files::{describe_error, provider, read_private_key};

use super::super::failure::{Failure, failed};
use super::super::fitness::{Validity, days_left, unfit_for};
use super::certificates::Chain;
use super::holder::{Files, Holder};
use crate::server::tls::{is_valid_for, read_certificates};
use ehealth_core::model::Timestamp;

/// Days below which the end of a new certificate is mentioned: its alert would fire at once.
const ALERT_DAYS: i64 = 30;

/// A rotation that was checked.
pub(super) struct Plan {
    pub holder: Holder,
    pub files: Files,
    /// The present certificate; `None` if its file is missing or unreadable.
    pub old: Option<Chain>,
    pub new: Chain,
    /// The new key; `None`: the present key is kept.
    pub key: Option<PrivateKeyDer<'static>>,
    pub now: Timestamp,
    /// Why the certificate cannot be used; empty if it can.
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
}

impl Plan {
    /// Checks a new certificate.
    ///
    /// # Errors
    /// If a key that the check needs cannot be read.
    pub fn make(
        (holder, files): (Holder, Files),
        (new, key): (Chain, Option<PrivateKeyDer<'static>>),
        public_url: &str,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let old = read_certificates(&files.certificate).ok().and_then(|ders| Chain::new(&files.certificate, ders).ok());
        let mut plan = Self { holder, files, old, new, key, now, problems: Vec::new(), warnings: Vec::new() };
        plan.check_certificate(public_url);
        plan.check_key()?;
        plan.compare();
        Ok(plan)
    }

    fn check_certificate(&mut self, public_url: &str) {
        let leaf = &self.new.leaf;
        match Validity::of(&leaf.profile, self.now) {
            Validity::Valid => {}
            Validity::Expired => self.problems.push(format!("the certificate expired at {}", leaf.profile.not_after)),
            Validity::NotYetValid => {
                self.problems.push(format!("the certificate is not valid before {}", leaf.profile.not_before));
            }
        }
        self.problems.extend(unfit_for(self.holder.purpose(), leaf));
        if self.holder == Holder::Server && !self.new.ders.first().is_some_and(|der| is_valid_for(der, public_url)) {
            let message = "the certificate has no name for the host of server.public_url";
            self.problems.push(format!("{message}, {public_url}"));
        }
        if let Some(number) = self.new.gap() {
            let next = number.saturating_add(1);
            self.problems.push(format!(
                "certificate {next} of the file did not issue certificate {number}; put each issuer behind what it issued"
            ));
        }
    }

    fn check_key(&mut self) -> Result<(), Failure> {
        let present;
        let (key, name) = match &self.key {
            Some(key) => (key, "the new key"),
            None => {
                present = read_private_key(&self.files.key).map_err(|error| {
                    failed(&format_args!("{error}\nGive the key with --key if the certificate has a new one."))
                })?;
                (&present, "the present key; give the new one with --key")
            }
        };
        let certified = CertifiedKey::from_der(self.new.ders.clone(), key.clone_key(), &provider());
        if let Err(error) = certified {
            self.problems.push(format!("the certificate cannot be used with {name}: {}", describe_error(&error)));
        }
        Ok(())
    }

    /// What may surprise those on the other side.
    fn compare(&mut self) {
        let (new, days) = (&self.new.leaf, days_left(&self.new.leaf.profile, self.now));
        if days < ALERT_DAYS && self.problems.is_empty() {
            self.warnings.push(format!("the certificate expires in {days} days; the alert fires below {ALERT_DAYS}"));
        }
        let Some(old) = &self.old else {
            let file = self.files.certificate.display();
            self.warnings.push(format!("{file}: no certificate is there yet, so nothing can be compared"));
            return;
        };
        if old.leaf.der == new.der {
            self.warnings.push("this certificate is in place already".to_owned());
        }
        if new.profile.not_after < old.leaf.profile.not_after {
            self.warnings.push(format!("it expires before the present one, at {}", new.profile.not_after));
        }
        let names = &new.purposes.alternative_names;
        let lost: Vec<_> = old.leaf.purposes.alternative_names.iter().filter(|name| !names.contains(name)).collect();
        if !lost.is_empty() {
            let lost: Vec<_> = lost.into_iter().map(String::as_str).collect();
            self.warnings
                .push(format!("callers of these names will fail, which the present one has: {}", lost.join(", ")));
        }
        if old.leaf.profile.issuer != new.profile.issuer {
            self.warnings.push("another CA issued it: the other side must trust that CA before the change".to_owned());
        }
        if old.leaf.profile.key != new.profile.key {
            self.warnings.push("its public key is another: tell those who pinned the present one".to_owned());
        }
        if self.new.issuers.len() < old.issuers.len() {
            let (few, many) = (self.new.issuers.len(), old.issuers.len());
            self.warnings.push(format!("the file has fewer issuers than the present one: {few}, not {many}"));
        }
    }

    /// What to do after the files are in place.
    pub fn next_step(&self) -> String {
        match (&self.key, self.files.is_credential) {
            (Some(_), true) => {
                format!("run `systemctl restart {}`: systemd passes the key at the start", self.holder.unit())
            }
            (Some(_), false) | (None, _) => self.holder.takes_effect().to_owned(),
        }
    }
}
