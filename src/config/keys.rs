//! The settings of the service, as data: name, kind, default, example, meaning.
//!
//! This table gives the names that the environment and `--set` accept, the defaults, the packaged
//! example (`deploy/config.toml`), and the README's table ([`super::example`]). The code that reads
//! a value is in other modules; a test checks that it reads exactly the settings listed here.

use super::key::{Example, Key, Kind, defaulted, key};

const DAILY: &str = "36h";
const WEEKLY: &str = "8d";
const AGE_OF_PEOPLE: &str = "Maximum age of the dataset. An older dataset is stale: answers that need it are incomplete. Publishers update data about people daily.";
const AGE_OF_SERVICES: &str = "Maximum age of the dataset. An older dataset is stale: answers that need it are incomplete. Publishers update affiliations to prevention services weekly.";

/// The settings of the service, in the order of the packaged example.
pub(super) const SERVICE_KEYS: &[Key] = &[
    key(
        "server.listen",
        Kind::Address,
        Example::Set("0.0.0.0:8443"),
        "Address and port for consumers. Under systemd the socket unit opens it: change both.",
    ),
    defaulted(
        "server.listen_mode",
        Kind::Choice("exclusive, shared"),
        "exclusive",
        "`shared`: sets `SO_REUSEPORT`, so that the next process can listen on the port while this one finishes its requests. `exclusive`: a second process cannot listen on the port.",
    ),
    key(
        "server.proxy_protocol",
        Kind::Networks,
        Example::Note("192.0.2.10"),
        "Load balancers that send a PROXY protocol header of version 2 at the start of each connection, so that logs and limits have the address of the client. A connection from a listed address without the header is closed, and a header from any other address is refused. List only machines that you control: the service believes the address that they send.",
    ),
    key(
        "server.public_url",
        Kind::Url,
        Example::Set("https://gateway.example.be"),
        "URL under which consumers reach the service. The WSDL publishes it as `soap:address`.",
    ),
    key(
        "server.certificate",
        Kind::Path,
        Example::Set("tls/server.pem"),
        "PEM file: the server certificate, followed by its intermediate certificates.",
    ),
    key(
        "server.key",
        Kind::Secret,
        Example::Set("credential:server.key"),
        "PEM file: private key of `server.certificate`.",
    ),
    defaulted(
        "server.max_requests_per_consumer",
        Kind::Integer,
        "16",
        "Maximum concurrent requests per consumer (1–512). Further requests wait for up to 1 s, and then get `503` with `Retry-After`, so that one consumer cannot delay the others. 16 per processor is a good value.",
    ),
    defaulted(
        "limits.unregistered_per_minute",
        Kind::Integer,
        "60",
        "Maximum messages per minute of all callers together that are not registered consumers, or whose certificate a pin refuses (0–60000); a sixth of them may come at once. Further messages get `503` before they are read, so that such callers cannot fill the disk of the audit log. The policy has the limit of each consumer.",
    ),
    defaulted(
        "limits.idle",
        Kind::Duration,
        "60s",
        "Time that a connection of a consumer may stay idle before it is closed (1s–1h). Each answer says it in `Keep-Alive`. A client that keeps connections for longer writes a request into a connection that closes, so it must be longer than the idle time of the client's pool or of a reverse proxy.",
    ),
    key(
        "trust.client_ca",
        Kind::Paths,
        Example::Set("tls/clients-ca"),
        "Files or folders, PEM or DER: root and intermediate CAs that issue consumers' certificates.",
    ),
    key(
        "trust.revocation",
        Kind::Paths,
        Example::Set("tls/clients-crl"),
        "Files or folders with one CRL for each CA. Clients of a CA without a current CRL are refused. `none` disables revocation checks: revoked certificates are accepted, and every start logs a warning.",
    ),
    key(
        "trust.environment",
        Kind::Choice("ACC, PRD, INT, TEST, DEV"),
        Example::Note("PRD"),
        "Environment of this service, as an OU of federal certificates names it. A question with a certificate for another environment gets the fault `SOA-01001`. Without this setting, no environment is checked.",
    ),
    defaulted(
        "trust.environment_required",
        Kind::Truth,
        "true",
        "Whether a certificate that names no environment is refused too. eHealth certificates name none: with them, set `false`. Only with `trust.environment`.",
    ),
    defaulted(
        "message_signature.clock_skew",
        Kind::Duration,
        "60s",
        "How far the clocks of a signer and of this machine may differ (0s–5m).",
    ),
    defaulted(
        "message_signature.lifetime",
        Kind::Duration,
        "10m",
        "Longest time from `Created` to `Expires` of a signed message (1s–1h). Every signed message is remembered until it expires, so that it is accepted once.",
    ),
    key(
        "message_signature.certificate",
        Kind::Path,
        Example::Note("tls/signing.pem"),
        "PEM file: certificate with which responses are signed, for consumers with `sign_responses`. Default: `server.certificate`.",
    ),
    key(
        "message_signature.key",
        Kind::Secret,
        Example::Note("credential:signing.key"),
        "PEM file: private key of `message_signature.certificate`, RSA or EC. Default: `server.key`.",
    ),
    key(
        "policy.file",
        Kind::Path,
        Example::Set("policy.toml"),
        "Policy file: which consumer may request what. `policy check` validates it; `policy explain` shows a decision and its rule.",
    ),
    key(
        "data.folder",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/data"),
        "Folder of the five loaded datasets.",
    ),
    key(
        "data.feeds",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/feeds"),
        "Folder of the feeds: one subfolder per dataset, where its publisher puts `notification.xml` and data files.",
    ),
    key(
        "data.rejected",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/rejected"),
        "Folder for rejected records, each with its line and the reason: the newest five files of each dataset. Only operators may read it.",
    ),
    defaulted(
        "data.min_free_space",
        Kind::Size,
        "2GiB",
        "Minimum free space on the disks of `data.folder` and `data.rejected`. A run that would leave less ends with `failed/disk-space`, and the loaded data stay in use; it needs 128 MiB more than this to begin. `0KiB` disables the check. If the audit log is on the same disk, keep this above its reserve.",
    ),
    Key {
        example: Example::Set("separate_process"),
        ..defaulted(
            "data.fetch_mode",
            Kind::Choice("in_process, separate_process"),
            "in_process",
            "`separate_process`: `sync --follow` fetches the feeds, and the serving process opens no outgoing connection. `in_process`: the serving process fetches them.",
        )
    },
    key(
        "feeds.DATASET.folder",
        Kind::Path,
        Example::Note("/srv/sftp/dimona"),
        "Folder of this feed. Overrides `data.feeds`.",
    ),
    key(
        "feeds.DATASET.url",
        Kind::Url,
        Example::Note("https://feeds.example.be/dimona/"),
        "URL of this feed's folder on a web server. Use either `url` or `folder`.",
    ),
    key(
        "feeds.DATASET.server_ca",
        Kind::Path,
        Example::Note("tls/feeds-ca.pem"),
        "PEM file: CA that issued the publisher's server certificate. Required with `url`.",
    ),
    key(
        "feeds.DATASET.certificate",
        Kind::Path,
        Example::Note("tls/feeds.pem"),
        "PEM file: client certificate for the publisher, followed by its intermediate certificates. Optional.",
    ),
    key(
        "feeds.DATASET.key",
        Kind::Secret,
        Example::Note("credential:feeds.key"),
        "PEM file: private key of the client certificate.",
    ),
    defaulted("feeds.DATASET.file_timeout", Kind::Duration, "1h", "Maximum time to download one file."),
    key(
        "feeds.DATASET.signer",
        Kind::Name,
        Example::Note("NAME+HASH+KEY"),
        "C2SP verifier key of the publisher. A notification without its signature is refused.",
    ),
    defaulted(
        "feeds.DATASET.interval",
        Kind::Duration,
        "15m",
        "Polling interval, at least 1 s. The actual interval varies by up to 10%.",
    ),
    defaulted(
        "feeds.DATASET.max_rejected_share",
        Kind::Percentage,
        "0.1%",
        "Maximum share of rejected records in a file. A file with more is refused; up to 10 rejected records are always accepted.",
    ),
    defaulted(
        "feeds.DATASET.max_shrink_share",
        Kind::Percentage,
        "10%",
        "Maximum share of its records that a dataset may lose in one update. A larger loss is refused until `sync --allow-shrink DATASET`.",
    ),
    defaulted("freshness.dimona", Kind::Duration, DAILY, AGE_OF_PEOPLE),
    defaulted("freshness.coprev", Kind::Duration, WEEKLY, AGE_OF_SERVICES),
    defaulted("freshness.federated", Kind::Duration, WEEKLY, AGE_OF_SERVICES),
    defaulted("freshness.insurance", Kind::Duration, DAILY, AGE_OF_PEOPLE),
    defaulted("freshness.persons", Kind::Duration, DAILY, AGE_OF_PEOPLE),
    key(
        "audit_log.folder",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/audit-log"),
        "Folder of the audit log, which has a record of every exchange.",
    ),
    key(
        "audit_log.keys",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/keys"),
        "Folder of the audit log's keys: one per month encrypts details, one per year makes the tokens that find a person's records, one signs checkpoints. Use another disk, and never put them into the backup of the audit log.",
    ),
    Key {
        example: Example::Set("make"),
        ..defaulted(
            "audit_log.missing_keys",
            Kind::Choice("refuse, make"),
            "refuse",
            "`make`: generate missing keys. `refuse`: fail unless the key file exists.",
        )
    },
    defaulted(
        "audit_log.origin",
        Kind::Name,
        "ehealth-attributes/audit-log",
        "Name of this audit log in its checkpoints, for example `gateway.example.be/audit-log`. Give each instance its own name, and never change it.",
    ),
    key(
        "audit_log.checkpoint_copy",
        Kind::Path,
        Example::Note("/mnt/other/checkpoint"),
        "File for a second copy of the newest checkpoint. Put it on another machine's disk, in a folder that exists, with nothing of this service in it. If that disk hangs, nothing waits for it longer than 5 s.",
    ),
    defaulted(
        "audit_log.missing_checkpoint",
        Kind::Choice("refuse, sign"),
        "refuse",
        "`refuse`: do not open an audit log whose checkpoint is missing. `sign`: sign a new checkpoint; the operator then vouches for the records, and a record says so for good. Set it back to `refuse` after one start.",
    ),
    defaulted(
        "audit_log.reserve",
        Kind::Size,
        "512MiB",
        "Free space on the disk of the audit log that only messages of registered consumers may use. With less, other callers get `503` before their messages are read.",
    ),
    key(
        "audit_log.verification_report",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/verification-report"),
        "File with the result of the last verification, written by `audit verify --report FILE`. The admin page and the metrics show it.",
    ),
    key(
        "letter.logo",
        Kind::Path,
        Example::Note("letter/logo.png"),
        "PNG file, at most 1 MiB: logo in the letters of `audit report`.",
    ),
    key(
        "letter.templates",
        Kind::Path,
        Example::Note("letter"),
        "Folder of own templates: `nl.md`, `fr.md`, `de.md`, `en.md`. A language without a file has the built-in template, which `audit report --print-template` prints.",
    ),
    key(
        "letter.LANGUAGE.name",
        Kind::Text,
        Example::Note("Voorbeeldinstelling"),
        "Name of the institution in the letters of this language (`nl`, `fr`, `de`, `en`). `audit report` refuses a letter in a language without the five settings of its section.",
    ),
    key(
        "letter.LANGUAGE.address",
        Kind::Text,
        Example::Note("Voorbeeldstraat 1, 1000 Brussel"),
        "Address of the institution; a comma begins a new line.",
    ),
    key(
        "letter.LANGUAGE.controller",
        Kind::Text,
        Example::Note("Voorbeeldinstelling, Voorbeeldstraat 1, 1000 Brussel"),
        "Name and address of the controller (GDPR, article 4(7)).",
    ),
    key(
        "letter.LANGUAGE.dpo",
        Kind::Text,
        Example::Note("Functionaris voor gegevensbescherming, dpo@example.be"),
        "Contact of the data protection officer.",
    ),
    key(
        "letter.LANGUAGE.retention",
        Kind::Text,
        Example::Note("De registratie van een raadpleging wordt 10 jaar bewaard."),
        "Sentence that says how long the data and the records of consultations are kept.",
    ),
    key(
        "cluster.database",
        Kind::Database,
        Example::Note("postgresql://node_a@db1.example.be,db2.example.be/ehealth"),
        "URL of the PostgreSQL database (15 or later) that the nodes share, with the hosts of all its servers: the primary among them is used. Its role is authenticated by `cluster.certificate`. Without this section the service is one machine (`docs/operations/cluster.md`).",
    ),
    key(
        "cluster.certificate",
        Kind::Path,
        Example::Note("cluster/node-a.pem"),
        "PEM file: client certificate for the database; its common name is the role.",
    ),
    key(
        "cluster.key",
        Kind::Secret,
        Example::Note("credential:cluster.key"),
        "PEM file: private key of `cluster.certificate`.",
    ),
    key(
        "cluster.authorities",
        Kind::Path,
        Example::Note("cluster/database-ca.pem"),
        "PEM file: CAs that issue the certificates of the database servers.",
    ),
    key(
        "cluster.node",
        Kind::Name,
        Example::Note("a"),
        "Name of this node, for ever: 1 to 32 characters a-z, 0-9 and '-', beginning with a letter. One process at a time has it.",
    ),
    defaulted(
        "cluster.durability",
        Kind::Choice("replicated, local"),
        "replicated",
        "`replicated`: an answer leaves when its record is durable on two machines; without a second one there are no answers (`MSG90053`) and the service is not ready. `local`: answers leave all the same, each record says that it was not replicated, and is replicated later.",
    ),
    defaulted(
        "cluster.timeout",
        Kind::Duration,
        "5s",
        "Longest wait for a commit and for a connection (1s–1m). A commit that takes longer is not answered, and the connection is dropped.",
    ),
    key(
        "admin.listen",
        Kind::Address,
        Example::Set("127.0.0.1:9443"),
        "Address and port for health, metrics and the admin page. Without this section nothing listens. A loopback address needs no authentication; any other address needs mutual TLS with the next three settings.",
    ),
    key(
        "admin.certificate",
        Kind::Path,
        Example::Note("tls/admin.pem"),
        "PEM file: server certificate of the admin listener, followed by its intermediate certificates.",
    ),
    key(
        "admin.key",
        Kind::Secret,
        Example::Note("credential:admin.key"),
        "PEM file: private key of `admin.certificate`.",
    ),
    key(
        "admin.client_ca",
        Kind::Path,
        Example::Note("tls/operators-ca.pem"),
        "PEM file: CA that issues operators' certificates.",
    ),
    key(
        "metrics.listen",
        Kind::Address,
        Example::Note("0.0.0.0:9464"),
        "Address and port of a listener for scrapers: `/metrics`, `/health/live` and `/health/ready`, and nothing else. Metrics are also on the admin listener. An address other than loopback needs either mutual TLS with the next three settings, or `metrics.networks`.",
    ),
    key(
        "metrics.certificate",
        Kind::Path,
        Example::Note("tls/metrics.pem"),
        "PEM file: server certificate of the metrics listener, followed by its intermediate certificates.",
    ),
    key("metrics.key", Kind::Secret, Example::Note("credential:metrics.key"), "PEM file: its private key."),
    key("metrics.client_ca", Kind::Path, Example::Note("tls/scrapers-ca.pem"), "PEM file: CA of the scrapers."),
    key(
        "metrics.networks",
        Kind::Networks,
        Example::Note("10.42.0.0/16"),
        "Address prefixes of the scrapers, one or a list: connections from them are served over plain HTTP, and all others are closed. The answers hold no data about a person, but the numbers of consumers and the subjects of certificates. Not together with the three settings of mutual TLS.",
    ),
];
