//! The words of a report in Dutch.

use ehealth_core::model::{Field, StatusCode};

use super::terms::Words;

pub(super) const WORDS: Words = Words {
    title: "Raadplegingen van uw gegevens",
    introduction: "Dit overzicht toont wie uw gegevens via deze dienst heeft opgevraagd, wanneer, op welke rechtsgrond en \
                   wat is meegedeeld (artikel 15 AVG). Tijdstippen zijn in Belgische tijd aangegeven.",
    colon: ": ",
    separator: "; ",
    made: "Opgemaakt op",
    days: "Periode",
    all_days: "volledige bewaartermijn",
    count: "Aantal raadplegingen",
    refused_count: "Aantal geweigerde of mislukte pogingen",
    refused: "Geweigerde of mislukte pogingen: er werd niets meegedeeld",
    gaps: "Dit overzicht kan onvolledig zijn",
    year_without_key: "het jaar {year} kan hier niet worden doorzocht: de sleutel van dat jaar is hier niet beschikbaar",
    year_unreadable: "het jaar {year} kan niet worden doorzocht: de sleutel van dat jaar kan niet worden gebruikt",
    year_of_another_key: "het jaar {year} kan niet worden doorzocht: het werd met een andere sleutel geschreven",
    unreadable_part: "een deel van het auditlogboek kan niet worden gelezen",
    received: "Datum en uur",
    caller: "Gevraagd door",
    application: "Toepassing",
    quality: "In de hoedanigheid van",
    organisation: "Voor rekening van",
    relay: "Doorgegeven door",
    ground: "Rechtsgrond",
    deliberation: "Beraadslaging",
    window: "Gevraagde periode",
    fields: "Meegedeelde gegevens",
    new_ssin: "het nieuwe identificatienummer (INSZ), dat het gevraagde vervangt",
    disclosed: "Organisaties vermeld in het antwoord",
    outcome: "Resultaat",
    ticket: "Ticketnummer",
    none: "geen",
    nothing: "niets meegedeeld",
    unknown: "onbekend",
    destroyed: "niet meer leesbaar: de sleutel van deze maand is vernietigd",
    key_missing: "hier niet leesbaar: de sleutel van deze maand is hier niet beschikbaar",
    unreadable: "kan niet worden gelezen",
    failed: "niet beantwoord: de vraag werd geweigerd of mislukte",
    status,
    field,
};

fn status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::DataFound => "gevonden en meegedeeld",
        StatusCode::Incomplete => "onvolledig: een bron ontbrak of was verouderd",
        StatusCode::NoDataFound => "er werd niets gevonden",
        StatusCode::Replaced => "het nummer werd vervangen: het nieuwe werd meegedeeld",
        StatusCode::WrongDates => "geweigerd: een datum was niet toegestaan, of er werden er te veel gevraagd",
        StatusCode::NotAnSsin => "geweigerd: geen geldig nummer",
        StatusCode::NoRelation => "geweigerd: geen relatie met de betrokken persoon",
        StatusCode::NoGrant => "geweigerd: geen machtiging voor deze vraag",
    }
}

fn field(field: Field) -> &'static str {
    match field {
        Field::Ssin => "identificatienummer (INSZ)",
        Field::Employer => "werkgever",
        Field::EmploymentBegin => "begin van de tewerkstelling",
        Field::EmploymentEnd => "einde van de tewerkstelling",
        Field::PreventionService => "dienst voor preventie en bescherming op het werk",
        Field::PreventionServiceType => "soort dienst voor preventie en bescherming op het werk",
        Field::AffiliationBegin => "begin van de aansluiting bij de dienst voor preventie en bescherming op het werk",
        Field::AffiliationEnd => "einde van de aansluiting bij de dienst voor preventie en bescherming op het werk",
        Field::HealthInsuranceFund => "ziekenfonds",
    }
}
