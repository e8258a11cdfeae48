//! Which requests are answered strictly, where `--freshness` lets others be answered from data of a moment ago.
//!
//! - Requests that may write: what they check is current.
//! - Those of a browser that has just written, so that it sees its own write in every instance. It carries a cookie for
//!   as long as another instance may use stamps from before the write.
//! - Those of a program that says so in a header.
//!
//! The cookie holds nothing, and a client may forge it: a strict answer is that of a shop without `--freshness`.

use std::time::Duration;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};

use super::client::Client;
use super::cookie;
use crate::sql::strictly;
use crate::state::State;

/// The cookie of browsers that have just written.
const COOKIE: &str = "larder-wrote";

/// The header of programs, whose value is `strict`.
const HEADER: &str = "larder-freshness";

/// Answers the request strictly if it has to be, for the whole app.
pub fn decide<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let bound = State::of(request.request()).settings.freshness.bound();
    let may_write = !request.method().is_safe();
    let is_strict = bound.is_some() && (may_write || is_to_be_strict(&request));
    let answer = service.call(request);
    async move {
        let mut response = if is_strict { strictly(answer).await } else { answer.await }?;
        // Whatever the answer is: a commit may have preceded a failure.
        if let Some(bound) = bound.filter(|_| may_write) {
            let is_secure = Client::of(response.request()).is_https;
            // Adding cannot fail: the value holds only characters that every header may hold.
            let _ = response.response_mut().add_cookie(&mark(bound, is_secure));
        }
        Ok(response)
    }
}

fn is_to_be_strict(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    cookie::value(headers, COOKIE).is_some()
        || headers.get(HEADER).is_some_and(|value| value.as_bytes() == b"strict")
}

/// Returns the cookie that lasts until every instance has stamps from after now.
fn mark(bound: Duration, is_secure: bool) -> Cookie<'static> {
    // Browsers count whole seconds, and may have counted a part of one already.
    let seconds = i64::try_from(bound.as_secs()).unwrap_or(i64::MAX).saturating_add(2);
    Cookie::build(COOKIE, "1")
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_secure)
        .max_age(time::Duration::seconds(seconds))
        .finish()
}
