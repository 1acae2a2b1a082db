//! The arguments of the program, without those of each command.

use clap::{Parser, Subcommand};

use super::audit::AuditCommand;
use super::backup::BackupArguments;
use super::certificates::CertificatesCommand;
use super::cluster::ClusterCommand;
use super::config::ConfigCommand;
use super::contract::ContractCommand;
#[cfg(feature = "testkit")]
use super::demo::DemoArguments;
use super::doctor::DoctorArguments;
#[cfg(feature = "testkit")]
use super::generate::GenerateArguments;
use super::health::HealthArguments;
use super::log::LogFormat;
use super::lookup::LookupArguments;
use super::manual::{CompletionsArguments, ManArguments};
use super::policy::PolicyCommand;
use super::reload::ReloadArguments;
use super::restore::RestoreArguments;
use super::serve::ServeArguments;
use super::signature::SignatureCommand;
#[cfg(feature = "testkit")]
use super::simulate::SimulateArguments;
use super::support::SupportCommand;
use super::sync::SyncArguments;
use super::traces::TracesArguments;

const AFTER_HELP: &str = "\
Examples:
  ehealth-attributes serve --config ./config.toml
  ehealth-attributes lookup --profile fund --ssin - < ssin.txt
  ehealth-attributes completions bash
  ehealth-attributes lookup --help";

const CERTIFICATES_HELP: &str = "\
Examples:
  ehealth-attributes certificates inspect fund.pem
  ehealth-attributes certificates rotate server --cert new.pem";

const CONTRACT_HELP: &str = "\
Examples:
  ehealth-attributes contract export wsdl
  ehealth-attributes contract export --help";

const SIGNATURE_HELP: &str = "\
Examples:
  ehealth-attributes signature check request.xml
  ehealth-attributes signature sign request.xml --cert fund.pem --key fund.key";

const AUDIT_HELP: &str = "\
Examples:
  ehealth-attributes audit search --ssin - < ssin.txt
  ehealth-attributes audit verify --audit-log /srv/copy --key audit-log.pub
  ehealth-attributes audit search --help";

const CLUSTER_HELP: &str = "\
Examples:
  ehealth-attributes cluster check
  ehealth-attributes cluster status --json";

const CONFIG_HELP: &str = "\
Examples:
  ehealth-attributes config check
  ehealth-attributes config example > config.toml";

const SUPPORT_HELP: &str = "\
Examples:
  ehealth-attributes support bundle --dry-run
  ehealth-attributes support bundle --help";

const POLICY_HELP: &str = "\
Examples:
  ehealth-attributes policy check policy.toml
  ehealth-attributes policy show policy.toml";

/// SOAP gateway with mutual TLS: returns the employer, the competent prevention service and the
/// health-insurance fund of a person, from an SSIN
#[derive(Debug, Parser)]
#[command(name = "ehealth-attributes", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Arguments {
    /// The command
    #[command(subcommand)]
    pub command: Command,
    /// Log level on standard error: error, warn, info, debug, trace, or a filter such as
    /// info,ehealth_attributes=debug
    #[arg(long, global = true, default_value = "info", env = "EHEALTH_ATTRIBUTES_LOG")]
    pub log: String,
    /// Log format
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "EHEALTH_ATTRIBUTES_LOG_FORMAT")]
    pub log_format: LogFormat,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the operations until SIGTERM or Ctrl-C
    Serve(ServeArguments),
    /// Check whether the running service is ready
    Health(HealthArguments),
    /// Check the machine: clock, disks, permissions, kernel, units, certificates
    Doctor(DoctorArguments),
    /// Gather what support has to know
    #[command(subcommand, after_help = SUPPORT_HELP)]
    Support(SupportCommand),
    /// Have a running service reload its policy, certificates and CRLs
    Reload(ReloadArguments),
    /// Synchronise the datasets with their feeds, once or continuously
    Sync(SyncArguments),
    /// Send the traces in log lines to an OpenTelemetry collector, as a process of its own
    Traces(TracesArguments),
    /// Look up one person or many through a running service
    Lookup(Box<LookupArguments>),
    /// Show what a certificate names and whether it would be accepted, or replace one of the service
    #[command(subcommand, after_help = CERTIFICATES_HELP)]
    Certificates(CertificatesCommand),
    /// Write the WSDLs and schemas of the services to files, for client generators
    #[command(subcommand, after_help = CONTRACT_HELP)]
    Contract(ContractCommand),
    /// Sign a message, or find out why a signature is refused
    #[command(subcommand, after_help = SIGNATURE_HELP)]
    Signature(SignatureCommand),
    /// Run a demonstration: a service with invented people, and two example lookups
    #[cfg(feature = "testkit")]
    Demo(DemoArguments),
    /// Run a test double: invented people, a fixed clock, and the faults that a scenario injects
    #[cfg(feature = "testkit")]
    Simulate(SimulateArguments),
    /// Write the feeds of an invented country, to try the gateway at any size
    #[cfg(feature = "testkit")]
    Generate(GenerateArguments),
    /// Verify, search and maintain the audit log
    #[command(subcommand, after_help = AUDIT_HELP)]
    Audit(AuditCommand),
    /// Check or migrate the database that several nodes share, or show the nodes
    #[command(subcommand, after_help = CLUSTER_HELP)]
    Cluster(ClusterCommand),
    /// Check or show the settings, or print an example
    #[command(subcommand, after_help = CONFIG_HELP)]
    Config(ConfigCommand),
    /// Copy the datasets and the audit log while the service runs
    Backup(BackupArguments),
    /// Verify a backup and put it in place, or rehearse that
    Restore(RestoreArguments),
    /// Check a policy file, explain a decision, or pin a certificate
    #[command(subcommand, after_help = POLICY_HELP)]
    Policy(PolicyCommand),
    /// Print the completions of a shell
    Completions(CompletionsArguments),
    /// Print the manual page, or write the pages of all commands
    Man(ManArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Arguments::command().debug_assert();
    }
}
