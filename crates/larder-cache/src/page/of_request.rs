//! What an owner computes of a request: functions, and what they are for.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

use crate::hole::Hole;

/// A function of the request.
#[derive(Clone)]
pub(super) struct OfRequest<T>(Arc<dyn Fn(&HttpRequest) -> T + Send + Sync>);

impl<T> OfRequest<T> {
    pub(super) fn new(of: impl Fn(&HttpRequest) -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(of))
    }

    pub(super) fn get(&self, request: &HttpRequest) -> T {
        self.0(request)
    }
}

// The rules stay as they are if one of their functions panics.
impl<T> UnwindSafe for OfRequest<T> {}
impl<T> RefUnwindSafe for OfRequest<T> {}

impl<T> fmt::Debug for OfRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a function of the request")
    }
}

/// A place of the page that is filled for each visitor.
#[derive(Debug, Clone)]
pub(super) struct Filler {
    pub name: String,
    pub of: OfRequest<String>,
}

/// What fills the holes of a page for one request: HTML for each name.
#[derive(Debug, Default)]
pub(super) struct Fillings(Vec<(String, String)>);

impl Fillings {
    pub(super) fn new(htmls: Vec<(String, String)>) -> Self {
        Self(htmls)
    }

    /// Reports whether there is something to fill one of these holes with.
    pub(super) fn fill_any(&self, holes: &[Hole]) -> bool {
        holes.iter().any(|hole| !self.get(&hole.name).is_empty())
    }

    /// Returns what fills the hole of this name: nothing if the rules have none of this name.
    pub(super) fn get(&self, name: &str) -> &str {
        let known = self.0.iter().find(|(known, _)| known == name);
        known.map(|(_, html)| html.as_str()).unwrap_or_default()
    }
}

/// A value by which pages are keyed, and the header in which handlers find it.
#[derive(Debug, Clone)]
pub(super) struct Keyed {
    pub name: String,
    pub of: OfRequest<String>,
}

impl Keyed {
    /// Returns the name of the header; `None` if it would be no valid name.
    pub(super) fn header(&self) -> Option<HeaderName> {
        HeaderName::try_from(format!("keyed-{}", self.name)).ok()
    }
}
