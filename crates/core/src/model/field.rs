//! The nine fields that deliberation 16/108 permits. There is no tenth: what is not in this enum
//! cannot be disclosed.

use std::fmt;

use super::{Dataset, DatasetSet};

crate::closed_enum! {
    /// One of the nine permitted fields, in the order of `docs/reference/contract.md` "Nine
    /// fields".
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Field {
        /// 1: SSIN of the person.
        Ssin,
        /// 2: enterprise number of the employer.
        Employer,
        /// 3: begin of the employment.
        EmploymentBegin,
        /// 4: end of the employment.
        EmploymentEnd,
        /// 5: enterprise number of the prevention service.
        PreventionService,
        /// 6: type of the prevention service, internal or external.
        PreventionServiceType,
        /// 7: begin of the affiliation.
        AffiliationBegin,
        /// 8: end of the affiliation.
        AffiliationEnd,
        /// 9: enterprise number of the health-insurance fund.
        HealthInsuranceFund,
    }
}

impl Field {
    /// Path of the field in `result`: the text of `filteredElement` when the field is left out.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Ssin => "ssin",
            Self::Employer => "employment/employer/cbeNumber",
            Self::EmploymentBegin => "employment/period/beginDate",
            Self::EmploymentEnd => "employment/period/endDate",
            Self::PreventionService => "employment/preventionService/cbeNumber",
            Self::PreventionServiceType => "employment/preventionService/type",
            Self::AffiliationBegin => "employment/preventionService/affiliation/beginDate",
            Self::AffiliationEnd => "employment/preventionService/affiliation/endDate",
            Self::HealthInsuranceFund => "healthInsuranceFund/cbeNumber",
        }
    }

    /// Datasets that carry the field: those from which its value is read. None carries the SSIN, which
    /// is the question's.
    #[must_use]
    pub fn carriers(self) -> DatasetSet {
        match self {
            Self::Ssin => DatasetSet::EMPTY,
            Self::Employer | Self::EmploymentBegin | Self::EmploymentEnd => DatasetSet::EMPTY.with(Dataset::Dimona),
            Self::PreventionService | Self::PreventionServiceType | Self::AffiliationBegin | Self::AffiliationEnd => {
                DatasetSet::EMPTY.with(Dataset::Coprev).with(Dataset::Federated)
            }
            Self::HealthInsuranceFund => DatasetSet::EMPTY.with(Dataset::Insurance),
        }
    }

    /// Number of the field in the table: 1 to 9. The policy file refers to fields by it.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// Returns the field with this number; `None` outside 1 to 9.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.number() == number)
    }
}

/// A set of the nine fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FieldSet(u16);

impl FieldSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);
    /// All nine fields.
    pub const ALL: Self = Self((1 << Field::ALL.len()) - 1);

    /// The set with `field` added.
    #[must_use]
    pub const fn with(self, field: Field) -> Self {
        Self(self.0 | 1 << field as u16)
    }

    /// Whether the field is in the set.
    #[must_use]
    pub const fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u16) != 0
    }

    /// The numbers of the fields, with this text between them.
    #[must_use]
    pub fn numbers(self, separator: &str) -> String {
        let numbers: Vec<_> = self.iter().map(|field| field.number().to_string()).collect();
        numbers.join(separator)
    }

    /// Datasets that carry a field of the set.
    #[must_use]
    pub fn carriers(self) -> DatasetSet {
        self.iter().map(Field::carriers).fold(DatasetSet::EMPTY, DatasetSet::union)
    }

    /// Whether every field of this set is in `other`.
    #[must_use]
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The fields that are not in this set.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the fields of the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| self.contains(*field))
    }

    /// The nine bits, field 1 lowest: the form in the audit log.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl FromIterator<Field> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        fields.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Field::number)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_numbered_one_to_nine() {
        assert_eq!(Field::ALL.map(Field::number), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert!(Field::ALL.into_iter().all(|field| Field::from_number(field.number()) == Some(field)));
        assert_eq!((Field::from_number(0), Field::from_number(10)), (None, None));
    }

    #[test]
    fn a_set_and_its_complement_are_all_nine_fields() {
        let set: FieldSet = [Field::Ssin, Field::HealthInsuranceFund].into_iter().collect();
        assert_eq!(set.bits(), 0b1_0000_0001);
        assert_eq!(set.complement().iter().count(), 7);
        assert!(set.is_subset(FieldSet::ALL) && !FieldSet::ALL.is_subset(set));
        assert!(FieldSet::ALL.complement().is_empty());
    }
}
