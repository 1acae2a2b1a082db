//! The words of a report in four languages. KSZ's own terms come first. Nothing here is a legal
//! text.

use ehealth_core::model::{Field, LegalContext, StatusCode};

use super::language::Language;
use crate::format::outcome::StoredOutcome;

/// The words of a report in one language.
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) introduction: &'static str,
    pub(super) made: &'static str,
    pub(super) days: &'static str,
    pub(super) all_days: &'static str,
    pub(super) count: &'static str,
    pub(super) refused_count: &'static str,
    pub(super) refused: &'static str,
    pub(super) gaps: &'static str,
    /// `{year}` stands for the year.
    pub(super) year_without_key: &'static str,
    /// `{year}` stands for the year.
    pub(super) year_unreadable: &'static str,
    /// `{year}` stands for the year.
    pub(super) year_of_another_key: &'static str,
    pub(super) unreadable_part: &'static str,
    pub(super) received: &'static str,
    pub(super) caller: &'static str,
    pub(super) organisation: &'static str,
    pub(super) ground: &'static str,
    pub(super) deliberation: &'static str,
    pub(super) window: &'static str,
    pub(super) fields: &'static str,
    pub(super) new_ssin: &'static str,
    pub(super) disclosed: &'static str,
    pub(super) outcome: &'static str,
    pub(super) ticket: &'static str,
    pub(super) none: &'static str,
    pub(super) nothing: &'static str,
    pub(super) unknown: &'static str,
    pub(super) destroyed: &'static str,
    pub(super) key_missing: &'static str,
    pub(super) unreadable: &'static str,
    outcomes: [&'static str; 9],
    contexts: [&'static str; 3],
    names: [&'static str; 9],
}

impl Words {
    /// Name of a legal context.
    pub(super) fn context(&self, context: LegalContext) -> &'static str {
        let [physician, service, platform] = self.contexts;
        match context {
            LegalContext::AdvisoryPhysician => physician,
            LegalContext::PreventionService => service,
            LegalContext::EhealthPlatform => platform,
        }
    }

    /// What became of a question that ended with this code.
    pub(super) fn outcome(&self, outcome: &StoredOutcome) -> &'static str {
        let [found, incomplete, nothing, replaced, date, number, relation, grant, failed] = self.outcomes;
        let status = match outcome {
            StoredOutcome::Known(code) => code.status(),
            StoredOutcome::Unknown(_) => None,
        };
        match status {
            Some(StatusCode::DataFound) => found,
            Some(StatusCode::Incomplete) => incomplete,
            Some(StatusCode::NoDataFound) => nothing,
            Some(StatusCode::Replaced) => replaced,
            Some(StatusCode::WrongDates) => date,
            Some(StatusCode::NotAnSsin) => number,
            Some(StatusCode::NoRelation) => relation,
            Some(StatusCode::NoGrant) => grant,
            // All faults mean the same to the person: no data were disclosed.
            None => failed,
        }
    }

    /// Name of a field.
    pub(super) fn field(&self, field: Field) -> &'static str {
        let [ssin, employer, begin, end, service, kind, since, until, fund] = self.names;
        match field {
            Field::Ssin => ssin,
            Field::Employer => employer,
            Field::EmploymentBegin => begin,
            Field::EmploymentEnd => end,
            Field::PreventionService => service,
            Field::PreventionServiceType => kind,
            Field::AffiliationBegin => since,
            Field::AffiliationEnd => until,
            Field::HealthInsuranceFund => fund,
        }
    }
}

/// Returns the words of a language.
pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::Dutch => &DUTCH,
        Language::French => &FRENCH,
        Language::German => &GERMAN,
        Language::English => &ENGLISH,
    }
}

const DUTCH: Words = Words {
    title: "Raadplegingen van uw gegevens",
    introduction: "Dit overzicht toont wie uw gegevens via deze dienst heeft opgevraagd, wanneer, op welke grond en \
                   wat is meegedeeld (artikel 15 AVG). Tijdstippen zijn in UTC.",
    made: "Opgemaakt op",
    days: "Periode",
    all_days: "alle bewaarde dagen",
    count: "Aantal raadplegingen",
    refused_count: "Aantal geweigerde of mislukte pogingen",
    refused: "Geweigerde of mislukte pogingen: er werd niets meegedeeld",
    gaps: "Dit overzicht kan onvolledig zijn",
    year_without_key: "het jaar {year} kan hier niet worden doorzocht: de sleutel van dat jaar is hier niet beschikbaar",
    year_unreadable: "het jaar {year} kan niet worden doorzocht: de sleutel van dat jaar kan niet worden gebruikt",
    year_of_another_key: "het jaar {year} kan niet worden doorzocht: het werd met een andere sleutel geschreven",
    unreadable_part: "een deel van het auditlogboek kan niet worden gelezen",
    received: "Tijdstip",
    caller: "Gevraagd door",
    organisation: "Voor rekening van",
    ground: "Grond",
    deliberation: "Beraadslaging",
    window: "Bevraagde dagen",
    fields: "Meegedeelde gegevens",
    new_ssin: "het nieuwe identificatienummer (INSZ), dat het gevraagde vervangt",
    disclosed: "Meegedeelde organisaties",
    outcome: "Resultaat",
    ticket: "Ticketnummer",
    none: "geen",
    nothing: "niets meegedeeld",
    unknown: "onbekend",
    destroyed: "niet meer leesbaar: de sleutel van deze maand is vernietigd",
    key_missing: "hier niet leesbaar: de sleutel van deze maand is hier niet beschikbaar",
    unreadable: "kan niet worden gelezen",
    outcomes: [
        "gevonden en meegedeeld",
        "onvolledig: een bron ontbrak of was verouderd",
        "er werd niets gevonden",
        "het nummer werd vervangen: het nieuwe werd meegedeeld",
        "geweigerd: een datum was niet toegestaan",
        "geweigerd: geen geldig nummer",
        "geweigerd: geen relatie met de betrokken persoon",
        "geweigerd: geen machtiging voor deze vraag",
        "niet beantwoord: de vraag werd geweigerd of mislukte",
    ],
    contexts: [
        "Terug naar werk: adviserend arts van het ziekenfonds",
        "Terug naar werk: dienst voor preventie en bescherming op het werk",
        "Terug naar werk: eHealth-platform",
    ],
    names: [
        "identificatienummer (INSZ)",
        "werkgever",
        "begin van de tewerkstelling",
        "einde van de tewerkstelling",
        "preventiedienst",
        "soort preventiedienst",
        "begin van de aansluiting bij de preventiedienst",
        "einde van de aansluiting bij de preventiedienst",
        "ziekenfonds",
    ],
};

const FRENCH: Words = Words {
    title: "Consultations de vos données",
    introduction: "Cet aperçu montre qui a demandé vos données par ce service, quand, sur quelle base et ce qui a \
                   été communiqué (article 15 du RGPD). Les heures sont en UTC.",
    made: "Établi le",
    days: "Période",
    all_days: "tous les jours conservés",
    count: "Nombre de consultations",
    refused_count: "Nombre de tentatives refusées ou échouées",
    refused: "Tentatives refusées ou échouées : rien n’a été communiqué",
    gaps: "Cet aperçu peut être incomplet",
    year_without_key: "l’année {year} ne peut être consultée ici : la clé de cette année n’est pas disponible ici",
    year_unreadable: "l’année {year} ne peut être consultée : la clé de cette année ne peut être utilisée",
    year_of_another_key: "l’année {year} ne peut être consultée : elle a été écrite avec une autre clé",
    unreadable_part: "une partie du journal d’audit ne peut être lue",
    received: "Moment",
    caller: "Demandé par",
    organisation: "Pour le compte de",
    ground: "Base",
    deliberation: "Délibération",
    window: "Jours demandés",
    fields: "Données communiquées",
    new_ssin: "le nouveau numéro d’identification (NISS), qui remplace celui de la demande",
    disclosed: "Organisations communiquées",
    outcome: "Résultat",
    ticket: "Numéro de ticket",
    none: "aucun",
    nothing: "rien n’a été communiqué",
    unknown: "inconnu",
    destroyed: "n’est plus lisible : la clé de ce mois a été détruite",
    key_missing: "n’est pas lisible ici : la clé de ce mois n’est pas disponible ici",
    unreadable: "ne peut être lu",
    outcomes: [
        "trouvé et communiqué",
        "incomplet : une source manquait ou était périmée",
        "rien n’a été trouvé",
        "le numéro a été remplacé : le nouveau a été communiqué",
        "refusé : une date n’était pas autorisée",
        "refusé : pas un numéro valable",
        "refusé : aucune relation avec la personne concernée",
        "refusé : aucune autorisation pour cette question",
        "sans réponse : la question a été refusée ou a échoué",
    ],
    contexts: [
        "Retour au travail : médecin-conseil de la mutualité",
        "Retour au travail : service de prévention et de protection au travail",
        "Retour au travail : plate-forme eHealth",
    ],
    names: [
        "numéro d’identification (NISS)",
        "employeur",
        "début de l’occupation",
        "fin de l’occupation",
        "service de prévention",
        "type de service de prévention",
        "début de l’affiliation au service de prévention",
        "fin de l’affiliation au service de prévention",
        "mutualité",
    ],
};

const GERMAN: Words = Words {
    title: "Abfragen Ihrer Daten",
    introduction: "Diese Übersicht zeigt, wer Ihre Daten über diesen Dienst abgefragt hat, wann, auf welcher Grundlage und \
                   was mitgeteilt wurde (Artikel 15 DSGVO). Zeitangaben sind in UTC.",
    made: "Erstellt am",
    days: "Zeitraum",
    all_days: "alle aufbewahrten Tage",
    count: "Anzahl der Abfragen",
    refused_count: "Anzahl der abgelehnten oder fehlgeschlagenen Versuche",
    refused: "Abgelehnte oder fehlgeschlagene Versuche: es wurde nichts mitgeteilt",
    gaps: "Diese Übersicht kann unvollständig sein",
    year_without_key: "das Jahr {year} kann hier nicht durchsucht werden: der Schlüssel dieses Jahres ist hier nicht verfügbar",
    year_unreadable: "das Jahr {year} kann nicht durchsucht werden: der Schlüssel dieses Jahres ist nicht verwendbar",
    year_of_another_key: "das Jahr {year} kann nicht durchsucht werden: es wurde mit einem anderen Schlüssel geschrieben",
    unreadable_part: "ein Teil des Prüfprotokolls kann nicht gelesen werden",
    received: "Zeitpunkt",
    caller: "Abgefragt von",
    organisation: "Im Auftrag von",
    ground: "Grundlage",
    deliberation: "Beratschlagung",
    window: "Abgefragte Tage",
    fields: "Mitgeteilte Angaben",
    new_ssin: "die neue Erkennungsnummer (ENSS), die die abgefragte ersetzt",
    disclosed: "Mitgeteilte Organisationen",
    outcome: "Ergebnis",
    ticket: "Ticketnummer",
    none: "keine",
    nothing: "nichts mitgeteilt",
    unknown: "unbekannt",
    destroyed: "nicht mehr lesbar: der Schlüssel dieses Monats wurde vernichtet",
    key_missing: "hier nicht lesbar: der Schlüssel dieses Monats ist hier nicht verfügbar",
    unreadable: "kann nicht gelesen werden",
    outcomes: [
        "gefunden und mitgeteilt",
        "unvollständig: eine Quelle fehlte oder war veraltet",
        "es wurde nichts gefunden",
        "die Nummer wurde ersetzt: die neue wurde mitgeteilt",
        "abgelehnt: ein Datum war nicht zulässig",
        "abgelehnt: keine gültige Nummer",
        "abgelehnt: keine Beziehung zu der betroffenen Person",
        "abgelehnt: keine Ermächtigung für diese Frage",
        "nicht beantwortet: die Frage wurde abgelehnt oder schlug fehl",
    ],
    contexts: [
        "Rückkehr zur Arbeit: Vertrauensarzt der Krankenkasse",
        "Rückkehr zur Arbeit: Dienst für Gefahrenverhütung und Schutz am Arbeitsplatz",
        "Rückkehr zur Arbeit: eHealth-Plattform",
    ],
    names: [
        "Erkennungsnummer (ENSS)",
        "Arbeitgeber",
        "Beginn der Beschäftigung",
        "Ende der Beschäftigung",
        "Dienst für Gefahrenverhütung",
        "Art des Dienstes für Gefahrenverhütung",
        "Beginn des Anschlusses an den Dienst für Gefahrenverhütung",
        "Ende des Anschlusses an den Dienst für Gefahrenverhütung",
        "Krankenkasse",
    ],
};

const ENGLISH: Words = Words {
    title: "Consultations of your data",
    introduction: "This overview shows who asked for your data through this service, when, on which ground, and what was \
                   disclosed (article 15 GDPR). Times are in UTC.",
    made: "Made on",
    days: "Period",
    all_days: "all days on record",
    count: "Number of consultations",
    refused_count: "Number of refused or failed attempts",
    refused: "Refused or failed attempts: nothing was disclosed",
    gaps: "This overview may be incomplete",
    year_without_key: "the year {year} cannot be searched here: the key of that year is not available here",
    year_unreadable: "the year {year} cannot be searched: the key of that year cannot be used",
    year_of_another_key: "the year {year} cannot be searched: it was written with another key",
    unreadable_part: "a part of the audit log cannot be read",
    received: "Time",
    caller: "Asked by",
    organisation: "On behalf of",
    ground: "Ground",
    deliberation: "Deliberation",
    window: "Days asked about",
    fields: "Data disclosed",
    new_ssin: "the new identification number (SSIN), which replaces the one that was asked about",
    disclosed: "Organisations disclosed",
    outcome: "Result",
    ticket: "Ticket number",
    none: "none",
    nothing: "nothing was disclosed",
    unknown: "unknown",
    destroyed: "no longer readable: the key of this month was destroyed",
    key_missing: "not readable here: the key of this month is not available here",
    unreadable: "cannot be read",
    outcomes: [
        "found and disclosed",
        "incomplete: a source was missing or out of date",
        "nothing was found",
        "the number was replaced: the new one was disclosed",
        "refused: a date was not allowed",
        "refused: not a valid number",
        "refused: no relation to the person concerned",
        "refused: no authorisation for this question",
        "not answered: the question was refused or failed",
    ],
    contexts: [
        "Back to work: advisory physician of the health-insurance fund",
        "Back to work: service for prevention and protection at work",
        "Back to work: eHealth platform",
    ],
    names: [
        "identification number (SSIN)",
        "employer",
        "start of the employment",
        "end of the employment",
        "prevention service",
        "type of prevention service",
        "start of the affiliation to the prevention service",
        "end of the affiliation to the prevention service",
        "health-insurance fund",
    ],
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every text of a language. A new word does not compile until it is listed here.
    fn all(words: &Words) -> Vec<&'static str> {
        let Words {
            title,
            introduction,
            made,
            days,
            all_days,
            count,
            refused_count,
            refused,
            gaps,
            year_without_key,
            year_unreadable,
            year_of_another_key,
            unreadable_part,
            received,
            caller,
            organisation,
            ground,
            deliberation,
            window,
            fields,
            new_ssin,
            disclosed,
            outcome,
            ticket,
            none,
            nothing,
            unknown,
            destroyed,
            key_missing,
            unreadable,
            outcomes,
            contexts,
            names,
        } = words;
        let single = [
            title,
            introduction,
            made,
            days,
            all_days,
            count,
            refused_count,
            refused,
            gaps,
            year_without_key,
            year_unreadable,
            year_of_another_key,
            unreadable_part,
            received,
            caller,
            organisation,
            ground,
            deliberation,
            window,
            fields,
            new_ssin,
            disclosed,
            outcome,
            ticket,
            none,
            nothing,
            unknown,
            destroyed,
            key_missing,
            unreadable,
        ];
        single.into_iter().chain(outcomes).chain(contexts).chain(names).copied().collect()
    }

    #[test]
    fn every_language_has_every_word() {
        let english = all(of(Language::English));
        for language in Language::ALL {
            let words = all(of(language));
            assert_eq!(words.len(), english.len());
            for (number, (word, in_english)) in words.iter().zip(&english).enumerate() {
                assert!(!word.trim().is_empty(), "{} {number}: {in_english}", language.code());
                let is_translated = language == Language::English || word != in_english;
                assert!(is_translated, "{}: `{in_english}` is not translated", language.code());
                assert_eq!(word.contains("{year}"), in_english.contains("{year}"), "{}: {word}", language.code());
            }
            // Two things never have the same name.
            let distinct: BTreeSet<_> = words.iter().collect();
            assert_eq!(distinct.len(), words.len(), "{}", language.code());
        }
    }
}
