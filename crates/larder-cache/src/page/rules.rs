//! Rules: what the owner of a route says about its pages.
//!
//! - [`Rules::shared`]: the pages are for everybody. Handlers see nobody, so they cannot leak; the
//!   owner's lifetime counts.
//! - [`Rules::respecting`]: around handlers of others. Only what an answer says of itself counts, as
//!   RFC 9111 reads it for a shared cache.
//! - What a rule does not mention is as careful as can be.

use std::time::Duration;

use actix_web::http::header::HeaderName;

use super::freshness::Owner;
use super::storable::STATUSES;
use crate::policy::Policy;

/// The largest body that is kept where the owner says nothing.
const LARGEST: usize = 4 << 20;

/// What the owner of a route says about its pages.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) owner: Owner,
    pub(super) policy: Option<Policy>,
    pub(super) is_shared: bool,
    pub(super) statuses: Vec<u16>,
    pub(super) targets: Vec<HeaderName>,
    pub(super) parameters: Option<&'static [&'static str]>,
    pub(super) headers: Vec<HeaderName>,
    pub(super) cookies: Vec<&'static str>,
    pub(super) sessions: Vec<&'static str>,
    pub(super) has_ranges: bool,
    pub(super) has_codings: bool,
    pub(super) revalidates: bool,
    pub(super) obeys_requests: bool,
    pub(super) is_emptied_by_writes: bool,
    pub(super) largest: usize,
    pub(super) prefix: &'static str,
    pub(super) has_canary: bool,
}

impl From<Policy> for Rules {
    fn from(policy: Policy) -> Self {
        Self::shared(policy)
    }
}

impl Rules {
    /// Pages for everybody, kept as long as `policy` says, whatever lifetime the handler gives.
    ///
    /// `Cookie` and `Authorization` are taken off every request before the handler sees it. Writes to the
    /// route empty nothing by themselves: what the pages are made of has tags.
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

    /// The policy of a page that is kept for so long.
    pub(super) fn policy_for(&self, lifetime: Duration) -> Policy {
        let policy = Policy::fresh_for(lifetime);
        let is_local = self.policy.is_some_and(|policy| policy.is_local());
        if is_local { policy.local_only() } else { policy }
    }

    /// Pages of handlers that know nothing of this cache: explicit freshness only.
    pub fn respecting() -> Self {
        Self {
            owner: Owner::Silent,
            policy: None,
            is_shared: false,
            statuses: STATUSES.to_vec(),
            targets: Vec::new(),
            parameters: None,
            headers: Vec::new(),
            cookies: Vec::new(),
            sessions: Vec::new(),
            has_ranges: true,
            has_codings: true,
            revalidates: true,
            obeys_requests: false,
            is_emptied_by_writes: true,
            largest: LARGEST,
            prefix: "page",
            has_canary: false,
        }
    }

    /// For answers that give no lifetime. Without it they are not kept.
    pub fn default_lifetime(mut self, lifetime: Duration) -> Self {
        self.owner = Owner::Default(lifetime);
        self
    }

    /// Only answers with these statuses are kept.
    pub fn statuses(mut self, statuses: &[u16]) -> Self {
        self.statuses = statuses.to_vec();
        self
    }

    /// Fields that speak to this cache, the most specific first; the first that is valid counts instead
    /// of `Cache-Control`. Source: RFC 9213 §2.2.
    pub fn targets(mut self, names: &[HeaderName]) -> Self {
        self.targets = names.to_vec();
        self
    }

    /// The page depends on these query parameters only. All others, and those without a value, are taken
    /// off before the handler sees the request, and their order is fixed: they cannot make pages.
    ///
    /// Source: `No-Vary-Search`.
    pub fn parameters(mut self, names: &'static [&'static str]) -> Self {
        self.parameters = Some(names);
        self
    }

    /// These request headers are part of the key, whatever `Vary` says.
    pub fn keyed_headers(mut self, names: &[HeaderName]) -> Self {
        self.headers = names.to_vec();
        self
    }

    /// These cookies are part of the key, each by its value.
    pub fn keyed_cookies(mut self, names: &[&'static str]) -> Self {
        self.cookies = names.to_vec();
        self
    }

    /// Requests with one of these cookies pass by: they are of somebody who has signed in.
    pub fn sessions(mut self, cookies: &[&'static str]) -> Self {
        self.sessions = cookies.to_vec();
        self
    }

    /// Whether parts of pages are answered to who asks for them. Yes by default.
    pub fn ranges(mut self, has: bool) -> Self {
        self.has_ranges = has;
        self
    }

    /// Whether bodies are compressed for who accepts that. Yes by default.
    pub fn codings(mut self, has: bool) -> Self {
        self.has_codings = has;
        self
    }

    /// Whether handlers are asked if a stale page is still good. Yes by default.
    pub fn revalidation(mut self, does: bool) -> Self {
        self.revalidates = does;
        self
    }

    /// Whether `Cache-Control: no-cache` and `only-if-cached` of a request count. No by default: visitors
    /// could make the site work. Source: RFC 9111 §5.2.1.
    pub fn request_directives(mut self, count: bool) -> Self {
        self.obeys_requests = count;
        self
    }

    /// Whether an answered write to an address makes its pages, and those that the answer names, stale.
    /// Source: RFC 9111 §4.4.
    pub fn emptied_by_writes(mut self, is: bool) -> Self {
        self.is_emptied_by_writes = is;
        self
    }

    /// Whether each page that is kept is made once more as for somebody else, and refused loudly where it
    /// differs. In debug builds, for pages that are for everybody, yes by default; else no.
    ///
    /// Handlers are called twice for a page, then.
    pub fn canary(mut self, sings: bool) -> Self {
        self.has_canary = sings;
        self
    }

    /// Larger bodies are not kept. 4 MiB by default.
    pub fn largest_body(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// Keeps these pages apart from those of other rules: a noun that keys begin with, `page` by default.
    /// Source: Django's `key_prefix`.
    pub fn prefix(mut self, noun: &'static str) -> Self {
        self.prefix = noun;
        self
    }
}
