//! Refuses requests by where they come from, and by which host they are for.
//!
//! - Requests must be for a name and a port of the shop ([`super::host`]); otherwise another name
//!   could be pointed at this server, and pages under it could act as ours. The guard rewrites the
//!   host into one spelling, and the path, too ([`super::spelling`]).
//! - The health pages are exempt: load balancers request them under the machine's address, or
//!   without a host, and they report nothing that pages under another name could use.
//! - Writes must come from our own pages, or from a program that is not a browser. Another port of
//!   this host is another site: `same-site` is not enough.
//! - In an open shop, writes are for this machine only, and never through a proxy, behind which all
//!   clients look local.
//! - In a shop with staff, writes are for signed-in staff from any address; signing in and out is
//!   for all.
//!
//! So pages need no CSRF token, and are the same for all visitors.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, ORIGIN};
use actix_web::{Error, HttpMessage, web};

use super::client::{self, Client};
use super::form;
use super::host::is_origin;
use super::problem::PROGRAMS;
use super::spelling;
use super::visitor::Visitor;
use crate::cache::http::Authority;
use crate::cache::page::{self, Target, Unknown};
use crate::error::AppError;
use crate::state::{Access, Settings, State};

/// Addresses that may be read under any host name.
const UNDER_ANY_NAME: [&str; 2] = ["/health/live", "/health/ready"];

/// Addresses that accept writes without a session: signing in, and signing out after a session ended.
const FOR_ALL: [&str; 3] = ["/login", "/login/resume", "/logout"];

/// The address that answers a form whose session has ended, whatever address it was sent to.
pub const INTERRUPTED: &str = "/login/interrupted";

/// The path and query to which a form was sent whose session has ended.
#[derive(Debug, Clone)]
pub struct Interrupted(pub String);

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses forbidden requests, for the whole app.
pub fn guard<S, B>(
    mut request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    spelling::settle(&mut request);
    let checked = match request.app_data::<web::Data<State>>() {
        Some(state) => check(&request, &state.settings),
        None => Ok(None),
    };
    let answer = match checked {
        Err(AppError::SessionEnded) if form::is_form(request.headers()) => {
            interrupt(&mut request);
            client::hide(&mut request);
            Ok(service.call(request))
        }
        Err(error) => Err(request.error_response(error)),
        Ok(respelled) => {
            if let Some(host) = respelled {
                page::rewrite(&mut request, &host);
            }
            client::hide(&mut request);
            Ok(service.call(request))
        }
    };
    async move {
        Ok(match answer {
            Ok(response) => response.await?.map_into_boxed_body(),
            Err(refusal) => refusal,
        })
    }
}

/// Hands a form whose session has ended over to the page that lets its sender sign in.
fn interrupt(request: &mut ServiceRequest) {
    let to = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    request.extensions_mut().insert(Interrupted(to));
    redirect_within(request, INTERRUPTED);
}

/// The path that the client has asked for, where the routes see another one.
#[derive(Debug, Clone)]
pub struct Received(pub String);

/// Lets the routes see another path and query than the client has asked for.
pub fn redirect_within(request: &mut ServiceRequest, to: &str) {
    let Ok(uri) = to.parse() else { return };
    let received = Received(request.path().to_owned());
    request.extensions_mut().insert(received);
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

/// Returns the host to write into the request, if the request spells it differently.
///
/// # Errors
/// The refusal of a forbidden request.
pub fn check(request: &ServiceRequest, settings: &Settings) -> Result<Option<String>, AppError> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // The scheme is the one that a trusted proxy reports, since the proxy terminates TLS. Pages of
    // other sites cannot set that header.
    let client = Client::of(request.request());
    let scheme = client.scheme();
    let target = Target::of(request.head(), scheme)?;
    match &target.authority {
        Some(host) if settings.hosts.has(host, scheme) => {
            if !is_read {
                check_write(request, settings, client, host)?;
            }
        }
        _ if is_read && UNDER_ANY_NAME.contains(&request.path()) => {}
        _ => return Err(AppError::UnknownHost),
    }
    Ok(target.respelled())
}

impl From<Unknown> for AppError {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Malformed => Self::BadRequest(
                "The Host of the request is none: expected a name or an address, and maybe a port from \
                 1 to 65535, as in shop.example:8000.",
            ),
            Unknown::OtherScheme => Self::UnknownHost,
        }
    }
}

fn check_write(
    request: &ServiceRequest,
    settings: &Settings,
    client: Client,
    host: &Authority<'_>,
) -> Result<(), AppError> {
    if !is_from_here(request.headers(), client.scheme(), host) {
        return Err(AppError::Forbidden(
            "Refused: this form was sent from another site. Please use the form on this site.",
        ));
    }
    match settings.access {
        Access::ReadOnly => Err(AppError::Forbidden(
            "This shop can be browsed here, but not changed: it is open to other machines and has \
             no staff accounts.",
        )),
        Access::Open if !client.is_local => Err(AppError::Forbidden(
            "This shop can only be changed from the machine that it runs on, without a proxy.",
        )),
        Access::Open => Ok(()),
        Access::Staff => check_staff(request),
    }
}

fn check_staff(request: &ServiceRequest) -> Result<(), AppError> {
    let visitor = Visitor::among(Access::Staff, &request.extensions(), request.headers());
    if visitor.may_write() || FOR_ALL.contains(&request.path()) {
        return Ok(());
    }
    if request.path().starts_with(PROGRAMS) || request.headers().contains_key(AUTHORIZATION) {
        return Err(AppError::TokenNeeded);
    }
    Err(AppError::SessionEnded)
}

/// Whether a write comes from a page of this origin, or from a program that is not a browser.
fn is_from_here(headers: &HeaderMap, scheme: &str, host: &Authority<'_>) -> bool {
    if headers.contains_key(&SEC_FETCH_SITE) {
        return matches!(text(headers, &SEC_FETCH_SITE), Some("same-origin" | "none"));
    }
    if headers.contains_key(ORIGIN) {
        return text(headers, &ORIGIN).is_some_and(|origin| is_origin(origin, scheme, host));
    }
    true
}

/// Returns the only value of a header; `None` if it is missing, repeated, or not text.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name);
    let value = values.next()?.to_str().ok();
    if values.next().is_some() { None } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_here(fetch_site: Option<&str>, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in [(SEC_FETCH_SITE, fetch_site), (ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let host = Authority::parse(b"shop.test:8000", "http").unwrap();
        is_from_here(&headers, "http", &host)
    }

    #[test]
    fn writes_come_from_this_origin_or_from_no_browser() {
        let cases = [
            (None, None, true),
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            (Some("same-site"), None, false),
            (Some("cross-site"), Some("http://shop.test:8000"), false),
            (Some("junk"), None, false),
            (None, Some("http://shop.test:8000"), true),
            (None, Some("HTTP://SHOP.test.:08000"), true),
            (None, Some("http://shop.test:9000"), false),
            (None, Some("http://u@shop.test:8000"), false),
            (None, Some("http://shop.test:8000/"), false),
            (None, Some("shop.test:8000"), false),
            (None, Some("http://"), false),
            (None, Some("https://shop.test:8000"), false),
            (None, Some("http://evil.test"), false),
            (None, Some("null"), false),
        ];
        for (fetch_site, origin, expected) in cases {
            assert_eq!(is_here(fetch_site, origin), expected, "{fetch_site:?} {origin:?}");
        }
    }
}
