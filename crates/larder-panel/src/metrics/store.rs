//! Counts calls to the shared store by operation and result.
//!
//! - The duration of a call is counted if the call reached the store, not if it was refused here.

use crate::cache::store::Trouble;
use crate::cache::store::metered::{Call, Operation};

use super::tally::{Counter, Histogram, Sharded, Snapshot};

/// Success, or why a call failed; in the order of their numbers.
pub const RESULTS: [&str; 6] =
    ["ok", "timeout", "budget used up", "breaker open", "unreachable", "refused"];

const OPERATIONS: usize = Operation::ALL.len();

#[derive(Debug, Default)]
struct OfOperation {
    results: [Counter; RESULTS.len()],
    took: Histogram,
}

/// Listens to the store and counts.
#[derive(Debug, Default)]
pub struct Calls(Sharded<[OfOperation; OPERATIONS]>);

impl Calls {
    /// Returns how many calls of an operation had this result, by their indices.
    pub fn counted(&self, operation: usize, result: usize) -> u64 {
        self.0.sum(|operations| operations[operation].results[result].read())
    }

    /// Returns how long the calls of an operation took.
    pub fn took(&self, operation: usize) -> Snapshot {
        Snapshot::of(self.0.all().map(|operations| &operations[operation].took))
    }
}

impl Calls {
    /// Counts a finished call.
    pub fn count(&self, call: Call) {
        let counts = &self.0.mine()[call.operation as usize];
        counts.results[place(call.trouble)].count();
        if call.reached_the_store() {
            counts.took.observe(call.took);
        }
    }
}

const fn place(trouble: Option<Trouble>) -> usize {
    match trouble {
        None => 0,
        Some(Trouble::Timeout) => 1,
        Some(Trouble::Exhausted) => 2,
        Some(Trouble::Paused) => 3,
        Some(Trouble::Unreachable) => 4,
        Some(Trouble::Refused) => 5,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_that_was_refused_here_took_no_time_of_the_store() {
        let calls = Calls::default();
        let operation = Operation::Get;
        let troubles =
            [None, Some(Trouble::Timeout), Some(Trouble::Paused), Some(Trouble::Exhausted)];
        for trouble in troubles {
            calls.count(Call { operation, trouble, took: Duration::from_millis(1) });
            let name = trouble.map_or("ok", Trouble::name);
            let result = RESULTS.iter().position(|result| *result == name).unwrap();
            assert_eq!(calls.counted(operation as usize, result), 1, "{name}");
        }
        assert_eq!(calls.took(operation as usize).count(), 2);
    }
}
