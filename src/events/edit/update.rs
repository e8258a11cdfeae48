//! The forms that change a tasting or a guest.

use actix_web::http::StatusCode;
use actix_web::web;

use super::{
    Answer, Fields, FormPage, INDEX, OF_EVENT, OF_GUEST, event, guest, is_still, of_event,
    of_guest, refuse, said,
};
use crate::error::AppError;
use crate::events::model::{Event, EventId, Guest, GuestId};
use crate::events::{forms, service};
use crate::site::form::{Form, Id};
use crate::site::render::html;
use crate::site::visitor::Editor;
use crate::state::State;

fn form_of_event(editor: Editor, event: &Event) -> FormPage {
    let action = format!("/events/{}", event.id);
    FormPage::empty(editor, "Edit tasting", &action, OF_EVENT).showing(of_event(event))
}

fn form_of_guest(editor: Editor, guest: &Guest) -> FormPage {
    let action = format!("/events/guests/{}", guest.id);
    FormPage::empty(editor, "Edit guest", &action, OF_GUEST).showing(of_guest(guest))
}

/// Answers `GET /events/{id}/edit` with the form for a tasting.
pub async fn edit_event(state: web::Data<State>, editor: Editor, Id(id): Id<EventId>) -> Answer {
    let page = form_of_event(editor, &event(&state, id).await?);
    html(&state, StatusCode::OK, &page).await
}

/// Handles `POST /events/{id}`: changes a tasting.
pub async fn update_event(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<EventId>,
    Form(typed): Form<Fields>,
) -> Answer {
    let page = form_of_event(editor, &event(&state, id).await?);
    let done = match forms::event(&said(&typed)) {
        Ok(new) => service::replace_event(&state, id, new, is_still(&typed, of_event)).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(event) => Ok(page.back.saved(INDEX, &page.action, &format!("Saved “{}”.", event.name))),
        Err(AppError::Overtaken) => {
            let page = page.showing(of_event(&event(&state, id).await?));
            html(&state, StatusCode::CONFLICT, &page.overtaken(typed)).await
        }
        Err(error) => refuse(&state, page, typed, error).await,
    }
}

/// Answers `GET /events/guests/{id}/edit` with the form for a guest.
pub async fn edit_guest(state: web::Data<State>, editor: Editor, Id(id): Id<GuestId>) -> Answer {
    let page = form_of_guest(editor, &guest(&state, id).await?);
    html(&state, StatusCode::OK, &page).await
}

/// Handles `POST /events/guests/{id}`: changes a guest.
pub async fn update_guest(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<GuestId>,
    Form(typed): Form<Fields>,
) -> Answer {
    let page = form_of_guest(editor, &guest(&state, id).await?);
    let done = match forms::guest(&said(&typed)) {
        Ok(new) => service::replace_guest(&state, id, new, is_still(&typed, of_guest)).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(guest) => Ok(page.back.saved(INDEX, &page.action, &format!("Saved “{}”.", guest.name))),
        Err(AppError::Overtaken) => {
            let page = page.showing(of_guest(&guest(&state, id).await?));
            html(&state, StatusCode::CONFLICT, &page.overtaken(typed)).await
        }
        Err(error) => refuse(&state, page, typed, error).await,
    }
}
