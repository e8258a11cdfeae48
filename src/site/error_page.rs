//! HTML pages for errors of handlers, guards, and the framework.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{Error, web};
use askama::Template;

use super::error_text::{heading, is_bare, message};
use super::problem;
use super::render::{self, Layout, dressed};
use super::visitor::Visitor;
use crate::cache::fragment::filters;
use crate::state::State;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    layout: Layout,
    status: u16,
    heading: &'static str,
    message: String,
}

/// Adds a page to every error response without one, for the whole app; clients of JSON get a problem.
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
        // Boxed: errors are rare, and otherwise each request would reserve the memory for their page.
        if is_bare(&response) { Box::pin(put_on(response)).await } else { Ok(response) }
    }
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
    let layout = Layout::new(&Visitor::of_answered(response.request()), "", heading);
    let page = ErrorPage { layout, status: status.as_u16(), heading, message };
    let body = render::print(&state, &page).await?;
    let mut response = response.map_body(|_, _| BoxBody::new(body));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    Ok(response)
}

dressed!(ErrorPage);
