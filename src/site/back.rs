//! The page that a client came from, to which a form returns.
//!
//! - The page before a form is the one that linked to it: `Referer`, which browsers send within a site. Lists need
//!   no special links.
//! - The forms carry it on as `?back=` of their addresses: through invalid fields, conflicts and signing in.
//! - Only paths of this site are accepted. Forms themselves are no pages to return to.
//! - The fragment of the address names the row that was edited: `/?page=3#products-7`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::REFERER;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Deserialize;

use super::client::Client;
use super::host::is_origin;
use super::{flash, form, redirect};
use crate::cache::page::Target;
use crate::error::AppError;

/// Bytes of the longest address that is carried on.
const LONGEST: usize = 2_000;

/// Ends of the paths of forms.
const FORMS: [&str; 4] = ["/new", "/edit", "/delete", "/login"];

/// Where a form returns to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Back {
    /// The path and query that the client came from, if it is known.
    to: Option<String>,
    /// Whether the client wants the empty form again after adding.
    wants_another: bool,
}

/// The part of a query that is carried on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Carried {
    back: String,
    another: String,
}

impl Back {
    /// Returns the page that the client came from.
    pub fn of(request: &HttpRequest) -> Self {
        let carried: Carried = form::parse(request.query_string()).unwrap_or_default();
        let to = match &*carried.back {
            // The page before a `POST` is the form itself.
            "" if request.method() == Method::GET => referer(request),
            "" => None,
            back => Some(back.to_owned()),
        };
        let to = to.filter(|to| to.len() <= LONGEST).filter(|to| is_page(to));
        Self { to, wants_another: !carried.another.is_empty() }
    }

    /// Returns the list on which the client selected items: the page before a `POST` that changes many.
    pub fn of_selection(request: &HttpRequest) -> Self {
        let back = Self::of(request);
        let list = || referer(request).filter(|to| is_page(to) && to.len() <= LONGEST);
        let list = || list().filter(|to| to.split('?').next() != Some(request.path()));
        Self { to: back.to.clone().or_else(list), ..back }
    }

    /// Returns the page to go back to; `usual` if the client came from none.
    pub fn or<'b>(&'b self, usual: &'b str) -> &'b str {
        self.to.as_deref().unwrap_or(usual)
    }

    /// Returns the address of the form at `path`, which carries the page on.
    pub fn on(&self, path: impl AsRef<str>) -> String {
        self.with(path.as_ref(), "")
    }

    /// Returns the address to which a form is sent by *Save and add another*.
    pub fn another(&self, path: &str) -> String {
        self.with(path, "yes")
    }

    fn with(&self, path: &str, another: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let pairs = [("another", another), ("back", self.or(""))];
        query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        let query = query.finish();
        let sign = if path.contains('?') { '&' } else { '?' };
        if query.is_empty() { path.to_owned() } else { format!("{path}{sign}{query}") }
    }

    /// Redirects to the row of the item at the path `item`, where `sentence` is shown.
    pub fn saved(&self, usual: &str, item: &str, sentence: &str) -> HttpResponse {
        let to = self.to.as_ref().map(|to| format!("{to}#{}", row(item)));
        flash::redirect(to.as_deref().unwrap_or(usual), sentence)
    }

    /// Redirects back, where `sentence` is shown.
    pub fn returned(&self, usual: &str, sentence: &str) -> HttpResponse {
        flash::redirect(self.or(usual), sentence)
    }

    /// Redirects after adding: to the empty form at `form` if the client wants it, or back.
    pub fn added(&self, usual: &str, form: &str, sentence: &str) -> HttpResponse {
        let form = self.wants_another.then(|| self.on(form));
        flash::redirect(form.as_deref().unwrap_or(self.or(usual)), sentence)
    }

    /// Redirects after the item at the path `item` was deleted, whose own page is gone.
    pub fn deleted(&self, usual: &str, item: &str, sentence: &str) -> HttpResponse {
        let path = |to: &&str| to.split('?').next() != Some(item);
        flash::redirect(self.to.as_deref().filter(path).unwrap_or(usual), sentence)
    }
}

/// Returns the id of an item's row in lists: `products-7` for the item at `/products/7`.
pub fn row(item: &str) -> String {
    item.trim_start_matches('/').replace('/', "-")
}

/// Whether a path and query of this site is one of a page to return to.
fn is_page(to: &str) -> bool {
    let path = to.split('?').next().unwrap_or_default();
    redirect::local_path(to) == to
        && !to.contains('#')
        && !FORMS.iter().any(|form| path.ends_with(form))
}

/// Returns path and query of the page of this site that linked here.
fn referer(request: &HttpRequest) -> Option<String> {
    let referer = request.headers().get(REFERER)?.to_str().ok()?;
    let host = referer.find("://")? + 3;
    let (origin, path) = referer.split_at(host + referer[host..].find('/')?);
    let scheme = Client::of(request).scheme();
    let here = Target::of(request.head(), scheme).ok()?.authority?;
    is_origin(origin, scheme, &here).then(|| path.to_owned())
}

impl FromRequest for Back {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn after(referer: &str) -> Back {
        let request = TestRequest::with_uri("/products/7/edit");
        let request = request.insert_header(("host", "shop.test"));
        Back::of(&request.insert_header((REFERER, referer)).to_http_request())
    }

    #[test]
    fn only_pages_of_this_site_that_are_no_forms_are_returned_to() {
        assert_eq!(after("http://shop.test/?page=3&q=tea").or("/x"), "/?page=3&q=tea");
        for other in [
            "http://evil.test/?page=3",
            "https://shop.test/",
            "http://shop.test//evil.test/",
            "http://shop.test/products/new?back=/",
            "http://shop.test/login?next=/",
            "http://shop.test",
            "/?page=3",
            "",
        ] {
            assert_eq!(after(other).or("/x"), "/x", "{other}");
        }
    }

    #[test]
    fn addresses_carry_the_page_on() {
        let back = |query: &str| Back::of(&TestRequest::with_uri(query).to_http_request());
        assert_eq!(back("/f?back=/%3Fpage%3D3").on("/g?event=7"), "/g?event=7&back=%2F%3Fpage%3D3");
        assert_eq!(back("/f").on("/g"), "/g");
        for wrong in ["//evil.test", "https://evil.test", "/%5Cevil.test", "/a%0D%0Ab", "/a%23b"] {
            assert_eq!(back(&format!("/f?back={wrong}")).or("/x"), "/x", "{wrong}");
        }
        assert_eq!(back(&format!("/f?back=/{}", "x".repeat(2_000))).or("/x"), "/x");
    }
}
