//! Errors in the shop's dress, whoever answered them: a handler, a guard, or the framework.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::{Error, web};
use askama::Template;

use super::problem;
use super::render::{self, Layout, dressed};
use super::visitor::Visitor;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::state::State;

/// The page of an error.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    layout: Layout,
    status: u16,
    heading: &'static str,
    message: String,
}

/// Puts a page around every error that has none, for the whole app; who wants JSON gets a problem.
pub fn dress<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let response = service.call(request);
    async move {
        let response = response.await?.map_into_boxed_body();
        // Boxed: errors are rare, and each request would carry the room for their page.
        if is_bare(&response) { Box::pin(put_on(response)).await } else { Ok(response) }
    }
}

/// Whether it is an error that nobody has written a page for.
pub(super) fn is_bare(response: &ServiceResponse<BoxBody>) -> bool {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    is_error && (has_no_body(response) || !has_page(response.headers()))
}

fn has_no_body(response: &ServiceResponse<BoxBody>) -> bool {
    matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0))
}

fn has_page(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| !value.starts_with("text/plain"))
}

async fn put_on(response: ServiceResponse<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    if problem::is_for(response.request()) {
        return Ok(problem::tell(response));
    }
    let Some(state) = response.request().app_data::<web::Data<State>>().cloned() else {
        return Ok(response);
    };
    let status = response.status();
    let heading = heading(status);
    let message = message(&response);
    let layout = Layout::new(&Visitor::of(response.request()), "", heading);
    let page = ErrorPage { layout, status: status.as_u16(), heading, message };
    let body = render::print(&state, &page).await?;
    let mut response = response.map_body(|_, _| BoxBody::new(body));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    Ok(response)
}

/// The sentence of whoever refused it.
pub(super) fn message(response: &ServiceResponse<BoxBody>) -> String {
    let error = response.response().error().and_then(|error| error.as_error::<AppError>());
    error.map_or_else(|| explain(response.status()).to_owned(), AppError::to_string)
}

/// What is written above it.
pub(super) fn heading(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "Not allowed",
        404 => "Not on our shelves",
        405 => "Not in this way",
        408 => "Too slow",
        412 => "Changed meanwhile",
        413 => "Too large",
        415 | 400 => "We cannot read this",
        421 => "Not our name",
        429 => "Not so fast",
        422 => "This cannot be done",
        503 => "Back in a moment",
        500..=599 => "Something broke",
        _ => status.canonical_reason().unwrap_or("This did not work"),
    }
}

/// What to say where nobody said anything.
fn explain(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "There is nothing at this address.",
        405 => "This address does not take requests of that kind.",
        408 => "The request took too long to arrive.",
        412 => "The page is not the one that was expected.",
        400..=499 => "The request cannot be answered as it was sent.",
        _ => "Something went wrong on our side.",
    }
}

dressed!(ErrorPage);
