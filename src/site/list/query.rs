//! What the address of a list asks for, in normal form.
//!
//! - Equal lists have equal queries, and so one address: white space, letter case, leading zeros, unknown columns and
//!   what says nothing (`page=1`, the order that the list has anyway) are removed.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::{List, PARAMETERS};
use crate::error::AppError;
use crate::site::money::Price;
use crate::site::pagination::page_number;
use crate::site::{text, words};

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// The most words that are searched for: FTS5 limits the depth of its expressions.
const MOST_WORDS: usize = 32;

const NO_FILTER: AppError = AppError::Unprocessable(
    "Enter prices in digits, such as 4.99, and days as year, month and day: 2026-11-27.",
);

/// What the address of a list asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// The page, from 1.
    pub page: u64,
    /// What was searched for, folded, with single spaces; empty for all.
    pub search: String,
    /// The order.
    pub sort: Sort,
    /// The lowest price.
    pub min: Option<Price>,
    /// The highest price.
    pub max: Option<Price>,
    /// The first day of changes.
    pub since: Option<Date>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The key of the column.
    pub by: &'static str,
    /// Whether the highest value comes first.
    pub is_descending: bool,
}

/// What a link changes in a query.
#[derive(Debug, Clone, Copy)]
pub enum Changed {
    /// The page.
    Page(u64),
    /// The order; the list begins at its first page again.
    Sort(Sort),
}

impl Sort {
    /// Reads `price`, or `-price` for the highest first; `None` if the list has no such column.
    pub fn parse(list: &List, text: &str) -> Option<Self> {
        let (is_descending, key) = text.strip_prefix('-').map_or((false, text), |key| (true, key));
        let column = list.columns.iter().find(|column| column.key == key)?;
        Some(Self { by: column.key, is_descending })
    }

    /// Returns the text that [`Sort::parse`] reads.
    pub fn plain(self) -> String {
        format!("{}{}", if self.is_descending { "-" } else { "" }, self.by)
    }
}

impl ListQuery {
    /// Returns the query of an address without parameters.
    pub fn all(list: &List) -> Self {
        let sort = list.default_sort();
        Self { page: 1, search: String::new(), sort, min: None, max: None, since: None }
    }

    /// Returns the query of an address that searches only.
    pub fn search(list: &List, search: &str) -> Self {
        Self { search: normal_search(search), ..Self::all(list) }
    }

    /// Reads the parameters of an address.
    ///
    /// # Errors
    /// 404 for a page number in another form than `2`; 422 for a search, price or day that is invalid.
    pub fn parse(list: &List, parameters: &BTreeMap<String, String>) -> Result<Self, AppError> {
        let value =
            |name: &str| Some(parameters.get(name)?.trim()).filter(|value| !value.is_empty());
        let price = |name| -> Result<Option<Price>, AppError> {
            let price = value(name).filter(|_| list.has_prices());
            price.map(|price| price.parse().map_err(|_| NO_FILTER)).transpose()
        };
        let since = value("since").filter(|_| list.has_since);
        // Neither database knows a year 0.
        let parse = |day| Date::parse(day, DAY).ok().filter(|day| day.year() > 0).ok_or(NO_FILTER);
        let since = since.map(parse).transpose()?;
        let (min, max) = (price("min")?, price("max")?);
        Ok(Self {
            page: page_number(value("page").unwrap_or_default()).ok_or(AppError::NotFound)?,
            search: normal_search(&text::search(value("q").unwrap_or_default())?),
            sort: value("sort")
                .and_then(|sort| Sort::parse(list, sort))
                .unwrap_or_else(|| list.default_sort()),
            min,
            max,
            since,
        })
    }

    /// Returns the normal form of one parameter's value; empty if it says nothing.
    ///
    /// What is invalid stays as it is.
    pub fn normal(list: &List, name: &str, value: &str) -> String {
        let parse = |value: &str| Self::parse(list, &[(name.to_owned(), value.to_owned())].into());
        let Ok(query) = parse(value) else { return value.to_owned() };
        let normal = query.pairs(list).pop().map(|(_, value)| value).unwrap_or_default();
        // Folding may make a search longer than it may be.
        if parse(&normal).is_ok_and(|again| again == query) { normal } else { value.to_owned() }
    }

    /// Whether it asks for no more than a page of the whole list in its own order.
    pub fn is_plain(&self, list: &List) -> bool {
        *self == Self { page: self.page, ..Self::all(list) }
    }

    /// Whether it shows a part of the list only.
    pub fn is_filtered(&self) -> bool {
        !self.search.is_empty() || self.min.is_some() || self.max.is_some() || self.since.is_some()
    }

    /// Returns the words that are searched for, each once: as many as a search needs.
    pub fn words(&self) -> String {
        let words = words::words(&self.search);
        let mut once: Vec<&str> = Vec::new();
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            if !once.contains(&word) && once.len() < MOST_WORDS {
                once.push(word);
            }
        }
        once.join(" ")
    }

    /// Returns the number of items before this page of `size`. Saturates: no shop has that many.
    pub fn offset(&self, size: u64) -> u64 {
        (self.page - 1).saturating_mul(size)
    }

    /// Returns the parameters that say something, by name, in the order of [`PARAMETERS`].
    pub fn pairs(&self, list: &List) -> Vec<(&'static str, String)> {
        let price = |price: Option<Price>| price.map(|price| price.plain()).unwrap_or_default();
        let sort = Some(self.sort).filter(|sort| *sort != list.default_sort());
        let values = [
            self.search.clone(),
            sort.map(Sort::plain).unwrap_or_default(),
            price(self.min),
            price(self.max),
            self.day(),
            Some(self.page)
                .filter(|page| *page > 1)
                .map(|page| page.to_string())
                .unwrap_or_default(),
        ];
        let pairs = PARAMETERS.iter().copied().zip(values);
        pairs.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Returns the first day of changes as `2026-11-27`; empty if there is none.
    pub fn day(&self) -> String {
        self.since.and_then(|day| day.format(DAY).ok()).unwrap_or_default()
    }

    /// Returns the address of this query with one change.
    pub fn href(&self, list: &List, changed: Changed) -> String {
        let query = match changed {
            Changed::Page(page) => Self { page, ..self.clone() },
            Changed::Sort(sort) => Self { sort, page: 1, ..self.clone() },
        };
        let pairs = query.pairs(list);
        if pairs.is_empty() {
            return list.path.to_owned();
        }
        format!("{}?{}", list.path, Serializer::new(String::new()).extend_pairs(pairs).finish())
    }
}

/// Returns a search in the form in which it is shown and stored: folded, with single spaces.
fn normal_search(search: &str) -> String {
    words::fold(search).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{Column, Kind};
    use super::*;

    const TEAS: List = List {
        path: "/teas",
        title: "Teas",
        nouns: ["tea", "teas"],
        columns: &[
            Column::new("number", "ID", Kind::Number),
            Column::new("name", "Name", Kind::Name),
            Column::new("price", "Price", Kind::Price),
        ],
        order: "-number",
        has_since: true,
        new: None,
        many: None,
    };

    fn parse(query: &str) -> Result<ListQuery, AppError> {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        ListQuery::parse(&TEAS, &pairs.collect())
    }

    #[test]
    fn all_spellings_of_one_list_are_one_address() {
        for spelling in [
            "q=green+tea&sort=price&min=5.00&page=2",
            "q=+GREEN++Tea&sort=price&min=5&page=2&max=&since=",
            "page=2&min=$005.0&sort=price&q=Green%09tea",
        ] {
            let query = parse(spelling).unwrap();
            let expected = "/teas?q=green+tea&sort=price&min=5.00&page=2";
            assert_eq!(query.href(&TEAS, Changed::Page(query.page)), expected, "{spelling}");
        }
        for spelling in ["", "page=1", "q=+", "sort=-number", "sort=colour", "min=", "unknown=1"] {
            assert_eq!(parse(spelling).unwrap(), ListQuery::all(&TEAS), "{spelling}");
        }
        let cases =
            [("q", " TEA ", "tea"), ("min", "1", "1.00"), ("page", "1", ""), ("sort", "x", "")];
        for (name, value, normal) in cases {
            assert_eq!(ListQuery::normal(&TEAS, name, value), normal, "{name}={value}");
        }
    }

    #[test]
    fn invalid_values_are_refused_with_a_sentence() {
        for (query, status) in
            [("page=02", 404), ("page=0", 404), ("min=cheap", 422), ("since=today", 422)]
        {
            let error = parse(query).unwrap_err();
            assert_eq!(actix_web::ResponseError::status_code(&error), status, "{query}");
            let (name, value) = query.split_once('=').unwrap();
            assert_eq!(ListQuery::normal(&TEAS, name, value), value);
        }
    }
}
