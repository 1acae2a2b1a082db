//! The words of the pages in French. A no-break space stands before a colon, a semicolon and the like.

use ehealth_core::lookup::Operation;
use ehealth_core::model::StatusCode;
use soap::ExchangeFault;

use super::terms::{Explanation, Words};

pub(super) const WORDS: Words = Words {
    skip: "Aller au contenu",
    navigation: "Services et codes",
    services: "Services",
    services_about: "Services SOAP 1.1 sur TLS mutuel. Chaque service a une page avec son WSDL, ses schémas et un exemple de \
                     message.",
    provenance: "Reconstruit d’après les conventions publiques de la BCSS, dont le WSDL d’eHealthAttributesService n’est pas \
                 public. TestConnection et les types communs sont ceux de la BCSS\u{a0}; les messages de consultAttributes \
                 sont propres à ce projet.",
    first: "Par où commencer",
    first_test: "Envoyez le message de test ci-dessous avec votre certificat. La réponse montre le certificat que le service \
                 voit. Elle ne contient aucune donnée à caractère personnel.",
    first_generate: "Générez un client à partir du WSDL. Si votre outil ne suit pas les imports, prenez le WSDL avec ses \
                     schémas incorporés.",
    first_ask: "Envoyez l’exemple de message de consultAttributes. La personne et l’organisation sont fictives\u{a0}: auprès \
                d’un service avec des données réelles, indiquez votre propre organisation.",
    first_codes: "Traitez chaque code que le service peut renvoyer. La page des codes dit ce que chacun signifie et que faire.",
    operations: "Opérations",
    purpose,
    address: "Adresse\u{a0}:",
    post_to: "Ceci est un service SOAP 1.1 (document/literal, sur TLS mutuel). Envoyez une enveloppe par POST à",
    post_end: "en tant que text/xml.",
    contract: "Contrat du service",
    wsdl: "WSDL",
    single_wsdl: "WSDL avec ses schémas incorporés",
    example: "Exemple de message",
    select: "Cliquez pour le sélectionner.",
    fictitious: "La personne et l’organisation sont fictives.",
    save_as: "Enregistrez-le sous le nom request.xml et envoyez-le avec la commande suivante\u{a0}:",
    command: "Commande",
    codes: "Codes",
    codes_about: "Ce que le service peut répondre, et que faire. Un logiciel agit d’après le code, jamais d’après le texte. \
                  Gardez le ticketCBSS de chaque réponse (aussi dans l’en-tête X-Request-Id) dans vos journaux\u{a0}: \
                  l’exploitant en a besoin pour vous aider.",
    statuses: "Statuts",
    statuses_about: "HTTP 200, dans l’élément status de la réponse. Dans l’ordre où ils sont décidés\u{a0}: le premier qui \
                     s’applique est la réponse.",
    status,
    faults: "Erreurs SOAP",
    faults_about: "HTTP 500, dans l’élément reasonCode de l’erreur.",
    fault,
    message_faults: "Erreurs dans le message",
    message_faults_about: "Le message ne respecte pas le contrat. L’élément diagnostic donne l’élément, la ligne et ce qui \
                           était attendu. Corrigez le message\u{a0}: le même message reçoit de nouveau la même erreur. \
                           VersionMismatch et MustUnderstand n’ont pas de détail\u{a0}: lisez faultstring.",
    refusals: "Refus au niveau HTTP",
    refusals_about: "Requêtes refusées avant d’être lues comme SOAP. La réponse est une ligne de texte.",
    code: "Code",
    text: "Texte",
};

fn purpose(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => {
            "Donne, pour un NISS, l’employeur, le service interne ou externe compétent pour la prévention et la protection \
             au travail et la mutualité, dans la mesure où une autorisation le permet."
        }
        Operation::SendTestMessage => {
            "Teste la connexion et renvoie le certificat que le service voit. Ne renvoie aucune donnée à caractère \
             personnel\u{a0}: appelez cette opération en premier."
        }
    }
}

fn status(status: StatusCode) -> Explanation {
    let (meaning, remedy) = match status {
        StatusCode::DataFound => (
            "Des données ont été trouvées.",
            "Utilisez result. dataFilters nomme ce que votre autorisation exclut\u{a0}: l’absence de ces éléments ne dit rien.",
        ),
        StatusCode::NoDataFound => (
            "Aucune donnée n’a été trouvée.",
            "Rien n’est connu pour ces jours. Ce n’est pas une erreur, et redemander le même jour ne sert à rien.",
        ),
        StatusCode::Incomplete => (
            "Une source manque ou n’est plus à jour\u{a0}; la réponse peut être incomplète.",
            "information nomme chaque source qui manque ou n’est plus à jour. Utilisez ce qui est là et redemandez plus tard.",
        ),
        StatusCode::Replaced => (
            "Ce NISS a été remplacé\u{a0}; redemandez avec le nouveau numéro.",
            "Redemandez avec le newSSIN d’information et conservez ce numéro.",
        ),
        StatusCode::NoRelation => (
            "L’organisation n’a avec cette personne aucune relation qui permette la question.",
            "Vérifiez le numéro et la date. La réponse est la même si la personne est inconnue. Ne redemandez pas.",
        ),
        StatusCode::WrongDates => (
            "Une date n’est pas valable ou se trouve hors de la période que l’autorisation permet.",
            "information nomme l’élément et la raison\u{a0}: NOT_A_DATE, REVERSED ou OUTSIDE_GRANT. Demandez un jour que votre \
             autorisation couvre.",
        ),
        StatusCode::NotAnSsin => {
            ("Le NISS n’est pas un numéro d’identification valable.", "Vérifiez le nombre de contrôle avant l’envoi.")
        }
        StatusCode::NoGrant => (
            "Cette organisation n’a pas d’autorisation valable pour ce contexte légal.",
            "Demandez à l’exploitant quels contextes légaux votre organisation peut utiliser.",
        ),
    };
    Explanation { meaning, remedy }
}

fn fault(fault: ExchangeFault) -> Explanation {
    let (meaning, remedy) = match fault {
        ExchangeFault::Internal => (
            "Erreur interne.",
            "Redemandez plus tard, avec des pauses croissantes. Si l’erreur persiste, donnez le ticket à l’exploitant.",
        ),
        ExchangeFault::UnknownCaller => (
            "Le certificat client ne correspond à aucune organisation enregistrée.",
            "Envoyez un message de test\u{a0}: la réponse montre votre certificat. Demandez à l’exploitant de l’enregistrer.",
        ),
        ExchangeFault::NoOrganisation => (
            "Le certificat client ne nomme aucune organisation\u{a0}; l’enregistrement n’y change rien.",
            "Utilisez un certificat qui nomme votre organisation.",
        ),
        ExchangeFault::OtherEnvironment => (
            "Le certificat client n’est pas destiné à l’environnement de ce service.",
            "Utilisez le certificat de cet environnement\u{a0}: acceptation ou production.",
        ),
        ExchangeFault::MessageSignature => (
            "La signature du message manque ou n’est pas acceptée.",
            "Signez le message et vérifiez-le avec la commande signature check.",
        ),
        ExchangeFault::WrongIdentification => (
            "customerIdentification n’est ni l’organisation du demandeur ni une organisation pour laquelle il agit.",
            "Indiquez votre propre numéro d’entreprise, ou celui d’une organisation pour laquelle vous agissez.",
        ),
        ExchangeFault::QuotaSpent => {
            ("Le quota est épuisé.", "Attendez le nombre de secondes indiqué dans l’en-tête Retry-After.")
        }
        ExchangeFault::NotRecorded => (
            "L’échange n’a pas pu être enregistré et est donc resté sans réponse.",
            "Redemandez plus tard, avec des pauses croissantes. Si l’erreur persiste, donnez le ticket à l’exploitant.",
        ),
        ExchangeFault::EndUserMissing => (
            "Ce contexte légal exige un utilisateur final.",
            "Ajoutez le bloc d’en-tête endUser avec l’id et la qualité de l’utilisateur.",
        ),
        ExchangeFault::EndUserRefused => {
            ("Ce contexte légal n’admet aucun utilisateur final.", "Omettez le bloc d’en-tête endUser.")
        }
    };
    Explanation { meaning, remedy }
}
