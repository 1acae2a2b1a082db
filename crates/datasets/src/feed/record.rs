//! The records of the five datasets, the changes that a row asks for, and the reasons for a
//! rejection. Types only.

use ehealth_core::closed_enum;
use ehealth_core::model::{Date, EnterpriseNumber, Period, Ssin};

/// One record; each variant has the columns of its dataset (`docs/reference/feeds.md "Data
/// files"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// Record of `dimona`: an employment period.
    Dimona {
        /// Column `period_id`.
        period_id: u64,
        /// Column `ssin`.
        ssin: Ssin,
        /// Column `employer`.
        employer: EnterpriseNumber,
        /// Columns `begin` and `end`.
        period: Period,
    },
    /// Record of `coprev`: an affiliation to an external prevention service.
    Coprev {
        /// Column `affiliation_id`.
        affiliation_id: u64,
        /// Column `employer`.
        employer: EnterpriseNumber,
        /// Column `service`.
        service: EnterpriseNumber,
        /// Columns `begin` and `end`.
        period: Period,
    },
    /// Record of `federated`: an affiliation to an internal prevention service.
    Federated {
        /// Column `affiliation_id`.
        affiliation_id: u64,
        /// Column `employer`.
        employer: EnterpriseNumber,
        /// Column `service`.
        service: EnterpriseNumber,
        /// Columns `begin` and `end`.
        period: Period,
        /// Column `entity`.
        entity: Entity,
    },
    /// Record of `insurance`: a membership of a health-insurance fund.
    Insurance {
        /// Column `ssin`.
        ssin: Ssin,
        /// Column `fund`.
        fund: EnterpriseNumber,
        /// Columns `begin` and `end`.
        period: Period,
    },
    /// Record of `persons`: an SSIN and its replacement.
    Persons {
        /// Column `ssin`.
        ssin: Ssin,
        /// Column `replaced_by`.
        replaced_by: Option<Ssin>,
        /// Column `cancelled`. It changes no answer (`docs/reference/domain.md "Identifiers"`).
        cancelled: bool,
    },
}

closed_enum! {
    /// Federated entity that reports an internal prevention service. The codes are the values of
    /// the column `entity`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Entity {
        /// Flemish Community.
        FlemishCommunity => "VLG",
        /// French Community.
        FrenchCommunity => "CFWB",
        /// German-speaking Community.
        GermanSpeakingCommunity => "DG",
        /// Common Community Commission of Brussels.
        CommonCommunityCommission => "COCOM",
        /// Federal authority.
        Federal => "FED",
    }
}

/// Columns that identify a record in its dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// `period_id` of `dimona`.
    Period(u64),
    /// `affiliation_id` of `coprev` and `federated`.
    Affiliation(u64),
    /// `ssin` and `begin` of `insurance`.
    Membership(Ssin, Date),
    /// `ssin` of `persons`.
    Person(Ssin),
}

/// Change that a valid row asks for. A row of a snapshot is a `Put`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Insert the record, or replace the one with the same key.
    Put(Record),
    /// Delete the record with this key. The other columns were not read.
    Delete(Key),
}

closed_enum! {
    /// Reason to reject a record: the invalid column, or a conflict with itself or another record.
    /// The codes are words of the file of rejected records (`docs/reference/feeds.md "Rejected
    /// records"`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum RejectReason {
        /// `action` is neither `put` nor `delete`.
        Action => "action",
        /// `period_id` or `affiliation_id` does not have 1 to 18 digits.
        Id => "id",
        /// `ssin` is not a valid SSIN.
        Ssin => "ssin",
        /// `employer` is not a valid enterprise number.
        Employer => "employer",
        /// `service` is not a valid enterprise number.
        Service => "service",
        /// `fund` is not a valid enterprise number.
        Fund => "fund",
        /// `begin` is not a day.
        Begin => "begin",
        /// `end` is neither a day nor empty.
        End => "end",
        /// `end` is before `begin`.
        Reversed => "end-before-begin",
        /// `entity` is not one of the five codes.
        Entity => "entity",
        /// `replaced_by` is neither a valid SSIN nor empty.
        ReplacedBy => "replaced_by",
        /// `cancelled` is neither 1 nor 0.
        Cancelled => "cancelled",
        /// The SSIN is replaced by itself, or closes a cycle of replacements.
        Cycle => "cycle",
        /// An earlier record of the snapshot has the same key.
        Duplicate => "duplicate",
    }
}

/// Result of the validation of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validated {
    /// The row is valid in itself.
    Accepted(Change),
    /// The row is invalid. A rejected `put` removes its key (`docs/reference/feeds.md "Rejected
    /// records"`).
    Rejected {
        /// First error in the row.
        reason: RejectReason,
        /// Key that the row would have replaced; `None` for a `delete`, an unknown action or an
        /// unreadable key.
        key: Option<Key>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reject_reason_has_its_code() {
        let codes = RejectReason::ALL.map(RejectReason::code);
        assert_eq!(
            codes.join(" "),
            "action id ssin employer service fund begin end end-before-begin entity replaced_by cancelled cycle duplicate"
        );
    }
}
