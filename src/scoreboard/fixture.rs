//! Scores as JSON, for `larder load scores`.
//!
//! ```json
//! {"season": 2026, "scores": [
//!   {"member": "Ada Quince", "favourite": "Darjeeling", "week": 1, "score": 7}
//! ]}
//! ```
//!
//! - A score is 0 to 10, a week 1 to 53, a season a year. Members are identified by their names; new ones are added.
//! - Either all scores are loaded or none. An error gives the position of the score.

use std::collections::HashSet;

use serde::Deserialize;

use super::model::{BEST, LONGEST_NAME};
use crate::site::text::{self, Fault};
use crate::site::words;

/// The scores of one season.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// The year of the season.
    pub season: i64,
    /// The scores.
    pub scores: Vec<FixtureScore>,
}

/// The score of one member in one week.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixtureScore {
    /// The name of the member.
    pub member: String,
    /// The member's favourite; an empty one leaves a stored favourite unchanged.
    #[serde(default)]
    pub favourite: String,
    /// The week of the season, from 1.
    pub week: i64,
    /// The number of tastings that the member guessed.
    pub score: i64,
}

/// Parses and validates the scores in `json`.
///
/// # Errors
/// One sentence that says which score is invalid, and why.
pub fn parse(json: &str) -> Result<Fixture, String> {
    let mut fixture: Fixture = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if !(1900..=9999).contains(&fixture.season) {
        return Err(format!("the season {} is not a year", fixture.season));
    }
    let mut seen = HashSet::new();
    for (place, score) in fixture.scores.iter_mut().enumerate() {
        let named = |why: String| format!("score {}: {why}", place + 1);
        score.member = text::line("a member", &score.member, LONGEST_NAME)
            .map_err(|e| named(e.to_string()))?;
        score.favourite = match text::line("a favourite", &score.favourite, LONGEST_NAME) {
            Err(error) if error.fault() == Fault::Empty => String::new(),
            favourite => favourite.map_err(|e| named(e.to_string()))?,
        };
        if !(1..=53).contains(&score.week) {
            return Err(named(format!("there is no week {}", score.week)));
        }
        if !(0..=BEST).contains(&score.score) {
            return Err(named(format!("a score is 0 to {BEST}, not {}", score.score)));
        }
        if !seen.insert((words::fold(&score.member), score.week)) {
            let (member, week) = (&score.member, score.week);
            return Err(named(format!("{member} has another score in week {week}")));
        }
    }
    Ok(fixture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_score_and_the_reason() {
        let of = |scores: &str| parse(&format!(r#"{{"season":2026,"scores":[{scores}]}}"#));
        let good = r#"{"member":" Ada ","week":1,"score":7}"#;
        assert_eq!(of(good).unwrap().scores[0].member, "Ada");
        let cases = [
            (r#"{"member":"","week":1,"score":7}"#.to_owned(), "score 1: Enter a member."),
            (
                format!(r#"{good},{{"member":"Bo","week":54,"score":7}}"#),
                "score 2: there is no week 54",
            ),
            (
                format!(r#"{good},{{"member":"Bo","week":1,"score":11}}"#),
                "score 2: a score is 0 to 10",
            ),
            (format!("{good},{good}"), "score 2: Ada has another score in week 1"),
            (r#"{"member":"Bo","week":1}"#.to_owned(), "missing field `score`"),
        ];
        for (scores, reason) in cases {
            let error = of(&scores).unwrap_err();
            assert!(error.contains(reason), "{scores}: {error}");
        }
        assert!(parse(r#"{"season":26,"scores":[]}"#).unwrap_err().contains("is not a year"));
    }
}
