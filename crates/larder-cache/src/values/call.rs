//! One call to a value, as listeners see it.

use std::time::Duration;

#[cfg(doc)]
use super::Values;
use crate::error::Error;
use crate::store::Trouble;

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Values::get`], [`Values::get_or`].
    Get,
    /// [`Values::get_many`].
    GetMany,
    /// [`Values::get_or_set`], [`Values::get_or_try_set`].
    GetOrSet,
    /// [`Values::set`].
    Set,
    /// [`Values::set_many`].
    SetMany,
    /// [`Values::add`].
    Add,
    /// [`Values::touch`], [`Values::persist`], [`Values::expire_at`].
    Touch,
    /// [`Values::delete`].
    Delete,
    /// [`Values::delete_many`].
    DeleteMany,
    /// [`Values::delete_pattern`].
    DeletePattern,
    /// [`Values::clear`].
    Clear,
    /// [`Values::has_key`].
    HasKey,
    /// [`Values::ttl`].
    Ttl,
    /// [`Values::incr`].
    Incr,
    /// [`Values::decr`].
    Decr,
    /// [`Values::incr_version`].
    IncrVersion,
    /// [`Values::decr_version`].
    DecrVersion,
    /// [`Values::lock`].
    Lock,
    /// [`Lock::release`](super::Lock::release).
    Release,
}

impl Operation {
    /// All of them, with their names, in the order of their numbers.
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

    /// The method's name.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// The value was there.
    Hit,
    /// Some of the values were there, others were not.
    Partly,
    /// There was no value.
    Miss,
    /// There was something, but no value of that type that was sealed for that name: a miss.
    Unreadable,
    /// The store did it.
    Done,
    /// There was nothing to do it to.
    Absent,
    /// The key, or the lock, was somebody's already.
    Taken,
    /// It cannot be done to what is there, or with what was given.
    Refused,
    /// The store was of no help; why.
    Outage(Trouble),
}

impl CallOutcome {
    /// All of them; all outages are one.
    pub const NAMES: [&'static str; 9] =
        ["hit", "partly", "miss", "done", "absent", "taken", "refused", "outage", "unreadable"];

    /// Its place among them.
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

    /// Its name, lower case.
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
    /// What was called.
    pub operation: Operation,
    /// The complete name of the key in the store; of several, the first and how many.
    pub name: &'c str,
    /// What came of it.
    pub outcome: CallOutcome,
    /// How long it took.
    pub took: Duration,
    /// Which store was asked: `memory`, `redis`.
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
