//! Counts calls to the shared store by operation and result.
//!
//! - The duration of a call is counted if the call reached the store, not if it was refused here.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::cache::store::Trouble;
use crate::cache::store::metered::{Call, Operation};

use super::exposition::bounds;

/// A label and its value.
type Label = (&'static str, &'static str);

/// Listens to the store and counts. The locks of the families are nothing beside a round trip.
#[derive(Debug)]
pub struct Calls {
    results: Family<[Label; 2], Counter>,
    took: Family<[Label; 1], Histogram>,
}

impl Default for Calls {
    fn default() -> Self {
        let results = Family::default();
        // So that the first count is seen as one.
        for (_, operation) in Operation::ALL {
            let _ = results.get_or_create(&[("operation", *operation), ("result", "ok")]);
        }
        Self { results, took: Family::new_with_constructor(|| Histogram::new(bounds())) }
    }
}

impl Calls {
    /// Counts a finished call.
    pub fn count(&self, call: Call) {
        let operation = ("operation", Operation::ALL[call.operation as usize].1);
        let result = ("result", call.trouble.map_or("ok", Trouble::name));
        self.results.get_or_create(&[operation, result]).inc();
        if call.reached_the_store() {
            self.took.get_or_create(&[operation]).observe(call.took.as_secs_f64());
        }
    }

    /// Adds the metrics to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Calls to the shared store";
        registry.register("larder_store_calls", help, self.results.clone());
        let help = "Time for calls that reached the shared store";
        registry.register("larder_store_call_duration_seconds", help, self.took.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::exposition::Exposition;

    #[test]
    fn a_call_that_was_refused_here_took_no_time_of_the_store() {
        let calls = Calls::default();
        let operation = Operation::Get;
        let troubles =
            [None, Some(Trouble::Timeout), Some(Trouble::Paused), Some(Trouble::Exhausted)];
        for trouble in troubles {
            calls.count(Call { operation, trouble, took: Duration::from_millis(1) });
            let result = ("result", trouble.map_or("ok", Trouble::name));
            let counted = calls.results.get_or_create(&[("operation", "get"), result]).get();
            assert_eq!(counted, 1, "{trouble:?}");
        }
        let mut registry = Registry::default();
        calls.register(&mut registry);
        let text = Exposition::default().finish(registry);
        let took = "larder_store_call_duration_seconds_count{operation=\"get\"} 2\n";
        assert!(text.contains(took), "{text}");
    }
}
