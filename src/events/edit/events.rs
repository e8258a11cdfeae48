//! The forms that add, change and delete a tasting.

use actix_web::web;

use super::{Answer, INDEX, SECTION, deleted, invalid, said};
use crate::error::AppError;
use crate::events::forms;
use crate::events::model::{Event, EventId};
use crate::events::service;
use crate::site::form::{Form, FormOnce, Id};
use crate::site::form_page::{self, Noun};
use crate::site::sheet::{Fields, Kind, Shape, Sheet};
use crate::site::visitor::Editor;
use crate::state::State;

/// The fields of a tasting's form.
const FIELDS: &[Shape] = &[
    ("name", "Name", "", Kind::Line),
    ("date", "Date", DATE, Kind::Line),
    ("location", "Location", "", Kind::Line),
    ("description", "Description", "", Kind::Lines(5)),
];

const DATE: &str = "2026-12-24, or with time and offset, 2026-12-24T18:00:00Z.";

const NOUN: Noun =
    Noun { section: SECTION, name: "tasting", list: INDEX, all: Some("/events"), can_delete: true };

/// What a deletion takes with it.
const TOLD: &str = "Its guests are also deleted.";

fn path(id: EventId) -> String {
    format!("/events/{id}")
}

async fn found(state: &State, id: EventId) -> Result<Event, AppError> {
    (*service::event(state, id).await?).clone().ok_or(AppError::NotFound)
}

/// Answers `GET /events/new` with an empty form.
pub async fn new(state: web::Data<State>, editor: Editor) -> Answer {
    form_page::show(&state, editor, &NOUN, None, Sheet::empty(FIELDS)).await
}

/// Handles `POST /events`: adds a tasting.
pub async fn create(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(fields, once): FormOnce<Fields>,
) -> Answer {
    let done = match forms::event(&said(&fields)) {
        Ok(new) => service::create_event(&state, new, once).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(added) => {
            let form = "/events/new".to_owned();
            Ok(editor.1.added(INDEX, &form, &format!("Added “{}”.", added.name)))
        }
        Err(error) => {
            let sheet = Sheet::sent(FIELDS, &fields).refused(invalid(error)?);
            form_page::show(&state, editor, &NOUN, None, sheet).await
        }
    }
}

/// Answers `GET /events/{id}/edit` with the form for a tasting.
pub async fn edit(state: web::Data<State>, editor: Editor, Id(id): Id<EventId>) -> Answer {
    let sheet = Sheet::showing(FIELDS, found(&state, id).await?.values());
    form_page::show(&state, editor, &NOUN, Some(path(id)), sheet).await
}

/// Handles `POST /events/{id}`: changes a tasting.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<EventId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = Sheet::sent(FIELDS, &fields);
    let done = match forms::event(&said(&fields)) {
        Ok(new) => {
            let edit = sheet.edit(new.values());
            let change = service::edit_event(&state, id, edit.clone(), new).await;
            change.map(|change| (edit, change.map(|current| current.values())))
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(done) => form_page::settle(&state, editor, &NOUN, path(id), sheet, done).await,
        Err(error) => {
            let sheet = sheet.refused(invalid(error)?);
            form_page::show(&state, editor, &NOUN, Some(path(id)), sheet).await
        }
    }
}

/// Answers `GET /events/{id}/delete` by asking for confirmation.
pub async fn ask(state: web::Data<State>, editor: Editor, Id(id): Id<EventId>) -> Answer {
    let sheet = Sheet::showing(FIELDS, found(&state, id).await?.values());
    form_page::ask(&state, editor, &NOUN, path(id), sheet, TOLD).await
}

/// Handles `POST /events/{id}/delete`: deletes a tasting.
pub async fn delete(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<EventId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = Sheet::sent(FIELDS, &fields);
    let seen = sheet.edit(Vec::new());
    let is_still = move |current: &Event| seen.is_still(&current.values());
    let done = service::delete_event(&state, id, is_still).await;
    let change = deleted(done, (*service::event(&state, id).await?).clone())?;
    let change = change.map(|current| current.values());
    form_page::delete(&state, editor, &NOUN, path(id), sheet, change, TOLD).await
}
