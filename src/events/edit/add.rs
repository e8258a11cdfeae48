//! The forms that add a tasting or a guest.

use actix_web::http::StatusCode;
use actix_web::web;

use super::{Answer, Fields, FormPage, INDEX, OF_EVENT, OF_GUEST, refuse, said};
use crate::events::forms::{self, ListQuery};
use crate::events::service;
use crate::site::form::{FormOnce, Query};
use crate::site::render::html;
use crate::site::visitor::Editor;
use crate::state::State;

fn form_of_event(editor: Editor) -> FormPage {
    FormPage::empty(editor, "New tasting", "/events", OF_EVENT)
}

fn form_of_guest(editor: Editor) -> FormPage {
    FormPage::empty(editor, "New guest", "/events/guests", OF_GUEST)
}

/// Answers `GET /events/new` with an empty form.
pub async fn new_event(state: web::Data<State>, editor: Editor) -> Answer {
    html(&state, StatusCode::OK, &form_of_event(editor)).await
}

/// Handles `POST /events`: adds a tasting.
pub async fn create_event(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(typed, once): FormOnce<Fields>,
) -> Answer {
    let done = match forms::event(&said(&typed)) {
        Ok(new) => service::create_event(&state, new, once).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(event) => Ok(editor.1.added(INDEX, "/events/new", &format!("Added “{}”.", event.name))),
        Err(error) => refuse(&state, form_of_event(editor), typed, error).await,
    }
}

/// Answers `GET /events/guests/new?event=7` with a form for a guest of that tasting.
pub async fn new_guest(
    state: web::Data<State>,
    editor: Editor,
    Query(query): Query<ListQuery>,
) -> Answer {
    let mut page = form_of_guest(editor);
    page.typed.insert("event".to_owned(), query.event);
    html(&state, StatusCode::OK, &page).await
}

/// Handles `POST /events/guests`: adds a guest.
pub async fn create_guest(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(typed, once): FormOnce<Fields>,
) -> Answer {
    let done = match forms::guest(&said(&typed)) {
        Ok(new) => service::create_guest(&state, new, once).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(guest) => {
            let form = format!("/events/guests/new?event={}", guest.event.id);
            Ok(editor.1.added(INDEX, &form, &format!("Added “{}”.", guest.name)))
        }
        Err(error) => refuse(&state, form_of_guest(editor), typed, error).await,
    }
}
