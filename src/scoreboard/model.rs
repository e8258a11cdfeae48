//! The table of a season, and how it is made of the weeks.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::site::row_id::RowId;

/// Tastings in a week: the highest score.
pub const BEST: i64 = 10;

/// Characters of the longest name.
pub const LONGEST_NAME: usize = 100;

/// Who plays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What they are called.
    pub name: String,
    /// What they like best; perhaps nothing.
    pub favourite: String,
}

/// The number of a member.
pub type MemberId = RowId<Member>;

/// A season.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Season {
    /// Its year.
    pub year: i64,
    /// Its last week so far; 0 before the first.
    pub week: i64,
    /// Who plays, best first.
    pub rows: Vec<Row>,
}

/// What a member has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Their place, from 1; those of one total share it.
    pub position: u32,
    /// Places won since the week before, or lost; none in the first week, or for who is new.
    pub movement: Option<i32>,
    /// Who.
    pub name: String,
    /// What they like best.
    pub favourite: String,
    /// The score of the last week; none, if they did not play.
    pub last: Option<i64>,
    /// All scores of the season.
    pub total: i64,
    /// The best week.
    pub best: i64,
    /// The worst.
    pub worst: i64,
    /// The average of the weeks played, in hundredths.
    pub average_hundredths: i64,
    /// Guessed right, in tenths of a per cent.
    pub right_permille: i64,
}

impl Row {
    /// `7.25`
    pub fn average(&self) -> String {
        format!("{}.{:02}", self.average_hundredths / 100, self.average_hundredths % 100)
    }

    /// `72.5 %`
    pub fn right(&self) -> String {
        format!("{}.{} %", self.right_permille / 10, self.right_permille % 10)
    }

    /// `up 2`, `down 1`, `same`, `new`.
    pub fn moved(&self) -> String {
        match self.movement {
            None => "new".to_owned(),
            Some(0) => "same".to_owned(),
            Some(places) if places > 0 => format!("up {places}"),
            Some(places) => format!("down {}", -places),
        }
    }
}

/// The sums of a member's season, as the database makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// Who.
    pub name: String,
    /// What they like best.
    pub favourite: String,
    /// Weeks played.
    pub weeks: i64,
    /// All scores.
    pub total: i64,
    /// The best.
    pub best: i64,
    /// The worst.
    pub worst: i64,
    /// The score of the last week of the season.
    pub last: Option<i64>,
}

/// Puts the sums of a season into order.
pub fn ranked(year: i64, week: i64, mut sums: Vec<Sums>) -> Season {
    let before = |sums: &Sums| {
        let played_before = sums.weeks - i64::from(sums.last.is_some());
        (played_before > 0).then(|| sums.total - sums.last.unwrap_or(0))
    };
    let totals_before = sorted(sums.iter().filter_map(before).collect());
    let totals = sorted(sums.iter().map(|sums| sums.total).collect());
    sums.sort_by(|one, other| {
        (Reverse(one.total), &one.name).cmp(&(Reverse(other.total), &other.name))
    });
    let rows = sums.into_iter().map(|sums| {
        let position = place(&totals, sums.total);
        let movement = before(&sums).map(|total| {
            let was = place(&totals_before, total);
            i32::try_from(i64::from(was) - i64::from(position)).unwrap_or(0)
        });
        row(sums, position, movement)
    });
    Season { year, week, rows: rows.collect() }
}

fn row(sums: Sums, position: u32, movement: Option<i32>) -> Row {
    let Sums { name, favourite, weeks, total, best, worst, last } = sums;
    let weeks = weeks.max(1);
    let average_hundredths = (total * 100 + weeks / 2) / weeks;
    let tastings = weeks * BEST;
    let right_permille = (total * 1_000 + tastings / 2) / tastings;
    Row {
        position,
        movement,
        name,
        favourite,
        last,
        total,
        best,
        worst,
        average_hundredths,
        right_permille,
    }
}

/// Highest first.
fn sorted(mut totals: Vec<i64>) -> Vec<i64> {
    totals.sort_unstable_by_key(|total| Reverse(*total));
    totals
}

/// One more than there are higher totals.
fn place(totals: &[i64], total: i64) -> u32 {
    let higher = totals.partition_point(|other| *other > total);
    u32::try_from(higher + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(name: &str, scores: &[Option<i64>]) -> Sums {
        let played: Vec<i64> = scores.iter().flatten().copied().collect();
        Sums {
            name: name.into(),
            favourite: "Tea".into(),
            weeks: played.len() as i64,
            total: played.iter().sum(),
            best: played.iter().copied().max().unwrap_or(0),
            worst: played.iter().copied().min().unwrap_or(0),
            last: scores.last().copied().flatten(),
        }
    }

    fn places(season: &Season) -> Vec<(&str, u32, Option<i32>)> {
        season.rows.iter().map(|row| (&*row.name, row.position, row.movement)).collect()
    }

    #[test]
    fn positions_follow_the_total_and_ties_share_one() {
        let season = ranked(
            2026,
            3,
            vec![
                sums("Ada", &[Some(5), Some(5), Some(2)]),
                sums("Bo", &[Some(4), Some(4), Some(10)]),
                sums("Cy", &[Some(6), Some(6), None]),
                sums("Di", &[None, None, Some(3)]),
            ],
        );
        // Before the last week: Cy 12, Ada 10, Bo 8.
        let expected =
            [("Bo", 1, Some(2)), ("Ada", 2, Some(0)), ("Cy", 2, Some(-1)), ("Di", 4, None)];
        assert_eq!(places(&season), expected);
    }

    #[test]
    fn averages_and_percentages_are_rounded() {
        let season = ranked(2026, 3, vec![sums("Ada", &[Some(10), Some(5), Some(5)])]);
        let row = &season.rows[0];
        assert_eq!((row.average(), row.right()), ("6.67".into(), "66.7 %".into()));
        assert_eq!((row.best, row.worst, row.last), (10, 5, Some(5)));
    }

    #[test]
    fn the_first_week_moves_nobody() {
        let season = ranked(2026, 1, vec![sums("Ada", &[Some(1)]), sums("Bo", &[Some(2)])]);
        assert!(season.rows.iter().all(|row| row.movement.is_none()));
        assert_eq!(ranked(2026, 0, Vec::new()).rows, []);
    }
}
