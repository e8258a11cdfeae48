//! The one mechanism of all lists: a section declares its columns, and gets search, sorting, filters and pages.
//!
//! - A [`List`] is declared once in each section. The page of the list, the staff index and the normal form of its
//!   addresses come from it.
//! - A [`ListQuery`] is what an address asks for, in normal form: all spellings of one list are one page, and one
//!   entry of the cache.
//! - [`among`] answers it from rows in memory; a large table answers it in its `queries`.
//!
//! Source: Django's changelist.

pub mod admin_section;
mod nearest;
mod query;
mod rows;
mod view;

pub use nearest::nearest;
pub use query::{Changed, ListQuery, Sort};
pub use rows::{Cell, Found, Row, Total, among};
pub use view::{ListPage, ListView, Parameters, show};

/// The names of all query parameters of a list, in the order of the normal form.
pub const PARAMETERS: &[&str] = &["q", "sort", "min", "max", "since", "page"];

/// A list of one kind of item, as its section declares it.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// The address.
    pub path: &'static str,
    /// The heading: `Products`.
    pub title: &'static str,
    /// One item and several: `product`, `products`.
    pub nouns: [&'static str; 2],
    /// The columns, in their order. One of them is a [`Kind::Name`].
    pub columns: &'static [Column],
    /// The key of the column by which the list is sorted if the address does not say otherwise; `-` reverses it.
    pub order: &'static str,
    /// Whether it can be filtered by the time of the last change.
    pub has_since: bool,
    /// The address where an item is added; `None` if they come from elsewhere.
    pub new: Option<&'static str>,
    /// The address to which selected items are sent; `None` if they are changed one by one.
    pub many: Option<&'static str>,
}

/// A column of a list.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name in addresses: `price`.
    pub key: &'static str,
    /// The heading: `Price`.
    pub label: &'static str,
    /// What its cells hold.
    pub kind: Kind,
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The name of the item, which links to it.
    Name,
    /// Other text.
    Text,
    /// A number.
    Number,
    /// A price, by which the list can be filtered.
    Price,
    /// A time.
    Time,
}

impl Column {
    /// Declares a column.
    pub const fn new(key: &'static str, label: &'static str, kind: Kind) -> Self {
        Self { key, label, kind }
    }

    /// Returns the class of its cells.
    pub fn class(&self) -> &'static str {
        match self.kind {
            Kind::Name => "name",
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Price => "price",
            Kind::Time => "time",
        }
    }
}

impl List {
    /// Whether it can be filtered by price.
    pub fn has_prices(&self) -> bool {
        self.columns.iter().any(|column| column.kind == Kind::Price)
    }

    /// Returns the order in which the list is shown unless the address names another.
    pub fn default_sort(&self) -> Sort {
        Sort::parse(self, self.order).expect("the declared order names a column")
    }

    /// Returns `1,000 products`.
    pub fn count(&self, number: u64) -> String {
        super::render::counted(number, self.nouns)
    }
}
