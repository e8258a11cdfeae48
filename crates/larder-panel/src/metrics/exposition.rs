//! Families of metrics whose numbers are read when they are asked for.
//!
//! - Each family is described once, before its series.
//! - `prometheus-client` writes the text; this collects what it writes.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

use super::tally::{BOUNDS, Snapshot};

/// Labels of a series, in order.
pub type Labels<'l> = &'l [(&'static str, &'l str)];

/// The labels of a metric that has none of its own.
type Unlabelled = [(&'static str, &'static str); 0];

/// The bounds of all histograms' buckets, in seconds.
pub fn bounds() -> impl Iterator<Item = f64> {
    BOUNDS.iter().map(|nanos| seconds(*nanos))
}

/// The value of a series.
#[derive(Debug)]
pub enum Value {
    Count(u64),
    Number(f64),
    Histogram(Snapshot),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

#[derive(Debug)]
struct Family {
    name: &'static str,
    kind: MetricType,
    help: &'static str,
    series: Vec<(Vec<(&'static str, String)>, Value)>,
}

/// Families under construction.
#[derive(Debug, Default)]
pub struct Exposition(Vec<Family>);

impl Exposition {
    /// Begins a family; its series follow.
    pub fn family(
        &mut self,
        name: &'static str,
        kind: MetricType,
        help: &'static str,
    ) -> &mut Self {
        self.0.push(Family { name, kind, help, series: Vec::new() });
        self
    }

    /// Adds a series to the last family.
    pub fn series(&mut self, labels: Labels<'_>, value: impl Into<Value>) -> &mut Self {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let family = self.0.last_mut().expect("a family comes first");
        family.series.push((labels, value.into()));
        self
    }

    /// Adds the series of a histogram.
    pub fn histogram(&mut self, labels: Labels<'_>, snapshot: Snapshot) -> &mut Self {
        self.series(labels, Value::Histogram(snapshot))
    }

    /// Returns the text of these families, after those of `registry`.
    pub fn finish(self, mut registry: Registry) -> String {
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        encode(&mut text, &registry).expect("writing to a String cannot fail");
        text
    }
}

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|family| family.encode(&mut encoder))
    }
}

impl Family {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        // The encoder adds the end of a counter's name itself.
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        let mut encoder = encoder.encode_descriptor(name, self.help, None, self.kind)?;
        self.series
            .iter()
            .try_for_each(|(labels, value)| write(encoder.encode_family(labels)?, self.kind, value))
    }
}

fn write(mut encoder: MetricEncoder<'_>, kind: MetricType, value: &Value) -> fmt::Result {
    match (kind, value) {
        (MetricType::Counter, Value::Count(count)) => {
            encoder.encode_counter::<Unlabelled, _, u64>(count, None)
        }
        (MetricType::Counter, Value::Number(number)) => {
            encoder.encode_counter::<Unlabelled, _, u64>(number, None)
        }
        (_, Value::Count(count)) => encoder.encode_gauge(count),
        (_, Value::Number(number)) => encoder.encode_gauge(number),
        (_, Value::Histogram(snapshot)) => {
            let buckets: Vec<_> =
                bounds().chain([f64::INFINITY]).zip(snapshot.buckets.iter().copied()).collect();
            let (sum, count) = (seconds(snapshot.nanos), snapshot.count());
            encoder.encode_histogram::<Unlabelled>(sum, count, &buckets, None)
        }
    }
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::tally::Histogram;

    #[test]
    fn a_family_is_described_once_before_its_series() {
        let mut text = Exposition::default();
        text.family("teas_total", MetricType::Counter, "Cups\nof \\ tea.")
            .series(&[("kind", "\"green\"\n")], 3_u64)
            .series(&[], 0.5);
        let expected = "# HELP teas_total Cups\\nof \\\\ tea.\n# TYPE teas_total counter\n\
                        teas_total{kind=\"\\\"green\\\"\\n\"} 3\nteas_total 0.5\n";
        assert_eq!(text.finish(Registry::default()), expected);
    }

    #[test]
    fn a_histograms_buckets_are_cumulative_and_inf_is_its_count() {
        let histogram = Histogram::default();
        for seconds in [0.000_004, 0.02, 30.0] {
            histogram.observe(Duration::from_secs_f64(seconds));
        }
        let mut text = Exposition::default();
        text.family("brewing_seconds", MetricType::Histogram, "How long.");
        text.histogram(&[("tea", "green")], Snapshot::of([&histogram].into_iter()));
        let text = text.finish(Registry::default());
        for line in [
            "brewing_seconds_bucket{tea=\"green\",le=\"1e-05\"} 1\n",
            "brewing_seconds_bucket{tea=\"green\",le=\"0.025\"} 2\n",
            "brewing_seconds_bucket{tea=\"green\",le=\"10\"} 2\n",
            "brewing_seconds_bucket{tea=\"green\",le=\"+Inf\"} 3\n",
            "brewing_seconds_sum{tea=\"green\"} 30.020004\n",
            "brewing_seconds_count{tea=\"green\"} 3\n",
        ] {
            assert!(text.contains(line), "no {line} in {text}");
        }
    }
}
