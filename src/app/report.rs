//! Parts of the report that need no running service: limits, certificates, settings.

use std::iter;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use crate::admin::{
    AuthorityReport, CertificateReport, CertificateRole, ContextReport, CrlReport, GrantEnd, GrantReport, GrantsReport,
    PolicyReport, Setting,
};
use crate::config::{self, Settings};
use crate::server::tls::OperatorSide;
use crate::server::trust::AuthorityAt;
use certificates::{Facts, Profile};
use ehealth_core::lookup::FreshnessLimits;
use ehealth_core::model::{Dataset, Date};
use ehealth_core::policy::{Consumer, ContextDefinition, Grant, Register, find_warnings};

/// Maximum age of a dataset.
pub(super) fn freshness_limit(limits: &FreshnessLimits, dataset: Dataset) -> Duration {
    match dataset {
        Dataset::Dimona => limits.dimona,
        Dataset::Coprev => limits.coprev,
        Dataset::Federated => limits.federated,
        Dataset::Insurance => limits.insurance,
        Dataset::Persons => limits.persons,
    }
}

/// A certificate chain as it is sent in TLS: the leaf, then its intermediates.
pub(super) fn report_chain(
    chain: &[CertificateDer<'_>],
    leaf: CertificateRole,
    issuer: CertificateRole,
) -> Vec<CertificateReport> {
    let roles = iter::once(leaf).chain(iter::repeat(issuer));
    chain.iter().zip(roles).filter_map(|(der, role)| report_certificate(der, role)).collect()
}

/// `None` for a certificate that cannot be parsed, which TLS would not have accepted.
fn report_certificate(der: &CertificateDer<'_>, role: CertificateRole) -> Option<CertificateReport> {
    let Facts { subject, not_before, not_after, .. } = Facts::from_der(der).ok()?;
    Some(CertificateReport { role, subject, not_before, not_after })
}

/// The certificates and CAs of a listener for operators or scrapers.
pub(super) fn report_operators(side: &OperatorSide) -> Vec<CertificateReport> {
    let mut certificates = report_chain(&side.chain, CertificateRole::Operators, CertificateRole::OperatorsIssuer);
    let report = |der| report_certificate(der, CertificateRole::OperatorAuthority);
    certificates.extend(side.authorities.iter().filter_map(report));
    certificates
}

/// A CA for consumers with its CRL.
pub(super) fn report_authority(authority: AuthorityAt<'_>) -> AuthorityReport {
    let Profile { not_before, not_after, .. } = *authority.profile;
    let subject = authority.profile.subject_text();
    let role = CertificateRole::ClientAuthority;
    let crl = match authority.list {
        None => CrlReport::NotChecked,
        Some(Ok(list)) => CrlReport::Current { next_update: list.next_update(), revoked: list.revoked_count() },
        Some(Err(closed)) => CrlReport::Unusable { code: closed.code() },
    };
    AuthorityReport { certificate: CertificateReport { role, subject, not_before, not_after }, crl }
}

/// The active policy on this day.
pub(super) fn report_policy(register: &Register, today: Date) -> PolicyReport {
    let days_until = |end: Date| end.as_days().saturating_sub(today.as_days());
    let consumers = register.in_order();
    let grants = |definition: &ContextDefinition| {
        let all = consumers.iter().flat_map(|consumer| &consumer.grants);
        all.filter(|grant| grant.context.context == definition.context).count()
    };
    let context = |definition: &ContextDefinition| ContextReport {
        context: definition.context,
        deliberation: definition.deliberation.as_str().to_owned(),
        is_valid: definition.valid.covers(today),
        end: definition.valid.end().map(|end| (end, days_until(end))),
        end_user: definition.end_user,
        dates: definition.dates,
        grants: u64::try_from(grants(definition)).unwrap_or(u64::MAX),
    };
    let ends = consumers.iter().flat_map(|consumer| {
        let id = consumer.id();
        consumer.last_grants().map(move |(grant, end)| GrantEnd {
            consumer: id,
            context: grant.context.context,
            end,
            days: days_until(end),
        })
    });
    PolicyReport {
        sha256: register.policy(),
        contexts: register.contexts().iter().map(|definition| context(definition)).collect(),
        grant_ends: ends.collect(),
        warnings: find_warnings(register, today),
        consumers: consumers.iter().map(|consumer| report_grants(consumer, today)).collect(),
    }
}

fn report_grants(consumer: &Consumer, today: Date) -> GrantsReport {
    let grant = |grant: &Grant| {
        let ends = [grant.valid.end(), grant.context.valid.end()];
        let days_until = |end: Date| end.as_days().saturating_sub(today.as_days());
        GrantReport {
            context: grant.context.context,
            fields: grant.fields,
            begin: grant.valid.begin(),
            end: ends.into_iter().flatten().min().map(|end| (end, days_until(end))),
            is_valid: grant.valid.covers(today) && grant.context.valid.covers(today),
        }
    };
    GrantsReport {
        consumer: consumer.id(),
        name: consumer.name.clone(),
        grants: consumer.grants.iter().map(|of_consumer| grant(of_consumer)).collect(),
    }
}

/// The active settings. For keys and certificates, they have the paths of the files, never their
/// content.
pub(super) fn report_settings(settings: &Settings) -> Vec<Setting> {
    let report = |setting: &config::Setting| Setting {
        key: setting.key.clone(),
        value: setting.value.clone(),
        origin: setting.origin.to_string(),
    };
    settings.active_config.iter().map(report).collect()
}
