//! One value for each variant of a closed enum.

use super::lists::{HandshakeOutcome, Kind, Overload, Stage};
use crate::server::http::refusal::HttpRefusal;
use ehealth_core::lookup::Operation;
use ehealth_core::model::OutcomeCode;
use ehealth_core::policy::NotIdentified;
use soap::signature::SignatureError;

/// A closed enum whose `ALL` lists its `N` variants in the order of their declaration.
pub(super) trait Closed<const N: usize>: Copy {
    /// Every variant.
    const ALL: [Self; N];

    /// Index of the variant in [`Self::ALL`].
    fn index(self) -> usize;
}

macro_rules! closed {
    ($($name:ident),+) => {
        $(impl Closed<{ $name::ALL.len() }> for $name {
            const ALL: [Self; $name::ALL.len()] = $name::ALL;

            fn index(self) -> usize {
                self as usize
            }
        })+
    };
}

closed!(HandshakeOutcome, HttpRefusal, Kind, NotIdentified, Operation, OutcomeCode, Overload, SignatureError, Stage);

/// One value for each variant of `E`.
#[derive(Debug)]
pub(super) struct PerVariant<E, T, const N: usize> {
    values: [T; N],
    variants: std::marker::PhantomData<E>,
}

impl<E: Closed<N>, T: Default, const N: usize> Default for PerVariant<E, T, N> {
    fn default() -> Self {
        Self { values: std::array::from_fn(|_| T::default()), variants: std::marker::PhantomData }
    }
}

impl<E: Closed<N>, T, const N: usize> PerVariant<E, T, N> {
    /// Value of a variant. Every variant has one.
    pub fn get(&self, variant: E) -> Option<&T> {
        self.values.get(variant.index())
    }

    /// Each variant with its value.
    pub fn iter(&self) -> impl Iterator<Item = (E, &T)> {
        E::ALL.into_iter().zip(&self.values)
    }

    /// The values after a conversion, in the order of the variants.
    pub fn map<U>(&self, convert: impl FnMut(&T) -> U) -> [U; N] {
        self.values.each_ref().map(convert)
    }
}
