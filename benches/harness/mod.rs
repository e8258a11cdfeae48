//! The harness of the benchmarks: interleaved rounds, medians, and tables of ratios.
//!
//! - The compared subjects take turns within one run, `A B A B …`, so that other load on the machine
//!   affects all of them alike.
//! - A ratio is the median of the ratios of all rounds. The figures beside it are medians, too.
//! - A benchmark never fails for being slow: it prints the goal beside the figure for the reader to judge.

pub mod load;
pub mod plain;
pub mod server;

use std::fmt;
use std::time::Duration;

use anyhow::Result;

/// Measures each of `count` subjects once in each round, in turns.
///
/// The first round warms up and is not counted. `measure` receives the index of the subject, does its
/// work, and returns the duration of one operation.
///
/// # Errors
/// The first error of `measure`.
pub fn in_turns(
    rounds: usize,
    count: usize,
    mut measure: impl FnMut(usize) -> Result<Duration>,
) -> Result<Vec<Samples>> {
    let mut samples = vec![Samples::default(); count];
    for round in 0..=rounds {
        for (subject, samples) in samples.iter_mut().enumerate() {
            let took = measure(subject)?;
            if round > 0 {
                samples.0.push(took.as_secs_f64());
            }
        }
    }
    Ok(samples)
}

/// Measures two subjects with [`in_turns`].
///
/// # Errors
/// The first error of either subject.
pub fn duel(
    rounds: usize,
    mut one: impl FnMut() -> Result<Duration>,
    mut other: impl FnMut() -> Result<Duration>,
) -> Result<[Samples; 2]> {
    let samples = in_turns(rounds, 2, |turn| if turn == 0 { one() } else { other() })?;
    Ok(samples.try_into().expect("two subjects have two samples"))
}

/// The duration of one operation of a subject in each round, in seconds.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Returns the median of the rounds.
    pub fn median(&self) -> Duration {
        Duration::from_secs_f64(median(self.0.clone()))
    }

    /// Returns the median of the per-round ratios to `other`.
    pub fn ratio_to(&self, other: &Samples) -> f64 {
        median(self.0.iter().zip(&other.0).map(|(ours, theirs)| ours / theirs).collect())
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        Self(durations.into_iter().map(|duration| duration.as_secs_f64()).collect())
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 {
        numbers[middle]
    } else {
        (numbers[middle - 1] + numbers[middle]) / 2.0
    }
}

/// The goal of a comparison.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// No goal: the row is shown for comparison.
    None,
    /// The ratio is at most this.
    Ratio(f64),
    /// The duration is at most this, whatever the ratio.
    Time(Duration),
}

/// A table of ratios. Each row begins with `|`, by which `scripts/bench` finds it.
pub struct Table {
    rows: Vec<[String; 6]>,
}

impl Table {
    /// Prints the title and the meaning of the figures, and returns an empty table.
    pub fn titled(title: &str, unit: &str) -> Self {
        println!("\n## {title}\n\n{unit}\n");
        let heads = ["Measured", "", "Compared with", "", "Ratio", "Goal"];
        Self { rows: vec![heads.map(str::to_owned)] }
    }

    /// Adds a row that compares `ours` with `theirs`.
    pub fn compare(&mut self, goal: Goal, ours: (&str, &Samples), theirs: (&str, &Samples)) {
        let ratio = ours.1.ratio_to(theirs.1);
        self.rows.push([
            ours.0.to_owned(),
            Figure(ours.1.median()).to_string(),
            theirs.0.to_owned(),
            Figure(theirs.1.median()).to_string(),
            format!("{ratio:.2}"),
            verdict(goal, ours.1.median(), ratio),
        ]);
    }

    /// Adds a row that compares `figure` with its upper bound.
    pub fn bound(&mut self, bound: Duration, what: &str, figure: Duration) {
        let ratio = figure.as_secs_f64() / bound.as_secs_f64();
        self.rows.push([
            what.to_owned(),
            Figure(figure).to_string(),
            "its bound".to_owned(),
            Figure(bound).to_string(),
            format!("{ratio:.2}"),
            verdict(Goal::Time(bound), figure, ratio),
        ]);
    }

    /// Prints the table.
    pub fn print(&self) {
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        for (number, row) in self.rows.iter().enumerate() {
            println!("{}", line(row, &widths));
            if number == 0 {
                println!("{}", rule(&widths));
            }
        }
    }
}

/// Formats a row: words are left-aligned, numbers right-aligned.
fn line(row: &[String; 6], widths: &[usize; 6]) -> String {
    let [ours, our_figure, theirs, their_figure, ratio, goal] = row;
    let [a, b, c, d, e, f] = *widths;
    format!(
        "| {ours:a$} | {our_figure:>b$} | {theirs:c$} | {their_figure:>d$} | {ratio:>e$} | {goal:f$} |"
    )
}

/// Formats the second line, with a colon for each right-aligned column.
fn rule(widths: &[usize; 6]) -> String {
    let dashes = widths.map(|width| "-".repeat(width.max(3) - 1));
    let [a, b, c, d, e, f] = dashes;
    format!("| {a}- | {b}: | {c}- | {d}: | {e}: | {f}- |")
}

fn verdict(goal: Goal, figure: Duration, ratio: f64) -> String {
    let (wanted, is_reached) = match goal {
        Goal::None => return String::new(),
        Goal::Ratio(most) => (format!("≤ {most}"), ratio <= most),
        Goal::Time(most) => (format!("≤ {}", Figure(most)), figure <= most),
    };
    if is_reached { format!("{wanted}: reached") } else { format!("{wanted}: MISSED") }
}

/// A duration that is printed in a suitable unit with three digits.
pub struct Figure(pub Duration);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.as_secs_f64() * 1e9;
        let (number, unit) = match nanoseconds {
            n if n < 1e3 => (n, "ns"),
            n if n < 1e6 => (n / 1e3, "µs"),
            n if n < 1e9 => (n / 1e6, "ms"),
            n => (n / 1e9, "s"),
        };
        let decimals = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
        f.pad(&format!("{number:.decimals$} {unit}"))
    }
}
