//! The forms that add, change and delete a guest.

use actix_web::web;

use super::{Answer, INDEX, SECTION, deleted, invalid, said};
use crate::error::AppError;
use crate::events::forms::{self, ListQuery};
use crate::events::model::{Guest, GuestId};
use crate::events::service;
use crate::site::form::{Form, FormOnce, Id, Query};
use crate::site::form_page::{self, Noun};
use crate::site::sheet::{Fields, Kind, Shape, Sheet};
use crate::site::visitor::Editor;
use crate::state::State;

/// The fields of a guest's form.
const FIELDS: &[Shape] = &[
    ("event", "Tasting", "The ID of the tasting, such as 7.", Kind::Line),
    ("name", "Name", "", Kind::Line),
    ("email", "E-mail", "", Kind::Line),
];

const NOUN: Noun = Noun {
    section: SECTION,
    name: "guest",
    list: INDEX,
    all: Some("/events/guests"),
    can_delete: true,
};

/// What a deletion takes with it.
const TOLD: &str = "";

fn path(id: GuestId) -> String {
    format!("/events/guests/{id}")
}

async fn found(state: &State, id: GuestId) -> Result<Guest, AppError> {
    (*service::guest(state, id).await?).clone().ok_or(AppError::NotFound)
}

/// Answers `GET /events/guests/new?event=7` with a form for a guest of that tasting.
pub async fn new(
    state: web::Data<State>,
    editor: Editor,
    Query(query): Query<ListQuery>,
) -> Answer {
    let mut sheet = Sheet::empty(FIELDS);
    sheet.fill("event", query.event);
    form_page::show(&state, editor, &NOUN, None, sheet).await
}

/// Handles `POST /events/guests`: adds a guest.
pub async fn create(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(fields, once): FormOnce<Fields>,
) -> Answer {
    let done = match forms::guest(&said(&fields)) {
        Ok(new) => service::create_guest(&state, new, once).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(added) => {
            let form = format!("/events/guests/new?event={}", added.event.id);
            Ok(editor.1.added(INDEX, &form, &format!("Added “{}”.", added.name)))
        }
        Err(error) => {
            let sheet = Sheet::sent(FIELDS, &fields).refused(invalid(error)?);
            form_page::show(&state, editor, &NOUN, None, sheet).await
        }
    }
}

/// Answers `GET /events/guests/{id}/edit` with the form for a guest.
pub async fn edit(state: web::Data<State>, editor: Editor, Id(id): Id<GuestId>) -> Answer {
    let sheet = Sheet::showing(FIELDS, found(&state, id).await?.values());
    form_page::show(&state, editor, &NOUN, Some(path(id)), sheet).await
}

/// Handles `POST /events/guests/{id}`: changes a guest.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<GuestId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = Sheet::sent(FIELDS, &fields);
    let done = match forms::guest(&said(&fields)) {
        Ok(new) => {
            let edit = sheet.edit(new.values());
            let change = service::edit_guest(&state, id, edit.clone(), new).await;
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

/// Answers `GET /events/guests/{id}/delete` by asking for confirmation.
pub async fn ask(state: web::Data<State>, editor: Editor, Id(id): Id<GuestId>) -> Answer {
    let sheet = Sheet::showing(FIELDS, found(&state, id).await?.values());
    form_page::ask(&state, editor, &NOUN, path(id), sheet, TOLD).await
}

/// Handles `POST /events/guests/{id}/delete`: deletes a guest.
pub async fn delete(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<GuestId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = Sheet::sent(FIELDS, &fields);
    let seen = sheet.edit(Vec::new());
    let is_still = move |current: &Guest| seen.is_still(&current.values());
    let done = service::delete_guest(&state, id, is_still).await;
    let change = deleted(done, (*service::guest(&state, id).await?).clone())?;
    let change = change.map(|current| current.values());
    form_page::delete(&state, editor, &NOUN, path(id), sheet, change, TOLD).await
}
