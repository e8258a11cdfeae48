//! One call to a value, as it is reported to listeners.

use std::time::Duration;

use crate::error::Error;
use crate::store::Trouble;

/// The method that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `Values::get`, `Values::get_or`.
    Get,
    /// `Values::get_many`.
    GetMany,
    /// `Values::get_or_set`, `Values::get_or_try_set`.
    GetOrSet,
    /// `Values::set`.
    Set,
    /// `Values::set_many`.
    SetMany,
    /// `Values::add`.
    Add,
    /// `Values::touch`, `Values::persist`, `Values::expire_at`.
    Touch,
    /// `Values::delete`.
    Delete,
    /// `Values::delete_many`.
    DeleteMany,
    /// `Values::delete_pattern`.
    DeletePattern,
    /// `Values::clear`.
    Clear,
    /// `Values::has_key`.
    HasKey,
    /// `Values::ttl`.
    Ttl,
    /// `Values::incr`.
    Incr,
    /// `Values::decr`.
    Decr,
    /// `Values::incr_version`.
    IncrVersion,
    /// `Values::decr_version`.
    DecrVersion,
    /// `Values::lock`.
    Lock,
    /// [`Lock::release`](super::Lock::release).
    Release,
}

impl Operation {
    /// All operations with their names, in the order of their discriminants.
    pub const ALL: [(Self, &'static str); 19] = [
        (Self::Get, "get"),
        (Self::GetMany, "get_many"),
        (Self::GetOrSet, "get_or_set"),
        (Self::Set, "set"),
        (Self::SetMany, "set_many"),
        (Self::Add, "add"),
        (Self::Touch, "touch"),
        (Self::Delete, "delete"),
        (Self::DeleteMany, "delete_many"),
        (Self::DeletePattern, "delete_pattern"),
        (Self::Clear, "clear"),
        (Self::HasKey, "has_key"),
        (Self::Ttl, "ttl"),
        (Self::Incr, "incr"),
        (Self::Decr, "decr"),
        (Self::IncrVersion, "incr_version"),
        (Self::DecrVersion, "decr_version"),
        (Self::Lock, "lock"),
        (Self::Release, "release"),
    ];

    /// Returns the method's name.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// The value was there.
    Hit,
    /// Some of the values were there.
    Partly,
    /// There was no value.
    Miss,
    /// The bytes were no value of the requested type, sealed for that name: a miss.
    Unreadable,
    /// The store did it.
    Done,
    /// There was nothing to change.
    Absent,
    /// The key exists already, or another caller holds the lock.
    Taken,
    /// It is not possible with the value that is stored, or with the argument.
    Refused,
    /// The store did not answer, for this reason.
    Outage(Trouble),
}

impl CallOutcome {
    /// The names of all outcomes; all outages have one name.
    pub const NAMES: [&'static str; 9] =
        ["hit", "partly", "miss", "done", "absent", "taken", "refused", "outage", "unreadable"];

    /// Returns the index of its name.
    pub const fn place(self) -> usize {
        match self {
            Self::Hit => 0,
            Self::Partly => 1,
            Self::Miss => 2,
            Self::Done => 3,
            Self::Absent => 4,
            Self::Taken => 5,
            Self::Refused => 6,
            Self::Outage(_) => 7,
            Self::Unreadable => 8,
        }
    }

    /// Returns its name, in lower case.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self.place()]
    }

    pub(super) const fn found(is_there: bool) -> Self {
        if is_there { Self::Hit } else { Self::Miss }
    }

    pub(super) const fn done(is_done: bool) -> Self {
        if is_done { Self::Done } else { Self::Absent }
    }

    pub(super) const fn taken(is_ours: bool) -> Self {
        if is_ours { Self::Done } else { Self::Taken }
    }
}

impl From<&Error> for CallOutcome {
    fn from(error: &Error) -> Self {
        match error {
            Error::Store { source, .. } => Self::Outage(source.into()),
            Error::Absent { .. } => Self::Absent,
            Error::Codec { .. }
            | Error::NotInteger { .. }
            | Error::Overflow { .. }
            | Error::NotRemoved(_) => Self::Refused,
        }
    }
}

/// A call that was answered.
#[derive(Debug)]
pub struct Call<'c> {
    /// The method.
    pub operation: Operation,
    /// The complete name of the key in the store; of several, the first and how many more.
    pub name: &'c str,
    /// The outcome.
    pub outcome: CallOutcome,
    /// How long it took.
    pub took: Duration,
    /// The name of the store: `memory`, `redis`.
    pub store: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_at_its_number() {
        for (number, (operation, _)) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, number);
        }
    }
}
