//! How a list is shown: its headings, rows and links, for the templates that extend `list.html`.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::{Cell, Changed, Column, Found, Kind, List, ListQuery, Row, Sort};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::pagination::{PageLink, Pagination};
use crate::site::render::{Layout, dressed, grouped, html};
use crate::site::text::quoted;
use crate::state::State;

/// The parameters of an address, by name.
pub type Parameters = BTreeMap<String, String>;

/// A page of a list.
#[derive(Debug)]
pub struct ListView {
    /// The list.
    pub list: &'static List,
    /// What the address asks for.
    pub query: ListQuery,
    /// The rows of the page.
    pub found: Found,
    /// The links to the other pages.
    pub pagination: Pagination,
}

/// The heading of a column.
#[derive(Debug)]
pub struct Head {
    /// The column.
    pub column: &'static Column,
    /// The address of the list sorted by this column, or in the other direction if it is already.
    pub href: String,
    /// `ascending` or `descending` if the list is sorted by this column.
    pub sorted: Option<&'static str>,
}

/// An order to choose from.
#[derive(Debug)]
pub struct Choice {
    /// The value of the parameter `sort`.
    pub value: String,
    /// What the order is called: `Price, highest first`.
    pub label: String,
    /// Whether it is the present one.
    pub is_chosen: bool,
}

impl ListView {
    /// Creates a page of `found`, with `size` rows on each page.
    ///
    /// # Errors
    /// 404 if the list has no such page.
    pub fn new(
        list: &'static List,
        query: ListQuery,
        found: Found,
        size: u64,
    ) -> Result<Self, AppError> {
        let mut carried = query.pairs(list);
        carried.retain(|(name, _)| *name != "page");
        let pagination = Pagination::new(query.page, found.total.count, size, list.path, carried);
        Ok(Self { list, query, found, pagination: pagination.checked()? })
    }

    /// Returns `1,000 products · page 2 of 40`.
    pub fn summary(&self) -> String {
        let total = self.found.total;
        let count = self.list.count(total.count);
        let more = if total.has_more { "more than " } else { "" };
        let verb = if total.count == 1 { "matches" } else { "match" };
        let found = match (&*self.query.search, self.query.is_filtered()) {
            ("", false) => count,
            ("", true) => format!("{more}{count} {verb}"),
            (search, _) => format!("{more}{count} {verb} {}", quoted(search)),
        };
        let (page, last) = (grouped(self.pagination.page), grouped(self.pagination.last));
        let text = format!("{found} · page {page} of {last}");
        text[..1].to_uppercase() + &text[1..]
    }

    /// Returns the headings of the columns.
    pub fn heads(&self) -> Vec<Head> {
        let head = |column: &'static Column| {
            let sort = self.query.sort;
            let is_sorted = sort.by == column.key;
            let is_descending = is_sorted && !sort.is_descending;
            let wanted = Sort { by: column.key, is_descending };
            let direction = if sort.is_descending { "descending" } else { "ascending" };
            let href = self.query.href(self.list, Changed::Sort(wanted));
            Head { column, href, sorted: is_sorted.then_some(direction) }
        };
        self.list.columns.iter().map(head).collect()
    }

    /// Returns all orders, for a screen on which the headings are not seen.
    pub fn choices(&self) -> Vec<Choice> {
        let directions = |column: &'static Column| {
            let names = match column.kind {
                Kind::Name | Kind::Text => ["A to Z", "Z to A"],
                Kind::Number | Kind::Price => ["lowest first", "highest first"],
                Kind::Time => ["oldest first", "newest first"],
            };
            [false, true].into_iter().zip(names).map(move |(is_descending, name)| {
                (Sort { by: column.key, is_descending }, format!("{}, {name}", column.label))
            })
        };
        let sorts = self.list.columns.iter().flat_map(directions);
        let choice = |(sort, label): (Sort, String)| Choice {
            value: sort.plain(),
            label,
            is_chosen: sort == self.query.sort,
        };
        sorts.map(choice).collect()
    }

    /// Returns the cells of a row with their columns.
    pub fn cells<'r>(&self, row: &'r Row) -> impl Iterator<Item = (&'static Column, &'r Cell)> {
        self.list.columns.iter().zip(&row.cells)
    }

    /// Returns what a form sends along from the present query: that of the search the filters, the other the search.
    pub fn carried(&self, is_search: bool) -> Vec<(&'static str, String)> {
        let mut pairs = self.query.pairs(self.list);
        pairs.retain(|(name, _)| *name != "page" && (*name == "q") != is_search);
        pairs
    }

    /// Whether the form of the filters is shown open.
    pub fn is_open(&self) -> bool {
        let unsearched = ListQuery { search: String::new(), page: 1, ..self.query.clone() };
        unsearched != ListQuery::all(self.list)
    }

    /// Returns a bound of the price as it is typed; empty if there is none.
    pub fn bound(&self, name: &str) -> String {
        let price = if name == "min" { self.query.min } else { self.query.max };
        price.map(|price| price.plain()).unwrap_or_default()
    }
}

/// The page of a list that needs no more than its rows.
#[derive(Template)]
#[template(path = "list.html")]
pub struct ListPage {
    /// The layout.
    pub layout: Layout,
    /// The list.
    pub view: ListView,
}

/// Answers with the page of a list that needs no more than its rows.
///
/// # Errors
/// Those of the template.
pub async fn show(state: &State, layout: Layout, view: ListView) -> Result<HttpResponse, AppError> {
    html(state, StatusCode::OK, &ListPage { layout, view }).await
}

dressed!(ListPage);
