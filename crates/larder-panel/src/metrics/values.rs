//! Counts calls to values by operation and outcome.

use std::time::Duration;

use prometheus_client::metrics::MetricType;

use crate::cache::values::call::{Call, CallOutcome, Operation};

use super::exposition::Exposition;
use super::tally::{Counter, Sharded};

#[derive(Debug, Default)]
struct OfOperation {
    outcomes: [Counter; CallOutcome::NAMES.len()],
    nanos: Counter,
}

/// The counters of calls to values.
#[derive(Debug, Default)]
pub struct Values(Sharded<[OfOperation; Operation::ALL.len()]>);

impl Values {
    /// Counts a call.
    pub fn count(&self, call: &Call<'_>) {
        let counts = &self.0.mine()[call.operation as usize];
        counts.outcomes[call.outcome.place()].count();
        counts.nanos.add(u64::try_from(call.took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Writes the metrics; rare outcomes appear once they have occurred.
    pub fn write(&self, text: &mut Exposition) {
        let help = "Calls to values, by outcome.";
        text.family("larder_value_calls_total", MetricType::Counter, help);
        for (o, (_, operation)) in Operation::ALL.into_iter().enumerate() {
            for (place, outcome) in CallOutcome::NAMES.into_iter().enumerate() {
                let count = self.0.sum(|operations| operations[o].outcomes[place].read());
                if count > 0 || is_always_reported(operation, outcome) {
                    text.series(&[("operation", operation), ("outcome", outcome)], count);
                }
            }
        }
        text.family("larder_value_seconds_total", MetricType::Counter, "Time for calls to values.");
        for (o, (_, operation)) in Operation::ALL.into_iter().enumerate() {
            let nanos = self.0.sum(|operations| operations[o].nanos.read());
            let took = Duration::from_nanos(nanos).as_secs_f64();
            text.series(&[("operation", operation)], took);
        }
    }
}

/// Reports whether a series exists from the beginning, so that its first count is seen as one.
fn is_always_reported(operation: &str, outcome: &str) -> bool {
    let finds = ["get", "get_many", "get_or_set"].contains(&operation);
    if finds { ["hit", "miss"].contains(&outcome) } else { outcome == "done" }
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::cache::store::Trouble;

    #[test]
    fn calls_are_counted_by_operation_and_outcome() {
        let values = Values::default();
        for outcome in [CallOutcome::Done, CallOutcome::Done, CallOutcome::Outage(Trouble::Paused)]
        {
            let took = Duration::from_millis(1);
            let (operation, name, store) = (Operation::Incr, "throttle:1:a", "memory");
            values.count(&Call { operation, name, outcome, took, store });
        }
        let mut text = Exposition::default();
        values.write(&mut text);
        let text = text.finish(Registry::default());
        for line in [
            "larder_value_calls_total{operation=\"incr\",outcome=\"done\"} 2",
            "larder_value_calls_total{operation=\"incr\",outcome=\"outage\"} 1",
            "larder_value_seconds_total{operation=\"incr\"} 0.003",
            "larder_value_calls_total{operation=\"get\",outcome=\"hit\"} 0",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("throttle"), "a figure holds no key");
    }
}
