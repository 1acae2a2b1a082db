//! The words of a report in French.

use ehealth_core::model::{Field, StatusCode};

use super::terms::Words;

pub(super) const WORDS: Words = Words {
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
    application: "Application",
    quality: "En qualité de",
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
    failed: "sans réponse : la question a été refusée ou a échoué",
    status,
    field,
};

fn status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::DataFound => "trouvé et communiqué",
        StatusCode::Incomplete => "incomplet : une source manquait ou était périmée",
        StatusCode::NoDataFound => "rien n’a été trouvé",
        StatusCode::Replaced => "le numéro a été remplacé : le nouveau a été communiqué",
        StatusCode::WrongDates => "refusé : une date n’était pas autorisée, ou trop de dates ont été demandées",
        StatusCode::NotAnSsin => "refusé : pas un numéro valable",
        StatusCode::NoRelation => "refusé : aucune relation avec la personne concernée",
        StatusCode::NoGrant => "refusé : aucune autorisation pour cette question",
    }
}

fn field(field: Field) -> &'static str {
    match field {
        Field::Ssin => "numéro d’identification (NISS)",
        Field::Employer => "employeur",
        Field::EmploymentBegin => "début de l’occupation",
        Field::EmploymentEnd => "fin de l’occupation",
        Field::PreventionService => "service de prévention",
        Field::PreventionServiceType => "type de service de prévention",
        Field::AffiliationBegin => "début de l’affiliation au service de prévention",
        Field::AffiliationEnd => "fin de l’affiliation au service de prévention",
        Field::HealthInsuranceFund => "mutualité",
    }
}
