//! The forms that delete a tasting or a guest.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use super::{Answer, Fields, INDEX, SECTION, digest, event, guest, is_still, of_event, of_guest};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::events::model::{Event, EventId, Guest, GuestId};
use crate::events::service;
use crate::site::back::Back;
use crate::site::form::{Form, Id};
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::Editor;
use crate::state::State;

/// The page that asks for confirmation.
#[derive(Template)]
#[template(path = "events/delete.html")]
struct DeletePage {
    layout: Layout,
    back: Back,
    /// The base path of the tasting or guest, with the actions for deleting and editing.
    action: String,
    name: String,
    /// The consequence: the rest of a sentence that begins with the name.
    told: String,
    was: String,
    /// Whether the tasting or guest was changed after the page was first shown.
    is_changed: bool,
}

impl DeletePage {
    fn of_event(Editor(visitor, back): Editor, event: &Event) -> Self {
        Self {
            back,
            layout: Layout::new(&visitor, SECTION, "Delete tasting"),
            action: format!("/events/{}", event.id),
            name: event.name.clone(),
            told: format!("on {} will be gone, and its guests with it.", event.date.display()),
            was: digest(&of_event(event)),
            is_changed: false,
        }
    }

    fn of_guest(Editor(visitor, back): Editor, guest: &Guest) -> Self {
        Self {
            back,
            layout: Layout::new(&visitor, SECTION, "Delete guest"),
            action: format!("/events/guests/{}", guest.id),
            name: guest.name.clone(),
            told: format!("will not be a guest of “{}” any more.", guest.event.name),
            was: digest(&of_guest(guest)),
            is_changed: false,
        }
    }

    async fn answer(self, state: &State) -> Answer {
        let status = if self.is_changed { StatusCode::CONFLICT } else { StatusCode::OK };
        html(state, status, &self).await
    }
}

/// Answers `GET /events/{id}/delete` by asking for confirmation.
pub async fn ask_event(state: web::Data<State>, editor: Editor, Id(id): Id<EventId>) -> Answer {
    DeletePage::of_event(editor, &event(&state, id).await?).answer(&state).await
}

/// Handles `POST /events/{id}/delete`: deletes a tasting with its guests.
pub async fn delete_event(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<EventId>,
    Form(typed): Form<Fields>,
) -> Answer {
    match service::delete_event(&state, id, is_still(&typed, of_event)).await {
        Err(AppError::NotFound) if !typed.contains_key("was") => Err(AppError::NotFound),
        // Gone is gone, also for a form that was sent twice.
        Ok(()) | Err(AppError::NotFound) => {
            let item = format!("/events/{id}");
            Ok(editor.1.deleted(INDEX, &item, "The tasting is deleted."))
        }
        Err(AppError::Overtaken) => {
            let page = DeletePage::of_event(editor, &event(&state, id).await?);
            DeletePage { is_changed: true, ..page }.answer(&state).await
        }
        Err(error) => Err(error),
    }
}

/// Answers `GET /events/guests/{id}/delete` by asking for confirmation.
pub async fn ask_guest(state: web::Data<State>, editor: Editor, Id(id): Id<GuestId>) -> Answer {
    DeletePage::of_guest(editor, &guest(&state, id).await?).answer(&state).await
}

/// Handles `POST /events/guests/{id}/delete`: deletes a guest.
pub async fn delete_guest(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<GuestId>,
    Form(typed): Form<Fields>,
) -> Answer {
    match service::delete_guest(&state, id, is_still(&typed, of_guest)).await {
        Err(AppError::NotFound) if !typed.contains_key("was") => Err(AppError::NotFound),
        Ok(()) | Err(AppError::NotFound) => {
            let item = format!("/events/guests/{id}");
            Ok(editor.1.deleted(INDEX, &item, "The guest is deleted."))
        }
        Err(AppError::Overtaken) => {
            let page = DeletePage::of_guest(editor, &guest(&state, id).await?);
            DeletePage { is_changed: true, ..page }.answer(&state).await
        }
        Err(error) => Err(error),
    }
}

dressed!(DeletePage);
