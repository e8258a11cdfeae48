//! The guard of all addresses: refuses clients and foreign forms, and forbids storing.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HOST, HeaderValue, ORIGIN};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};

use crate::error::PanelError;
use crate::hooks::Part;
use crate::refusal;
use crate::state::PanelState;

/// Answers requests for the addresses of one part.
pub(crate) async fn guard<B: MessageBody + 'static>(
    part: Part,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<web::Data<PanelState>>().cloned();
    let state = state.ok_or(PanelError::NotFound)?;
    let checked = match is_of_this_site(request.request()) {
        true => state.hooks.check(part, request.request()),
        false => Err(PanelError::Foreign.into()),
    };
    let response = match checked {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(refusal) => request.error_response(refusal),
    };
    let mut response = refusal::dress(&state, response).await?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Reports whether a write comes from a page of this site, or from a program that is no browser.
fn is_of_this_site(request: &HttpRequest) -> bool {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return true;
    }
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    match (header("sec-fetch-site"), header(ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == header(HOST.as_str()).or(request.uri().host())
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn forms_of_other_sites_are_refused() {
        let cases = [
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "cross-site", false),
            ("origin", "http://site.test", true),
            ("origin", "http://evil.test", false),
            ("origin", "null", false),
            ("accept", "*/*", true),
        ];
        for (name, value, expected) in cases {
            let request = TestRequest::post().insert_header(("host", "site.test"));
            let request = request.insert_header((name, value)).to_http_request();
            assert_eq!(is_of_this_site(&request), expected, "{name}: {value}");
        }
        let read = TestRequest::get().insert_header(("sec-fetch-site", "cross-site"));
        assert!(is_of_this_site(&read.to_http_request()));
    }
}
