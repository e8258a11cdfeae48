//! Prometheus' text format, version 0.0.4.
//!
//! - Each family is described once, before its series, which stand together.
//! - A histogram's buckets are cumulative, and `+Inf` is its count.
//!
//! Source: Prometheus documentation, "Exposition formats".

use std::fmt::{Display, Write};

use super::tally::{BOUNDS, Snapshot};

/// The content type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const NANOS: f64 = 1e9;

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Buckets, their sum and their count.
    Histogram,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Labels of a series, in order.
pub type Labels<'l> = &'l [(&'static str, &'l str)];

/// A text in this format, under construction.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    family: &'static str,
}

impl Exposition {
    /// Begins a family; its series follow.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> &mut Self {
        let kind = kind.name();
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.family = name;
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        self
    }

    /// Adds a series of a counter or a gauge.
    pub fn series(&mut self, labels: Labels<'_>, value: impl Display) -> &mut Self {
        let (name, labels) = (self.family, braced(labels, None));
        self.line(format_args!("{name}{labels} {value}"));
        self
    }

    /// Adds the series of a histogram, in seconds.
    pub fn histogram(&mut self, labels: Labels<'_>, snapshot: &Snapshot) -> &mut Self {
        let name = self.family;
        let bounds = BOUNDS.iter().map(|nanos| (*nanos as f64 / NANOS).to_string());
        for (bound, at_most) in bounds.chain(["+Inf".to_owned()]).zip(snapshot.at_most) {
            let labels = braced(labels, Some(&bound));
            self.line(format_args!("{name}_bucket{labels} {at_most}"));
        }
        let labels = braced(labels, None);
        self.line(format_args!("{name}_sum{labels} {}", snapshot.nanos as f64 / NANOS));
        self.line(format_args!("{name}_count{labels} {}", snapshot.count()));
        self
    }

    /// Returns the complete text.
    pub fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// Formats labels: `{level="page",le="0.1"}`, or nothing without labels.
fn braced(labels: Labels<'_>, bound: Option<&str>) -> String {
    let bound = bound.map(|bound| ("le", bound));
    let pairs = labels.iter().copied().chain(bound).map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    });
    let pairs: Vec<String> = pairs.collect();
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::tally::Histogram;

    #[test]
    fn a_family_is_described_once_before_its_series() {
        let mut text = Exposition::default();
        text.family("teas_total", Kind::Counter, "Cups\nof \\ tea.")
            .series(&[("kind", "\"green\"\n")], 3)
            .series(&[], 0.5);
        let expected = "# HELP teas_total Cups\\nof \\\\ tea.\n# TYPE teas_total counter\n\
                        teas_total{kind=\"\\\"green\\\"\\n\"} 3\nteas_total 0.5\n";
        assert_eq!(text.finish(), expected);
    }

    #[test]
    fn a_histograms_buckets_are_cumulative_and_inf_is_its_count() {
        let histogram = Histogram::default();
        for seconds in [0.000_004, 0.02, 30.0] {
            histogram.observe(Duration::from_secs_f64(seconds));
        }
        let mut text = Exposition::default();
        text.family("brewing_seconds", Kind::Histogram, "How long.");
        text.histogram(&[("tea", "green")], &Snapshot::of([&histogram].into_iter()));
        let text = text.finish();
        for line in [
            "brewing_seconds_bucket{tea=\"green\",le=\"0.00001\"} 1\n",
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
