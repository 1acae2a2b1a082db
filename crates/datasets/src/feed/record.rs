//! What a publisher's row can say, and why it can be wrong: words alone, nothing is read here.

use ehealth_core::model::{Date, EnterpriseNumber, Period, Ssin};

/// What one row says; each variant with the columns of its dataset (feed.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// `dimona`.
    Dimona {
        /// `period_id`.
        period_id: u64,
        /// `ssin`.
        ssin: Ssin,
        /// `employer`.
        employer: EnterpriseNumber,
        /// `begin` and `end`.
        period: Period,
    },
    /// `coprev`.
    Coprev {
        /// `affiliation_id`.
        affiliation_id: u64,
        /// `employer`.
        employer: EnterpriseNumber,
        /// `service`.
        service: EnterpriseNumber,
        /// `begin` and `end`.
        period: Period,
    },
    /// `federated`.
    Federated {
        /// `affiliation_id`.
        affiliation_id: u64,
        /// `employer`.
        employer: EnterpriseNumber,
        /// `service`.
        service: EnterpriseNumber,
        /// `begin` and `end`.
        period: Period,
        /// `entity`.
        entity: Entity,
    },
    /// `insurance`.
    Insurance {
        /// `ssin`.
        ssin: Ssin,
        /// `fund`.
        fund: EnterpriseNumber,
        /// `begin` and `end`.
        period: Period,
    },
    /// `persons`.
    Persons {
        /// `ssin`.
        ssin: Ssin,
        /// `replaced_by`.
        replaced_by: Option<Ssin>,
        /// `cancelled`: changes nothing in any answer (domain.md).
        cancelled: bool,
    },
}

/// The federated entity that reports an internal service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entity {
    /// `VLG`: the Flemish Community.
    FlemishCommunity,
    /// `CFWB`: the French Community.
    FrenchCommunity,
    /// `DG`: the German-speaking Community.
    GermanSpeakingCommunity,
    /// `COCOM`: the Common Community Commission of Brussels.
    CommonCommunityCommission,
    /// `FED`: the federal authority.
    Federal,
}

impl Entity {
    /// The entity of this abbreviation; `None` if there is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "VLG" => Some(Self::FlemishCommunity),
            "CFWB" => Some(Self::FrenchCommunity),
            "DG" => Some(Self::GermanSpeakingCommunity),
            "COCOM" => Some(Self::CommonCommunityCommission),
            "FED" => Some(Self::Federal),
            _ => None,
        }
    }
}

/// What makes a record of a dataset unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// `dimona`: `period_id`.
    Period(u64),
    /// `coprev`, `federated`: `affiliation_id`.
    Affiliation(u64),
    /// `insurance`: `ssin` and `begin`.
    Membership(Ssin, Date),
    /// `persons`: `ssin`.
    Person(Ssin),
}

/// What a right row asks for. A row of a snapshot is a `Put`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Insert, or replace what has the same key.
    Put(Record),
    /// Delete what has this key. The other columns were not looked at.
    Delete(Key),
}

/// Why a record is rejected: the column that is wrong, or a fault in how the record stands to itself or to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Neither `put` nor `delete`.
    Action,
    /// `period_id` or `affiliation_id` is not 1 to 18 digits.
    Id,
    /// `ssin` is none.
    Ssin,
    /// `employer` is no enterprise number.
    Employer,
    /// `service` is no enterprise number.
    Service,
    /// `fund` is no enterprise number.
    Fund,
    /// `begin` is no day.
    Begin,
    /// `end` is neither a day nor empty.
    End,
    /// `end` lies before `begin`.
    Reversed,
    /// `entity` is none of the five.
    Entity,
    /// `replaced_by` is neither an SSIN nor empty.
    ReplacedBy,
    /// `cancelled` is neither 1 nor 0.
    Cancelled,
    /// The number is replaced by itself, or closes a circle of replacements.
    Cycle,
    /// A record before it in the snapshot has the same key.
    Duplicate,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Action,
        Self::Id,
        Self::Ssin,
        Self::Employer,
        Self::Service,
        Self::Fund,
        Self::Begin,
        Self::End,
        Self::Reversed,
        Self::Entity,
        Self::ReplacedBy,
        Self::Cancelled,
        Self::Cycle,
        Self::Duplicate,
    ];

    /// The word in the rejected records file.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Id => "id",
            Self::Ssin => "ssin",
            Self::Employer => "employer",
            Self::Service => "service",
            Self::Fund => "fund",
            Self::Begin => "begin",
            Self::End => "end",
            Self::Reversed => "end-before-begin",
            Self::Entity => "entity",
            Self::ReplacedBy => "replaced_by",
            Self::Cancelled => "cancelled",
            Self::Cycle => "cycle",
            Self::Duplicate => "duplicate",
        }
    }
}

/// The judgement on one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validated {
    /// Right in itself.
    Accepted(Change),
    /// Wrong. A rejected `put` removes its key (feed.md): the key is told where the row has a readable one.
    Rejected {
        /// Why.
        reason: Reason,
        /// What the row would have replaced; `None` for a `delete`, an unknown action or an unreadable key.
        key: Option<Key>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_word() {
        let words = Reason::ALL.map(Reason::code);
        assert_eq!(
            words.join(" "),
            "action id ssin employer service fund begin end end-before-begin entity replaced_by cancelled cycle duplicate"
        );
    }
}
