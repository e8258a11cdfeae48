//! Page hits that are answered before the layers and the router: as the layers would answer, and not once longer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE, VARY};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use larder_cache::event::Outcome;
use larder_cache::page::{self, Rules};
use larder_cache::stamps::StampsResult;
use larder_cache::{Builder, Cache, Event, InProcess, Listener, Policy, Tag};

use super::line::{Answer, Line};
use super::site::{request, run, wait_for};

const TEA: Tag = Tag::named("tea");

/// What the site counts.
#[derive(Default)]
struct Counts {
    /// Requests that a layer inside of the early hits has seen.
    layers: AtomicUsize,
    /// Pages that were built.
    pages: AtomicUsize,
    /// Hits and freshness checks that the cache has reported.
    hits: AtomicUsize,
    checks: AtomicUsize,
}

impl Listener for Counts {
    fn on(&self, event: &Event<'_>) {
        if event.outcome == Outcome::Hit {
            assert!(event.entry.is_some());
            self.hits.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn on_check(&self, _: Instant, _: Duration, current: &StampsResult) {
        assert!(current.is_ok());
        self.checks.fetch_add(1, Ordering::SeqCst);
    }
}

/// A site whose layer changes each response a little.
struct Site {
    address: SocketAddr,
    handle: ServerHandle,
    cache: Cache,
    counts: Arc<Counts>,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// Sends headers that no page has; where the query asks for it, changes what the page cache has answered.
async fn layer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let counts = request.app_data::<web::Data<Counts>>().unwrap().clone();
    counts.layers.fetch_add(1, Ordering::SeqCst);
    let query = request.query_string().to_owned();
    let mut response = next.call(request).await?.map_into_boxed_body();
    let headers = response.headers_mut();
    for value in ["one", "two"] {
        headers.append(HeaderName::from_static("x-layer"), HeaderValue::from_static(value));
    }
    match query.as_str() {
        "cookie" => headers.append(SET_COOKIE, HeaderValue::from_static("sid=1")),
        "status" => headers.append(page::CACHE_STATUS, HeaderValue::from_static("outer; hit")),
        "body" => return Ok(response.map_body(|_, _| "other".to_owned().boxed())),
        _ => {}
    }
    Ok(response)
}

async fn show(
    request: HttpRequest,
    cache: web::Data<Cache>,
    counts: web::Data<Counts>,
) -> HttpResponse {
    cache.reads(&[TEA]);
    let nth = counts.pages.fetch_add(1, Ordering::SeqCst);
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/plain"));
    if request.path() == "/vary" {
        response.insert_header((VARY, "user-agent"));
    }
    response.body(format!("{} {nth} {}", request.path(), "tea ".repeat(500)))
}

fn site(rules: Rules) -> Site {
    let counts = Arc::<Counts>::default();
    let cache = Builder::default().listener(counts.clone()).open(Arc::new(InProcess::new()));
    let (of_app, counted) = (cache.clone(), web::Data::from(counts.clone()));
    let (address, handle) = run(move || {
        let server = HttpServer::new(move || {
            let cached = page::cached(rules.clone().canary(false));
            App::new()
                .app_data(web::Data::new(of_app.clone()))
                .app_data(counted.clone())
                .service(web::scope("").wrap(cached).default_service(web::to(show)))
                .wrap(from_fn(layer))
                .wrap(of_app.early_hits())
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(0);
        let server = server.bind(("127.0.0.1", 0)).unwrap();
        (server.addrs()[0], server.run())
    });
    Site { address, handle, cache, counts }
}

fn for_an_hour() -> Site {
    site(Rules::shared(Policy::fresh_for(Duration::from_secs(3600))))
}

impl Site {
    fn ask(&self, target: &str, lines: &[&str]) -> Answer {
        self.ask_by("GET", target, lines)
    }

    fn ask_by(&self, method: &str, target: &str, lines: &[&str]) -> Answer {
        let mut line = Line::to(self.address);
        line.say(request(method, target, lines));
        line.hear_of(method).expect("an answer")
    }

    /// Sends a request twice, and returns the answer of the layers and the early one, without what a second changes.
    fn ask_twice(&self, method: &str, lines: &[&str]) -> [Answer; 2] {
        let layers = || self.counts.layers.load(Ordering::SeqCst);
        [layers() + 1; 2].map(|expected| {
            let answer = self.ask_by(method, "/", lines);
            assert_eq!(layers(), expected, "{method} {lines:?}");
            settled(answer)
        })
    }

    /// Sends a request, and returns whether a layer has seen it.
    fn is_layered(&self, target: &str, lines: &[&str]) -> bool {
        let before = self.counts.layers.load(Ordering::SeqCst);
        self.ask(target, lines);
        self.counts.layers.load(Ordering::SeqCst) > before
    }
}

/// Returns the answer without what a second changes, its headers in order.
fn settled(mut answer: Answer) -> Answer {
    answer.headers.retain(|(name, _)| !["date", "age"].contains(&name.as_str()));
    for (name, value) in &mut answer.headers {
        if name == "cache-status" {
            *value = value.split("ttl=").next().unwrap().to_owned();
        }
    }
    answer.headers.sort();
    answer
}

#[test]
fn a_hit_is_answered_as_the_layers_have_answered_it() {
    let site = for_an_hour();
    for coding in ["gzip", "br", "identity", "gzip;q=0, br;q=0.1"] {
        let line = format!("Accept-Encoding: {coding}");
        site.ask("/", &[&line]);
        let layered = site.ask("/", &[&line]);
        assert!(layered.is_hit() && layered.all("x-layer").eq(["one", "two"]), "{layered:?}");
        let before = site.counts.layers.load(Ordering::SeqCst);
        let early = site.ask("/", &[&line, "User-Agent: another"]);
        assert_eq!(site.counts.layers.load(Ordering::SeqCst), before, "{coding}");
        assert!(early.is_hit() && early.age().is_some(), "{early:?}");
        assert_eq!(settled(early), settled(layered), "{coding}");
    }
    assert_eq!(site.counts.pages.load(Ordering::SeqCst), 1);
}

#[test]
fn conditions_are_answered_as_the_layers_have_answered_them() {
    let site = for_an_hour();
    let page = site.ask("/", &["Accept-Encoding: gzip"]);
    let etag = format!("If-None-Match: {}", page.header("etag").unwrap());
    let built = format!("If-Modified-Since: {}", page.header("date").unwrap());
    let cases: [(&[&str], u16); 6] = [
        (&[&etag, "Accept-Encoding: gzip"], 304),
        (&[&etag, "Accept-Encoding: br"], 200),
        (&[&etag, &built, "Cache-Control: max-age=0", "Accept-Encoding: gzip"], 304),
        (&[&built], 304),
        (&["If-None-Match: \"other\"", &built], 200),
        (&["If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT"], 200),
    ];
    for method in ["GET", "HEAD"] {
        for (lines, status) in cases {
            let [layered, early] = site.ask_twice(method, lines);
            assert_eq!((layered.status, &early), (status, &layered), "{method} {lines:?}");
            assert_eq!(early.body.is_empty(), status == 304 || method == "HEAD");
        }
    }
    assert_eq!(site.counts.pages.load(Ordering::SeqCst), 1);
    wait_for(site.cache.changed(&[TEA])).unwrap();
    let after = [0; 3].map(|_| site.ask("/", &[&etag, "Accept-Encoding: gzip"]).status);
    assert_eq!(after, [200; 3], "the page has changed");
}

#[test]
fn directives_that_are_obeyed_are_weighed_for_each_request() {
    let hour = || Rules::shared(Policy::fresh_for(Duration::from_secs(3600)));
    let obeying = site(hour().request_directives(true));
    for _ in 0..3 {
        assert!(obeying.is_layered("/", &["Cache-Control: max-age=60"]));
    }
    let plain = [0; 3].map(|_| obeying.is_layered("/", &[]));
    assert_eq!(plain, [true, false, false]);
    let other = site(hour());
    let ignored =
        [0; 3].map(|_| other.is_layered("/", &["Cache-Control: no-cache", "Pragma: no-cache"]));
    assert_eq!(ignored, [true, true, false], "built, looked up, and answered early");
}

#[test]
fn other_requests_pass_through_the_layers() {
    let site = for_an_hour();
    let plain = "Accept: text/html";
    (0..2).for_each(|_| drop(site.ask("/", &[plain])));
    assert!(!site.is_layered("/", &[plain]));
    for line in [
        "Cookie: a=b",
        "Authorization: Basic eDp5",
        "Cache-Control: no-cache",
        "If-None-Match: \"x\"",
        "Range: bytes=0-1",
        "X-Forwarded-Proto: https",
        "Forwarded: for=1.2.3.4",
        "X-Unknown: 1",
        "Accept: text/plain",
    ] {
        assert!(site.is_layered("/", &[plain, line]), "{line}");
    }
    assert!(site.is_layered("/?", &[plain]) && site.is_layered("/other", &[plain]));
    assert!(!site.is_layered("/", &[plain]), "and the plain one is still known");
}

#[test]
fn what_the_layers_have_changed_is_not_repeated() {
    let site = for_an_hour();
    for target in ["/?cookie", "/?status", "/?body", "/vary"] {
        for _ in 0..4 {
            assert!(site.is_layered(target, &[]), "{target}");
        }
    }
}

#[test]
fn nothing_is_served_for_longer() {
    let site = for_an_hour();
    let nth = || site.ask("/", &[]).text().split(' ').nth(1).unwrap().to_owned();
    for _ in 0..3 {
        assert_eq!(nth(), "0");
    }
    wait_for(site.cache.changed(&[TEA])).unwrap();
    for _ in 0..3 {
        assert_eq!(nth(), "1", "its tag has changed");
    }
    wait_for(site.cache.clear()).unwrap();
    for _ in 0..3 {
        assert_eq!(nth(), "2", "it was deleted");
    }
    assert!(!site.is_layered("/", &[]), "the new page is known, too");
}

#[test]
fn a_page_that_writes_invalidate_is_looked_up_by_the_page_cache() {
    let rules = Rules::shared(Policy::fresh_for(Duration::from_secs(3600)));
    let site = site(rules.emptied_by_writes(true));
    for _ in 0..4 {
        assert!(site.is_layered("/", &[]));
    }
}

#[test]
fn an_early_hit_is_reported_like_any_other() {
    let site = for_an_hour();
    for _ in 0..5 {
        site.ask("/", &[]);
    }
    let heard = [&site.counts.hits, &site.counts.checks].map(|count| count.load(Ordering::SeqCst));
    assert_eq!(heard, [4, 5]);
}

#[test]
fn what_rules_find_out_about_a_visitor_is_found_out_for_each() {
    let device = |request: &HttpRequest| {
        let agent = request.headers().get("user-agent");
        if agent.is_some_and(|agent| agent == "phone") { "phone" } else { "" }
    };
    let shared = || Rules::shared(Policy::fresh_for(Duration::from_secs(3600)));
    let keyed = site(shared().key_by("device", device));
    let nth = |agent| keyed.ask("/", &[agent]).text().split(' ').nth(1).unwrap().to_owned();
    for _ in 0..3 {
        assert_eq!([nth("User-Agent: screen"), nth("User-Agent: phone")], ["0", "1"]);
    }
    let holed = site(shared().hole("device", move |request| device(request).to_owned()));
    assert!((0..4).all(|_| holed.is_layered("/", &[])));
    // The owner knows what they look at.
    let told = site(shared().told_apart_by_cookies().hole("account", |_| String::new()));
    (0..2).for_each(|_| drop(told.ask("/", &[])));
    assert!(!told.is_layered("/", &[]) && told.is_layered("/", &["Cookie: a=b"]));
}
