//! The order in which products are listed, as SQL.

use crate::site::list::Sort;

/// The order by which the newest products come first.
pub(super) const NEWEST: Order = Order { column: "p.id", direction: "DESC" };

/// The order of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    /// The expression by which products `p` are sorted.
    pub(super) column: &'static str,
    pub(super) direction: &'static str,
}

impl Order {
    /// Returns the order that a list has chosen.
    pub(super) fn of(sort: Sort, is_sqlite: bool) -> Self {
        let column = match sort.by {
            "title" if is_sqlite => "p.search_text",
            "title" => "p.search_text COLLATE \"C\"",
            "price" => "p.price_cents",
            "created" => "p.created_at",
            "updated" => "p.updated_at",
            _ => "p.id",
        };
        Self { column, direction: if sort.is_descending { "DESC" } else { "ASC" } }
    }

    /// Returns the order as SQL; `sign` stands before each column.
    pub(super) fn sql(self, sign: &str) -> String {
        let Self { column, direction } = self;
        match column {
            "p.id" => format!("{sign}p.id {direction}"),
            _ => format!("{sign}{column} {direction}, {sign}p.id {direction}"),
        }
    }

    /// Sorts titles without search text by themselves.
    ///
    /// It is slow among many products, since no index has this order, and it compares such titles by their letters
    /// only. But each product is counted, and is on one page.
    pub(super) fn with_unfolded(self, is_sqlite: bool) -> Self {
        let column = match is_sqlite {
            true => "coalesce(p.search_text, lower(p.title))",
            false => "coalesce(p.search_text, lower(p.title)) COLLATE \"C\"",
        };
        Self { column, ..self }
    }
}
