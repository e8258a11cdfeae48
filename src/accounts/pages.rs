//! The pages for signing in, signing out and changing the password.

use std::time::Duration;

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::forms::{PasswordForm, SignInForm, SignInQuery};
use super::service::{self, Attempt};
use super::throttle::{Refusal, Throttle};
use super::{keys, session};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::client::Client;
use crate::site::form::{Form, FormErrors, Query};
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::Visitor;
use crate::site::{flash, redirect};
use crate::state::State;

type Answer = Result<HttpResponse, AppError>;

/// Where staff arrive after signing in.
const HOME: &str = "/staff";

/// The sign-in form.
#[derive(Template)]
#[template(path = "accounts/login.html")]
struct SignInPage {
    layout: Layout,
    form: SignInForm,
    error: Option<String>,
}

/// The sentence of a failed attempt; it does not tell which of the two is wrong.
pub(super) const WRONG: &str = "Wrong name or password.";

/// Answers `GET /login` with the sign-in form.
pub async fn ask(
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query<SignInQuery>,
) -> Answer {
    if visitor.may_write() {
        return Ok(redirect::see_other(next(&query.next)));
    }
    if !visitor.may_sign_in() {
        return Err(AppError::Absent(
            "This shop has no staff accounts. See larder serve --access.",
        ));
    }
    let form = SignInForm { next: query.next, ..SignInForm::default() };
    sign_in_page(&state, &visitor, form, StatusCode::OK, None).await
}

/// Shows the sign-in form, which carries on where to go or which form to do.
pub(super) async fn sign_in_page(
    state: &State,
    visitor: &Visitor,
    form: SignInForm,
    status: StatusCode,
    error: Option<String>,
) -> Answer {
    let layout = Layout::new(visitor, "", "Sign in");
    unstored(html(state, status, &SignInPage { layout, form, error }).await?)
}

/// Handles `POST /login`: signs the client in.
pub async fn sign_in(
    request: HttpRequest,
    state: web::Data<State>,
    throttle: web::Data<Throttle>,
    visitor: Visitor,
    Form(form): Form<SignInForm>,
) -> Answer {
    if !visitor.may_sign_in() && !visitor.may_write() {
        return Err(AppError::NotFound);
    }
    let who = (&*form.name, &*form.password);
    let address = Client::of(&request).network();
    let shown = session::shown(&request);
    match service::sign_in(&state, &throttle, who, &address, shown).await? {
        Attempt::In(secret) => {
            let mut answer = redirect::see_other(next(&form.next));
            keep(&mut answer, session::cookie(&request, secret.as_str(), keys::SESSION_AGE));
            Ok(answer)
        }
        Attempt::Wrong => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            sign_in_page(&state, &visitor, form, status, Some(WRONG.to_owned())).await
        }
        Attempt::Refused(refusal) => Err(refused(refusal)),
    }
}

/// Returns the error of an attempt that was not made.
pub(super) fn refused(refusal: Refusal) -> AppError {
    match refusal {
        Refusal::TooOften { seconds } => AppError::TooMany { seconds },
        Refusal::Crowded => AppError::Crowded,
    }
}

/// Returns where to go after signing in: a path of this site, by default the staff index.
fn next(path: &str) -> &str {
    if path.is_empty() { HOME } else { redirect::local_path(path) }
}

/// Handles `POST /logout`: signs the browser out.
pub async fn sign_out(request: HttpRequest, state: web::Data<State>) -> Answer {
    if let Some(shown) = session::shown(&request) {
        service::sign_out(&state, &shown).await?;
    }
    let mut answer = flash::redirect("/", "You are signed out.");
    keep(&mut answer, session::cookie(&request, "", Duration::ZERO));
    Ok(answer)
}

/// The form that changes a password.
#[derive(Template)]
#[template(path = "accounts/password.html")]
struct PasswordPage {
    layout: Layout,
    errors: FormErrors,
}

/// Answers `GET /staff/password` with the form that changes a password.
pub async fn ask_password(request: HttpRequest, state: web::Data<State>) -> Answer {
    let visitor = signed_in(&request)?;
    password_page(&state, &visitor, StatusCode::OK, FormErrors::default()).await
}

async fn password_page(
    state: &State,
    visitor: &Visitor,
    status: StatusCode,
    errors: FormErrors,
) -> Answer {
    let layout = Layout::new(visitor, "staff", "Change password");
    unstored(html(state, status, &PasswordPage { layout, errors }).await?)
}

/// Returns the visitor if an account is signed in. An open shop has no accounts, so it answers 404.
fn signed_in(request: &HttpRequest) -> Result<Visitor, AppError> {
    let visitor = Visitor::of(request);
    match (visitor.name(), visitor.may_sign_in()) {
        (Some(_), _) => Ok(visitor),
        (None, true) => Err(AppError::SignInFirst { back: request.uri().to_string() }),
        (None, false) => Err(AppError::NotFound),
    }
}

/// Handles `POST /staff/password`: changes the password.
pub async fn change_password(
    request: HttpRequest,
    state: web::Data<State>,
    throttle: web::Data<Throttle>,
    Form(form): Form<PasswordForm>,
) -> Answer {
    let visitor = signed_in(&request)?;
    let mut errors = FormErrors::default();
    let new = match form.parse() {
        Ok(new) => new,
        Err(errors) => {
            return password_page(&state, &visitor, StatusCode::UNPROCESSABLE_ENTITY, errors).await;
        }
    };
    let who = (visitor.name().unwrap_or_default(), &*form.old);
    let address = Client::of(&request).network();
    match service::change_password(&state, &throttle, who, new, &address).await? {
        Attempt::In(secret) => {
            let done = "Password changed. Your other browsers are signed out, and your tokens are revoked.";
            let mut answer = flash::redirect(HOME, done);
            keep(&mut answer, session::cookie(&request, secret.as_str(), keys::SESSION_AGE));
            Ok(answer)
        }
        Attempt::Wrong => {
            errors.keep("old", Err::<(), _>("This is not your current password."));
            password_page(&state, &visitor, StatusCode::UNPROCESSABLE_ENTITY, errors).await
        }
        Attempt::Refused(refusal) => Err(refused(refusal)),
    }
}

/// Sets the cookie of a session.
pub(super) fn keep(answer: &mut HttpResponse, cookie: Cookie<'static>) {
    // A session's value is plain ASCII, so it is always valid in a header.
    let _ = answer.add_cookie(&cookie);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn unstored(mut answer: HttpResponse) -> Answer {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

dressed!(SignInPage, PasswordPage);
