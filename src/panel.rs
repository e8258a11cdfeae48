//! The panel in the shop: which clients see its parts, and how its pages look.
//!
//! - Keys and records hold what visitors searched for. So only clients on this machine, without a proxy, have access;
//!   in a shop with staff, only signed-in staff, from any address.
//! - The toolbar can be switched off, and shown to all. The metrics can be public.

use std::fmt;

use actix_web::http::header::COOKIE;
use actix_web::{Error, HttpRequest};
use askama::Template;
use askama::filters::HtmlSafe;
use larder_panel::{Page, Panel, Part};

use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::client::Client;
use crate::site::flash;
use crate::site::log::{Answered, Counts};
use crate::site::render::{self, Layout, dressed};
use crate::site::time::Timestamp;
use crate::site::visitor::Visitor;
use crate::site::words::words;
use crate::state::{Access, State, Toolbar};

/// Paths of the dashboard for people, who are asked to sign in; programs are asked for a token.
const PAGES: [&str; 5] =
    ["/cache", "/cache/entries", "/cache/entry", "/cache/entry/delete", "/cache/invalidate"];

/// Returns the panel of the shop; its addresses begin at the root.
pub fn open(state: &State, are_metrics_public: bool) -> Panel {
    Panel::new(&state.cache)
        .at("")
        .allow(may_be_observed)
        .confirm(|request| !Visitor::of_answered(request).may_sign_in())
        .guard(Part::Toolbar, may_see_the_toolbar)
        .guard(Part::Dashboard, may_see_the_dashboard)
        .guard(Part::Metrics, move |request| may_see_metrics(request, are_metrics_public))
        .client(|request| Client::of(request).address)
        .may_write(|request| Visitor::of(request).may_write())
        .layout(|request, page| Box::pin(in_the_shops_dress(request, page)))
        .redirect(flash::redirect)
        .clock(|at| Timestamp::from(at).display())
        .words(words)
        .database(&state.db)
        .errors(chain)
        // They are no pages, and are requested all the time.
        .unlisted(&["/static/", "/health"])
        .counting_requests_itself()
}

impl Counts for Panel {
    fn count(&self, Answered { method, status, cache, took }: Answered<'_>) {
        Self::count(self, method, status, cache, took);
    }

    fn add_in_flight(&self, change: i64) {
        Self::add_in_flight(self, change);
    }
}

/// Returns an error and what caused it, outermost first.
fn chain(error: &Error) -> Vec<String> {
    let Some(error) = error.as_error::<AppError>() else { return vec![error.to_string()] };
    let causes =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect()
}

/// Decides whether the client may see the toolbar, as far as is known before it is identified.
///
/// If the shop has staff, only they may, and a request without a cookie is not from staff.
fn may_be_observed(request: &HttpRequest) -> bool {
    let settings = &State::of(request).settings;
    if settings.access == Access::Staff && !request.headers().contains_key(COOKIE) {
        return false;
    }
    match settings.toolbar {
        Toolbar::Off => false,
        Toolbar::On => true,
        Toolbar::Local => Client::of(request).is_local,
    }
}

fn may_see_the_toolbar(request: &HttpRequest) -> Result<(), Error> {
    match may_be_observed(request) && !Visitor::of(request).may_sign_in() {
        true => Ok(()),
        false => Err(AppError::NotFound.into()),
    }
}

fn may_see_the_dashboard(request: &HttpRequest) -> Result<(), Error> {
    let visitor = Visitor::of(request);
    let refusal = match visitor.may_sign_in() {
        true if PAGES.contains(&request.path()) => {
            AppError::SignInFirst { back: request.uri().to_string() }
        }
        true => AppError::TokenNeeded,
        false if visitor.name().is_some() || Client::of(request).is_local => return Ok(()),
        false => AppError::Forbidden(
            "The cache is shown only on the machine that the shop runs on, without a proxy.",
        ),
    };
    Err(refusal.into())
}

fn may_see_metrics(request: &HttpRequest, are_public: bool) -> Result<(), Error> {
    match are_public || Client::of(request).is_local {
        true => Ok(()),
        false => Err(AppError::Forbidden(
            "Figures are shown on the machine that the shop runs on, without a proxy, unless it was \
             started with --metrics public.",
        )
        .into()),
    }
}

/// A page of the panel in the layout of the shop.
#[derive(Template)]
#[template(path = "panel.html")]
struct PanelPage {
    layout: Layout,
    stylesheet: String,
    content: Content,
}

/// The content of a page, whose text the panel has escaped.
struct Content(String);

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Content {}

async fn in_the_shops_dress(request: HttpRequest, page: Page) -> Result<String, Error> {
    let layout = Layout::new(&Visitor::of(&request), "", page.title);
    let page = PanelPage { layout, stylesheet: page.stylesheet, content: Content(page.content) };
    Ok(render::print(State::of(&request), &page).await?)
}

dressed!(PanelPage);
