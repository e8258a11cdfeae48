//! Prints the comparison as a table with its interpretation.

use super::contestant::Mode;
use super::report::LookUps;
use super::result::{Api, Comparison, Outcome};
use crate::cli::table::Table;
use crate::site::render::grouped;

/// Width of a line, in characters.
const WIDTH: usize = 92;

/// Prints the whole comparison.
pub fn comparison(comparison: &Comparison) -> String {
    let requests = grouped(comparison.requests.into());
    let database = &comparison.database;
    let mut text = format!(
        "The homepage, {requests} requests for each mode, on {database}.\n\
         One visitor on a keep-alive connection; the modes took turns. Times are in µs.\n\n"
    );
    text += &table(comparison);
    text.push('\n');
    for sentence in meaning(comparison) {
        text += &wrapped(&sentence);
    }
    if let Some(api) = &comparison.api {
        text += &of_the_api(api);
    }
    text
}

fn of_the_api(api: &Api) -> String {
    let requests = grouped(api.events.requests.into());
    let mut text = format!(
        "\nThe API’s list of 1,000 events, {requests} requests for each mode, on {}.\n\n",
        api.events.database
    );
    text += &table(&api.events);
    text.push('\n');
    text += &wrapped(&format!(
        "1,000 guests with their events take {} µs in one query, and {} µs with one for each, {:.0} \
         times as long.",
        whole(api.guests_in_one_us),
        whole(api.guests_one_by_one_us),
        api.guests_one_by_one_us / api.guests_in_one_us,
    ));
    text
}

/// Breaks a sentence into lines about as wide as the table.
fn wrapped(sentence: &str) -> String {
    let mut text = String::new();
    let mut line = 0;
    for word in sentence.split(' ') {
        let letters = word.chars().count();
        if line > 0 && line + 1 + letters > WIDTH {
            text.push('\n');
            line = 0;
        } else if line > 0 {
            text.push(' ');
            line += 1;
        }
        text.push_str(word);
        line += letters;
    }
    text + "\n"
}

fn table(comparison: &Comparison) -> String {
    let mut table = Table::new(&[
        "CACHE",
        "MEDIAN>",
        "P99>",
        "CPU>",
        "SQL>",
        "PAGE",
        "FRAGMENTS",
        "QUERY",
        "SPEEDUP>",
        "COLD>",
        "COLD SQL>",
    ]);
    for mode in &comparison.modes {
        let requests = mode.observed_requests;
        table.row([
            mode.mode.to_owned(),
            whole(mode.median_us),
            whole(mode.p99_us),
            whole(mode.cpu_us),
            each(mode.observed.sql, requests),
            calls(mode.observed.page, requests),
            calls(mode.observed.fragment, requests),
            calls(mode.observed.query, requests),
            format!("{:.1} ×", mode.times_as_quick),
            whole(mode.first_us),
            mode.first_sql.to_string(),
        ]);
    }
    table.print()
}

/// Prints hits and misses per request, such as `2 hits`; `–` if the level had no lookups.
fn calls(look_ups: LookUps, requests: usize) -> String {
    let told = |count: u64, one: &str, more: &str| {
        let noun = if count == requests as u64 { one } else { more };
        (count > 0).then(|| format!("{} {noun}", each(count, requests)))
    };
    let parts = [told(look_ups.hits, "hit", "hits"), told(look_ups.misses, "miss", "misses")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

/// Prints a count per request: whole, unless the requests differed.
fn each(count: u64, requests: usize) -> String {
    match count.checked_rem(requests as u64) {
        Some(0) => (count / requests as u64).to_string(),
        _ => format!("{:.1}", count as f64 / requests as f64),
    }
}

fn whole(micros: f64) -> String {
    grouped(micros.round() as u64)
}

/// Interprets the table in sentences.
fn meaning(comparison: &Comparison) -> Vec<String> {
    let mut sentences = Vec::new();
    if let (Some(off), Some(all)) = (comparison.mode("off"), comparison.mode("all")) {
        sentences.push(answer(off, all));
    }
    if let Some(redis) = comparison.mode(Mode::SHARED) {
        sentences.push(of_redis(redis));
    }
    sentences.push(
        "A cold request fills the cache; the others are warm. MEDIAN is what a visitor waits, CPU what \
         a request costs the shop."
            .to_owned(),
    );
    if comparison.is_debug_build {
        sentences.push(
            "This program was built without optimisation; use cargo run --release -- compare."
                .to_owned(),
        );
    }
    sentences
}

fn answer(off: &Outcome, all: &Outcome) -> String {
    let verdict =
        if all.times_as_quick > 1.0 { "Caching pays" } else { "Caching does not pay here" };
    format!(
        "{verdict}: with all levels a page takes {} µs instead of {}, {:.1} times as fast, {} of CPU \
         instead of {}, and {} SQL queries instead of {}.",
        whole(all.median_us),
        whole(off.median_us),
        all.times_as_quick,
        whole(all.cpu_us),
        whole(off.cpu_us),
        each(all.observed.sql, all.observed_requests),
        each(off.observed.sql, off.observed_requests),
    )
}

fn of_redis(redis: &Outcome) -> String {
    format!(
        "With Redis warm pages come from memory all the same; what it gives is the first request of \
         another instance, which took {} SQL queries.",
        redis.first_sql
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_broken_between_words() {
        let text = wrapped(&"tea ".repeat(60));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.split_whitespace().count(), 60);
        assert_eq!(wrapped("tea"), "tea\n");
    }

    #[test]
    fn lookups_are_printed_per_request() {
        let cases =
            [((10, 0), "1 hit"), ((20, 10), "2 hits, 1 miss"), ((5, 0), "0.5 hits"), ((0, 0), "–")];
        for ((hits, misses), told) in cases {
            assert_eq!(calls(LookUps { hits, misses }, 10), told);
        }
    }
}
