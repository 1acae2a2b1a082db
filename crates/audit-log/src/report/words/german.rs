//! The words of a report in German.

use ehealth_core::model::{Field, StatusCode};

use super::terms::Words;

pub(super) const WORDS: Words = Words {
    title: "Abfragen Ihrer Daten",
    introduction: "Diese Übersicht zeigt, wer Ihre Daten über diesen Dienst abgefragt hat, wann, auf welcher Rechtsgrundlage und \
                   was mitgeteilt wurde (Artikel 15 DSGVO). Uhrzeiten sind in belgischer Zeit angegeben.",
    colon: ": ",
    separator: "; ",
    made: "Erstellt am",
    days: "Zeitraum",
    all_days: "gesamter Aufbewahrungszeitraum",
    count: "Anzahl der Abfragen",
    refused_count: "Anzahl der abgelehnten oder fehlgeschlagenen Versuche",
    refused: "Abgelehnte oder fehlgeschlagene Versuche: es wurde nichts mitgeteilt",
    gaps: "Diese Übersicht kann unvollständig sein",
    year_without_key: "das Jahr {year} kann hier nicht durchsucht werden: der Schlüssel dieses Jahres ist hier nicht verfügbar",
    year_unreadable: "das Jahr {year} kann nicht durchsucht werden: der Schlüssel dieses Jahres ist nicht verwendbar",
    year_of_another_key: "das Jahr {year} kann nicht durchsucht werden: es wurde mit einem anderen Schlüssel geschrieben",
    unreadable_part: "ein Teil des Prüfprotokolls kann nicht gelesen werden",
    received: "Datum und Uhrzeit",
    caller: "Abgefragt von",
    application: "Anwendung",
    quality: "In der Eigenschaft als",
    organisation: "Im Auftrag von",
    relay: "Weitergeleitet von",
    ground: "Rechtsgrundlage",
    deliberation: "Beratschlagung",
    window: "Angefragter Zeitraum",
    fields: "Mitgeteilte Angaben",
    new_ssin: "die neue Erkennungsnummer (ENSS), die die abgefragte ersetzt",
    disclosed: "In der Antwort genannte Organisationen",
    outcome: "Ergebnis",
    ticket: "Ticketnummer",
    none: "keine",
    nothing: "nichts mitgeteilt",
    unknown: "unbekannt",
    destroyed: "nicht mehr lesbar: der Schlüssel dieses Monats wurde vernichtet",
    key_missing: "hier nicht lesbar: der Schlüssel dieses Monats ist hier nicht verfügbar",
    unreadable: "kann nicht gelesen werden",
    failed: "nicht beantwortet: die Frage wurde abgelehnt oder schlug fehl",
    status,
    field,
};

fn status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::DataFound => "gefunden und mitgeteilt",
        StatusCode::Incomplete => "unvollständig: eine Quelle fehlte oder war veraltet",
        StatusCode::NoDataFound => "es wurde nichts gefunden",
        StatusCode::Replaced => "die Nummer wurde ersetzt: die neue wurde mitgeteilt",
        StatusCode::WrongDates => "abgelehnt: ein Datum war nicht zulässig, oder es wurden zu viele erfragt",
        StatusCode::NotAnSsin => "abgelehnt: keine gültige Nummer",
        StatusCode::NoRelation => "abgelehnt: keine Beziehung zu der betroffenen Person",
        StatusCode::NoGrant => "abgelehnt: keine Ermächtigung für diese Frage",
    }
}

fn field(field: Field) -> &'static str {
    match field {
        Field::Ssin => "Erkennungsnummer (ENSS)",
        Field::Employer => "Arbeitgeber",
        Field::EmploymentBegin => "Beginn der Beschäftigung",
        Field::EmploymentEnd => "Ende der Beschäftigung",
        Field::PreventionService => "Dienst für Gefahrenverhütung und Schutz am Arbeitsplatz",
        Field::PreventionServiceType => "Art des Dienstes für Gefahrenverhütung und Schutz am Arbeitsplatz",
        Field::AffiliationBegin => {
            "Beginn des Anschlusses an den Dienst für Gefahrenverhütung und Schutz am Arbeitsplatz"
        }
        Field::AffiliationEnd => "Ende des Anschlusses an den Dienst für Gefahrenverhütung und Schutz am Arbeitsplatz",
        Field::HealthInsuranceFund => "Krankenkasse",
    }
}
