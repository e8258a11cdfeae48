//! Calls to values, counted by operation and by what came of them.

use crate::cache::values::told::{Call, Operation, Outcome};

use super::exposition::{Exposition, Kind};
use super::tally::{Counter, Histogram, Sharded, Snapshot};

#[derive(Debug, Default)]
struct OfOperation {
    outcomes: [Counter; Outcome::NAMES.len()],
    took: Histogram,
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Values(Sharded<[OfOperation; Operation::ALL.len()]>);

impl Values {
    /// One more call.
    pub fn count(&self, call: &Call<'_>) {
        let counts = &self.0.mine()[call.operation as usize];
        counts.outcomes[call.outcome.place()].count();
        counts.took.observe(call.took);
    }

    /// The figures; of what nobody has called there is none.
    pub fn write(&self, text: &mut Exposition) {
        let help = "Calls to values, by what came of them.";
        text.family("larder_value_calls_total", Kind::Counter, help);
        for (o, (_, operation)) in Operation::ALL.into_iter().enumerate() {
            for (place, outcome) in Outcome::NAMES.into_iter().enumerate() {
                let count = self.0.sum(|operations| operations[o].outcomes[place].read());
                if count > 0 {
                    text.series(&[("operation", operation), ("outcome", outcome)], count);
                }
            }
        }
        let help = "Time for calls to values.";
        text.family("larder_value_call_duration_seconds", Kind::Histogram, help);
        for (o, (_, operation)) in Operation::ALL.into_iter().enumerate() {
            let took = Snapshot::of(self.0.all().map(|operations| &operations[o].took));
            if took.count() > 0 {
                text.histogram(&[("operation", operation)], &took);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::event::Trouble;

    #[test]
    fn calls_are_counted_by_operation_and_outcome() {
        let values = Values::default();
        for outcome in [Outcome::Done, Outcome::Done, Outcome::Outage(Trouble::Paused)] {
            let took = Duration::from_millis(1);
            let (operation, name, store) = (Operation::Incr, "throttle:1:a", "memory");
            values.count(&Call { operation, name, outcome, took, store });
        }
        let mut text = Exposition::default();
        values.write(&mut text);
        let text = text.finish();
        for line in [
            "larder_value_calls_total{operation=\"incr\",outcome=\"done\"} 2",
            "larder_value_calls_total{operation=\"incr\",outcome=\"outage\"} 1",
            "larder_value_call_duration_seconds_count{operation=\"incr\"} 3",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("throttle"), "a figure holds no key");
    }
}
