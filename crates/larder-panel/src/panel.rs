//! The front door: builds a panel, and adds it to an app.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpRequest, HttpResponse, web};

use crate::cache::front::Purges;
use crate::cache::page::CacheStatus;
use crate::cache::{Cache, Tag};
use crate::dashboard::audit;
use crate::hooks::{self, Explaining, Part, Rendering};
use crate::page::Page;
use crate::state::PanelState;
use crate::{assets, routes, trace};

/// The toolbar, the dashboard and the metrics of a cache.
///
/// It is built once, outside of the closure that builds the app of each worker. Clones are the same panel.
#[derive(Clone)]
pub struct Panel(pub(crate) Arc<PanelState>);

impl fmt::Debug for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panel").field("at", &self.0.at).finish_non_exhaustive()
    }
}

impl Panel {
    /// Creates the panel of a cache, below `/_larder`, for clients on this machine.
    ///
    /// It listens to the cache from now on.
    ///
    /// # Panics
    /// If the cache has a panel already.
    pub fn new(cache: &Cache) -> Self {
        let state = PanelState::new(cache.clone());
        let has_joined = cache.listen(state.counts.clone());
        assert!(
            has_joined,
            "this cache has a panel: build it once, outside of the closure of HttpServer::new"
        );
        Self(Arc::new(state))
    }

    /// Sets the path that all addresses of the panel begin with; empty for the root of the site.
    ///
    /// # Panics
    /// Here and below: if the panel was cloned already.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        self.with(|state| path.trim_end_matches('/').clone_into(&mut state.at))
    }

    /// Sets which clients see the panel; for the others, there is nothing at its addresses.
    ///
    /// The request is as it was received: no layer has seen it yet. By default clients on this machine are
    /// allowed, unless a header says that a proxy passed their request on.
    #[must_use]
    pub fn allow(
        self,
        allows: impl Fn(&HttpRequest) -> bool + Send + Sync + Clone + 'static,
    ) -> Self {
        self.with(|state| {
            state.hooks.observes = Arc::new(allows.clone());
            state.hooks.guards = [(); 3].map(|()| hooks::of(allows.clone()));
        })
    }

    /// Sets which clients see one part of the panel, and what the others are told.
    ///
    /// `check` is asked when all layers inside of the panel have seen the request, so it may know who is signed
    /// in.
    #[must_use]
    pub fn guard(
        self,
        part: Part,
        check: impl Fn(&HttpRequest) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        self.with(|state| state.hooks.guards[part as usize] = Arc::new(check))
    }

    /// Sets which requests the toolbar records of those that are allowed, once they are answered and it is known who
    /// is signed in.
    ///
    /// The request is the one of the response: the page cache hides the client's address from handlers.
    #[must_use]
    pub fn confirm(self, confirms: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static) -> Self {
        self.with(|state| state.hooks.confirms = Arc::new(confirms))
    }

    /// Sets how the address of a client is found; by default it is the peer of the connection.
    #[must_use]
    pub fn client(
        self,
        client: impl Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|state| state.hooks.client = Box::new(client))
    }

    /// Sets which clients of the dashboard are shown its buttons; by default all are.
    #[must_use]
    pub fn may_write(self, may: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static) -> Self {
        self.with(|state| state.hooks.may_write = Arc::new(may))
    }

    /// Sets the layout of the dashboard's pages: the application's own header and styles around their content.
    #[must_use]
    pub fn layout(
        self,
        layout: impl Fn(HttpRequest, Page) -> Rendering + Send + Sync + 'static,
    ) -> Self {
        self.with(|state| state.hooks.layout = Box::new(layout))
    }

    /// Sets how a browser is redirected to a path of this site after a form, to be shown a sentence there.
    #[must_use]
    pub fn redirect(self, redirect: fn(&str, &str) -> HttpResponse) -> Self {
        self.with(|state| state.hooks.redirect = redirect)
    }

    /// Sets how moments are printed; by default in UTC.
    #[must_use]
    pub fn clock(self, clock: fn(SystemTime) -> String) -> Self {
        self.with(|state| state.hooks.clock = clock)
    }

    /// Sets how the application splits a text into the words by which it searches, separated by spaces.
    ///
    /// Words of secrets are hidden, too: in statements that look for them one by one.
    #[must_use]
    pub fn words(self, words: fn(&str) -> String) -> Self {
        self.with(|state| state.hooks.words = words)
    }

    /// Sets how a statement is explained, from its text and its printed values, and whether it is run for that.
    ///
    /// One that is run must be rolled back.
    #[must_use]
    pub fn explain(
        self,
        explain: impl Fn(String, Vec<String>, bool) -> Explaining + Send + Sync + 'static,
    ) -> Self {
        self.with(|state| state.hooks.explain = Some(Box::new(explain)))
    }

    /// Sets how an error and what caused it are told, outermost first; by default it is the error alone.
    #[must_use]
    pub fn errors(self, errors: fn(&Error) -> Vec<String>) -> Self {
        self.with(|state| state.hooks.errors = errors)
    }

    /// Lets the toolbar show the calls that led to each statement and lookup, those of these crates first.
    ///
    /// It is set for the whole process. Each costs more than a hit does, so by default there are none.
    #[must_use]
    pub fn traces(self, own: &[&'static str]) -> Self {
        trace::switch(own);
        self
    }

    /// Leaves out panels of the toolbar: `cache`, `sql`, `time`, `request`, `headers`, `templates`, `log`, `settings`,
    /// `versions`, `history`.
    #[must_use]
    pub fn without(self, panels: &[&'static str]) -> Self {
        self.with(|state| state.hooks.without = panels.to_vec())
    }

    /// Sets which tags a name means that people type; `None` if there is no such tag.
    ///
    /// By default any name is a tag, and `everything` all of them.
    #[must_use]
    pub fn tags(self, tags: impl Fn(&str) -> Option<Vec<Tag>> + Send + Sync + 'static) -> Self {
        self.with(|state| state.hooks.tags = Box::new(tags))
    }

    /// Sets what the metrics say of the caches in front of the site, such as `Purging::purges` of larder-sql.
    #[must_use]
    pub fn fronts(self, purges: impl Fn() -> Vec<Purges> + Send + Sync + 'static) -> Self {
        self.with(|state| state.hooks.fronts = Box::new(purges))
    }

    /// Sets the beginnings of paths that are no pages: they have no row in the history.
    #[must_use]
    pub fn unlisted(self, fronts: &[&str]) -> Self {
        self.with(|state| state.hooks.unlisted = fronts.iter().map(|&front| front.into()).collect())
    }

    /// Sets the names and values of the settings that the toolbar shows, without secrets.
    #[must_use]
    pub fn settings(self, settings: Vec<(String, String)>) -> Self {
        self.with(|state| state.hooks.settings = settings)
    }

    /// Sets the names and versions that the toolbar shows, the program itself first.
    #[must_use]
    pub fn versions(self, versions: Vec<(String, String)>) -> Self {
        self.with(|state| state.hooks.versions = versions)
    }

    /// Sets the labels of the metric `larder_build_info`, beside the version of this crate.
    #[must_use]
    pub fn build(self, labels: Vec<(&'static str, String)>) -> Self {
        self.with(|state| state.hooks.build = labels)
    }

    /// Leaves it to the application to count requests by [`Panel::count`] and [`Panel::add_in_flight`], as where a layer around the panel
    /// answers some.
    #[must_use]
    pub fn counting_requests_itself(self) -> Self {
        self.with(|state| state.hooks.counts_itself = true)
    }

    /// Counts a request that was answered.
    pub fn count(
        &self,
        method: &Method,
        status: StatusCode,
        cache: Option<CacheStatus>,
        took: Duration,
    ) {
        self.0.counts.metrics.requests.count(method, status, cache, took);
    }

    /// Changes the number of requests whose answer has not begun, where the application counts requests itself.
    pub fn add_in_flight(&self, change: i64) {
        self.0.counts.metrics.requests.add_in_flight(change);
    }

    /// Notes in the log of invalidations that the application has cleared its cache at its start.
    pub fn note_start(&self) {
        self.0.audit.note(audit::Act::Cleared, "everything", audit::Door::Start, None);
        self.0.audit.count();
    }

    /// Returns what adds the panel's addresses to an app: `app.configure(panel.routes())`.
    pub fn routes(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let state = self.0.clone();
        move |cfg| {
            let at = state.at.clone();
            cfg.app_data(web::Data::from(state));
            assets::routes(&at, cfg);
            routes::routes(&at, cfg);
        }
    }

    fn with(mut self, change: impl FnOnce(&mut PanelState)) -> Self {
        change(Arc::get_mut(&mut self.0).expect("a panel is changed before it is cloned"));
        self
    }
}
