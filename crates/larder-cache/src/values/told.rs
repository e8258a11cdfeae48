//! Calls to values, told to those who listen.
//!
//! - A call is told once, by the name under which it was made: `decr` is no `incr` besides.
//! - What came of it is told by what the store answered, never guessed from the value.
//! - Nobody who listens: no clock is asked.
//! - What `get_or_set` has to compute is the caller's own time: it is told of as it begins.
//!
//! Not told: walking through keys ([`Values::iter_keys`]), which is no one call.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Error, Values};
use crate::event::{Listener, Trouble};

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
pub enum Outcome {
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

impl Outcome {
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

impl From<&Error> for Outcome {
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
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// Which store was asked: `memory`, `redis`.
    pub store: &'static str,
}

/// Who is told.
#[derive(Clone, Default)]
pub(crate) struct Listeners(pub Vec<Arc<dyn Listener>>);

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} listeners", self.0.len())
    }
}

/// A call under way.
#[must_use = "it is told when it ends"]
pub(super) struct Begun<'v> {
    values: &'v Values,
    operation: Operation,
    at: Option<Instant>,
}

impl Values {
    /// A call begins.
    pub(super) fn begin(&self, operation: Operation) -> Begun<'_> {
        let at = (!self.shared.listeners.0.is_empty()).then(Instant::now);
        Begun { values: self, operation, at }
    }
}

impl Begun<'_> {
    /// It has ended so.
    pub fn end(self, name: impl fmt::Display, outcome: Outcome) {
        let Some(at) = self.at else { return };
        let (name, store) = (name.to_string(), self.values.store().name());
        let (operation, took) = (self.operation, at.elapsed());
        let call = Call { operation, name: &name, outcome, took, store };
        self.values.shared.listeners.0.iter().for_each(|listener| listener.on_value(&call));
    }

    /// It has ended with this answer, of which `outcome` says what came of it.
    pub fn answer<T>(
        self,
        name: impl fmt::Display,
        answer: Result<T, Error>,
        outcome: impl FnOnce(&T) -> Outcome,
    ) -> Result<T, Error> {
        if self.at.is_some() {
            let outcome = match &answer {
                Ok(done) => outcome(done),
                Err(error) => error.into(),
            };
            self.end(name, outcome);
        }
        answer
    }
}

/// Several names: the first, and how many.
pub(super) struct Several<'n>(pub &'n [String]);

impl fmt::Display for Several<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("no key"),
            [only] => f.write_str(only),
            [first, rest @ ..] => write!(f, "{first} and {} more", rest.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::event::Event;
    use crate::store::memory::MemoryStore;
    use crate::values::{Settings, Timeout};

    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Listener for Heard {
        fn on(&self, _: &Event<'_>) {}

        fn on_value(&self, call: &Call<'_>) {
            let (operation, name, outcome) =
                (call.operation.name(), call.name, call.outcome.name());
            self.0.lock().unwrap().push(format!("{operation} {name}: {outcome}"));
        }
    }

    fn values() -> (Values, Arc<Heard>) {
        let heard = Arc::new(Heard::default());
        let store = Arc::new(MemoryStore::default());
        let listeners = Listeners(vec![heard.clone()]);
        (Values::told_to(store, Settings::new("t"), listeners, None), heard)
    }

    #[tokio::test]
    async fn each_call_is_told_once_by_its_own_name() {
        let (values, heard) = values();
        assert_eq!(values.get_or("n", 3).await.unwrap(), 3);
        values.incr("n", 1).await.unwrap_err();
        assert!(values.add("n", &7, Timeout::Never).await.unwrap());
        assert!(!values.add("n", &7, Timeout::Never).await.unwrap());
        values.decr("n", 2).await.unwrap();
        values.decr("n", i64::MIN).await.unwrap_err();
        values.set_many([("a", "1"), ("b", "2")], Timeout::Never).await.unwrap();
        values.get_many::<String, _>(["a", "b"]).await.unwrap();
        values.get_many::<String, _>(["a", "c"]).await.unwrap();
        values.get_many::<String, _>(["c"]).await.unwrap();
        values.set_many([("a", "1")], Timeout::After(Duration::ZERO)).await.unwrap();
        values.persist("b").await.unwrap();
        assert!(!values.has_key("a").await.unwrap());
        values.decr_version("b", 1).await.unwrap();
        assert_eq!(values.delete_pattern("*").await.unwrap(), 1);
        values.clear().await.unwrap();
        let expected = [
            "get t:1:n: miss",
            "incr t:1:n: absent",
            "add t:1:n: done",
            "add t:1:n: taken",
            "decr t:1:n: done",
            "decr t:1:n: refused",
            "set_many t:1:a and 1 more: done",
            "get_many t:1:a and 1 more: hit",
            "get_many t:1:a and 1 more: partly",
            "get_many t:1:c: miss",
            "set_many t:1:a: done",
            "touch t:1:b: done",
            "has_key t:1:a: absent",
            "decr_version t:1:b: done",
            "delete_pattern t:1:*: done",
            "clear t:: done",
        ];
        assert_eq!(*heard.0.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn what_is_computed_was_a_miss_and_then_is_a_hit() {
        let (values, heard) = values();
        for _ in 0..2 {
            assert_eq!(values.get_or_set("n", Timeout::Never, async || 7).await, 7);
        }
        let expected = ["get_or_set t:1:n: miss", "get_or_set t:1:n: hit"];
        assert_eq!(*heard.0.lock().unwrap(), expected);
    }

    #[test]
    fn every_operation_is_found_at_its_number() {
        for (number, (operation, _)) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, number);
        }
    }
}
