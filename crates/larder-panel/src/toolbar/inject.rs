//! Injects the toolbar's script into a page.
//!
//! - The script is one constant line before `</body>`, or at the end if there is none; the rest of the page
//!   does not change.
//! - Only whole, uncompressed HTML pages carry it: no compressed or partial response, no redirect, no
//!   response without a body.
//! - A page that carries it is sent as `no-store` and without validators. Its policy lets it load the
//!   script and fetch the panels, from this site only.

use std::cell::RefCell;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED,
};
use bytes::Bytes;

use crate::assets::TOOLBAR_SCRIPT;

/// Returns the line, the same for all pages of a panel at this path.
pub fn line(at: &str) -> String {
    format!("<script src=\"{}\" data-at=\"{at}\" defer></script>", TOOLBAR_SCRIPT.url(at))
}

/// Allows the script in the page's content security policy.
const SCRIPTS: &str = "; script-src 'self'";

/// Allows the page to fetch the panels.
const QUESTIONS: &str = "; connect-src 'self'";

/// Decides whether a response is a page that can carry the script.
pub fn can_carry(response: &ServiceResponse<BoxBody>) -> bool {
    let status = response.status();
    let headers = response.headers();
    let is_whole = !status.is_redirection()
        && !status.is_informational()
        && ![StatusCode::NO_CONTENT, StatusCode::PARTIAL_CONTENT].contains(&status)
        && !headers.contains_key(CONTENT_RANGE)
        && !headers.contains_key(CONTENT_ENCODING);
    is_whole
        && is_html(headers)
        && matches!(response.response().body().size(), BodySize::Sized(1..))
}

/// Reports whether the response is HTML.
pub fn is_html(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("text/html"))
}

/// Injects the script's line into a page that can carry it.
pub fn inject(response: ServiceResponse<BoxBody>, line: &str) -> ServiceResponse<BoxBody> {
    let mut is_in = false;
    let mut response = response.map_body(|_, body| match body.try_into_bytes() {
        Ok(page) => {
            is_in = true;
            BoxBody::new(with_line(&page, line))
        }
        Err(body) => body,
    });
    if is_in {
        change(response.headers_mut());
    }
    response
}

fn with_line(page: &[u8], line: &str) -> Bytes {
    let end = b"</body>";
    let is_end = |window: &[u8]| window.eq_ignore_ascii_case(end);
    let place = page.windows(end.len()).rposition(is_end).unwrap_or(page.len());
    [&page[..place], line.as_bytes(), &page[place..]].concat().into()
}

fn change(headers: &mut HeaderMap) {
    for name in [ETAG, LAST_MODIFIED, ACCEPT_RANGES, CONTENT_LENGTH] {
        headers.remove(name);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(policy) = headers.get(CONTENT_SECURITY_POLICY)
        && let Some(policy) = allowing_ours(policy)
    {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}

thread_local! {
    /// The last policy and what it became: most pages of a site have the same one.
    static LAST_POLICY: RefCell<Option<[HeaderValue; 2]>> = const { RefCell::new(None) };
}

/// Returns a policy that allows the script and its questions, too.
fn allowing_ours(policy: &HeaderValue) -> Option<HeaderValue> {
    LAST_POLICY.with_borrow_mut(|last| {
        if let Some([known, ours]) = last
            && known == policy
        {
            return Some(ours.clone());
        }
        let text = policy.to_str().ok()?;
        let missing = |allowed: &'static str| {
            let is_there = text.contains(allowed.trim_start_matches("; ").split(' ').next()?);
            (!is_there).then_some(allowed)
        };
        let [scripts, questions] =
            [SCRIPTS, QUESTIONS].map(|allowed| missing(allowed).unwrap_or_default());
        let ours = HeaderValue::from_str(&format!("{text}{scripts}{questions}")).ok()?;
        *last = Some([policy.clone(), ours.clone()]);
        Some(ours)
    })
}

#[cfg(test)]
mod tests {
    use actix_web::HttpResponse;
    use actix_web::test::TestRequest;

    use super::*;

    fn answer(
        response: &mut actix_web::HttpResponseBuilder,
        body: &str,
    ) -> ServiceResponse<BoxBody> {
        let response = response.body(body.to_owned());
        ServiceResponse::new(TestRequest::default().to_http_request(), response)
    }

    fn html(body: &str) -> ServiceResponse<BoxBody> {
        let mut response = HttpResponse::Ok();
        answer(
            response.content_type("text/html; charset=utf-8").insert_header((ETAG, "\"a\"")),
            body,
        )
    }

    fn body(response: ServiceResponse<BoxBody>) -> String {
        let body = response.into_body().try_into_bytes().unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn the_script_stands_before_the_end_of_the_body() {
        let line = line("/panel");
        let cases = [
            ("<p>&lt;/body></p></body></html>", format!("<p>&lt;/body></p>{line}</body></html>")),
            ("<p></BODY>", format!("<p>{line}</BODY>")),
            ("</body>a</body>", format!("</body>a{line}</body>")),
            ("<p>grün", format!("<p>grün{line}")),
        ];
        for (page, expected) in cases {
            assert_eq!(body(inject(html(page), &line)), expected);
        }
    }

    #[test]
    fn a_page_that_carries_it_is_never_stored() {
        let mut page = html("<p>");
        let policy = HeaderValue::from_static("default-src 'none'");
        page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        let page = inject(page, &line("/panel"));
        assert_eq!(page.headers().get(CACHE_CONTROL).unwrap(), "no-store");
        assert!(!page.headers().contains_key(ETAG));
        let policy = page.headers().get(CONTENT_SECURITY_POLICY).unwrap();
        assert_eq!(policy, "default-src 'none'; script-src 'self'; connect-src 'self'");
    }

    #[test]
    fn only_whole_pages_that_are_text_can_carry_it() {
        assert!(can_carry(&html("<p>")));
        let mut not = vec![html("")];
        for status in [204, 206, 303, 304] {
            let status = StatusCode::from_u16(status).unwrap();
            not.push(answer(HttpResponse::build(status).content_type("text/html"), "x"));
        }
        let coded = (CONTENT_ENCODING, "br");
        not.push(answer(HttpResponse::Ok().content_type("text/html").insert_header(coded), "x"));
        not.push(answer(HttpResponse::Ok().content_type("application/json"), "{}"));
        not.push(answer(&mut HttpResponse::Ok(), "x"));
        assert!(not.iter().all(|answer| !can_carry(answer)));
    }
}
