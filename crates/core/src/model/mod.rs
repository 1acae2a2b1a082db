//! The words of the domain: identifiers, days, periods, the nine fields, the question and the answer.
//!
//! Everything here is checked at birth: a value that exists is a value that is right, and no room above asks again.
//! This floor uses `std` and `thiserror` alone. It knows no clock, no file, no XML and no SQL.
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
//! | legal context | domain and purpose on which a question is asked | [`LegalContext`] |
//! | window | the day or days that a question is about, both ends inclusive | [`Window`] |
//! | dataset | one of the five sources kept in step locally | [`Dataset`] |
//! | ticket | the UUID under which KSZ files a consultation (`ticketCBSS`) | [`Ticket`] |
//! | field | one of the nine things that may be told | [`Field`] |
//! | status | how an allowed, well-formed exchange ended | [`Status`] |

mod affiliation;
mod answer;
mod byte_set;
mod clock;
mod date;
mod digest;
mod digits;
mod employment;
mod enterprise_number;
mod field;
mod freshness;
mod legal_context;
mod outcome_code;
mod period;
mod question;
mod ssin;
mod status;
mod ticket;

pub use affiliation::{Affiliation, Membership, ServiceKind};
pub use answer::{Criteria, CriteriaDates, DisclosedEmployment, DisclosedService, Disclosure};
pub use byte_set::ByteSet;
pub use clock::{Clock, FixedClock, Timestamp};
pub use date::{Date, DateError};
pub use digest::{Digest, DigestError};
pub use employment::{Employment, EmploymentPeriod};
pub use enterprise_number::{EnterpriseNumber, EnterpriseNumberError};
pub use field::{Field, FieldSet};
pub use freshness::{Dataset, DatasetSet, DatasetState, DatasetStates, Freshness};
pub use legal_context::LegalContext;
pub use outcome_code::OutcomeCode;
pub use period::{Period, PeriodError, Window};
pub use question::{AskedCriteria, AskedDates, CbeNumber, Customer, CustomerId, Question};
pub use ssin::{Ssin, SsinError};
pub use status::{Information, Status, StatusCode, WrongDates};
pub use ticket::Ticket;
