//! Reports calls to values to the listeners.
//!
//! - A call is reported once, under the name of its own method: `decr` does not also count as
//!   `incr`.
//! - The outcome is taken from the store's answer, never guessed from the value.
//! - Without listeners the clock is not read.
//! - The computation of `get_or_set` is the caller's own time: the call is reported as it begins.
//!
//! Not reported: iterating over keys ([`Values::iter_keys`]), which is not a single call.

use std::fmt;
use std::time::Instant;

use super::call::{Call, CallOutcome, Operation};
use super::{Error, Values};

/// A call under way.
#[must_use = "it is told when it ends"]
pub(super) struct Begun<'v> {
    values: &'v Values,
    operation: Operation,
    at: Option<Instant>,
}

impl Values {
    /// Begins a call.
    pub(super) fn begin(&self, operation: Operation) -> Begun<'_> {
        let at = (!self.shared.listeners.is_empty()).then(Instant::now);
        Begun { values: self, operation, at }
    }
}

impl Begun<'_> {
    /// Reports the end of the call, with this outcome.
    pub(super) fn end(self, name: impl fmt::Display, outcome: CallOutcome) {
        let Some(at) = self.at else { return };
        let (name, store) = (name.to_string(), self.values.store().name());
        let (operation, took) = (self.operation, at.elapsed());
        let call = Call { operation, name: &name, outcome, took, store };
        self.values.shared.listeners.iter().for_each(|listener| listener.on_value(&call));
    }

    /// Reports the end of the call, with the outcome of its answer, and returns the answer.
    pub(super) fn answer<T>(
        self,
        name: impl fmt::Display,
        answer: Result<T, Error>,
        outcome: impl FnOnce(&T) -> CallOutcome,
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

/// Several names, printed as the first and how many more.
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
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;
    use crate::event::{Event, Listener};
    use crate::listeners::Listeners;
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
        let listeners = Listeners::of(vec![heard.clone()]);
        let settings = ("t:".to_owned(), Settings::new("t"));
        (Values::reporting_to(store, settings, listeners, None), heard)
    }

    #[tokio::test]
    async fn each_call_is_reported_once_under_its_own_name() {
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
    async fn a_computed_value_is_a_miss_and_then_a_hit() {
        let (values, heard) = values();
        for _ in 0..2 {
            assert_eq!(values.get_or_set("n", Timeout::Never, async || 7).await, 7);
        }
        let expected = ["get_or_set t:1:n: miss", "get_or_set t:1:n: hit"];
        assert_eq!(*heard.0.lock().unwrap(), expected);
    }
}
