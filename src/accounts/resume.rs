//! Forms that were sent when the session had ended: nothing that was typed is lost.
//!
//! - The guard hands such a form over ([`Interrupted`]). The answer is a sign-in page that carries it.
//! - After the sign-in the form is done at once, in the same request, as its own handler does it: a form that is
//!   invalid by then comes back filled.
//! - The carried form has a MAC of the database's secret, so that only forms that this shop was sent are done. It
//!   expires after a day. Until then any account may do it, more than once, as with a form on a page: whose session it
//!   was is not known any more.
//! - It never holds a secret: a form with a field of a secret's name is not carried, and its sender reads why. The keys
//!   of the cache are no secrets.

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
use crate::site::visitor::{ByStaff, Proof, SignedIn, Staff, Visitor};
use crate::site::{redirect, secrets};
use crate::state::State;

/// The address to which the sign-in page sends a carried form.
pub const PATH: &str = "/login/resume";

/// The form that changes a password; its fields are never carried.
const OF_PASSWORDS: &str = "/staff/password";

/// Seconds for which a form is carried.
const LIFETIME: i64 = 24 * 60 * 60;

/// Bytes of the longest address that is carried; those of the shop are much shorter.
const LONGEST_ADDRESS: usize = 4 * 1024;

/// Bytes of the largest body that carries a form, in base64 and beside a name and a password.
const LIMIT: usize = (form::LIMIT + LONGEST_ADDRESS) * 4 / 3 + 16 * 1024;

/// The forms about the cache, whose field [`CACHE_KEY`] is no secret.
const OF_THE_CACHE: [&str; 2] = ["/cache/", "/toolbar/"];

/// The field with a key of the cache.
const CACHE_KEY: &str = "key";

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

    /// Returns the path that it was sent to, decoded; `None` if it is encoded too often to be one of the shop's.
    fn path(&self) -> Option<String> {
        secrets::decoded(self.to.split('?').next().unwrap_or_default())
    }

    fn is_of_passwords(&self) -> bool {
        self.path().is_none_or(|path| path.to_lowercase().contains("password"))
    }

    /// Returns why the form may not be carried, as a sentence; `None` if it may.
    fn refusal(&self) -> Option<&'static str> {
        if self.is_of_passwords() {
            return Some("Passwords are not kept meanwhile: sign in, then enter them again.");
        }
        if self.to.len() > LONGEST_ADDRESS {
            return Some(
                "The address of your form is too long to be kept: sign in, then send it again.",
            );
        }
        let path = self.path().unwrap_or_default();
        let is_of_the_cache = OF_THE_CACHE.iter().any(|front| path.starts_with(front));
        let mut fields = form_urlencoded::parse(self.body.as_bytes());
        let is_secret = fields.any(|(name, value)| match is_of_the_cache && name == CACHE_KEY {
            // What is stored under such a key is a secret.
            true => secrets::is_named(&value),
            false => secrets::is_named(&name),
        });
        let why = "Your form may hold a secret, so it was not kept: sign in, then send it again.";
        is_secret.then_some(why)
    }
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Returns the secret of the database, or the last known one if the database cannot be read.
///
/// The secret is replaced with the stamps, which no request has read yet that comes without a session.
async fn newest_secret(state: &State) -> &Sealing {
    let _ = state.cache.inspect().current().await;
    &state.secret
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
    let form = match carried.refusal() {
        None => {
            let carried = carried.sealed(newest_secret(&state).await, now() + LIFETIME);
            SignInForm { carried, ..SignInForm::default() }
        }
        Some(notice) => {
            // Its empty form is shown after the sign-in.
            let next = if carried.is_of_passwords() { OF_PASSWORDS } else { "" };
            SignInForm { next: next.to_owned(), notice, ..SignInForm::default() }
        }
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
    request.extensions_mut().insert(ByStaff);
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
    let carried = Carried::opened(&form.carried, newest_secret(state).await, now());
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
    fn no_secret_is_carried() {
        let is_open =
            |to: &str, body: &str| Carried { to: to.into(), body: body.into() }.refusal().is_none();
        for (to, body) in [
            ("/products", "title=Tea&price=4&once=x"),
            ("/cache/key/delete", "key=products.list"),
            ("/toolbar/purge", "key=page%3A&back=%2F"),
        ] {
            assert!(is_open(to, body), "{to} {body}");
        }
        for (to, body) in [
            ("/staff/password", "old=a&new=b"),
            ("/staff/password?x", "old=a&new=b"),
            ("/staff/passwor%64", "old=a&new=b"),
            ("/staff/passwor%2564", "old=a&new=b"),
            ("//staff/Password/", "old=a&new=b"),
            ("/staff/%252525252570assword", "old=a&new=b"),
            ("/products", "title=Tea&password=x"),
            ("/products", "title=Tea&p%61ssword=x"),
            ("/products", "title=Tea&pass+word=x"),
            ("/products", "title=Tea&key=x"),
            ("/products?cache/", "key=x"),
            ("/cache/key", "key=api_token&value=x"),
            ("/cache/key", "key=a&token=x"),
        ] {
            assert!(!is_open(to, body), "{to} {body}");
        }
        let long = format!("/products?{}", "x".repeat(LONGEST_ADDRESS));
        assert!(!is_open(&long, "title=Tea"));
    }
}
