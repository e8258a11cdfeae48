//! The table of a season, and how it is computed from the sums of its scores.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::site::list::{self, Cell, Column, Kind, List};
use crate::site::row_id::RowId;

/// The number of tastings in a week, and so the highest score.
pub const BEST: i64 = 10;

/// The maximum length of a name or a favourite, in characters.
pub const LONGEST_NAME: usize = 100;

/// A member of the league.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The name.
    pub name: String,
    /// What they like best; may be empty.
    pub favourite: String,
}

/// The list of members, for staff.
pub const MEMBERS: List = List {
    path: "/staff/members",
    title: "Members of the league",
    nouns: ["member", "members"],
    columns: &[
        Column::new("number", "ID", Kind::Number),
        Column::new("name", "Name", Kind::Name),
        Column::new("favourite", "Favourite", Kind::Text),
    ],
    order: "name",
    has_since: false,
    new: None,
    many: None,
};

impl Member {
    /// Returns the values of its form.
    pub fn values(&self) -> Vec<String> {
        vec![self.name.clone(), self.favourite.clone()]
    }

    /// Returns these fields, but those of `current` that are to be kept.
    pub fn merged(&self, current: &Self, keeps: &[bool]) -> Self {
        let side = |place: usize| if keeps[place] { current } else { self };
        Self { name: side(0).name.clone(), favourite: side(1).favourite.clone() }
    }

    /// Returns the row of the list.
    pub fn row(&self, id: MemberId) -> list::Row {
        let texts = [&self.name, &self.favourite].map(|text| Cell::Text(text.clone()));
        list::Row {
            id: id.get(),
            cells: [Cell::Number(id.get())].into_iter().chain(texts).collect(),
            show: None,
            edit: Some(format!("/scoreboard/members/{id}/edit")),
            delete: None,
        }
    }
}

/// The ID of a member.
pub type MemberId = RowId<Member>;

/// The table of a season.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Season {
    /// The year.
    pub year: i64,
    /// The last week that has scores; 0 if none has.
    pub week: i64,
    /// The members who played, best first.
    pub rows: Vec<Row>,
}

/// One member's row in the table of a season.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The position, from 1. Members with the same total share a position.
    pub position: u32,
    /// Positions won (positive) or lost since the previous week; `None` in a member's first week.
    pub movement: Option<i32>,
    /// The name of the member.
    pub name: String,
    /// What they like best; may be empty.
    pub favourite: String,
    /// The score of the season's last week; `None` if they did not play.
    pub last: Option<i64>,
    /// The sum of all scores of the season.
    pub total: i64,
    /// The highest score of a week.
    pub best: i64,
    /// The lowest score of a week.
    pub worst: i64,
    /// The average of the weeks played, in hundredths.
    pub average_hundredths: i64,
    /// The share of tastings guessed in the weeks played, in tenths of a per cent.
    pub right_permille: i64,
}

impl Row {
    /// Returns the average as text, such as `7.25`.
    pub fn average(&self) -> String {
        format!("{}.{:02}", self.average_hundredths / 100, self.average_hundredths % 100)
    }

    /// Returns the share of tastings guessed as text, such as `72.5 %`.
    pub fn right(&self) -> String {
        format!("{}.{} %", self.right_permille / 10, self.right_permille % 10)
    }

    /// Returns the movement as text: `▲2`, `▼1`, `same` or `new`.
    pub fn moved(&self) -> String {
        match self.movement {
            None => "new".to_owned(),
            Some(0) => "same".to_owned(),
            Some(places) if places > 0 => format!("▲{places}"),
            Some(places) => format!("▼{}", -places),
        }
    }
}

/// The sums of one member's scores in a season, before ranking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// The name of the member.
    pub name: String,
    /// What they like best; may be empty.
    pub favourite: String,
    /// The number of weeks played.
    pub weeks: i64,
    /// The sum of all scores.
    pub total: i64,
    /// The highest score.
    pub best: i64,
    /// The lowest score.
    pub worst: i64,
    /// The score of the season's last week; `None` if they did not play.
    pub last: Option<i64>,
}

/// Ranks the members of a season by their totals, and by name within a total.
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

/// Sorts the totals, highest first.
fn sorted(mut totals: Vec<i64>) -> Vec<i64> {
    totals.sort_unstable_by_key(|total| Reverse(*total));
    totals
}

/// Returns the position of `total`: one more than the number of higher totals.
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
    fn the_first_week_has_no_movements() {
        let season = ranked(2026, 1, vec![sums("Ada", &[Some(1)]), sums("Bo", &[Some(2)])]);
        assert!(season.rows.iter().all(|row| row.movement.is_none()));
        assert_eq!(ranked(2026, 0, Vec::new()).rows, []);
    }
}
