//! Tastings and guests, and their rules.
//!
//! - A tasting has a date, with or without a time: [`Moment`].
//! - An e-mail address is stored as typed. Whether it exists is not checked.

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use crate::site::list::{Cell, Column, Found, Kind, List, ListQuery, Row, Total, among};
use crate::site::row_id::RowId;

/// Length of the longest name, location and e-mail address, in characters.
pub const LONGEST: usize = 255;

/// Length of the longest description, in characters.
pub const LONGEST_DESCRIPTION: usize = 10_000;

/// A tasting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number.
    pub id: EventId,
    /// Its name.
    pub name: String,
    /// Its date, with or without a time.
    pub date: Moment,
    /// Its location.
    pub location: String,
    /// Its description, which may be empty.
    pub description: String,
}

impl Event {
    /// Returns the values of its form.
    pub fn values(&self) -> Vec<String> {
        let Self { name, date, location, description, .. } = self;
        let [day, time] = date.typed();
        vec![name.clone(), day, time, location.clone(), description.clone()]
    }

    /// Returns the address of its page.
    pub fn path(&self) -> String {
        format!("/events/{}", self.id)
    }

    /// Returns how a guest's form names it: `Green teas, 24 Dec 2026`.
    pub fn label(&self) -> String {
        format!("{}, {}", self.name, self.date.display())
    }
}

impl NewEvent {
    /// Returns the values of its form.
    pub fn values(&self) -> Vec<String> {
        let Self { name, date, location, description } = self;
        let [day, time] = date.typed();
        vec![name.clone(), day, time, location.clone(), description.clone()]
    }

    /// Returns these fields, but those of `current` that are to be kept.
    ///
    /// # Errors
    /// The name of an invalid field, and a sentence, if the day of one and the time of the other make no moment.
    pub fn merged(&self, current: &Event, keeps: &[bool]) -> Result<Self, (&'static str, String)> {
        let (mine, theirs) = (self.values(), current.values());
        let of = |place: usize| if keeps[place] { &theirs[place] } else { &mine[place] };
        // What reads the same stays the same moment: a form shows neither fractions of seconds nor which of two hours
        // is meant where the clocks go back.
        let is_same = (of(1), of(2)) == (&theirs[1], &theirs[2]);
        let date = if is_same { current.date } else { Moment::parse_typed(of(1), of(2))? };
        let [name, location, description] = [0, 3, 4].map(|place| of(place).clone());
        Ok(Self { name, date, location, description })
    }
}

impl Guest {
    /// Returns the values of their form.
    pub fn values(&self) -> Vec<String> {
        vec![self.event.id.to_string(), self.name.clone(), self.email.clone()]
    }
}

impl NewGuest {
    /// Returns the values of their form.
    pub fn values(&self) -> Vec<String> {
        vec![self.event.to_string(), self.name.clone(), self.email.clone()]
    }

    /// Returns these fields, but those of `current` that are to be kept.
    pub fn merged(&self, current: &Guest, keeps: &[bool]) -> Self {
        Self {
            event: if keeps[0] { current.event.id } else { self.event },
            name: if keeps[1] { current.name.clone() } else { self.name.clone() },
            email: if keeps[2] { current.email.clone() } else { self.email.clone() },
        }
    }
}

/// The number of an event.
pub type EventId = RowId<Event>;

/// A guest of a tasting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// Its number.
    pub id: GuestId,
    /// The event that the guest comes to.
    pub event: Event,
    /// The guest's name.
    pub name: String,
    /// The guest's e-mail address.
    pub email: String,
}

/// The number of a guest.
pub type GuestId = RowId<Guest>;

/// The fields of an event to add, or the new fields of an existing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its name.
    pub name: String,
    /// Its date.
    pub date: Moment,
    /// Its place.
    pub location: String,
    /// Its description.
    pub description: String,
}

/// The fields of a guest to add, or the new fields of an existing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGuest {
    /// The event.
    pub event: EventId,
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// The list of all tastings, for staff.
pub const EVENTS: List = List {
    path: "/staff/tastings",
    title: "Tastings",
    nouns: ["tasting", "tastings"],
    columns: &[
        Column::new("number", "ID", Kind::Number),
        Column::new("name", "Name", Kind::Name),
        Column::new("when", "Date", Kind::Time),
        Column::new("place", "Place", Kind::Text),
    ],
    order: "-number",
    has_since: false,
    new: Some("/events/new"),
    many: None,
};

/// The list of the coming tastings.
pub const COMING: List = List {
    path: "/events",
    nouns: ["tasting to come", "tastings to come"],
    order: "when",
    ..EVENTS
};

/// The list of all guests, for staff.
pub const GUESTS: List = List {
    path: "/staff/guests",
    title: "Guests",
    nouns: ["guest", "guests"],
    columns: &[
        Column::new("number", "ID", Kind::Number),
        Column::new("name", "Name", Kind::Name),
        Column::new("email", "E-mail address", Kind::Text),
        Column::new("tasting", "Tasting", Kind::Text),
    ],
    order: "-number",
    has_since: false,
    new: Some("/events/guests/new"),
    many: None,
};

impl Event {
    /// Returns the row of the list.
    pub fn row(&self) -> Row {
        let at = self.path();
        Row {
            id: self.id.get(),
            cells: vec![
                Cell::Number(self.id.get()),
                Cell::Text(self.name.clone()),
                Cell::Moment(self.date.at, self.date.display(), self.date.rfc3339()),
                Cell::Text(self.location.clone()),
            ],
            show: Some(at.clone()),
            edit: Some(format!("{at}/edit")),
            delete: Some(format!("{at}/delete")),
        }
    }
}

impl Guest {
    /// Returns the address of their forms.
    pub fn path(&self) -> String {
        format!("/events/guests/{}", self.id)
    }

    /// Returns the row of the list.
    pub fn row(&self) -> Row {
        let at = self.path();
        let texts = [&self.name, &self.email, &self.event.name];
        let texts = texts.into_iter().map(|text| Cell::Text(text.clone()));
        Row {
            id: self.id.get(),
            cells: [Cell::Number(self.id.get())].into_iter().chain(texts).collect(),
            show: None,
            edit: Some(format!("{at}/edit")),
            delete: Some(format!("{at}/delete")),
        }
    }
}

/// The range of a list that a client requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The highest number of items.
    pub limit: u64,
    /// How many items come before the range.
    pub offset: u64,
}

impl Range {
    /// The limit if the client gives none.
    pub const USUAL: u64 = 100;
    /// The highest limit.
    pub const MOST: u64 = 1_000;
}

/// A part of a list, with the length of the whole list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part<T> {
    /// How many items the whole list has.
    pub count: u64,
    /// The items of the part.
    pub items: Vec<T>,
}

impl<T> Part<T> {
    /// Returns the rows of a page; the part is that page, or all of the list if the query is not plain.
    pub fn found(
        &self,
        list: &List,
        query: &ListQuery,
        size: u64,
        row: impl Fn(&T) -> Row,
    ) -> Found {
        let rows = self.items.iter().map(row).collect();
        match query.is_plain(list) {
            true => {
                let total = Total { count: self.count, has_more: false };
                Found { rows, total, nearest: Vec::new() }
            }
            false => among(list, query, size, rows),
        }
    }
}

/// A coming event with the number of its guests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coming {
    /// The event.
    pub event: Event,
    /// The number of its guests.
    pub guests: u64,
}

/// Reports whether a text looks like an e-mail address: a name, one `@`, and a host.
pub fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    let labels_are = host.split('.').all(|label| {
        let is_edge_plain = !label.starts_with('-') && !label.ends_with('-');
        let is_of_host = |letter: char| letter.is_alphanumeric() || letter == '-';
        !label.is_empty() && is_edge_plain && label.chars().all(is_of_host)
    });
    let is_name = !name.is_empty() && name.chars().count() <= 64 && !name.contains('@');
    is_name && name.chars().all(is_plain) && labels_are
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_host() {
        for text in ["mina@example.org", "Mina+tea@Example.org", "m@localhost", "ü@bücher.example"]
        {
            assert!(is_email(text), "{text}");
        }
        for text in
            ["", "mina", "@example.org", "mina@", "a b@example.org", "a@b@c", "a@b..c", "a@-b"]
        {
            assert!(!is_email(text), "{text}");
        }
    }
}
