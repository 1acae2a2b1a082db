//! Equalises the work of refusals (MSG00012), so that timing does not reveal whether a person is
//! known.
//!
//! Without it, a caller without a relation could measure who is in our datasets and for how many
//! employers a person works. A refusal therefore makes up to a fixed number of look-ups and reads
//! up to a fixed number of rows: where the person has fewer, it looks up unknown numbers, reads the
//! neighbouring rows of other persons, and drops them.

use std::iter::repeat;

use super::ports::{Directory, DirectoryError};
use super::relation::Searched;
use super::{reads, rules};
use crate::model::Dataset;
use crate::policy::Permit;

/// SSINs of a person that a refusal looks up in each dataset keyed by person, whether or not the
/// person is known.
const NUMBERS: usize = 4;

/// Employers whose affiliations a refusal reads: more than people have in a window. The work of 16
/// takes no time that a caller sees, because a refusal ends at a multiple of 50 µs.
const EMPLOYERS: usize = 16;

/// Rows that a refusal reads of the dataset that would show the relation.
const ROWS: usize = reads::ROW_CAPACITY;

/// Adds the look-ups and rows that the relation check of a person with `numbers` SSINs did not
/// need.
///
/// # Errors
/// [`DirectoryError`] if a loaded dataset cannot be read.
pub(super) fn equalise_relation(
    permit: &Permit,
    numbers: usize,
    searched: Searched,
    directory: &mut impl Directory,
) -> Result<(), DirectoryError> {
    let (asked, organisation, window) = (permit.criteria().ssin, permit.organisation(), permit.criteria().window());
    match searched {
        Searched::Insurance { rows } => {
            directory.look_up_unknown(Dataset::Insurance, missing(numbers, NUMBERS))?;
            directory.neighbouring_memberships(asked, ROWS.saturating_sub(rows), &mut Vec::with_capacity(ROWS))
        }
        Searched::Dimona { rows, employers } => {
            directory.look_up_unknown(Dataset::Dimona, missing(numbers, NUMBERS))?;
            let mut neighbours = Vec::with_capacity(ROWS);
            directory.neighbouring_periods(asked, ROWS.saturating_sub(rows), &mut neighbours)?;
            let others = rules::employments(neighbours, window).into_iter().map(|employment| employment.employer);
            for employer in others.chain(repeat(organisation)).take(missing(employers, EMPLOYERS)) {
                reads::affiliations_to(organisation, employer, directory)?;
            }
            Ok(())
        }
    }
}

/// Adds the look-ups in `persons` that a person with `numbers` SSINs did not need.
///
/// # Errors
/// [`DirectoryError`] if `persons` cannot be read.
pub(super) fn equalise_persons(numbers: usize, directory: &mut impl Directory) -> Result<(), DirectoryError> {
    directory.look_up_unknown(Dataset::Persons, missing(numbers, NUMBERS))
}

/// Look-ups to add to those already made: up to one full step, or to the next step where that was
/// passed.
fn missing(made: usize, step: usize) -> usize {
    made.max(1).next_multiple_of(step).saturating_sub(made)
}
