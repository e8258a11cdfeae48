//! Tastings and guests in forms, for staff.
//!
//! - A form says what programs say, and is judged by the same rules: [`forms`].
//! - It carries a digest of what it had shown: who was overtaken is shown what there is now (409).

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::{Map, Value};

use super::model::{Event, EventId, Guest, GuestId};
use super::{forms, service};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::form::{Form, FormErrors, Id};
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::{Editor, Visitor};
use crate::site::{digest, flash};
use crate::state::State;

type Answer = Result<HttpResponse, AppError>;

/// The fields of a form, by name.
type Fields = BTreeMap<String, String>;

/// A field as it is shown: its name, its label and how it is written.
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
    action: String,
    shown: &'static [Shown],
    typed: Fields,
    was: String,
    errors: FormErrors,
    /// What there is now, where somebody else has changed it meanwhile.
    current: Option<Fields>,
}

impl FormPage {
    fn of(visitor: &Visitor, action: String, shown: &'static [Shown], there: Fields) -> Self {
        let title = if shown == OF_EVENT { "Edit tasting" } else { "Edit guest" };
        let (layout, was) = (Layout::new(visitor, "events", title), digest(&there));
        let errors = FormErrors::default();
        Self { layout, action, shown, typed: there, was, errors, current: None }
    }

    fn value(&self, field: &str) -> &str {
        self.typed.get(field).map_or("", String::as_str)
    }

    /// With what was typed instead, which cannot be taken.
    fn refused(self, mut typed: Fields, errors: FormErrors) -> Self {
        let was = typed.remove("was").unwrap_or_default();
        Self { typed, was, errors, ..self }
    }

    /// With what was typed instead, beside what there is now: who sends it once more has seen that.
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

/// A name for what a form shows.
fn digest(fields: &Fields) -> String {
    digest::of(fields.iter().flat_map(|(name, value)| [name.as_str(), value]))
}

/// What was typed, as a program would say it.
fn said(typed: &Fields) -> Map<String, Value> {
    let value = |(name, text): (&String, &String)| {
        let number = (name == "event").then(|| text.trim().parse::<i64>().ok()).flatten();
        (name.clone(), number.map_or_else(|| Value::from(text.as_str()), Value::from))
    };
    typed.iter().map(value).collect()
}

/// Whether what there is is still what the form had shown.
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

fn form_of_event(visitor: &Visitor, event: &Event) -> FormPage {
    FormPage::of(visitor, format!("/events/{}", event.id), OF_EVENT, of_event(event))
}

fn form_of_guest(visitor: &Visitor, guest: &Guest) -> FormPage {
    FormPage::of(visitor, format!("/events/guests/{}", guest.id), OF_GUEST, of_guest(guest))
}

/// `GET /events/{id}/edit`
pub async fn edit_event(
    state: web::Data<State>,
    Editor(visitor): Editor,
    Id(id): Id<EventId>,
) -> Answer {
    let page = form_of_event(&visitor, &event(&state, id).await?);
    html(&state, StatusCode::OK, &page).await
}

/// `POST /events/{id}`
pub async fn update_event(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<EventId>,
    Form(typed): Form<Fields>,
) -> Answer {
    let page = form_of_event(&visitor, &event(&state, id).await?);
    let done = match forms::event(&said(&typed)) {
        Ok(new) => service::replace_event(&state, id, new, is_still(&typed, of_event)).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(event) => Ok(flash::redirect("/events", &format!("Saved “{}”.", event.name))),
        Err(AppError::Overtaken) => {
            let page = form_of_event(&visitor, &event(&state, id).await?);
            html(&state, StatusCode::CONFLICT, &page.overtaken(typed)).await
        }
        Err(error) => refuse(&state, page, typed, error).await,
    }
}

/// `GET /events/guests/{id}/edit`
pub async fn edit_guest(
    state: web::Data<State>,
    Editor(visitor): Editor,
    Id(id): Id<GuestId>,
) -> Answer {
    let page = form_of_guest(&visitor, &guest(&state, id).await?);
    html(&state, StatusCode::OK, &page).await
}

/// `POST /events/guests/{id}`
pub async fn update_guest(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<GuestId>,
    Form(typed): Form<Fields>,
) -> Answer {
    let page = form_of_guest(&visitor, &guest(&state, id).await?);
    let done = match forms::guest(&said(&typed)) {
        Ok(new) => service::replace_guest(&state, id, new, is_still(&typed, of_guest)).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(guest) => Ok(flash::redirect("/events", &format!("Saved “{}”.", guest.name))),
        Err(AppError::Overtaken) => {
            let page = form_of_guest(&visitor, &guest(&state, id).await?);
            html(&state, StatusCode::CONFLICT, &page.overtaken(typed)).await
        }
        Err(error) => refuse(&state, page, typed, error).await,
    }
}

async fn refuse(state: &State, page: FormPage, typed: Fields, error: AppError) -> Answer {
    match error {
        AppError::Invalid(errors) => {
            html(state, StatusCode::UNPROCESSABLE_ENTITY, &page.refused(typed, errors)).await
        }
        other => Err(other),
    }
}

dressed!(FormPage);
