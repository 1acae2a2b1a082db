//! The words of the pages in Dutch.

use ehealth_core::lookup::Operation;
use ehealth_core::model::StatusCode;
use soap::ExchangeFault;

use super::terms::{Explanation, Words};

pub(super) const WORDS: Words = Words {
    skip: "Naar de inhoud",
    navigation: "Diensten en codes",
    services: "Diensten",
    services_about: "SOAP 1.1-diensten over wederzijdse TLS. Elke dienst heeft een pagina met zijn WSDL, zijn schema’s en \
                     een voorbeeldbericht.",
    provenance: "Nagebouwd volgens de openbare conventies van de KSZ, waarvan de WSDL van eHealthAttributesService niet \
                 openbaar is. TestConnection en de gemeenschappelijke types zijn van de KSZ; de berichten van \
                 consultAttributes zijn van dit project.",
    first: "Wat u eerst doet",
    first_test: "Verstuur het testbericht hieronder met uw certificaat. Het antwoord toont het certificaat dat de dienst \
                 ziet. Het bevat geen persoonsgegevens.",
    first_generate: "Genereer een client uit de WSDL. Volgt uw tool geen imports, neem dan de WSDL met ingesloten schema’s.",
    first_ask: "Verstuur het voorbeeldbericht van consultAttributes. De persoon en de organisatie zijn fictief: gebruik \
                bij een dienst met echte gegevens uw eigen organisatie.",
    first_codes: "Behandel elke code die de dienst kan teruggeven. De pagina met codes zegt wat elke code betekent en wat u \
                  ermee doet.",
    operations: "Operaties",
    purpose,
    address: "Adres:",
    post_to: "Dit is een SOAP 1.1-dienst (document/literal, over wederzijdse TLS). Stuur een envelop met POST naar",
    post_end: "als text/xml.",
    contract: "Contract van de dienst",
    wsdl: "WSDL",
    single_wsdl: "WSDL met ingesloten schema’s",
    example: "Voorbeeldbericht",
    select: "Klik om het te selecteren.",
    fictitious: "De persoon en de organisatie zijn fictief.",
    save_as: "Bewaar het als request.xml en verstuur het met:",
    command: "Opdracht",
    codes: "Codes",
    codes_about: "Wat de dienst kan antwoorden en wat u dan doet. Software handelt naar de code, nooit naar de tekst. \
                  Bewaar het ticketCBSS van elk antwoord (ook in de header X-Request-Id) in uw log: de beheerder heeft het \
                  nodig om u te helpen.",
    statuses: "Statussen",
    statuses_about: "HTTP 200, in het element status van het antwoord. In de volgorde waarin ze worden beslist: de eerste \
                     die van toepassing is, is het antwoord.",
    status,
    faults: "SOAP-fouten",
    faults_about: "HTTP 500, in het element reasonCode van de fout.",
    fault,
    message_faults: "Fouten in het bericht",
    message_faults_about: "Het bericht volgt het contract niet. Het element diagnostic geeft het element, de regel en wat er \
                           werd verwacht. Verbeter het bericht: hetzelfde bericht krijgt opnieuw dezelfde fout. \
                           VersionMismatch en MustUnderstand hebben geen detail: lees faultstring.",
    refusals: "Weigeringen op HTTP-niveau",
    refusals_about: "Aanvragen die worden geweigerd voordat ze als SOAP worden gelezen. Het antwoord is één regel tekst.",
    code: "Code",
    text: "Tekst",
};

fn purpose(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => {
            "Geeft voor een rijksregisternummer (INSZ) de werkgever, de bevoegde interne of externe dienst voor preventie \
             en bescherming op het werk en het ziekenfonds, voor zover een machtiging dat toelaat."
        }
        Operation::SendTestMessage => {
            "Test de verbinding en geeft het certificaat terug dat de dienst ziet. Geeft geen persoonsgegevens terug: roep \
             deze operatie eerst aan."
        }
    }
}

fn status(status: StatusCode) -> Explanation {
    let (meaning, remedy) = match status {
        StatusCode::DataFound => (
            "Er zijn gegevens gevonden.",
            "Gebruik result. dataFilters noemt wat uw machtiging weglaat: dat die elementen ontbreken, zegt niets.",
        ),
        StatusCode::NoDataFound => (
            "Er zijn geen gegevens gevonden.",
            "Voor deze dagen is niets bekend. Dat is geen fout, en op dezelfde dag opnieuw vragen helpt niet.",
        ),
        StatusCode::Incomplete => (
            "Een bron ontbreekt of is verouderd; het antwoord kan onvolledig zijn.",
            "information noemt elke bron die ontbreekt of verouderd is. Gebruik wat er is en vraag het later opnieuw.",
        ),
        StatusCode::Replaced => (
            "Dit INSZ werd vervangen; vraag opnieuw met het nieuwe nummer.",
            "Vraag opnieuw met het newSSIN uit information en bewaar dat nummer.",
        ),
        StatusCode::NoRelation => (
            "De organisatie heeft geen relatie met deze persoon die de vraag toelaat.",
            "Controleer het nummer en de datum. Voor een onbekende persoon is het antwoord hetzelfde. Vraag niet opnieuw.",
        ),
        StatusCode::WrongDates => (
            "Een datum is niet geldig of valt buiten de periode die de machtiging toelaat.",
            "information noemt het element en de reden: NOT_A_DATE, REVERSED of OUTSIDE_GRANT. Vraag een dag die binnen uw \
             machtiging valt.",
        ),
        StatusCode::NotAnSsin => {
            ("Het INSZ is geen geldig identificatienummer.", "Controleer het controlegetal voordat u verstuurt.")
        }
        StatusCode::NoGrant => (
            "Deze organisatie heeft geen geldige machtiging voor deze wettelijke context.",
            "Vraag de beheerder welke wettelijke contexten uw organisatie mag gebruiken.",
        ),
    };
    Explanation { meaning, remedy }
}

fn fault(fault: ExchangeFault) -> Explanation {
    let (meaning, remedy) = match fault {
        ExchangeFault::Internal => (
            "Interne fout.",
            "Vraag het later opnieuw, met steeds langere pauzes. Blijft de fout, geef de beheerder dan het ticket.",
        ),
        ExchangeFault::UnknownCaller => (
            "Het clientcertificaat hoort niet bij een geregistreerde organisatie.",
            "Verstuur een testbericht: het antwoord toont uw certificaat. Vraag de beheerder het te registreren.",
        ),
        ExchangeFault::NoOrganisation => (
            "Het clientcertificaat noemt geen organisatie; registratie helpt niet.",
            "Gebruik een certificaat dat uw organisatie noemt.",
        ),
        ExchangeFault::OtherEnvironment => (
            "Het clientcertificaat is niet voor de omgeving van deze dienst.",
            "Gebruik het certificaat voor deze omgeving: acceptatie of productie.",
        ),
        ExchangeFault::MessageSignature => (
            "De handtekening van het bericht ontbreekt of wordt niet aanvaard.",
            "Onderteken het bericht en controleer het met de opdracht signature check.",
        ),
        ExchangeFault::WrongIdentification => (
            "customerIdentification is niet de organisatie van de aanvrager en ook geen organisatie waarvoor die optreedt.",
            "Zet uw eigen ondernemingsnummer, of dat van een organisatie waarvoor u optreedt, in het bericht.",
        ),
        ExchangeFault::QuotaSpent => {
            ("Het quotum is opgebruikt.", "Wacht het aantal seconden in de header Retry-After.")
        }
        ExchangeFault::NotRecorded => (
            "De uitwisseling kon niet worden geregistreerd en werd daarom niet beantwoord.",
            "Vraag het later opnieuw, met steeds langere pauzes. Blijft de fout, geef de beheerder dan het ticket.",
        ),
        ExchangeFault::EndUserMissing => (
            "Deze wettelijke context vereist een eindgebruiker.",
            "Voeg het headerblok endUser toe met de id en de hoedanigheid van de gebruiker.",
        ),
        ExchangeFault::EndUserRefused => {
            ("Deze wettelijke context laat geen eindgebruiker toe.", "Laat het headerblok endUser weg.")
        }
    };
    Explanation { meaning, remedy }
}
