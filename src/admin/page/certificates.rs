//! The table of certificates and CRLs.

use maud::{Markup, html};

use super::super::report::{CertificateReport, CertificateRole, CrlReport, Report};
use super::super::warnings::{CERTIFICATE_WARNING, CRL_WARNING};
use super::format::{Tone, grouped, tag, time_left, timestamp};
use super::frame::{column, more, table};
use ehealth_core::model::Timestamp;

/// CAs that are shown.
const AUTHORITIES: usize = 100;

/// Shows every certificate, and the CRL of each CA.
pub(super) fn show(report: &Report) -> Markup {
    let now = report.now;
    let no_crl = || html! { "–" };
    let head = html! {
        (column("Certificate"))
        (column("Use"))
        (column("Valid"))
        (column("CRL"))
    };
    let body = html! {
        @for certificate in &report.certificates { (row(certificate, no_crl(), now)) }
        @for authority in report.authorities.iter().take(AUTHORITIES) {
            (row(&authority.certificate, crl(authority.crl, now), now))
        }
        @for certificate in report.for_operators.iter().take(AUTHORITIES) { (row(certificate, no_crl(), now)) }
    };
    html! {
        section #certificates data-live aria-labelledby="certificates-title" {
            h2 #certificates-title { "Certificates and CRLs" }
            (table("certificates-table", "Certificates with their expiry, and the CRL of each CA", &head, &body))
            (more(AUTHORITIES, report.authorities.len(), "run `certificates inspect`."))
            (more(AUTHORITIES, report.for_operators.len(), "run `certificates inspect`."))
        }
    }
}

fn row(certificate: &CertificateReport, crl: Markup, now: Timestamp) -> Markup {
    html! {
        tr {
            th scope="row" { (certificate.subject) }
            td { (describe(certificate.role)) span .quiet { (certificate.role.code()) } }
            td {
                @if now < certificate.not_before { (tag(Tone::Bad, "not valid yet")) }
                @else { (time_left(certificate.not_after, now, CERTIFICATE_WARNING)) }
                span .quiet { "until " (timestamp(certificate.not_after)) }
            }
            td { (crl) }
        }
    }
}

/// Use of a certificate, in words; the metrics have its code.
fn describe(role: CertificateRole) -> &'static str {
    match role {
        CertificateRole::Service => "presented to consumers",
        CertificateRole::ServiceIssuer => "intermediate for consumers",
        CertificateRole::ClientAuthority => "issues consumers' certificates",
        CertificateRole::Operators => "presented to operators",
        CertificateRole::OperatorsIssuer => "intermediate for operators",
        CertificateRole::OperatorAuthority => "issues operators' certificates",
    }
}

fn crl(crl: CrlReport, now: Timestamp) -> Markup {
    match crl {
        CrlReport::NotChecked => tag(Tone::Warn, "not checked: revoked certificates are accepted"),
        CrlReport::Unusable { code } => tag(Tone::Bad, &format!("clients refused: {code}")),
        CrlReport::Current { next_update, revoked } => html! {
            (time_left(next_update, now, CRL_WARNING))
            span .quiet { (grouped(u64::try_from(revoked).unwrap_or(u64::MAX))) " revoked" }
        },
    }
}
