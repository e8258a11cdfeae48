//! Notices, and how they are listed.

use serde::{Deserialize, Serialize};

use crate::site::list::{Cell, Column, Kind, List, Row};
use crate::site::row_id::RowId;
use crate::site::time::Timestamp;

/// The maximum length of a title, in characters.
pub const LONGEST_TITLE: usize = 100;

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The number of the notice.
    pub id: NoticeId,
    /// What it says.
    pub title: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// The number of a notice.
pub type NoticeId = RowId<Notice>;

/// The list of the notices.
pub const LIST: List = List {
    path: "/notices",
    title: "Notices",
    nouns: ["notice", "notices"],
    columns: &[
        Column::new("title", "Title", Kind::Name),
        Column::new("created", "Created", Kind::Time),
    ],
    order: "-created",
    has_since: false,
    new: Some("/notices/new"),
    many: None,
};

impl Notice {
    /// Returns the row of the list.
    pub fn row(&self) -> Row {
        let cells = vec![Cell::Text(self.title.clone()), Cell::Time(self.created_at)];
        Row { id: self.id.get(), cells, show: None, edit: None, delete: None }
    }
}
