//! The JSON API of the tastings.
//!
//! - `ETag` is computed from the bytes of the response. A client can send the one that a write returned as
//!   `If-Match` straight away.
//! - `next` and `previous` are paths, so they are right behind every proxy and under every host name.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH, LOCATION,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::forms::{self, ListQuery};
use super::model::{Event, EventId, Guest, GuestId, Part, Range};
use super::{openapi, service};
use crate::cache::http::Coding;
use crate::cache::http::{EntityTag, EntityTags};
use crate::db::once::Once;
use crate::error::AppError;
use crate::site::form::{Id, Query};
use crate::site::json::Json;
use crate::state::{Access, State};

type Answer = Result<HttpResponse, AppError>;

/// The JSON form of an event.
#[derive(Serialize)]
struct EventBody<'e> {
    id: EventId,
    name: &'e str,
    date: String,
    location: &'e str,
    description: &'e str,
}

impl<'e> From<&'e Event> for EventBody<'e> {
    fn from(event: &'e Event) -> Self {
        Self {
            id: event.id,
            name: &event.name,
            date: event.date.rfc3339(),
            location: &event.location,
            description: &event.description,
        }
    }
}

/// The JSON form of a guest.
#[derive(Serialize)]
struct GuestBody<'g> {
    id: GuestId,
    event: EventBody<'g>,
    name: &'g str,
    email: &'g str,
}

impl<'g> From<&'g Guest> for GuestBody<'g> {
    fn from(guest: &'g Guest) -> Self {
        let event = (&guest.event).into();
        Self { id: guest.id, event, name: &guest.name, email: &guest.email }
    }
}

/// The JSON form of a part of a list.
#[derive(Serialize)]
struct ListBody<B> {
    count: u64,
    next: Option<String>,
    previous: Option<String>,
    results: Vec<B>,
}

/// Answers `GET /api/events` with a part of the list.
pub async fn list_events(state: web::Data<State>, Query(query): Query<ListQuery>) -> Answer {
    let range = query.range()?;
    let part = service::events(&state, range).await?;
    Ok(list::<_, EventBody<'_>>("/api/events", None, range, &part))
}

/// Handles `POST /api/events`: adds an event.
pub async fn create_event(state: web::Data<State>, Json(fields): Json) -> Answer {
    let event = service::create_event(&state, forms::event(&fields)?, Once::default()).await?;
    Ok(created(&format!("/api/events/{}", event.id), &EventBody::from(&event)))
}

/// Answers `GET /api/events/{id}` with one event.
pub async fn show_event(state: web::Data<State>, Id(id): Id<EventId>) -> Answer {
    let event = service::event(&state, id).await?;
    let event = event.as_ref().as_ref().ok_or(AppError::NotFound)?;
    Ok(answer(StatusCode::OK, &EventBody::from(event)))
}

/// Handles `PUT /api/events/{id}`: replaces an event.
pub async fn replace_event(
    request: HttpRequest,
    state: web::Data<State>,
    Id(id): Id<EventId>,
    Json(fields): Json,
) -> Answer {
    let expected = expected(request.headers(), |event| print(&EventBody::from(event)));
    let event = service::replace_event(&state, id, forms::event(&fields)?, expected).await?;
    Ok(answer(StatusCode::OK, &EventBody::from(&event)))
}

/// Handles `DELETE /api/events/{id}`: deletes an event with its guests.
pub async fn delete_event(
    request: HttpRequest,
    state: web::Data<State>,
    Id(id): Id<EventId>,
) -> Answer {
    let expected = expected(request.headers(), |event| print(&EventBody::from(event)));
    service::delete_event(&state, id, expected).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Answers `GET /api/guests` with a part of the list.
pub async fn list_guests(state: web::Data<State>, Query(query): Query<ListQuery>) -> Answer {
    let (range, of) = (query.range()?, query.event()?);
    let part = service::guests(&state, of, range).await?;
    Ok(personal(&state, list::<_, GuestBody<'_>>("/api/guests", of, range, &part)))
}

/// Handles `POST /api/guests`: adds a guest.
pub async fn create_guest(state: web::Data<State>, Json(fields): Json) -> Answer {
    let guest = service::create_guest(&state, forms::guest(&fields)?, Once::default()).await?;
    Ok(created(&format!("/api/guests/{}", guest.id), &GuestBody::from(&guest)))
}

/// Answers `GET /api/guests/{id}` with one guest.
pub async fn show_guest(state: web::Data<State>, Id(id): Id<GuestId>) -> Answer {
    let guest = service::guest(&state, id).await?;
    let guest = guest.as_ref().as_ref().ok_or(AppError::NotFound)?;
    Ok(personal(&state, answer(StatusCode::OK, &GuestBody::from(guest))))
}

/// Handles `PUT /api/guests/{id}`: replaces a guest.
pub async fn replace_guest(
    request: HttpRequest,
    state: web::Data<State>,
    Id(id): Id<GuestId>,
    Json(fields): Json,
) -> Answer {
    let expected = expected(request.headers(), |guest| print(&GuestBody::from(guest)));
    let guest = service::replace_guest(&state, id, forms::guest(&fields)?, expected).await?;
    Ok(answer(StatusCode::OK, &GuestBody::from(&guest)))
}

/// Handles `DELETE /api/guests/{id}`: deletes a guest.
pub async fn delete_guest(
    request: HttpRequest,
    state: web::Data<State>,
    Id(id): Id<GuestId>,
) -> Answer {
    let expected = expected(request.headers(), |guest| print(&GuestBody::from(guest)));
    service::delete_guest(&state, id, expected).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Answers `GET /api/openapi.json` with the API's description.
pub async fn document() -> HttpResponse {
    answer(StatusCode::OK, &openapi::document())
}

fn list<'p, T, B: Serialize + From<&'p T>>(
    path: &str,
    of: Option<EventId>,
    range: Range,
    part: &'p Part<T>,
) -> HttpResponse {
    let link = |offset: u64| {
        let event = of.map_or_else(String::new, |id| format!("event={id}&"));
        format!("{path}?{event}limit={}&offset={offset}", range.limit)
    };
    let after = range.offset.saturating_add(range.limit);
    let body = ListBody {
        count: part.count,
        next: (after < part.count).then(|| link(after)),
        previous: (range.offset > 0).then(|| link(range.offset.saturating_sub(range.limit))),
        results: part.items.iter().map(B::from).collect(),
    };
    answer(StatusCode::OK, &body)
}

fn created(at: &str, body: &impl Serialize) -> HttpResponse {
    let mut response = answer(StatusCode::CREATED, body);
    if let Ok(at) = at.parse() {
        response.headers_mut().insert(LOCATION, at);
    }
    response
}

fn answer(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    let body = print(body);
    let mut answer = HttpResponse::build(status);
    answer.insert_header((CONTENT_TYPE, "application/json"));
    if let Some(tag) = EntityTag::of(&body).print() {
        answer.insert_header((ETAG, tag));
    }
    answer.body(body)
}

/// Forbids storing a response about guests, if only staff may see guests.
fn personal(state: &State, mut answer: HttpResponse) -> HttpResponse {
    if state.settings.access == Access::Staff {
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    answer
}

fn print(body: &impl Serialize) -> Vec<u8> {
    // Serializing text and numbers into memory cannot fail.
    serde_json::to_vec(body).unwrap_or_default()
}

/// Returns whether a resource matches `If-Match`, in any content coding.
///
/// Without the header every resource matches; with a malformed one none does.
fn expected<T>(
    headers: &HeaderMap,
    print: impl Fn(&T) -> Vec<u8> + Send + 'static,
) -> impl Fn(&T) -> bool + Send + 'static {
    let has_any = headers.contains_key(IF_MATCH);
    let tags = EntityTags::parse(headers.get_all(IF_MATCH)).ok();
    move |current| {
        let tag = EntityTag::of(&print(current));
        let is_it = |named: &EntityTag| {
            let codings = [Coding::Identity, Coding::Gzip, Coding::Brotli];
            codings.into_iter().any(|coding| named.strongly_equals(&tag.in_coding(coding)))
        };
        !has_any || tags.as_ref().is_some_and(|tags| tags.any(is_it))
    }
}
