//! The rows of a list, and how a query picks among rows in memory.

use std::cmp::Ordering;

use super::{Kind, List, ListQuery};
use crate::site::back;
use crate::site::money::Price;
use crate::site::time::Timestamp;
use crate::site::words::{has_words, words};

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number of the item.
    pub id: i64,
    /// The cells, in the order of the columns.
    pub cells: Vec<Cell>,
    /// The address where the item is shown, if it has a page.
    pub show: Option<String>,
    /// The address where it is edited.
    pub edit: Option<String>,
    /// The address where it is deleted.
    pub delete: Option<String>,
}

impl Row {
    /// Returns the ID of the row in the page, to which one returns after an edit.
    pub fn anchor(&self) -> Option<String> {
        self.edit.as_deref()?.strip_suffix("/edit").map(back::row)
    }

    /// Returns the address to which the name links: its page, or else its form for those who may write.
    pub fn address(&self, may_write: bool) -> Option<&str> {
        self.show.as_deref().or(self.edit.as_deref().filter(|_| may_write))
    }

    /// Returns the address where staff work on the item: its form, its page, or else the list.
    pub fn place<'r>(&'r self, list: &List) -> &'r str {
        self.edit.as_deref().or(self.show.as_deref()).unwrap_or(list.path)
    }
}

/// What a cell shows, and what the list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A name, or other text.
    Text(String),
    /// A number.
    Number(i64),
    /// A price.
    Price(Price),
    /// A moment.
    Time(Timestamp),
    /// A moment that may be a day: what it is sorted by, its text for people, and its text for machines.
    Moment(Timestamp, String, String),
}

impl Cell {
    /// Returns the text of a cell for people.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Moment(_, text, _) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Price(price) => price.to_string(),
            Self::Time(time) => time.display(),
        }
    }

    /// Returns the exact time for machines, if it is one.
    pub fn datetime(&self) -> Option<String> {
        match self {
            Self::Time(time) => Some(time.rfc3339()),
            Self::Moment(_, _, exact) => Some(exact.clone()),
            _ => None,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => {
                words(one).cmp(&words(other)).then_with(|| one.cmp(other))
            }
            (Self::Number(one), Self::Number(other)) => one.cmp(other),
            (Self::Price(one), Self::Price(other)) => one.cmp(other),
            (Self::Time(one), Self::Time(other))
            | (Self::Moment(one, ..), Self::Moment(other, ..)) => one.cmp(other),
            // A column has cells of one kind.
            _ => Ordering::Equal,
        }
    }
}

/// How many items a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number of items that are counted.
    pub count: u64,
    /// Whether there are more than were counted.
    pub has_more: bool,
}

/// The rows of one page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The rows on the page.
    pub rows: Vec<Row>,
    /// The number of rows on all pages.
    pub total: Total,
    /// Where nothing was found: the items with the nearest names.
    pub nearest: Vec<Row>,
}

impl List {
    /// Returns the name of an item.
    pub fn name(&self, row: &Row) -> String {
        self.cell(row, |column| column.kind == Kind::Name).map(Cell::text).unwrap_or_default()
    }

    /// Returns the first cell of a row whose column is `wanted`.
    pub fn cell<'r>(
        &self,
        row: &'r Row,
        wanted: impl Fn(&super::Column) -> bool,
    ) -> Option<&'r Cell> {
        self.columns.iter().zip(&row.cells).find(|(column, _)| wanted(column)).map(|(_, cell)| cell)
    }
}

/// Returns the page of `size` rows that the query asks for, among all rows of the list.
///
/// Names and other texts are searched.
pub fn among(list: &List, query: &ListQuery, size: u64, all: Vec<Row>) -> Found {
    let mut rows = all.clone();
    let wanted = query.words();
    if !query.search.is_empty() {
        rows.retain(|row| !wanted.is_empty() && has_words(&searched(row), &wanted));
    }
    rows.retain(|row| is_within(list, query, row));
    sort(list, query, &mut rows);
    let total = Total { count: rows.len() as u64, has_more: false };
    let nearest = if rows.is_empty() { near(&wanted, all) } else { Vec::new() };
    let (skip, take) = (query.offset(size), size);
    let page = rows.into_iter().skip(usize::try_from(skip).unwrap_or(usize::MAX));
    Found { rows: page.take(take as usize).collect(), total, nearest }
}

/// Returns the words of all texts of a row.
fn searched(row: &Row) -> String {
    let texts = row.cells.iter().filter_map(|cell| match cell {
        Cell::Text(text) => Some(words(text)),
        _ => None,
    });
    texts.chain([row.id.to_string()]).collect::<Vec<_>>().join(" ")
}

fn is_within(list: &List, query: &ListQuery, row: &Row) -> bool {
    let price = list.cell(row, |column| column.kind == Kind::Price);
    let Some(Cell::Price(price)) = price else { return true };
    query.min.is_none_or(|min| *price >= min) && query.max.is_none_or(|max| *price <= max)
}

fn sort(list: &List, query: &ListQuery, rows: &mut [Row]) {
    let by = |row: &Row| list.cell(row, |column| column.key == query.sort.by).cloned();
    rows.sort_by_cached_key(|row| SortKey(by(row), row.id));
    if query.sort.is_descending {
        rows.reverse();
    }
}

/// A cell, then the number of the row: equal cells keep one order.
#[derive(PartialEq, Eq)]
struct SortKey(Option<Cell>, i64);

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let cells = self.0.as_ref().zip(other.0.as_ref());
        cells.map_or(Ordering::Equal, |(one, other)| one.cmp(other)).then(self.1.cmp(&other.1))
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The number of items that are suggested where nothing was found.
pub const NEAREST: usize = 5;

/// Returns the rows that have the words which are nearest to those searched for.
fn near(wanted: &str, all: Vec<Row>) -> Vec<Row> {
    let known: Vec<String> = all.iter().map(searched).collect();
    let known_words = || known.iter().flat_map(|text| text.split(' '));
    let meant: Vec<&str> =
        wanted.split(' ').filter_map(|word| super::nearest(word, known_words())).collect();
    let rows = all.into_iter().zip(&known);
    let near = rows.filter(|(_, text)| !meant.is_empty() && has_words(text, &meant.join(" ")));
    near.map(|(row, _)| row).take(NEAREST).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Column;
    use super::*;

    const TEAS: List = List {
        path: "/teas",
        title: "Teas",
        nouns: ["tea", "teas"],
        columns: &[
            Column::new("name", "Name", Kind::Name),
            Column::new("price", "Price", Kind::Price),
        ],
        order: "name",
        has_since: false,
        new: None,
        many: None,
    };

    fn rows() -> Vec<Row> {
        let teas = [("Sencha", 900), ("Assam", 500), ("Émeraude", 500), ("darjeeling", 700)];
        let row = |(id, (name, cents)): (usize, (&str, i64))| Row {
            id: id as i64 + 1,
            cells: vec![Cell::Text(name.to_owned()), Cell::Price(Price::from_cents(cents))],
            show: None,
            edit: None,
            delete: None,
        };
        teas.into_iter().enumerate().map(row).collect()
    }

    #[track_caller]
    fn names(address: &str) -> (Vec<i64>, Vec<i64>) {
        let pairs = form_urlencoded::parse(address.as_bytes()).into_owned();
        let query = ListQuery::parse(&TEAS, &pairs.collect()).unwrap();
        let found = among(&TEAS, &query, 3, rows());
        let ids = |rows: &[Row]| rows.iter().map(|row| row.id).collect();
        (ids(&found.rows), ids(&found.nearest))
    }

    #[test]
    fn rows_are_searched_sorted_filtered_and_split_into_pages() {
        for (address, found, nearest) in [
            ("", vec![2, 4, 3], vec![]),
            ("page=2", vec![1], vec![]),
            ("sort=-name", vec![1, 3, 4], vec![]),
            ("sort=price", vec![2, 3, 4], vec![]),
            ("q=EMER", vec![3], vec![]),
            ("q=4", vec![4], vec![]),
            ("min=6&max=8", vec![4], vec![]),
            ("q=asam", vec![], vec![2]),
            ("q=%25", vec![], vec![]),
        ] {
            assert_eq!(names(address), (found, nearest), "{address}");
        }
    }
}
