//! The words of a report in French.

use ehealth_core::model::{Field, StatusCode};

use super::terms::Words;

pub(super) const WORDS: Words = Words {
    title: "Consultations de vos données",
    introduction: "Cet aperçu montre qui a demandé vos données via ce service, quand, sur quelle base légale et ce qui a \
                   été communiqué (article 15 du RGPD). Les heures sont indiquées en heure belge.",
    colon: " : ",
    separator: " ; ",
    made: "Établi le",
    days: "Période",
    all_days: "toute la période de conservation",
    count: "Nombre de consultations",
    refused_count: "Nombre de tentatives refusées ou échouées",
    refused: "Tentatives refusées ou échouées : rien n’a été communiqué",
    gaps: "Cet aperçu peut être incomplet",
    year_without_key: "l’année {year} ne peut pas être consultée ici : la clé de cette année n’est pas disponible ici",
    year_unreadable: "l’année {year} ne peut pas être consultée : la clé de cette année ne peut pas être utilisée",
    year_of_another_key: "l’année {year} ne peut pas être consultée : ses enregistrements ont été écrits avec une autre clé",
    unreadable_part: "une partie du journal d’audit ne peut pas être lue",
    received: "Date et heure",
    caller: "Demandé par",
    application: "Application",
    quality: "En qualité de",
    organisation: "Pour le compte de",
    relay: "Transmis par",
    ground: "Base légale",
    deliberation: "Délibération",
    window: "Période demandée",
    fields: "Données communiquées",
    new_ssin: "le nouveau numéro d’identification (NISS), qui remplace celui de la demande",
    disclosed: "Organisations mentionnées dans la réponse",
    outcome: "Résultat",
    ticket: "Numéro de ticket",
    none: "aucune",
    nothing: "rien n’a été communiqué",
    unknown: "inconnue",
    destroyed: "information devenue illisible : la clé de ce mois a été détruite",
    key_missing: "information illisible ici : la clé de ce mois n’est pas disponible ici",
    unreadable: "information illisible",
    failed: "sans réponse : la question a été refusée ou a échoué",
    status,
    field,
};

fn status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::DataFound => "données trouvées et communiquées",
        StatusCode::Incomplete => "réponse incomplète : une source manquait ou était périmée",
        StatusCode::NoDataFound => "rien n’a été trouvé",
        StatusCode::Replaced => "le numéro a été remplacé : le nouveau a été communiqué",
        StatusCode::WrongDates => {
            "demande refusée : une date n’était pas autorisée, ou trop de dates ont été demandées"
        }
        StatusCode::NotAnSsin => "demande refusée : numéro non valable",
        StatusCode::NoRelation => "demande refusée : aucune relation avec la personne concernée",
        StatusCode::NoGrant => "demande refusée : aucune autorisation pour cette question",
    }
}

fn field(field: Field) -> &'static str {
    match field {
        Field::Ssin => "numéro d’identification (NISS)",
        Field::Employer => "employeur",
        Field::EmploymentBegin => "début de l’occupation",
        Field::EmploymentEnd => "fin de l’occupation",
        Field::PreventionService => "service pour la prévention et la protection au travail",
        Field::PreventionServiceType => "type de service pour la prévention et la protection au travail",
        Field::AffiliationBegin => "début de l’affiliation au service pour la prévention et la protection au travail",
        Field::AffiliationEnd => "fin de l’affiliation au service pour la prévention et la protection au travail",
        Field::HealthInsuranceFund => "mutualité",
    }
}
