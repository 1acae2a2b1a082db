//! Status of the sources of an answer: which had data, which had none, and which could not be asked.

use super::PerDataset;

crate::closed_enum! {
    /// Status of one source of an answer. The code is its text on the wire.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum SourceStatus {
        /// The source has data, and they are disclosed.
        DataFound => "DATA_FOUND",
        /// The source was asked, and has no data.
        NoDataFound => "NO_DATA_FOUND",
        /// The source was not asked, or could not be asked about everything.
        NoResult => "NO_RESULT",
        /// The source is missing or stale.
        TechnicalError => "TECHNICAL_ERROR",
    }
}

impl SourceStatus {
    /// Whether the source was asked: without data in the answer, it has none.
    #[must_use]
    pub const fn is_asked(self) -> bool {
        match self {
            Self::DataFound | Self::NoDataFound => true,
            Self::NoResult | Self::TechnicalError => false,
        }
    }
}

/// `sources`: the status of each dataset that carries a field of the grant, in the order of
/// [`Dataset::ALL`](super::Dataset::ALL); empty where the element is absent.
pub type Sources = PerDataset<SourceStatus>;
