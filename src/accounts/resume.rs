//! Forms that were sent when the session had ended: nothing that was typed is lost.
//!
//! - The guard hands such a form over ([`Interrupted`]). The answer is a sign-in page that carries it.
//! - After the sign-in the form is done at once, in the same request, as its own handler does it: a form that is
//!   invalid by then comes back filled.
//! - The carried form has a MAC of the database's secret, so that only forms that this shop was sent are done. It
//!   expires after a day, and never holds a password.

use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, COOKIE, HeaderValue};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::stream;
use time::OffsetDateTime;

use super::forms::SignInForm;
use super::model::{Known, Secret};
use super::service::{self, Attempt};
use super::throttle::Throttle;
use super::{keys, pages, session};
use crate::cache::Secret as Sealing;
use crate::error::AppError;
use crate::site::client::Client;
use crate::site::form::{self, Encoded};
use crate::site::origin::{self, Interrupted};
use crate::site::visitor::{Proof, SignedIn, Staff, Visitor};
use crate::site::{redirect, secrets};
use crate::state::State;

/// The address to which the sign-in page sends a carried form.
pub const PATH: &str = "/login/resume";

/// The form that changes a password; its fields are never carried.
const OF_PASSWORDS: &str = "/staff/password";

/// Seconds for which a form is carried.
const LIFETIME: i64 = 24 * 60 * 60;

/// Bytes of the largest body that carries a form, in base64 and beside a name and a password.
const LIMIT: usize = form::LIMIT * 4 / 3 + 16 * 1024;

/// The name under which carried forms are sealed.
const SEAL: &str = "accounts.carried";

/// A form that is carried through the sign-in page.
#[derive(Debug, PartialEq, Eq)]
struct Carried {
    /// The path and query that it was sent to.
    to: String,
    /// Its fields, encoded.
    body: String,
}

impl Carried {
    /// Returns the text that a page carries: the expiry as a Unix timestamp, the MAC and the form.
    fn sealed(&self, secret: &Sealing, end: i64) -> String {
        let (end, form) = (end.to_string(), format!("{}\n{}", self.to, self.body));
        let mac = secret.mac(SEAL, [end.as_bytes(), form.as_bytes()]);
        format!("{end}.{}.{}", URL_SAFE_NO_PAD.encode(mac), URL_SAFE_NO_PAD.encode(form))
    }

    /// Returns the form of such a text, if its MAC is valid and it has not expired.
    fn opened(text: &str, secret: &Sealing, now: i64) -> Option<Self> {
        let (end, rest) = text.split_once('.')?;
        let (mac, form) = rest.split_once('.')?;
        let (mac, form) = (URL_SAFE_NO_PAD.decode(mac).ok()?, URL_SAFE_NO_PAD.decode(form).ok()?);
        let is_ours = secret.has_made(&mac, SEAL, [end.as_bytes(), &form]);
        let form = String::from_utf8(form).ok()?;
        let (to, body) = form.split_once('\n')?;
        let carried = || Self { to: to.to_owned(), body: body.to_owned() };
        (is_ours && now < end.parse().ok()?).then(carried)
    }

    fn is_of_passwords(&self) -> bool {
        self.to.split('?').next() == Some(OF_PASSWORDS)
    }

    /// Whether the form may be carried: its fields hold no secret.
    fn is_open(&self) -> bool {
        let mut names = self.body.split('&').map(|pair| pair.split('=').next().unwrap_or(pair));
        !self.is_of_passwords() && !names.any(secrets::is_named)
    }
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Answers a form whose session has ended: the sign-in page, which carries the form.
pub async fn offer(
    request: HttpRequest,
    state: web::Data<State>,
    visitor: Visitor,
    Encoded(body): Encoded,
) -> Result<HttpResponse, AppError> {
    let to = request.extensions().get::<Interrupted>().map(|Interrupted(to)| to.clone());
    let to = to.filter(|to| redirect::local_path(to) == to).ok_or(AppError::NotFound)?;
    let carried = Carried { to, body };
    let form = match carried.is_open() {
        true => {
            let carried = carried.sealed(&state.secret, now() + LIFETIME);
            SignInForm { carried, ..SignInForm::default() }
        }
        // Its empty form is shown after the sign-in.
        false if carried.is_of_passwords() => {
            SignInForm { next: OF_PASSWORDS.to_owned(), ..SignInForm::default() }
        }
        false => SignInForm::default(),
    };
    pages::sign_in_page(&state, &visitor, form, StatusCode::FORBIDDEN, None).await
}

/// Handles `POST /login/resume` before all routes: signs the client in, and does the carried form.
pub async fn resume<S, B>(
    service: Rc<S>,
    state: web::Data<State>,
    mut request: ServiceRequest,
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let payload = request.take_payload();
    let (carried, secret, known) = match sign_in(&state, &request, payload).await {
        Ok(signed_in) => signed_in,
        Err(Refused::Page(page)) => return Ok(request.into_response(page)),
        Err(Refused::Error(error)) => return Ok(request.error_response(error)),
    };
    let cookie = session::cookie(request.request(), secret.as_str(), keys::SESSION_AGE);
    rewrite(&mut request, carried, &cookie.stripped().to_string());
    let staff = Staff { id: known.account, name: known.name.into() };
    request.extensions_mut().insert(SignedIn { staff, proof: Proof::Session });
    let mut response = service.call(request).await?.map_into_boxed_body();
    pages::keep(response.response_mut(), cookie);
    Ok(response)
}

/// Turns the request into that of the carried form, with the cookie of the new session.
fn rewrite(request: &mut ServiceRequest, carried: Carried, cookie: &str) {
    let headers = request.headers_mut();
    session::take_off(headers);
    headers.insert(CONTENT_LENGTH, carried.body.len().into());
    // Cannot fail: the value of a session is plain ASCII.
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        headers.append(COOKIE, cookie);
    }
    origin::redirect_within(request, &carried.to);
    let body = stream::iter([Ok(Bytes::from(carried.body))]);
    request.set_payload(Payload::Stream { payload: Box::pin(body) });
}

/// Why a carried form is not done.
enum Refused {
    /// The sign-in page again, which still carries the form.
    Page(HttpResponse),
    /// An error.
    Error(AppError),
}

impl From<AppError> for Refused {
    fn from(error: AppError) -> Self {
        Self::Error(error)
    }
}

async fn sign_in(
    state: &State,
    request: &ServiceRequest,
    payload: Payload,
) -> Result<(Carried, Secret, Known), Refused> {
    origin::check(request, &state.settings)?;
    let body = form::read(payload, state.settings.bodies, LIMIT).await?;
    let form: SignInForm = form::parse(&form::text(body)?)?;
    let carried = Carried::opened(&form.carried, &state.secret, now());
    let carried = carried.ok_or(AppError::BadRequest(
        "The form that you sent before signing in has expired. Please go back and send it again.",
    ))?;
    let throttle = request.app_data::<web::Data<Throttle>>().ok_or(AppError::NotFound)?;
    let (address, shown) =
        (Client::of(request.request()).network(), session::shown(request.request()));
    let who = (&*form.name, &*form.password);
    let attempt = service::sign_in(state, throttle, who, &address, shown).await?;
    let (status, error) = match attempt {
        Attempt::In(secret) => {
            let known = service::session(state, &secret).await?.ok_or(AppError::NotFound)?;
            return Ok((carried, secret, known));
        }
        Attempt::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, pages::WRONG.to_owned()),
        Attempt::Refused(refusal) => {
            let error = pages::refused(refusal);
            (actix_web::ResponseError::status_code(&error), error.to_string())
        }
    };
    let visitor = Visitor::of(request.request());
    Err(Refused::Page(pages::sign_in_page(state, &visitor, form, status, Some(error)).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forms_that_this_shop_was_sent_are_done_and_only_for_a_time() {
        let (ours, theirs) = (Sealing::random(), Sealing::random());
        let form = || Carried { to: "/products?back=/".into(), body: "title=Gr%C3%BCn".into() };
        let text = form().sealed(&ours, 1_000);
        assert_eq!(Carried::opened(&text, &ours, 999), Some(form()));
        assert_eq!(Carried::opened(&text, &ours, 1_000), None);
        assert_eq!(Carried::opened(&text, &theirs, 999), None);
        let other = Carried { to: "/cookbook".into(), ..form() }.sealed(&ours, 1_000);
        let (front, _) = text.rsplit_once('.').unwrap();
        let (_, form) = other.rsplit_once('.').unwrap();
        let later = text.replacen("1000.", "9999.", 1);
        for forged in [format!("{front}.{form}"), later, String::new(), "..".into(), "1.2.3".into()]
        {
            assert_eq!(Carried::opened(&forged, &ours, 0), None, "{forged}");
        }
    }

    #[test]
    fn no_password_is_carried() {
        let is_open = |to: &str, body: &str| Carried { to: to.into(), body: body.into() }.is_open();
        assert!(is_open("/products", "title=Tea&price=4&once=x"));
        assert!(!is_open("/staff/password", "old=a&new=b"));
        assert!(!is_open("/staff/password?x", "old=a&new=b"));
        assert!(!is_open("/products", "title=Tea&password=x"));
    }
}
