//! The staff's forms for tastings and guests: [`add`], [`update`], [`delete`].
//!
//! - A form has the same fields as a request to the API and is validated by the same rules: [`super::forms`].
//! - It carries a digest of the values it had shown. If they have changed meanwhile, the client gets the
//!   current values (409).

pub mod add;
pub mod delete;
pub mod update;

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde_json::{Map, Value};

use super::model::{Event, EventId, Guest, GuestId};
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::back::Back;
use crate::site::digest;
use crate::site::form::FormErrors;
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::Editor;
use crate::state::State;

const SECTION: &str = "events";

/// The page that follows a form that was accepted.
const INDEX: &str = "/events";

type Answer = Result<HttpResponse, AppError>;

/// The fields of a form, by name.
type Fields = BTreeMap<String, String>;

/// A field in the page: its name, its label and a hint at its format.
type Shown = (&'static str, &'static str, &'static str);

const OF_EVENT: &[Shown] = &[
    ("name", "Name", ""),
    ("date", "Date", "2026-12-24, or with time and offset, 2026-12-24T18:00:00Z."),
    ("location", "Location", ""),
    ("description", "Description", ""),
];

const OF_GUEST: &[Shown] = &[
    ("event", "Tasting", "The number of the tasting, such as 7."),
    ("name", "Name", ""),
    ("email", "E-mail", ""),
];

/// The form for a tasting or a guest.
#[derive(Template)]
#[template(path = "events/form.html")]
struct FormPage {
    layout: Layout,
    back: Back,
    action: String,
    shown: &'static [Shown],
    typed: Fields,
    /// The digest of the values that the form shows; `None` for a new tasting or guest.
    was: Option<String>,
    errors: FormErrors,
    /// The current values, if they were changed after the form was shown.
    current: Option<Fields>,
}

impl FormPage {
    /// Builds an empty form for a new tasting or guest.
    fn empty(editor: Editor, title: &str, action: &str, shown: &'static [Shown]) -> Self {
        let Editor(visitor, back) = editor;
        let (layout, action) = (Layout::new(&visitor, SECTION, title), action.to_owned());
        let (typed, errors) = (Fields::new(), FormErrors::default());
        Self { layout, back, action, shown, typed, was: None, errors, current: None }
    }

    /// Fills in the current values.
    fn showing(self, there: Fields) -> Self {
        Self { was: Some(digest(&there)), typed: there, ..self }
    }

    fn value(&self, field: &str) -> &str {
        self.typed.get(field).map_or("", String::as_str)
    }

    /// Fills in rejected values with their errors.
    fn refused(self, mut typed: Fields, errors: FormErrors) -> Self {
        let was = self.was.map(|_| typed.remove("was").unwrap_or_default());
        Self { typed, was, errors, ..self }
    }

    /// Fills in the typed values beside the current ones.
    ///
    /// The digest is now that of the current values, so sending the form once more overwrites them.
    fn overtaken(self, typed: Fields) -> Self {
        let current = Some(self.typed);
        Self { typed, current, ..self }
    }
}

fn of_event(event: &Event) -> Fields {
    let fields = [
        ("name", event.name.clone()),
        ("date", event.date.rfc3339()),
        ("location", event.location.clone()),
        ("description", event.description.clone()),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

fn of_guest(guest: &Guest) -> Fields {
    let (event, name, email) =
        (guest.event.id.to_string(), guest.name.clone(), guest.email.clone());
    let fields = [("event", event), ("name", name), ("email", email)];
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Returns the digest of the values that a form shows.
fn digest(fields: &Fields) -> String {
    digest::of(fields.iter().flat_map(|(name, value)| [name.as_str(), value]))
}

/// Converts typed fields to the JSON members of an API request.
fn said(typed: &Fields) -> Map<String, Value> {
    let value = |(name, text): (&String, &String)| {
        let number = (name == "event").then(|| text.trim().parse::<i64>().ok()).flatten();
        (name.clone(), number.map_or_else(|| Value::from(text.as_str()), Value::from))
    };
    typed.iter().map(value).collect()
}

/// Returns whether the values are still those that the form had shown.
fn is_still<T>(typed: &Fields, shown: fn(&T) -> Fields) -> impl Fn(&T) -> bool + Send + use<T> {
    let was = typed.get("was").cloned().unwrap_or_default();
    move |there| digest(&shown(there)) == was
}

async fn event(state: &State, id: EventId) -> Result<Event, AppError> {
    (*service::event(state, id).await?).clone().ok_or(AppError::NotFound)
}

async fn guest(state: &State, id: GuestId) -> Result<Guest, AppError> {
    (*service::guest(state, id).await?).clone().ok_or(AppError::NotFound)
}

/// Shows the form again if fields are invalid; returns any other error.
async fn refuse(state: &State, page: FormPage, typed: Fields, error: AppError) -> Answer {
    match error {
        AppError::Invalid(errors) => {
            html(state, StatusCode::UNPROCESSABLE_ENTITY, &page.refused(typed, errors)).await
        }
        other => Err(other),
    }
}

dressed!(FormPage);
