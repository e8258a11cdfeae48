//! A tasting that is called off, or a guest who does not come.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use super::{Answer, Fields, INDEX, SECTION, digest, event, guest, is_still, of_event, of_guest};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::events::model::{Event, EventId, Guest, GuestId};
use crate::events::service;
use crate::site::flash;
use crate::site::form::{Form, Id};
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::{Editor, Visitor};
use crate::state::State;

/// The question before it.
#[derive(Template)]
#[template(path = "events/delete.html")]
struct DeletePage {
    layout: Layout,
    /// Where it is answered yes; the form for editing is beside it.
    action: String,
    name: String,
    /// What comes of it: the rest of a sentence that begins with the name.
    told: String,
    was: String,
    /// Whether somebody else has changed it since it was asked.
    is_changed: bool,
}

impl DeletePage {
    fn of_event(visitor: &Visitor, event: &Event) -> Self {
        Self {
            layout: Layout::new(visitor, SECTION, "Delete tasting"),
            action: format!("/events/{}", event.id),
            name: event.name.clone(),
            told: format!("on {} will be gone, and its guests with it.", event.date.display()),
            was: digest(&of_event(event)),
            is_changed: false,
        }
    }

    fn of_guest(visitor: &Visitor, guest: &Guest) -> Self {
        Self {
            layout: Layout::new(visitor, SECTION, "Delete guest"),
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

/// `GET /events/{id}/delete`
pub async fn ask_event(
    state: web::Data<State>,
    Editor(visitor): Editor,
    Id(id): Id<EventId>,
) -> Answer {
    DeletePage::of_event(&visitor, &event(&state, id).await?).answer(&state).await
}

/// `POST /events/{id}/delete`
pub async fn delete_event(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<EventId>,
    Form(typed): Form<Fields>,
) -> Answer {
    match service::delete_event(&state, id, is_still(&typed, of_event)).await {
        Ok(()) => Ok(flash::redirect(INDEX, "The tasting is deleted.")),
        Err(AppError::Overtaken) => {
            let page = DeletePage::of_event(&visitor, &event(&state, id).await?);
            DeletePage { is_changed: true, ..page }.answer(&state).await
        }
        Err(error) => Err(error),
    }
}

/// `GET /events/guests/{id}/delete`
pub async fn ask_guest(
    state: web::Data<State>,
    Editor(visitor): Editor,
    Id(id): Id<GuestId>,
) -> Answer {
    DeletePage::of_guest(&visitor, &guest(&state, id).await?).answer(&state).await
}

/// `POST /events/guests/{id}/delete`
pub async fn delete_guest(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<GuestId>,
    Form(typed): Form<Fields>,
) -> Answer {
    match service::delete_guest(&state, id, is_still(&typed, of_guest)).await {
        Ok(()) => Ok(flash::redirect(INDEX, "The guest is deleted.")),
        Err(AppError::Overtaken) => {
            let page = DeletePage::of_guest(&visitor, &guest(&state, id).await?);
            DeletePage { is_changed: true, ..page }.answer(&state).await
        }
        Err(error) => Err(error),
    }
}

dressed!(DeletePage);
