//! The staff's forms for tastings and guests: the same handlers for both, each an [`Item`].
//!
//! A form has the fields of a request to the API, a day and a time instead of its date, and is validated by the same
//! rules: [`super::forms`].

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value};

use super::forms::{self, ListQuery};
use super::model::{Event, EventId, Guest, NewEvent, NewGuest, Range};
use super::service::{self, Expected};
use crate::db::once::Once;
use crate::error::AppError;
use crate::site::form::{Form, FormErrors, FormOnce, Id, Query};
use crate::site::form_page::{self, Noun};
use crate::site::row_id::RowId;
use crate::site::sheet::{Change, Edit, Fields, Kind, Shape, Sheet};
use crate::site::text::quoted;
use crate::site::visitor::Editor;
use crate::state::State;

type Answer = Result<HttpResponse, AppError>;

/// How many tastings a guest's form offers: those that come next.
const OFFERED: Range = Range { limit: 200, offset: 0 };

/// A kind of item that these forms edit.
pub trait Item: Clone + 'static {
    /// The fields of a new one.
    type New;
    /// What it is called, and where it is.
    const NOUN: &'static Noun;
    /// The fields of its form.
    const FIELDS: &'static [Shape];
    /// What a deletion takes with it; may be empty.
    const TOLD: &'static str;

    /// Returns the address of an item.
    fn path(id: RowId<Self>) -> String;
    /// Returns the address of the form to add another one like this.
    fn another(&self) -> String;
    /// Returns what the item is called.
    fn name(&self) -> &str;
    /// Returns the values of its form.
    fn shown(&self) -> Vec<String>;
    /// Returns the values that were typed, in their normal form.
    fn typed(new: &Self::New) -> Vec<String>;
    /// Validates the members of a request.
    fn parse(members: &Map<String, Value>) -> Result<Self::New, AppError>;
    /// Returns the item, if it exists.
    fn find(state: &State, id: RowId<Self>)
    -> impl Future<Output = Result<Option<Self>, AppError>>;
    /// Adds an item once.
    fn create(
        state: &State,
        new: Self::New,
        once: Once,
    ) -> impl Future<Output = Result<Self, AppError>>;
    /// Makes an edit.
    fn edit(
        state: &State,
        id: RowId<Self>,
        edit: Edit,
        new: Self::New,
    ) -> impl Future<Output = Result<Change<Self>, AppError>>;
    /// Deletes the item if it is still the expected one.
    fn delete(
        state: &State,
        id: RowId<Self>,
        is_still: impl Expected<Self>,
    ) -> impl Future<Output = Result<(), AppError>>;
    /// Adds to a form the values to choose from.
    fn offer(
        state: &State,
        item: Option<&Self>,
        sheet: Sheet,
    ) -> impl Future<Output = Result<Sheet, AppError>>;
}

/// Answers `GET …/new` with an empty form; `?event=7` chooses that tasting.
pub async fn new<T: Item>(
    state: web::Data<State>,
    editor: Editor,
    Query(query): Query<ListQuery>,
) -> Answer {
    let mut sheet = Sheet::empty(T::FIELDS);
    sheet.fill("event", query.event);
    let sheet = T::offer(&state, None, sheet).await?;
    form_page::show(&state, editor, T::NOUN, None, sheet).await
}

/// Handles `POST` to the list: adds an item.
pub async fn create<T: Item>(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(fields, once): FormOnce<Fields>,
) -> Answer {
    let done = match T::parse(&said(&fields)) {
        Ok(new) => T::create(&state, new, once).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(added) => {
            let sentence = format!("Added {}.", quoted(added.name()));
            Ok(editor.1.added(T::NOUN.list, &added.another(), &sentence))
        }
        Err(error) => {
            let sheet = Sheet::sent(T::FIELDS, &fields).refused(invalid(error)?);
            let sheet = T::offer(&state, None, sheet).await?;
            form_page::show(&state, editor, T::NOUN, None, sheet).await
        }
    }
}

/// Answers `GET …/edit` with the form for an item.
pub async fn edit<T: Item>(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<RowId<T>>,
) -> Answer {
    let sheet = showing::<T>(&state, id).await?;
    form_page::show(&state, editor, T::NOUN, Some(T::path(id)), sheet).await
}

/// Handles `POST` to an item: changes it.
pub async fn update<T: Item>(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<RowId<T>>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = Sheet::sent(T::FIELDS, &fields);
    let done = match T::parse(&said(&fields)) {
        Ok(new) => {
            let edit = sheet.edit(T::typed(&new));
            let change = T::edit(&state, id, edit.clone(), new).await;
            change.map(|change| (edit, change.map(|current| current.shown())))
        }
        Err(error) => Err(error),
    };
    let item = T::find(&state, id).await?;
    let sheet = T::offer(&state, item.as_ref(), sheet).await?;
    match done {
        Ok(done) => form_page::settle(&state, editor, T::NOUN, T::path(id), sheet, done).await,
        Err(error) => {
            let sheet = sheet.refused(invalid(error)?);
            form_page::show(&state, editor, T::NOUN, Some(T::path(id)), sheet).await
        }
    }
}

/// Answers `GET …/delete` by asking for confirmation.
pub async fn ask<T: Item>(state: web::Data<State>, editor: Editor, Id(id): Id<RowId<T>>) -> Answer {
    let sheet = showing::<T>(&state, id).await?;
    form_page::ask(&state, editor, T::NOUN, T::path(id), sheet, T::TOLD).await
}

/// Handles `POST …/delete`: deletes an item.
pub async fn delete<T: Item>(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<RowId<T>>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = Sheet::sent(T::FIELDS, &fields);
    let seen = sheet.edit(Vec::new());
    let done = T::delete(&state, id, move |current: &T| seen.is_still(&current.shown())).await;
    let item = T::find(&state, id).await?;
    let sheet = T::offer(&state, item.as_ref(), sheet).await?;
    let change = deleted(done, item)?.map(|current| current.shown());
    form_page::delete(&state, editor, T::NOUN, T::path(id), sheet, change, T::TOLD).await
}

async fn showing<T: Item>(state: &State, id: RowId<T>) -> Result<Sheet, AppError> {
    let item = T::find(state, id).await?.ok_or(AppError::NotFound)?;
    T::offer(state, Some(&item), Sheet::showing(T::FIELDS, item.shown())).await
}

/// Converts typed fields to the JSON members of an API request.
fn said(typed: &Fields) -> Map<String, Value> {
    typed.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect()
}

/// Returns what is wrong with the fields of a form; any other error is one of the whole request.
fn invalid(error: AppError) -> Result<FormErrors, AppError> {
    match error {
        AppError::Invalid(errors) => Ok(errors),
        other => Err(other),
    }
}

/// Returns the outcome of a deletion by the API's rules; `current` is the item where it was changed.
fn deleted<T>(done: Result<(), AppError>, current: Option<T>) -> Result<Change<T>, AppError> {
    match (done, current) {
        (Ok(()), _) => Ok(Change::Done),
        (Err(AppError::Overtaken), Some(current)) => Ok(Change::Conflict(current)),
        (Err(AppError::Overtaken | AppError::NotFound), _) => Ok(Change::Gone),
        (Err(error), _) => Err(error),
    }
}

impl Item for Event {
    type New = NewEvent;

    const NOUN: &'static Noun = &Noun {
        section: "events",
        name: "tasting",
        list: "/events",
        all: Some("/events"),
        can_delete: true,
    };

    const FIELDS: &'static [Shape] = &[
        ("name", "Name", "", Kind::Line),
        ("date", "Date", "", Kind::Date),
        ("time", "Time", "Optional; in the shop’s time zone.", Kind::Time),
        ("location", "Location", "", Kind::Line),
        ("description", "Description", "", Kind::Lines(5)),
    ];

    const TOLD: &'static str = "Its guests are also deleted.";

    fn path(id: EventId) -> String {
        format!("/events/{id}")
    }

    fn another(&self) -> String {
        "/events/new".to_owned()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn shown(&self) -> Vec<String> {
        self.values()
    }

    fn typed(new: &NewEvent) -> Vec<String> {
        new.values()
    }

    fn parse(members: &Map<String, Value>) -> Result<NewEvent, AppError> {
        forms::typed_event(members)
    }

    async fn find(state: &State, id: EventId) -> Result<Option<Self>, AppError> {
        Ok((*service::event(state, id).await?).clone())
    }

    async fn create(state: &State, new: NewEvent, once: Once) -> Result<Self, AppError> {
        service::create_event(state, new, once).await
    }

    async fn edit(
        state: &State,
        id: EventId,
        edit: Edit,
        new: NewEvent,
    ) -> Result<Change<Self>, AppError> {
        service::edit_event(state, id, edit, new).await
    }

    async fn delete(
        state: &State,
        id: EventId,
        is_still: impl Expected<Self>,
    ) -> Result<(), AppError> {
        service::delete_event(state, id, is_still).await
    }

    async fn offer(_: &State, _: Option<&Self>, sheet: Sheet) -> Result<Sheet, AppError> {
        Ok(sheet)
    }
}

impl Item for Guest {
    type New = NewGuest;

    const NOUN: &'static Noun = &Noun {
        section: "events",
        name: "guest",
        list: "/events",
        all: Some("/events/guests"),
        can_delete: true,
    };

    const FIELDS: &'static [Shape] = &[
        ("event", "Tasting", "", Kind::Choice),
        ("name", "Name", "", Kind::Line),
        ("email", "E-mail", "", Kind::Line),
    ];

    const TOLD: &'static str = "";

    fn path(id: RowId<Self>) -> String {
        format!("/events/guests/{id}")
    }

    fn another(&self) -> String {
        format!("/events/guests/new?event={}", self.event.id)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn shown(&self) -> Vec<String> {
        self.values()
    }

    fn typed(new: &NewGuest) -> Vec<String> {
        new.values()
    }

    fn parse(members: &Map<String, Value>) -> Result<NewGuest, AppError> {
        forms::typed_guest(members)
    }

    async fn find(state: &State, id: RowId<Self>) -> Result<Option<Self>, AppError> {
        Ok((*service::guest(state, id).await?).clone())
    }

    async fn create(state: &State, new: NewGuest, once: Once) -> Result<Self, AppError> {
        service::create_guest(state, new, once).await
    }

    async fn edit(
        state: &State,
        id: RowId<Self>,
        edit: Edit,
        new: NewGuest,
    ) -> Result<Change<Self>, AppError> {
        service::edit_guest(state, id, edit, new).await
    }

    async fn delete(
        state: &State,
        id: RowId<Self>,
        is_still: impl Expected<Self>,
    ) -> Result<(), AppError> {
        service::delete_guest(state, id, is_still).await
    }

    /// Offers the coming tastings, the one of the guest, and the ones that the form has shown and sent.
    async fn offer(state: &State, item: Option<&Self>, sheet: Sheet) -> Result<Sheet, AppError> {
        let coming = service::coming(state, OFFERED).await?;
        let mut events: Vec<Event> = coming.items.iter().map(|one| one.event.clone()).collect();
        let mut others = Vec::from_iter(item.map(|guest| guest.event.clone()));
        for id in [sheet.value("event"), sheet.was("event")] {
            if let Ok(id) = id.parse() {
                others.extend(Event::find(state, id).await?);
            }
        }
        for other in others {
            if events.iter().all(|event| event.id != other.id) {
                events.insert(0, other);
            }
        }
        let option = |event: &Event| (event.id.to_string(), event.label());
        Ok(sheet.offering(events.iter().map(option).collect()))
    }
}
