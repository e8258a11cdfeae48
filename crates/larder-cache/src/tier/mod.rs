//! The tiers that entries are stored in: this process, then a store that instances share.

pub(crate) mod local;
mod removal_causes;
pub(crate) mod sealed;
pub(crate) mod shared;
