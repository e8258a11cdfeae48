//! The rules about the visitor of a request: what the handler learns, and by what pages are keyed.
//!
//! - These rules are functions of the request, as its client and the layers around the cache have made it.
//! - The holes of a page are filled by them. What fills a hole is computed before the page is looked up, since the
//!   handler gets a request without its visitor.
//! - A computed value is written into a header of the request: so handlers see it, and it becomes part of the key.
//!
//! Not here: cookies and headers by which pages are keyed (`rules`), and what is removed from requests (`request`).

use std::fmt;

use actix_web::HttpRequest;
use actix_web::dev::{Extensions, ServiceRequest};
use actix_web::http::header::HeaderValue;

use super::of_request::{Filler, Fillings, Keyed, OfRequest};
use super::rules::Rules;

/// Escapes a text for HTML, also within quoted attributes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

impl Rules {
    /// Keys the pages by a value that is computed from the request, such as the kind of device.
    ///
    /// The handler finds the value in the request header `keyed-`*name*. It must not read what the value was
    /// computed from instead, and a handler that permits other caches to store its page must name that in `Vary`.
    ///
    /// The value is part of the page's key, so a hit is one lookup. Of each URL at most 256 pages are stored, by such
    /// values and by `Vary` together. For a further one the least used goes, so that a client which sends ever new
    /// values cannot evict the pages of others. An empty value adds nothing to the key: for such requests the page is
    /// that of the URL itself.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use larder_cache::page::Rules;
    ///
    /// let rules = Rules::from(Duration::from_secs(300)).key_by("device", |request| {
    ///     let agent = request.headers().get("user-agent").and_then(|agent| agent.to_str().ok());
    ///     if agent.is_some_and(|agent| agent.contains("Mobile")) { "phone" } else { "desktop" }
    /// });
    /// ```
    pub fn key_by<V: ToString>(
        mut self,
        name: &str,
        of: impl Fn(&HttpRequest) -> V + Send + Sync + 'static,
    ) -> Self {
        let of = OfRequest::new(move |request| of(request).to_string());
        self.keyed.push(Keyed { name: name.to_owned(), of });
        self
    }

    /// Stores the pages of each user for this user, and one for all visitors for whom `of` returns `None`.
    ///
    /// The key holds a digest of the user's number or name. The handler of a user's page sees the whole request, with
    /// cookies and extensions; that of the anonymous page sees nothing of its visitor, as on all shared pages. A
    /// layer that finds the user, such as a session, stands around the page cache here.
    ///
    /// A user's pages also depend on the tag `user#`*id*. Invalidate it when the user's rights change, or on
    /// signing out. They are sent as `private`, and all pages with `Vary: Cookie`. A stale one is never served while
    /// it is rebuilt in the background, where its user would be missing.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use actix_web::HttpMessage;
    /// use larder_cache::page::Rules;
    ///
    /// #[derive(Clone, Copy)]
    /// struct UserId(u64);
    ///
    /// let rules = Rules::from(Duration::from_secs(300))
    ///     .per_user(|request| request.extensions().get::<UserId>().map(|user| user.0));
    /// ```
    pub fn per_user<I: ToString>(
        mut self,
        of: impl Fn(&HttpRequest) -> Option<I> + Send + Sync + 'static,
    ) -> Self {
        self.user = Some(OfRequest::new(move |request| of(request).map(|id| id.to_string())));
        self
    }

    /// Fills the hole of this name, on shared pages, with a text for each visitor: a name, a token of a form.
    ///
    /// The page is stored once for all, without what is in its holes. The handler prints a hole by
    /// [`page::hole`](super::hole), or a template by the filter [`hole`](crate::fragment::filters::hole). The text
    /// is escaped; [`Rules::hole_html`] takes HTML. A response with a filled hole is `private, no-cache` and has no
    /// validator, so it is always whole. For clients that accept gzip the page is compressed, but not what is in its
    /// holes: so the length of a response gives no hint at a secret there. Where all texts are empty, as for visitors
    /// who are not signed in, the page is sent as it is stored.
    ///
    /// `of` sees the request with cookies and extensions. It is called for each request, also on a hit: what it
    /// needs of a database, a layer around the page cache loads. No layer within the cache may compress the page, such
    /// as actix-web's `Compress`: in a stream or a compressed body holes are not found.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use actix_web::{HttpMessage, HttpResponse};
    /// use larder_cache::page::{self, Rules};
    ///
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// let rules = Rules::from(Duration::from_secs(300)).hole("greeting", |request| {
    ///     let user = request.extensions().get::<User>().cloned();
    ///     user.map(|user| format!("Hello, {}!", user.0)).unwrap_or_default()
    /// });
    ///
    /// // Runs once in five minutes, for all visitors.
    /// async fn index() -> HttpResponse {
    ///     HttpResponse::Ok().body(format!("<p>{}</p>", page::hole("greeting")))
    /// }
    /// ```
    pub fn hole<V: fmt::Display>(
        self,
        name: &str,
        of: impl Fn(&HttpRequest) -> V + Send + Sync + 'static,
    ) -> Self {
        self.hole_html(name, move |request| escaped(&of(request).to_string()))
    }

    /// Fills the hole of this name with HTML, such as a rendered template, in which texts are escaped already.
    pub fn hole_html<V: ToString>(
        mut self,
        name: &str,
        of: impl Fn(&HttpRequest) -> V + Send + Sync + 'static,
    ) -> Self {
        let of = OfRequest::new(move |request| of(request).to_string());
        self.holes.push(Filler { name: name.to_owned(), of });
        self
    }

    /// Computes what fills the holes for this request.
    pub(super) fn fillings(&self, request: &HttpRequest) -> Fillings {
        let filling = |hole: &Filler| (hole.name.clone(), hole.of.get(request));
        Fillings::new(self.holes.iter().map(filling).collect())
    }

    /// Says that what these rules find out about visitors ([`Rules::key_by`], [`Rules::per_user`], [`Rules::hole`]) comes
    /// from cookies or a password, and from nothing else.
    ///
    /// So visitors without these share a page, which may also be answered before the layers
    /// ([`Cache::early_hits`](crate::Cache::early_hits)) and stored by a cache in front of the site, if that passes on
    /// each request with cookies or a password. There it is stored if nothing was filled in, and each value that it is
    /// keyed by is empty.
    pub fn told_apart_by_cookies(mut self) -> Self {
        self.is_told_apart = true;
        self
    }

    /// Reports whether these rules may need what a layer around the cache has found out about the visitor.
    pub(super) fn look_at_visitors(&self) -> bool {
        self.user.is_some() || !self.keyed.is_empty() || !self.holes.is_empty()
    }

    /// Whether requests without cookies and passwords are the same to these rules.
    pub(super) fn tell_apart_by_cookies(&self) -> bool {
        !self.look_at_visitors() || self.is_told_apart
    }

    /// Returns the user that sent the request, if pages are stored for users.
    pub(super) fn user_of(&self, request: &HttpRequest) -> Option<String> {
        self.user.as_ref().and_then(|user| user.get(request))
    }

    /// Returns the rules for the pages of a user, whose handlers see the whole request.
    pub(super) fn of_a_user(&self) -> Option<Self> {
        self.user.as_ref()?;
        Some(Self { is_shared: false, is_personal: true, has_canary: false, ..self.clone() })
    }

    /// Writes the values by which pages are keyed into the request's headers.
    pub(super) fn note_keys(&self, request: &mut ServiceRequest) {
        for keyed in &self.keyed {
            let Some(name) = keyed.header() else { continue };
            let value = keyed.of.get(request.request());
            let value = HeaderValue::from_bytes(value.as_bytes())
                .or_else(|_| HeaderValue::try_from(value.escape_debug().to_string()));
            match value {
                Ok(value) => request.headers_mut().insert(name, value),
                // Never what a client has written.
                Err(_) => request.headers_mut().remove(name),
            };
        }
    }

    /// Lets the handlers of shared pages see this extension, which middleware around the cache has added.
    ///
    /// They see no others, since most are derived from the visitor: a session, an account, a client's address.
    /// Name what all visitors have in common, or what does not show on the page, such as the number of a request.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use larder_cache::page::Rules;
    ///
    /// #[derive(Clone)]
    /// struct RequestId(u64);
    ///
    /// let rules = Rules::from(Duration::from_secs(300)).carry::<RequestId>();
    /// ```
    pub fn carry<T: Clone + 'static>(mut self) -> Self {
        self.carried.push(|from, to| {
            if let Some(known) = from.get::<T>() {
                to.insert(known.clone());
            }
        });
        self
    }

    /// Copies the extensions that handlers may see.
    pub(super) fn carry_over(&self, from: &Extensions, to: &mut Extensions) {
        self.carried.iter().for_each(|carry| carry(from, to));
    }
}
