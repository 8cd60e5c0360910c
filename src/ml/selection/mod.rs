//! Choosing features, inside one training fold at a time and never on the whole history.
//!
//! [`fold::select`] is the filter: what is missing, repeated or insignificant goes, the rest comes in mRMR order up to the number that
//! the evidence carries. [`importance`] is the judge afterwards, on the purged validation part of several folds. Everything that is
//! left out is named with its reason.

pub mod fold;
pub mod importance;
pub mod multiplicity;
pub mod redundancy;
pub mod univariate;

pub use fold::{Candidate, Choice, Selection, TrainingFold, select};
pub use importance::{Importance, Permutations, permutation_importance, persistent};
