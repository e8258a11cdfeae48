//! Revalidation with handlers as actix's documentation writes them: without `Date`, and with bare 304s.

use std::time::{Duration, SystemTime};

use actix_web::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, ETAG, EXPIRES, EntityTag, HeaderValue, HttpDate,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IfModifiedSince, LAST_MODIFIED, VARY,
};
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use larder_cache::page::{self, Rules};

use super::line::Answer;
use super::plain::{Calls, Plain};
use super::site::until;

/// The owner's lifetime in these tests, after which pages are revalidated.
const SOON: Duration = Duration::from_millis(100);

/// Reports whether this is the answer of a fresh page.
fn is_fresh(answer: &Answer) -> bool {
    answer.is_hit() && !answer.fate().contains("detail")
}

/// Reports whether the client's `If-None-Match` names this tag.
fn knows(request: &HttpRequest, tag: &str) -> bool {
    let Some(line) = request.headers().get(IF_NONE_MATCH) else { return false };
    line.to_str().unwrap().contains(tag)
}

/// The path is what the page says in `Cache-Control`.
async fn tagged(request: HttpRequest, calls: web::Data<Calls>) -> HttpResponse {
    calls.note(&request);
    let mut response = match knows(&request, "\"v1\"") {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    let said = request.path().trim_start_matches('/').replace('+', ", ");
    response.insert_header((ETAG, "\"v1\"")).insert_header((CACHE_CONTROL, said));
    if knows(&request, "\"v1\"") { response.finish() } else { response.body("page") }
}

fn site(
    rules: Rules,
    handler: impl actix_web::Handler<(HttpRequest, web::Data<Calls>), Output: Responder + 'static>
    + Send,
) -> Plain {
    Plain::open(move |config| {
        let resource = web::resource("/{tail:.*}").wrap(page::cached(rules.clone()));
        config.service(resource.get(handler.clone()));
    })
}

/// The server adds `Date` to what is sent; the cache sees none. RFC 9110 §6.6.1.
#[test]
fn a_304_without_a_date_makes_the_page_fresh_again() {
    for said in [
        "/max-age=1",
        "/max-age=1+stale-while-revalidate=60",
        "/max-age=1+stale-if-error=60",
        "/max-age=1+stale-while-revalidate=60+stale-if-error=60",
    ] {
        let site = site(Rules::respecting(), tagged);
        assert!(site.get(said).is_stored());
        until("it is revalidated", || {
            site.get(said);
            (site.calls(said) > 1).then_some(())
        });
        let hit = until("it is fresh again", || {
            let answer = site.get(said);
            assert!(site.calls(said) < 20, "{said}: every request calls the handler: {answer:?}");
            Some(answer).filter(is_fresh)
        });
        assert_eq!((hit.text().as_str(), hit.all("date").count()), ("page", 1), "{hit:?}");
        assert_eq!(site.seen(said)[1].get(IF_NONE_MATCH).unwrap(), "\"v1\"");
    }
}

/// The query is the header that the page has beside its tag.
async fn said(request: HttpRequest, calls: web::Data<Calls>) -> HttpResponse {
    calls.note(&request);
    if knows(&request, "\"v1\"") {
        return HttpResponse::NotModified().insert_header((ETAG, "\"v1\"")).finish();
    }
    let mut response = HttpResponse::Ok();
    let soon = HttpDate::from(SystemTime::now() + Duration::from_secs(60));
    match request.query_string() {
        "expires" => response.insert_header((EXPIRES, soon)),
        "targeted" => response.insert_header(("CDN-Cache-Control", "max-age=60")),
        "long" => response.content_type("text/plain"),
        _ => &mut response,
    };
    response.insert_header((ETAG, "\"v1\"")).body("page".repeat(1000))
}

/// A 304 updates what the handler said; `private` is what the cache said to browsers.
#[test]
fn the_default_for_browsers_is_not_the_handlers_word() {
    let site = site(Rules::respecting().default_lifetime(SOON), said);
    for target in ["/", "/?long"] {
        let first = site.get(target);
        assert_eq!(first.header("cache-control"), Some("private, no-cache"));
        let answer =
            until("it is revalidated", || Some(site.get(target)).filter(|answer| !answer.is_hit()));
        assert_eq!(answer.fate(), "larder-cache; fwd=stale; fwd-status=304; stored");
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        assert_eq!(answer.header("vary"), first.header("vary"));
        assert_eq!(answer.all("date").count(), 1);
        let coded = site.ask("GET", target, &["Accept-Encoding: gzip"]);
        assert_eq!(coded.header("content-encoding").is_some(), target == "/?long", "{coded:?}");
        assert!(!coded.fate().contains("vary"), "its codings are no variants: {coded:?}");
    }
}

#[test]
fn browsers_get_a_default_only_where_the_handler_says_nothing() {
    let rules = || Rules::respecting().default_lifetime(Duration::from_secs(60));
    for (rules, target, expected) in [
        (rules(), "/", Some("private, no-cache")),
        (rules(), "/?expires", None),
        (rules(), "/?targeted", None),
        (rules().browser_default(false), "/", None),
    ] {
        let site = site(rules, said);
        assert!(site.get(target).is_stored());
        for answer in [site.get(target), site.ask("GET", target, &["If-None-Match: \"v1\""])] {
            assert!(is_fresh(&answer), "{answer:?}");
            assert_eq!(answer.header("cache-control"), expected, "{target}: {answer:?}");
        }
    }
}

const CHANGED: &str = "Fri, 01 Jan 2010 00:00:00 GMT";

/// Knows `If-Modified-Since`, and ignores it beside `If-None-Match` as RFC 9110 §13.1.3 asks.
async fn dated(
    request: HttpRequest,
    calls: web::Data<Calls>,
    since: Option<web::Header<IfModifiedSince>>,
) -> impl Responder {
    calls.note(&request);
    let changed: HttpDate = CHANGED.parse().unwrap();
    let is_known = since.is_some_and(|since| since.0.0 >= changed);
    match is_known && !request.headers().contains_key(IF_NONE_MATCH) {
        true => HttpResponse::NotModified().finish(),
        false => HttpResponse::Ok().insert_header((LAST_MODIFIED, CHANGED)).body("page"),
    }
}

/// An `If-None-Match` with a tag of the cache's own would disable the handler's dates. RFC 9111 §4.3.1.
#[test]
fn only_validators_of_the_handler_are_sent_to_it() {
    let site = Plain::open(|config| {
        let cached = page::cached(Rules::respecting().default_lifetime(SOON));
        config.service(web::resource("/dated").wrap(cached.clone()).get(dated));
        let bare = async |request: HttpRequest, calls: web::Data<Calls>| {
            calls.note(&request);
            "page"
        };
        config.service(web::resource("/bare").wrap(cached).get(bare));
    });
    for (target, expected) in [
        ("/dated", "larder-cache; fwd=stale; fwd-status=304; stored"),
        ("/bare", "larder-cache; fwd=stale; stored"),
    ] {
        let first = site.get(target);
        assert!(first.header("etag").is_some(), "clients get a tag: {first:?}");
        let answer =
            until("it is rebuilt", || Some(site.get(target)).filter(|answer| !answer.is_hit()));
        assert_eq!((answer.fate(), answer.text().as_str()), (expected, "page"), "{answer:?}");
        assert_eq!((answer.header("etag"), site.calls(target)), (first.header("etag"), 2));
        let seen = &site.seen(target)[1];
        assert!(!seen.contains_key(IF_NONE_MATCH), "{seen:?}");
        assert_eq!(seen.contains_key(IF_MODIFIED_SINCE), target == "/dated", "{seen:?}");
    }
}

/// Has a page and a tag for each language; its 304 is as short as it can be.
async fn translated(request: HttpRequest, calls: web::Data<Calls>) -> HttpResponse {
    calls.note(&request);
    let language = request.headers().get(ACCEPT_LANGUAGE);
    let language = language.and_then(|line| line.to_str().ok()).unwrap_or("en").to_owned();
    let tag = EntityTag::new_strong(language.clone());
    if knows(&request, &tag.to_string()) {
        return HttpResponse::NotModified().finish();
    }
    let vary = HeaderValue::from_static("Accept-Language");
    HttpResponse::Ok().insert_header((VARY, vary)).insert_header((ETAG, tag)).body(language)
}

/// RFC 9111 §4.3.3: it says that the stored page can be used, and only one was asked about.
#[test]
fn a_bare_304_freshens_the_page_whose_validators_were_sent() {
    let site = site(Rules::respecting().default_lifetime(SOON), translated);
    let ask = |language: &str| site.ask("GET", "/", &[&format!("Accept-Language: {language}")]);
    for language in ["de", "fr"] {
        assert!(ask(language).is_stored());
    }
    for (nth, language) in ["de", "fr"].into_iter().enumerate() {
        let answer =
            until("it is validated", || Some(ask(language)).filter(|answer| !answer.is_hit()));
        assert_eq!(answer.fate(), "larder-cache; fwd=stale; fwd-status=304; stored");
        let expected = format!("\"{language}\"");
        assert_eq!((answer.text().as_str(), answer.header("etag")), (language, Some(&*expected)));
        let calls = site.seen("/");
        assert_eq!(calls.len(), 3 + nth, "one call of the handler");
        assert_eq!(calls[2 + nth].get(IF_NONE_MATCH).unwrap(), expected.as_str());
    }
}
