//! The canary: debug builds render every stored shared page twice, the second time as another client.
//!
//! - A page that differs is deleted again. The client gets an error that says where it differs.
//! - Two pages that were built from different data are not compared.
//! - The second build runs in its own task, so that observers of the request do not count it.
//!
//! A page may differ for another reason, such as the time. Its owner then switches the canary off with
//! [`Rules::canary`](super::rules::Rules::canary), and should reconsider whether the page may be stored.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Path, Service, ServiceRequest, ServiceResponse, Url};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, HeaderName, HeaderValue, ORIGIN, REFERER, USER_AGENT,
};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use bytes::Bytes;

use super::found_page::FoundPage;
use super::handler::{again, ask};
use super::lookup::Lookup;
use super::nested::MAKING;
use super::rules::Rules;
use super::status::{CacheStatus, Forward};
use super::stored::Stored;
use crate::dependencies::Dependencies;
use crate::tracking;

/// The headers that the other client sends.
const OTHERS: [(HeaderName, HeaderValue); 7] = [
    (USER_AGENT, HeaderValue::from_static("larder-canary")),
    (ACCEPT_LANGUAGE, HeaderValue::from_static("eo")),
    (REFERER, HeaderValue::from_static("https://canary.invalid/")),
    (ORIGIN, HeaderValue::from_static("https://canary.invalid")),
    (COOKIE, HeaderValue::from_static("canary=canary")),
    (AUTHORIZATION, HeaderValue::from_static("Bearer canary")),
    (HeaderName::from_static("x-real-ip"), HeaderValue::from_static("192.0.2.1")),
];

/// The peer address of the other client: a documentation address. RFC 5737.
const ELSEWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 1);

/// How many bytes are shown around a difference.
const AROUND: usize = 40;

impl Lookup {
    /// Returns the response, or an error if the page differs for another client.
    pub(super) async fn send_canary<S, B>(
        &self,
        service: Rc<S>,
        (request, response): (HttpRequest, HttpResponse<BoxBody>),
        kept: FoundPage,
        place: &Path<Url>,
    ) -> Result<ServiceResponse<BoxBody>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
        B: MessageBody + 'static,
    {
        // The request is sent again itself, since the framework allows only one handle to it. What the
        // disguise changes is saved here and restored below.
        let (seen, peer) = (request.headers().clone(), request.peer_addr());
        let known = std::mem::take(&mut *request.extensions_mut());
        let mut other = again(request, place);
        disguise(&mut other, &self.rules, &kept.page.varies());
        self.rules.carry_over(&known, &mut other.extensions_mut());
        let (rules, key, current) = (self.rules.clone(), self.key.clone(), self.current.clone());
        let made = actix_web::rt::spawn(async move {
            let asked = MAKING.scope(key, ask(&*service, &rules, other));
            let (answered, dependencies) = tracking::track(current, asked).await;
            let (request, response) = answered?.into_parts();
            let body = to_bytes(response.into_body()).await.unwrap_or_default();
            Ok::<_, Error>((request, body, dependencies))
        });
        let (request, body, dependencies) = match made.await {
            Ok(made) => made?,
            Err(panic) => return Err(actix_web::error::ErrorInternalServerError(panic)),
        };
        let mut request = ServiceRequest::from_request(request);
        *request.headers_mut() = seen;
        request.head_mut().peer_addr = peer;
        *request.extensions_mut() = known;
        let is_comparable = are_of_one_state(kept.entry.dependencies(), &dependencies);
        let response = match difference(kept.page.body(), &body).filter(|_| is_comparable) {
            None => response,
            Some(difference) => self.refuse(&kept, &difference).await,
        };
        Ok(request.into_response(response))
    }

    async fn refuse(&self, kept: &FoundPage, difference: &str) -> HttpResponse<BoxBody> {
        // If the shared store does not answer, the entry has not reached it either.
        let _ = self.cache.delete::<Stored>(&kept.key).await;
        let sentence = format!(
            "This page is cached for all clients, but differs for another client: {difference}. \
             It was removed from the cache. Take what is personal off the page, name in `Vary` \
             what it depends on, or switch the canary off in its `Rules` if it differs for \
             another reason."
        );
        tracing::error!(cache.key = %kept.key, "{sentence}");
        let mut response =
            HttpResponse::build(StatusCode::INTERNAL_SERVER_ERROR).body(sentence + "\n");
        CacheStatus::NotStored(Forward::UriMiss, "canary").write(response.headers_mut());
        response
    }
}

/// Disguises the request as another client's, except for what the page is known to depend on.
fn disguise(request: &mut ServiceRequest, rules: &Rules, varies: &[HeaderName]) {
    for (name, value) in OTHERS {
        // Of its cookies the handler sees those by which the page is keyed, and the other client has these.
        let is_keyed = name == COOKIE && !rules.cookies.is_empty();
        if !is_keyed && !varies.contains(&name) && !rules.headers.contains(&name) {
            request.headers_mut().insert(name, value);
        }
    }
    request.head_mut().peer_addr = Some(ELSEWHERE);
}

/// Reports whether no tag was read at two different stamps.
fn are_of_one_state(one: &Dependencies, other: &Dependencies) -> bool {
    let mut both = one.clone();
    both.merge(other);
    !both.is_inconsistent()
}

/// Describes the first difference of two bodies, or returns `None` if they are equal.
fn difference(one: &Bytes, other: &Bytes) -> Option<String> {
    if one == other {
        return None;
    }
    let at = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let around = |body: &Bytes| {
        let part = &body[at.saturating_sub(AROUND / 2)..body.len().min(at + AROUND)];
        String::from_utf8_lossy(part).into_owned()
    };
    Some(format!("at byte {at}, “{}” instead of “{}”", around(other), around(one)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_with_its_surroundings() {
        let one = Bytes::from_static(b"<p>Hello, Ada.</p>");
        let other = Bytes::from_static(b"<p>Hello, Bob.</p>");
        assert_eq!(difference(&one, &one), None);
        let told = difference(&one, &other).unwrap();
        assert!(told.starts_with("at byte 10, “<p>Hello, Bob.</p>”"), "{told}");
        assert!(difference(&one, &Bytes::new()).unwrap().starts_with("at byte 0, “”"));
    }
}
