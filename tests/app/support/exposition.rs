//! A strict parser of Prometheus' text format: every deviation from the documentation is a failure.

use std::collections::{BTreeMap, BTreeSet};

use super::page::Page;

/// All metrics of one response.
#[derive(Debug)]
pub struct Exposition {
    /// The type of each family, by its name.
    families: BTreeMap<String, String>,
    /// The value of each series, by its name and labels as they are written.
    series: BTreeMap<String, f64>,
}

/// One sample line.
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Exposition {
    #[track_caller]
    pub fn of(page: &Page) -> Self {
        page.assert_status(200)
            .assert_header("content-type", "text/plain; version=0.0.4; charset=utf-8");
        let text = page.html();
        assert!(text.ends_with('\n'), "the last line has an end");
        let mut parsed = Self { families: BTreeMap::new(), series: BTreeMap::new() };
        let mut blocks = text.split("# HELP ");
        assert_eq!(blocks.next(), Some(""), "a family comes first");
        for block in blocks {
            parsed.take_family(block);
        }
        parsed
    }

    /// Returns the names of all families.
    pub fn names(&self) -> BTreeSet<&str> {
        self.families.keys().map(String::as_str).collect()
    }

    /// Returns the value of a series such as `larder_freshness_age_seconds`, or `None` if it is absent.
    #[track_caller]
    pub fn get(&self, series: &str) -> Option<f64> {
        let name = series.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let is_known =
            [Some(name), family].into_iter().flatten().any(|n| self.families.contains_key(n));
        assert!(is_known, "there is no {name}");
        self.series.get(series).copied()
    }

    /// Returns the sum of all series that begin with `start` and contain all `parts`.
    #[track_caller]
    pub fn sum(&self, start: &str, parts: &[&str]) -> f64 {
        let is_meant = |series: &str| {
            series.starts_with(start) && parts.iter().all(|part| series.contains(part))
        };
        self.series.iter().filter(|(series, _)| is_meant(series)).map(|(_, value)| value).sum()
    }

    /// Returns the number of calls to the shared store that timed out.
    pub fn waits_for_the_store(&self) -> f64 {
        self.sum("larder_store_calls_total", &[r#"result="timeout""#])
    }

    /// Returns by how much a series has grown; an absent series counts as 0.
    #[track_caller]
    pub fn grown(&self, since: &Self, series: &str) -> f64 {
        self.get(series).unwrap_or_default() - since.get(series).unwrap_or_default()
    }

    #[track_caller]
    fn take_family(&mut self, block: &str) {
        let mut lines = block.lines();
        let (name, help) = lines.next().and_then(|line| line.split_once(' ')).expect("a help text");
        assert!(!help.is_empty() && is_name(name), "# HELP {name} {help}");
        let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE ")).expect("a type");
        let kind = kind.strip_prefix(name).and_then(|rest| rest.strip_prefix(' '));
        let kind = kind.unwrap_or_else(|| panic!("the type is another family's than {name}"));
        assert!(["counter", "gauge", "histogram"].contains(&kind), "{name} is a {kind}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
        let twice = self.families.insert(name.to_owned(), kind.to_owned());
        assert_eq!(twice, None, "{name} comes twice");
        let samples: Vec<Sample> = lines.map(sample).collect();
        for (line, sample) in block.lines().skip(2).zip(&samples) {
            let series = line.rsplit_once(' ').unwrap().0;
            let twice = self.series.insert(series.to_owned(), sample.value);
            assert_eq!(twice, None, "{series} comes twice");
        }
        match kind {
            "histogram" => check_histogram(name, &samples),
            _ => check_plain(name, kind, &samples),
        }
    }
}

#[track_caller]
fn check_plain(name: &str, kind: &str, samples: &[Sample]) {
    let labels = |sample: &Sample| sample.labels.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    for sample in samples {
        assert_eq!(sample.name, name);
        assert_eq!(labels(sample), labels(&samples[0]), "{name}: labels differ");
        assert!(kind == "gauge" || sample.value >= 0.0, "{name} counts backwards");
    }
}

/// Checks that buckets are ordered, cumulative and end with `+Inf`, before sum and count.
#[track_caller]
fn check_histogram(name: &str, samples: &[Sample]) {
    let mut rest = samples;
    assert!(!rest.is_empty(), "{name} is empty");
    while !rest.is_empty() {
        let is_bucket = |sample: &&Sample| sample.name == format!("{name}_bucket");
        let (buckets, after) = rest.split_at(rest.iter().take_while(is_bucket).count());
        let [sum, count, after @ ..] = after else { panic!("{name} has no sum and count") };
        rest = after;
        assert_eq!(
            (&*sum.name, &*count.name),
            (&*format!("{name}_sum"), &*format!("{name}_count"))
        );
        let bounds: Vec<f64> = buckets.iter().map(|bucket| bound(bucket)).collect();
        assert!(bounds.is_sorted_by(|one, next| one < next), "{name}: {bounds:?}");
        assert_eq!(bounds.last(), Some(&f64::INFINITY), "{name}");
        let values: Vec<f64> = buckets.iter().map(|bucket| bucket.value).collect();
        assert!(values.is_sorted(), "{name} is not cumulative: {values:?}");
        assert_eq!(values.last(), Some(&count.value), "{name}");
        assert_eq!(sum.value > 0.0, count.value > 0.0, "{name}");
        assert_eq!(sum.labels, count.labels, "{name}");
        for bucket in buckets {
            assert_eq!(bucket.labels[..bucket.labels.len() - 1], count.labels, "{name}");
        }
    }
}

/// Returns the bound of a bucket, which is its last label.
#[track_caller]
fn bound(bucket: &Sample) -> f64 {
    let (name, bound) = bucket.labels.last().expect("a bucket has a bound");
    assert_eq!(name, "le");
    if bound == "+Inf" { f64::INFINITY } else { bound.parse().expect("a bound is a number") }
}

#[track_caller]
fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels have an end")),
        None => (series, ""),
    };
    assert!(is_name(name), "{line}");
    let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
    assert!(value.is_finite(), "{line}");
    Sample { name: name.to_owned(), labels: pairs(labels), value }
}

/// Parses labels such as `a="1",b="2"`, with backslash escapes in the values.
#[track_caller]
fn pairs(mut text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").expect("a label has a value");
        assert!(is_name(name) && !name.contains(':'), "{text}");
        let (mut value, mut is_escaped, mut end) = (String::new(), false, None);
        for (at, letter) in rest.char_indices() {
            match letter {
                '"' if !is_escaped => {
                    end = Some(at);
                    break;
                }
                '\\' if !is_escaped => is_escaped = true,
                letter => {
                    assert!(!is_escaped || ['"', '\\', 'n'].contains(&letter), "{text}");
                    is_escaped = false;
                    value.push(letter);
                }
            }
        }
        pairs.push((name.to_owned(), value));
        text = &rest[end.expect("a value has an end") + 1..];
        text = text.strip_prefix(',').unwrap_or(text);
    }
    let names: BTreeSet<_> = pairs.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), pairs.len(), "a label comes twice: {pairs:?}");
    pairs
}

fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}
