//! What the application hands in: who may see the panel, and how its pages look.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use actix_web::{Error, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cache::Tag;
use crate::cache::front::Purges;
use crate::cache::http::PassedOn;
use crate::error::PanelError;
use crate::page::{self, Page};
use crate::redirect::see_other;

/// A part of the panel, which can have other visitors than the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The toolbar.
    Toolbar,
    /// The dashboard.
    Dashboard,
    /// The metrics.
    Metrics,
}

/// Decides whether a client may see something.
pub(crate) type Decision = Arc<dyn Fn(&HttpRequest) -> bool + Send + Sync>;

/// Refuses clients that may not see a part of the panel.
pub(crate) type Guard = Arc<dyn Fn(&HttpRequest) -> Result<(), Error> + Send + Sync>;

/// Returns the address of a client.
type Client = Box<dyn Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync>;

/// Returns a page in the layout of the application.
type Layout = Box<dyn Fn(HttpRequest, Page) -> Rendering + Send + Sync>;

/// A page that is being rendered.
pub(crate) type Rendering = LocalBoxFuture<'static, Result<String, Error>>;

/// Explains a statement with its binds, as they are printed; runs it, if that is wanted.
type Explain = Box<dyn Fn(String, Vec<String>, bool) -> Explaining + Send + Sync>;

/// The lines of a plan, or a sentence that says why there are none.
pub(crate) type Explaining = LocalBoxFuture<'static, Result<Vec<String>, String>>;

/// The tags of a name that people type.
type Tags = Box<dyn Fn(&str) -> Option<Vec<Tag>> + Send + Sync>;

/// What became of the purges of each cache in front.
type Fronts = Box<dyn Fn() -> Vec<Purges> + Send + Sync>;

/// Everything that the application hands in.
pub(crate) struct Hooks {
    /// Whether a request is observed, as far as is known before any other layer has seen it.
    pub observes: Decision,
    /// Whether an answered request is recorded, now that it is known who is signed in.
    pub confirms: Decision,
    /// The guards of the parts, in the order of their numbers.
    pub guards: [Guard; 3],
    pub client: Client,
    pub may_write: Decision,
    pub layout: Layout,
    pub redirect: fn(&str, &str) -> HttpResponse,
    pub clock: fn(SystemTime) -> String,
    /// Splits a text into the words by which the application searches.
    pub words: fn(&str) -> String,
    pub explain: Option<Explain>,
    /// Returns an error and what caused it, outermost first.
    pub errors: fn(&Error) -> Vec<String>,
    /// The names of panels that are not shown.
    pub without: Vec<&'static str>,
    pub tags: Tags,
    pub fronts: Fronts,
    /// The beginnings of addresses that are no pages, and have no row in the history.
    pub unlisted: Vec<String>,
    /// Whether the application counts the requests itself.
    pub counts_itself: bool,
    pub settings: Vec<(String, String)>,
    pub versions: Vec<(String, String)>,
    /// The labels of the metric that tells which program runs.
    pub build: Vec<(&'static str, String)>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            observes: Arc::new(is_local),
            confirms: Arc::new(|_| true),
            guards: [(); 3].map(|()| of(is_local)),
            client: Box::new(|request| request.peer_addr().map(|peer| peer.ip())),
            may_write: Arc::new(|_| true),
            layout: Box::new(|request, page| Box::pin(page::neutral(request, page))),
            redirect: |path, _| see_other(path),
            clock: |at| OffsetDateTime::from(at).format(&Rfc3339).unwrap_or_default(),
            words,
            explain: None,
            errors: |error| vec![error.to_string()],
            without: Vec::new(),
            tags: Box::new(tags),
            fronts: Box::new(Vec::new),
            unlisted: Vec::new(),
            counts_itself: false,
            settings: Vec::new(),
            versions: Vec::new(),
            build: Vec::new(),
        }
    }
}

impl Hooks {
    /// Checks whether the client may see this part.
    pub(crate) fn check(&self, part: Part, request: &HttpRequest) -> Result<(), Error> {
        self.guards[part as usize](request)
    }
}

/// Returns the guard that refuses clients as if there were nothing.
pub(crate) fn of(allows: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static) -> Guard {
    Arc::new(move |request| match allows(request) {
        true => Ok(()),
        false => Err(PanelError::NotFound.into()),
    })
}

/// Reports whether the client is on this machine, and no proxy says that it passed the request on.
fn is_local(request: &HttpRequest) -> bool {
    let is_passed_on = request.headers().keys().any(|name| PassedOn::of(name.as_str()).is_some());
    !is_passed_on && request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

fn words(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").to_lowercase()
}

fn tags(name: &str) -> Option<Vec<Tag>> {
    match name {
        "" => None,
        "everything" => Some(vec![Tag::EVERYTHING]),
        name => Some(vec![Tag::from(name.to_owned())]),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_clients_on_this_machine_are_allowed_by_default() {
        let asked = |peer: &str, header: &str| {
            let request = TestRequest::get().peer_addr(peer.parse().unwrap());
            let request = request.insert_header((header, "x")).to_http_request();
            Hooks::default().check(Part::Dashboard, &request).is_ok()
        };
        assert!(asked("127.0.0.1:9", "accept") && asked("[::1]:9", "accept"));
        assert!(!asked("192.0.2.1:9", "accept") && !asked("127.0.0.1:9", "x-forwarded-for"));
        let unknown = TestRequest::get().to_http_request();
        assert!(Hooks::default().check(Part::Toolbar, &unknown).is_err());
    }
}
