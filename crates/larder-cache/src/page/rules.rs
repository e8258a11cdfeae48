//! The rules that the owner of a route sets for its pages.
//!
//! - [`Rules::shared`]: the pages are for all clients. Handlers see no credentials, so they cannot leak
//!   them; the owner's lifetime counts.
//! - [`Rules::respecting`]: for third-party handlers. Only the response's own headers decide, as RFC 9111
//!   reads them for a shared cache.
//! - What is not set has the most cautious default.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::http::header::HeaderName;

use super::of_request::{Filler, Keyed, OfRequest};
use crate::http::freshness::Owner;
use crate::http::storable::STATUSES;
use crate::policy::Policy;

/// The default of [`Rules::largest_body`], in bytes.
const LARGEST: usize = 4 << 20;

/// Returns the normal form of a parameter's value, by the parameter's name: see [`Rules::normal_form`].
pub(super) type NormalForm = fn(name: &str, value: &str) -> String;

/// Copies one type of extension to another request.
pub(super) type Carry = fn(from: &Extensions, to: &mut Extensions);

/// The owner's rules for the pages of a route.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) owner: Owner,
    pub(super) policy: Option<Policy>,
    pub(super) is_shared: bool,
    pub(super) statuses: Vec<u16>,
    pub(super) targets: Vec<HeaderName>,
    pub(super) parameters: Option<Vec<String>>,
    pub(super) normal_form: Option<NormalForm>,
    pub(super) languages: Vec<String>,
    pub(super) headers: Vec<HeaderName>,
    pub(super) cookies: Vec<String>,
    pub(super) sessions: Vec<String>,
    pub(super) has_ranges: bool,
    pub(super) has_codings: bool,
    /// Whether a handler has given a tag that ends like one of the cache's.
    pub(super) has_such_tags: Arc<AtomicBool>,
    pub(super) revalidates: bool,
    pub(super) obeys_requests: bool,
    pub(super) is_emptied_by_writes: bool,
    pub(super) largest: usize,
    pub(super) prefix: String,
    pub(super) has_canary: bool,
    pub(super) tells_browsers: bool,
    pub(super) carried: Vec<Carry>,
    pub(super) keyed: Vec<Keyed>,
    pub(super) holes: Vec<Filler>,
    pub(super) user: Option<OfRequest<Option<String>>>,
    /// Whether these are the rules for the pages of one user.
    pub(super) is_personal: bool,
    /// Whether these rules look at nothing of a visitor but cookies and passwords.
    pub(super) is_told_apart: bool,
    /// Whether the log has warned of a wrong order of layers: once, for all workers.
    pub(super) is_order_said: Arc<AtomicBool>,
}

impl From<Policy> for Rules {
    fn from(policy: Policy) -> Self {
        Self::shared(policy)
    }
}

impl From<Duration> for Rules {
    fn from(lifetime: Duration) -> Self {
        Self::shared(Policy::fresh_for(lifetime))
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Rules {
    /// Creates rules for pages that are the same for all clients, stored as long as `policy` says.
    ///
    /// A lifetime given by the handler is ignored. The handler sees nothing of the visitor: no `Cookie`, no
    /// `Authorization`, no address of the client, and none of the extensions that middleware around the cache has
    /// added, save those named by [`Rules::carry`]. Writes to the route do not invalidate its pages: their tags do.
    ///
    /// Source: Django's `cache_page`.
    pub fn shared(policy: Policy) -> Self {
        Self {
            owner: Owner::Always(policy.lifetime()),
            policy: Some(policy),
            is_shared: true,
            is_emptied_by_writes: false,
            has_canary: cfg!(debug_assertions),
            ..Self::respecting()
        }
    }

    /// Returns the policy of a page that is stored for `lifetime`.
    pub(super) fn policy_for(&self, lifetime: Duration) -> Policy {
        let policy = Policy::fresh_for(lifetime);
        let is_local = self.policy.is_some_and(|policy| policy.is_local());
        if is_local { policy.local_only() } else { policy }
    }

    /// Creates rules for handlers that know nothing of this cache: only explicit freshness counts.
    pub fn respecting() -> Self {
        Self {
            owner: Owner::Silent,
            policy: None,
            is_shared: false,
            statuses: STATUSES.to_vec(),
            targets: Vec::new(),
            parameters: None,
            normal_form: None,
            languages: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            sessions: Vec::new(),
            has_ranges: true,
            has_codings: true,
            has_such_tags: Arc::default(),
            revalidates: true,
            obeys_requests: false,
            is_emptied_by_writes: true,
            largest: LARGEST,
            prefix: "page".to_owned(),
            has_canary: false,
            tells_browsers: true,
            carried: Vec::new(),
            keyed: Vec::new(),
            holes: Vec::new(),
            user: None,
            is_personal: false,
            is_told_apart: false,
            is_order_said: Arc::default(),
        }
    }

    /// Sets the lifetime of responses that give none. Without it they are not stored.
    pub fn default_lifetime(mut self, lifetime: Duration) -> Self {
        self.owner = Owner::Default(lifetime);
        self
    }

    /// Stores only responses with these statuses.
    pub fn statuses(mut self, statuses: &[u16]) -> Self {
        self.statuses = statuses.to_vec();
        self
    }

    /// Sets the fields that address this cache, the most specific first. Source: RFC 9213 §2.2.
    ///
    /// The first valid one counts instead of `Cache-Control`.
    pub fn targets(mut self, names: &[HeaderName]) -> Self {
        self.targets = names.to_vec();
        self
    }

    /// Declares the only query parameters on which the page depends.
    ///
    /// All others, and those without a value, are removed before the handler sees the request, and the
    /// order is fixed. So they cannot create further pages.
    ///
    /// Source: `No-Vary-Search`.
    pub fn parameters(mut self, names: &[&str]) -> Self {
        self.parameters = Some(owned(names));
        self
    }

    /// Sets how the values of declared parameters are rewritten before the handler sees the request.
    ///
    /// It gets the name and the decoded value, and returns the normal form of the value: empty if the value says
    /// nothing. So equivalent values share one page. A value that is not UTF-8 is left alone.
    pub fn normal_form(mut self, of: NormalForm) -> Self {
        self.normal_form = Some(of);
        self
    }

    /// Offers the pages in these languages, the default one first.
    ///
    /// What a client asks for in `Accept-Language` is one of them: that is part of the key, and the only
    /// `Accept-Language` that the handler sees. `Vary` says so to browsers and other caches.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use larder_cache::page::Rules;
    ///
    /// let rules = Rules::from(Duration::from_secs(300)).languages(&["en", "de", "pt-BR"]);
    /// ```
    ///
    /// Source: RFC 4647 §3.4. Django: `LocaleMiddleware` before `cache_page`.
    pub fn languages(mut self, offered: &[&str]) -> Self {
        self.languages = owned(offered);
        self
    }

    /// Adds these request headers to the key, whatever `Vary` says.
    pub fn keyed_headers(mut self, names: &[HeaderName]) -> Self {
        self.headers = names.to_vec();
        self
    }

    /// Adds the values of these cookies to the key, as digests.
    ///
    /// Handlers see them: those of shared pages see these cookies and no others.
    pub fn keyed_cookies(mut self, names: &[&str]) -> Self {
        self.cookies = owned(names);
        self
    }

    /// Lets requests with one of these cookies bypass the cache: their clients have signed in.
    pub fn sessions(mut self, cookies: &[&str]) -> Self {
        self.sessions = owned(cookies);
        self
    }

    /// Sets whether clients may ask for parts of pages. Yes by default.
    pub fn ranges(mut self, has: bool) -> Self {
        self.has_ranges = has;
        self
    }

    /// Sets whether bodies are compressed for clients that accept it. Yes by default.
    ///
    /// A compressed page has a tag of its own, such as `"v1-gzip"`. If a client sends that with a write, the
    /// handler gets `"v1"`. Once a handler has given such a tag itself, the tags of writes are left alone, and pages
    /// with such a tag are never compressed.
    pub fn codings(mut self, has: bool) -> Self {
        self.has_codings = has;
        self
    }

    /// Sets whether stale pages are revalidated with the handler. Yes by default.
    pub fn revalidation(mut self, does: bool) -> Self {
        self.revalidates = does;
        self
    }

    /// Sets whether a request's `Cache-Control` and `Pragma` are obeyed.
    ///
    /// No by default, since clients could make the site rebuild its pages. `no-cache` and `max-age` revalidate
    /// a stored page; `no-store` stores nothing; `max-stale` permits stale pages. Source: RFC 9111 §5.2.1.
    pub fn request_directives(mut self, count: bool) -> Self {
        self.obeys_requests = count;
        self
    }

    /// Sets whether an answered write invalidates the pages of its URL and of those its response names.
    ///
    /// Source: RFC 9111 §4.4.
    pub fn emptied_by_writes(mut self, is: bool) -> Self {
        self.is_emptied_by_writes = is;
        self
    }

    /// Sets whether every stored page is rendered twice and answered with 500 if the two differ.
    ///
    /// The second time is for another client, so handlers run twice per page. By default this is on in
    /// debug builds for shared pages, and off otherwise.
    pub fn canary(mut self, sings: bool) -> Self {
        self.has_canary = sings;
        self
    }

    /// Sets whether browsers are told `private, no-cache` where the handler says nothing about caching.
    ///
    /// Yes by default, since a browser's own copy cannot be invalidated. Around third-party handlers,
    /// `Expires` and targeted fields such as `CDN-Cache-Control` count as said.
    pub fn browser_default(mut self, is_sent: bool) -> Self {
        self.tells_browsers = is_sent;
        self
    }

    /// Sets the size of the largest body that is stored. 4 MiB by default.
    pub fn largest_body(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// Sets the noun that keys begin with, to separate these pages from those of other rules.
    ///
    /// `page` by default. Source: Django's `key_prefix`.
    pub fn prefix(mut self, noun: &str) -> Self {
        self.prefix = noun.to_owned();
        self
    }
}
