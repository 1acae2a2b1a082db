//! The values of the domain: identifiers, days, periods, the nine fields, the question and the
//! answer.
//!
//! Constructors validate: a value that exists is valid, and no other module checks it again. This
//! module uses only `std` and `thiserror`. It knows no clock, no file, no XML and no SQL.
//!
//! # Glossary
//!
//! | word | meaning | type |
//! |---|---|---|
//! | SSIN | social-security identification number (INSZ/NISS) of a person | [`Ssin`] |
//! | enterprise number | number of an organisation in the Crossroads Bank for Enterprises (KBO/BCE) | [`EnterpriseNumber`] |
//! | employment | Dimona periods of one person with one employer, merged where they touch | [`Employment`] |
//! | affiliation | an employer's contract with a prevention service | [`Affiliation`] |
//! | prevention service | internal or external service for prevention and protection at work | [`ServiceKind`] |
//! | membership | a person's insurance with a health-insurance fund | [`Membership`] |
//! | legal context | domain and purpose of a question | [`LegalContext`] |
//! | window | the day or days that a question is about, both ends inclusive | [`Window`] |
//! | dataset | one of the five sources that are kept as local copies | [`Dataset`] |
//! | ticket | UUID of an exchange (`ticketCBSS`) | [`Ticket`] |
//! | field | one of the nine values that may be disclosed | [`Field`] |
//! | status | how an allowed, well-formed exchange ended | [`Status`] |
//! | outcome | code of a status or of a fault | [`OutcomeCode`] |

// Identifiers.
mod application;
mod digest;
mod enterprise_number;
mod environment;
mod ssin;
mod ticket;

// Time: days, periods, timestamps.
mod clock;
mod date;
mod period;

// Data: the five datasets, and what their rows say.
mod affiliation;
mod employment;
mod freshness;

// Question and answer.
mod answer;
mod end_user;
mod field;
mod legal_context;
mod outcome_code;
mod question;
mod source_status;
mod status;
mod status_code;

// Words for people.
mod language;

// Text and bytes, written and checked without format strings.
mod ascii_name;
mod byte_set;
mod digits;

pub use affiliation::{Affiliation, Membership, ServiceKind};
pub use answer::{Criteria, CriteriaDates, DisclosedEmployment, DisclosedService, Disclosure};
pub use application::{Application, ApplicationError};
pub use byte_set::ByteSet;
pub use clock::{BrusselsTime, Clock, FixedClock, Timestamp};
pub use date::{Date, DateError};
pub use digest::{Digest, DigestError};
pub use employment::{Employment, EmploymentPeriod};
pub use end_user::{EndUser, EndUserError};
pub use enterprise_number::{EnterpriseNumber, EnterpriseNumberError};
pub use environment::{Environment, NamedEnvironment};
pub use field::{Field, FieldSet};
pub use freshness::{Dataset, DatasetSet, DatasetState, DatasetStates, Freshness, PerDataset};
pub use language::{Language, Translated};
pub use legal_context::{LegalContext, LegalContextError};
pub use outcome_code::OutcomeCode;
pub use period::{Period, PeriodError, Window};
pub use question::{AskedCriteria, AskedDates, CbeNumber, Customer, CustomerId, PairNumber, Question};
pub use source_status::{SourceStatus, Sources};
pub use ssin::{Ssin, SsinError};
pub use status::{Information, Status, WrongDate, WrongDates};
pub use status_code::StatusCode;
pub use ticket::Ticket;
